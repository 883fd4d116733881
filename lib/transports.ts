// SocketTransport: a connected byte stream, between its native handle (a slot) and its protocol.
// Floor 7.
//
// One owner: the slot belongs to the transport from its construction until connectionLost() has been
// scheduled and has run, then it is closed; after that every method is harmless.
//
// Writes of one turn are sent together at its end (send.ts); longer ones at once. What the system does
// not take is copied and queued by the native side, which reports the bytes still waiting.
import { checkBytes } from './arguments.ts';
import { RuntimeError } from './exceptions.ts';
import { closeSlot, type EventReceiver, registerReceiver } from './io_events.ts';
import { layout, native } from './native.ts';
import type { BaseProtocol } from './protocols.ts';
import { takeReceived } from './receive.ts';
import { addToBatch, batchEpoch } from './send.ts';
import { systemError } from './system_errors.ts';
import { TransportBase, type TransportOwner } from './transport_base.ts';
import type { LoopCore } from './turns.ts';

const { kData, kEof, kReadFailed, kQueued, kWriteFailed, kShutDown, kConnected } = layout;

/** @public */
export class SocketTransport extends TransportBase implements EventReceiver {
  protected readonly slot: number;
  /** The slot is not ours any more. */
  private released = false;
  private eofWritten = false;
  /** Bytes that the native side has queued. */
  private queued = 0;
  private batched = 0;
  private batchEpoch = -1;
  private onConnected: ((errno: number) => void) | undefined = undefined;

  /** @internal */
  constructor(
    loop: LoopCore,
    slot: number,
    protocol: BaseProtocol,
    owner: TransportOwner | null = null,
  ) {
    super(loop, protocol, owner);
    this.slot = slot;
    registerReceiver(slot, this);
  }

  // ---------------------------------------------------------------------------- life

  /** Calls back when the connection attempt ends; 0 or a negative error number. @internal */
  whenConnected(callback: (errno: number) => void): void {
    this.onConnected = callback;
  }

  /** Gives up before the protocol was told of a connection: it is not told of the end either. @internal */
  discard(): void {
    this.closing = this.lost = this.released = true;
    closeSlot(this.slot);
  }

  /**
   * Closes the transport: what was written is sent first, nothing more is received, then the protocol's
   * connectionLost(null) is called.
   */
  close(): void {
    if (this.closing) return;
    this.closing = true;
    this.flush();
    if (this.lost) return;
    if (this.queued === 0) this.scheduleLost(null);
    else this.stopReading();
  }

  // -------------------------------------------------------------------------- reading

  /** Stops receiving; may be called again. */
  pauseReading(): void {
    if (this.closing || !this.reading) return;
    this.stopReading();
  }

  /** Goes on receiving; may be called again. */
  resumeReading(): void {
    if (this.closing || this.reading || this.eofReceived) return;
    this.reading = true;
    const status = native.streamReadStart(this.slot);
    if (status < 0) this.fail(systemError(status, 'read'));
  }

  private stopReading(): void {
    this.reading = false;
    native.streamReadStop(this.slot);
  }

  // -------------------------------------------------------------------------- writing

  /**
   * Sends `data`, without waiting: what the system does not take now is copied and sent later. Never
   * throws for a lost connection.
   * @throws TypeError when `data` is neither bytes nor a string; RuntimeError after writeEof()
   */
  write(data: Uint8Array | string): void {
    if (typeof data !== 'string') checkBytes(data, 'data');
    if (this.eofWritten) throw new RuntimeError('Cannot call write() after writeEof()');
    if (data.length === 0) return;
    // Between close() and the end what is unsent is sent first, and this after it, as in asyncio.
    if (this.lost) {
      this.noteLostWrite();
      return;
    }
    if (this.queued === 0) {
      const batched = addToBatch(this.slot, data);
      if (batched >= 0) {
        this.noteBatched(batched);
        return;
      }
    }
    const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
    this.batched = 0;
    this.setQueued(native.streamWrite(this.slot, bytes));
  }

