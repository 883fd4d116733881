// The protocol that joins a child's pipes to a StreamWriter and StreamReaders.
// Floor 10.

import { kInternal, SubprocessProtocol } from './protocols.ts';
import { StreamReader } from './reading.ts';
import { StreamProtocol } from './stream_protocol.ts';
import { StreamWriter } from './streams.ts';
import type { InternalSubprocessProtocol, ProcessTransport } from './subprocess_transport.ts';
import type { LoopCore } from './turns.ts';

/** @internal */
export class SubprocessStreams extends SubprocessProtocol implements InternalSubprocessProtocol {
  readonly [kInternal] = true as const;
  stdin: StreamWriter | null = null;
  /** Of stdout and stderr, by their descriptor in the child. */
  readonly readers: (StreamReader | null)[] = [null, null, null];
  private readonly limit: number | undefined;
  /** Whom the waiting drains of stdin belong to. */
  private readonly feeding: StreamProtocol;
  private transport: ProcessTransport | undefined = undefined;
  private exited = false;

  constructor(loop: LoopCore, limit: number | undefined) {
    super();
    this.limit = limit;
    // Nothing comes back through stdin: this reader only holds the error that ended it.
    this.feeding = new StreamProtocol(loop, new StreamReader());
  }

  override connectionMade(transport: ProcessTransport): void {
    this.transport = transport;
    const stdin = transport.getPipeTransport(0);
    if (stdin !== null) this.stdin = new StreamWriter(stdin, this.feeding);
    for (const fd of [1, 2]) {
      const pipe = transport.getPipeTransport(fd);
      if (pipe === null) continue;
      const reader = new StreamReader(this.limit === undefined ? {} : { limit: this.limit });
      reader.setTransport(pipe);
      this.readers[fd] = reader;
    }
  }

  override pipeDataReceived(fd: number, data: Buffer): void {
    this.readers[fd]?.receive(data);
  }

  override pipeConnectionLost(fd: number, error: unknown): void {
    if (fd === 0) {
      this.feeding.connectionLost(error);
      return;
    }
    const reader = this.readers[fd];
    if (error === null) reader?.feedEof();
    else reader?.connectionFailed(error);
    this.closeIfOver();
  }

  override pauseWriting(): void {
    this.feeding.pauseWriting();
  }

  override resumeWriting(): void {
    this.feeding.resumeWriting();
  }

  override processExited(): void {
    this.exited = true;
    this.closeIfOver();
  }

  /** With the child and its output at their end nobody reads its stdin either. */
  private closeIfOver(): void {
    const transport = this.transport;
    if (transport === undefined || !this.exited) return;
    for (const fd of [1, 2]) if (transport.isPipeOpen(fd)) return;
    transport.close();
  }
}
