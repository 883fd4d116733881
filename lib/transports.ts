// SocketTransport: a connected byte stream, between its native handle (a slot) and its protocol.
// Floor 7.
//
// One owner: the slot belongs to the transport from its construction until connectionLost() has been
// scheduled and has run, then it is closed; after that every method is harmless.
//
// For a BufferedProtocol the native side only announces that there is something to read. getBuffer() is
// called then, and the bytes are read into its memory: nothing is copied, and no memory is held while
// the peer is silent.
//
// Writes of one turn are sent together at its end (send.ts); longer ones at once. What the system does
// not take is copied and queued by the native side, which reports the bytes still waiting.
import { checkBytes } from './arguments.ts';
import type { Context } from './context.ts';
import { RuntimeError } from './exceptions.ts';
import {
  closeSlot,
  type EventReceiver,
  kNoSlot,
  registerReceiver,
  releaseSlot,
} from './io_events.ts';
import { layout, native } from './native.ts';
import type { BaseProtocol } from './protocols.ts';
import { ReadyCall } from './ready.ts';
import { takeReceived } from './receive.ts';
import { addToBatch, batchEpoch } from './send.ts';
import { errnoOf, systemError } from './system_errors.ts';
import { TransportBase, type TransportOwner } from './transport_base.ts';
import { addressOf, TransportSocket } from './transport_socket.ts';
import type { LoopCore } from './turns.ts';

const { kData, kReadable, kEof, kReadFailed, kQueued, kWriteFailed } = layout;

const kAgain = errnoOf('EAGAIN');
/** Windows cannot say that there is something to read without reading it. */
const kReadsInPlace = process.platform !== 'win32';

/** @public */
export class SocketTransport extends TransportBase implements EventReceiver {
  private slot: number;
  /** Reads straight into the protocol's buffers. */
  private inPlace: boolean;
  /** Has stopped reading until the announced bytes are taken. */
  private stalled = false;
  private eofWritten = false;
  /** Bytes that the native side has queued. */
  private queued = 0;
  private batched = 0;
  private batchEpoch = -1;
  /** The splicer that writes to it. */
  private splicer = kNoSlot;

  /** @internal */
  constructor(
    loop: LoopCore,
    slot: number,
    protocol: BaseProtocol,
    owner: TransportOwner | null = null,
    context?: Context,
  ) {
    super(loop, protocol, owner, context);
    this.slot = slot;
    this.inPlace = kReadsInPlace && this.protocol.getBuffer !== undefined;
    registerReceiver(slot, this);
  }

  // ---------------------------------------------------------------------------- life

  /** @internal */
  detached(): void {
    this.slot = this.splicer = kNoSlot;
    this.closing = this.lost = true;
  }

  /**
   * Hands the connection over: returns a file descriptor of it, or a negative error. Everything written must
   * have been sent.
   * @internal
   */
  releaseDescriptor(): number {
    this.rememberAddresses();
    const fd = releaseSlot(this.slot);
    if (fd < 0) return fd;
    this.slot = kNoSlot;
    this.handOver();
    return fd;
  }

  /**
   * Closes the transport: what was written is sent first, nothing more is received, then the protocol's
   * connectionLost(null) is called.
   */
  close(): void {
    if (this.closing) return;
    this.closing = true;
    this.flush();
    if (this.splicer !== kNoSlot) native.splicerStop(this.splicer);
    if (this.lost) return;
    if (this.queued === 0) this.scheduleLost(null);
    else this.stopReading();
  }

  // -------------------------------------------------------------------------- reading

  protected override startReading(): void {
    this.stalled = false;
    const status = native.streamReadStart(this.slot, this.inPlace);
    if (status < 0) this.fail(systemError(status, 'read'));
  }

  protected override stopReading(): void {
    native.streamReadStop(this.slot);
  }

  override setProtocol(protocol: BaseProtocol): void {
    super.setProtocol(protocol);
    const inPlace = kReadsInPlace && this.protocol.getBuffer !== undefined;
    if (inPlace === this.inPlace) return;
    this.inPlace = inPlace;
    if (this.begun && this.isReading() && !this.eofReceived) this.startReading();
  }

  private noteReadable(): void {
    if (this.announceReadable()) return;
    // Or every poll would announce it again.
    this.stalled = true;
    this.stopReading();
  }