  /** Half-closes the connection after what was written: the peer sees EOF, and may go on sending. */
  writeEof(): void {
    if (this.closing || this.eofWritten) return;
    this.eofWritten = true;
    this.flush();
    if (this.lost) return;
    const status = native.streamShutDown(this.slot);
    if (status < 0) this.fail(systemError(status, 'shutdown'));
  }

  canWriteEof(): boolean {
    return true;
  }

  /** Bytes written and not yet taken by the system. */
  getWriteBufferSize(): number {
    return this.queued + (this.unsent() ? this.batched : 0);
  }

  // -------------------------------------------------------------------------- facts

  /**
   * Facts about the transport: 'peername' and 'sockname' as [host, port], 'socket'.
   * @returns `fallback` (null) for a name it does not know
   */
  // biome-ignore lint/suspicious/noExplicitAny: the kind depends on the name
  override getExtraInfo(name: string, fallback: unknown = null): any {
    const known = super.getExtraInfo(name);
    if (known !== null) return known;
    if (name !== 'peername' && name !== 'sockname') return fallback;
    if (this.released) return fallback;
    const address = native.socketAddress(this.slot, name === 'peername');
    if (typeof address === 'number') return fallback;
    const value = [address[0], address[1]];
    this.setExtraInfo(name, value);
    return value;
  }

  /** Keeps small packets from being held back; on by default. @internal */
  setNoDelay(enabled: boolean): void {
    native.setNoDelay(this.slot, enabled);
  }

  /** @internal */
  setKeepAlive(enabled: boolean): void {
    native.setKeepAlive(this.slot, enabled, 0);
  }

  /** Whether the connection keeps the process alive. @internal */
  setRef(ref: boolean): void {
    if (!this.released) native.setRef(this.slot, ref);
  }

  // -------------------------------------------------------------------------- events

  /** @internal */
  onEvent(kind: number, a: number, b: number): void {
    switch (kind) {
      case kData:
        this.receive(takeReceived(a, b));
        break;
      case kEof:
        this.receiveEof();
        break;
      case kReadFailed:
        this.fail(systemError(a, 'read'));
        break;
      case kQueued:
        this.setQueued(a);
        break;
      case kWriteFailed:
        this.fail(systemError(a, 'write'));
        break;
      case kShutDown:
        break;
      case kConnected:
        this.onConnected?.(a);
        this.onConnected = undefined;
        break;
    }
  }

  protected override dropUnsent(): void {
    this.queued = 0;
    this.batched = 0;
  }

  protected override release(): void {
    // Who is gone is asked for most when the connection is.
    for (const name of ['peername', 'sockname']) this.getExtraInfo(name);
    this.released = true;
    closeSlot(this.slot);
  }

  // ------------------------------------------------------------------------- write buffer

  private noteBatched(length: number): void {
    const epoch = batchEpoch();
    if (epoch === this.batchEpoch) {
      this.batched += length;
    } else {
      this.batchEpoch = epoch;
      this.batched = length;
    }
    if (this.batched > this.high) this.flush();
  }

  /** Sends what is batched. */
  private flush(): void {
    if (!this.unsent()) return;
    this.batched = 0;
    this.setQueued(native.streamFlush(this.slot));
  }

  private unsent(): boolean {
    return this.batched > 0 && batchEpoch() === this.batchEpoch;
  }

  /** `bytes` are queued natively; negative: the error number of a failed write. */
  private setQueued(bytes: number): void {
    if (this.lost) return;
    if (bytes < 0) {
      this.fail(systemError(bytes, 'write'));
      return;
    }
    this.queued = bytes;
    this.applyWaterMarks(bytes);
    if (bytes === 0 && this.closing) this.scheduleLost(null);
  }

  protected override bufferedForMarks(): number {
    return this.queued;
  }
}
