/**
 * A Duplex whose other side the test holds: what was written to it, and when writes are done. Emits
 * 'written' for each write.
 */
import { Duplex, type DuplexOptions } from 'node:stream';

export class MemoryDuplex extends Duplex {
  /** What was written so far. */
  readonly written: Buffer[] = [];
  /** Ends the write under way; undefined when none is. */
  finishWrite: ((error?: Error | null) => void) | undefined = undefined;
  /** Whether writes wait for finishWrite(). */
  slow = false;

  constructor(options: DuplexOptions = {}) {
    super(options);
  }

  override _read(): void {}

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.written.push(chunk);
    this.emit('written');
    if (this.slow) this.finishWrite = done;
    else done();
  }

  get text(): string {
    return Buffer.concat(this.written).toString();
  }
}