  protected override readAnnounced(): void {
    if (this.stalled) this.startReading();
    // The protocol may be of another kind by now: then the bytes come as kData.
    if (!this.inPlace) return;
    const target = this.askForBuffer(-1);
    // getBuffer() may have handed over to a protocol of the other kind. If it closed the transport, this is
    // still read, as in asyncio.
    if (target === undefined || !this.inPlace) return;
    const length = native.streamReadInto(this.slot, target);
    if (length > 0) this.deliverUpdate(length);
    else if (length === 0) this.deliverEof();
    else if (length !== kAgain) this.fail(systemError(length, 'read'));
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

  override get endedWriting(): boolean {
    return this.eofWritten;
  }

  /**
   * Keeps a place for a file among what is written: what is written from now on is held back. Returns the
   * slot of a file sender, until whose close that lasts, or a negative error.
   * @internal
   */
  holdForFile(): number {
    if (this.unsent()) this.setQueued(native.streamFlush(this.slot));
    const sender = native.fileSenderOpen(this.slot);
    if (sender >= 0) this.setQueued(native.streamQueued(this.slot));
    return sender;
  }

  /**
   * Has what this transport receives go to `target` without a visit here: returns the slot of a splicer,
   * until whose close that lasts, or a negative error.
   * @internal
   */
  openSplicer(target: SocketTransport): number {
    target.flush();
    const slot = native.splicerOpen(this.slot, target.slot);
    if (slot >= 0) target.splicer = slot;
    return slot;
  }

  /** The splicer that writes to this transport is closed. @internal */
  splicerClosed(): void {
    this.splicer = kNoSlot;
  }

  /** Bytes written and not yet taken by the system. */
  getWriteBufferSize(): number {
    return this.queued + (this.unsent() ? this.batched : 0);
  }

  // -------------------------------------------------------------------------- facts

  /**
   * Facts about the transport: 'peername' and 'sockname' as [host, port], 'socket' (a TransportSocket).
   * @returns `fallback` (null) for a name it does not know
   */
  // biome-ignore lint/suspicious/noExplicitAny: the kind depends on the name
  override getExtraInfo(name: string, fallback: unknown = null): any {
    const known = super.getExtraInfo(name);
    if (known !== null) return known;
    const found = this.findExtraInfo(name);
    if (found === undefined) return fallback;
    this.setExtraInfo(name, found);
    return found;
  }

  private findExtraInfo(name: string): unknown {
    if (name === 'socket') return new TransportSocket(() => this.slot);
    if (this.slot === kNoSlot || (name !== 'peername' && name !== 'sockname')) return undefined;
    const address = addressOf(this.slot, name === 'peername');
    return typeof address === 'number' ? undefined : address;
  }

  /** Whether the connection keeps the process alive. @internal */
  setRef(ref: boolean): void {
    if (this.slot !== kNoSlot) native.setRef(this.slot, ref);
  }

  // -------------------------------------------------------------------------- events

  /** @internal */
  flushed(outcome: number): void {
    this.setQueued(outcome);
  }

  /** @internal */
  onEvent(kind: number, a: number, b: number): void {
    switch (kind) {
      case kData:
        this.receive(takeReceived(a, b));
        break;
      case kReadable:
        this.noteReadable();
        break;
      case kEof:
        this.receiveEof();
        break;
      case kReadFailed:
        this.receiveFailure(systemError(a, 'read'));
        break;
      case kQueued:
        this.queueChanged();
        break;
      case kWriteFailed:
        this.fail(systemError(a, 'write'));
        break;
    }
  }

  protected override dropUnsent(): void {
    this.queued = 0;
    this.batched = 0;
  }

  protected override release(): void {
    this.rememberAddresses();
    this.slot = closeSlot(this.slot);
  }

  /** Who is gone is asked for most when the connection is. */
  private rememberAddresses(): void {
    for (const name of ['peername', 'sockname']) this.getExtraInfo(name);
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

  /** Sends what is batched. @internal */
  override flush(): void {
    if (!this.unsent()) return;
    this.batched = 0;
    this.setQueued(native.streamFlush(this.slot));
  }

  private unsent(): boolean {
    return this.batched > 0 && batchEpoch() === this.batchEpoch;
  }

  /** After a write: `bytes` are queued natively; negative: the error number of the failed write. */
  private setQueued(bytes: number): void {
    if (this.lost) return;
    if (bytes < 0) {
      this.fail(systemError(bytes, 'write'));
      return;
    }
    this.queued = bytes;
    this.applyWaterMarks(bytes);
  }

  /** What the event tells may be old: a callback of the same poll may have written since. */
  private queueChanged(): void {
    if (this.lost) return;
    this.queued = native.streamQueued(this.slot);
    this.bufferChanged();
    if (this.queued > 0 || !this.closing) return;
    // After resumeWriting(), as in asyncio.
    this.loop.runEvent(new ReadyCall(() => this.scheduleLost(null)));
  }

  protected override bufferedForMarks(): number {
    return this.queued;
  }
}
