// SocketTransport: a connected byte stream, between its native handle (a slot) and its protocol.
// Floor 7.
//
// One owner: the slot belongs to the transport from its construction until connectionLost() has been
// scheduled and has run, then it is closed; after that every method is harmless. Protocol methods of
// users run as ready entries, in the order of what happened. A protocol of ours (`internal`) is told at
// once, while the events of a poll are read: it only takes note, and saves the entry.
//
// Writes of one turn are sent together at its end (send.ts); longer ones at once. What the system does
// not take is copied and queued by the native side, which reports the bytes still waiting.
import { checkBytes, checkInteger } from './arguments.ts';
import { RuntimeError } from './exceptions.ts';
import { closeSlot, type EventReceiver, registerReceiver } from './io_events.ts';
import { layout, native } from './native.ts';
import type { BaseProtocol, BufferedProtocol, Protocol } from './protocols.ts';
import type { ReadyEntry } from './ready.ts';
import { takeReceived } from './receive.ts';
import { addToBatch, batchEpoch } from './send.ts';
import { systemError } from './system_errors.ts';
import type { Transport } from './transport_types.ts';
import type { LoopCore } from './turns.ts';

const { kData, kEof, kReadFailed, kQueued, kWriteFailed, kShutDown, kConnected } = layout;

/** asyncio's default water marks, in bytes (transports: 64 KiB, a quarter of it). */
const kHighWater = 64 * 1024;
/** Writes on a lost connection before a warning (constants: LOG_THRESHOLD_FOR_CONNLOST_WRITES). */
const kLostWritesBeforeWarning = 5;

/** A protocol of this package that only takes note: it may be called while events are read. @internal */
export interface InternalProtocol extends BaseProtocol {
  readonly internal: true;
  dataReceived(data: Buffer): void;
  // biome-ignore lint/suspicious/noConfusingVoidType: a method that returns nothing is fine
  eofReceived(): boolean | void;
}

type AnyProtocol = BaseProtocol & Partial<Protocol> & Partial<BufferedProtocol>;

/** Who is told when the transport has ended: the server that accepted it. @internal */
export interface TransportOwner {
  detach(transport: Transport): void;
}

/** A call of a protocol's method, as a ready entry. */
class ProtocolCall implements ReadyEntry {
  private readonly call: () => void;

  constructor(call: () => void) {
    this.call = call;
  }

  run(): void {
    this.call();
  }
}

/** @public */
export class SocketTransport implements Transport, EventReceiver {
  /** @internal */
  readonly loop: LoopCore;
  private readonly slot: number;
  private readonly owner: TransportOwner | null;
  private protocol: AnyProtocol;
  private extra: Map<string, unknown> | undefined = undefined;
  private closing = false;
  private lost = false;
  /** The slot is not ours any more. */
  private released = false;
  private eofWritten = false;
  private eofReceived = false;
  private reading = true;
  private writingPaused = false;
  private lostWrites = 0;
  private high = kHighWater;
  private low = kHighWater / 4;
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
    this.loop = loop;
    this.slot = slot;
    this.protocol = protocol;
    this.owner = owner;
    registerReceiver(slot, this);
  }

  // ---------------------------------------------------------------------------- life

  /** Calls back when the connection attempt ends; 0 or a negative error number. @internal */
  whenConnected(callback: (errno: number) => void): void {
    this.onConnected = callback;
  }

  /** Schedules connectionMade(). @internal */
  announce(): void {
    this.loop.enqueue(new ProtocolCall(() => this.protocol.connectionMade(this)));
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
    if (this.unsent()) this.setQueued(native.streamFlush(this.slot));
    if (this.lost) return;
    if (this.queued === 0) this.scheduleLost(null);
    else this.stopReading();
  }

  /** Closes the transport at once: what was not sent is lost. */
  abort(): void {
    this.forceClose(null);
  }

  isClosing(): boolean {
    return this.closing;
  }

  // -------------------------------------------------------------------------- reading

  isReading(): boolean {
    return this.reading && !this.closing;
  }

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
      this.warnOfLostWrite();
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

  /** As write() for each of `data`; they are sent together. */
  writelines(data: Iterable<Uint8Array | string>): void {
    for (const line of data) this.write(line);
  }

  /** Half-closes the connection after what was written: the peer sees EOF, and may go on sending. */
  writeEof(): void {
    if (this.closing || this.eofWritten) return;
    this.eofWritten = true;
    if (this.unsent()) this.setQueued(native.streamFlush(this.slot));
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

  /** The water marks, in bytes. */
  getWriteBufferLimits(): [low: number, high: number] {
    return [this.low, this.high];
  }

  /**
   * Sets the water marks: above `high` bytes the protocol is paused, at `low` it is resumed.
   * @param limits - `high`: 64 KiB by default, or four times `low`; `low`: a quarter of `high`; in bytes
   * @throws RangeError unless 0 <= low <= high
   */
  setWriteBufferLimits(limits: { high?: number; low?: number } = {}): void {
    const { low: lowGiven, high: highGiven } = limits;
    const high = highGiven ?? (lowGiven === undefined ? kHighWater : lowGiven * 4);
    checkInteger(high, 'high', 0);
    const low = lowGiven ?? Math.floor(high / 4);
    checkInteger(low, 'low', 0, high);
    this.high = high;
    this.low = low;
    this.applyWaterMarks();
  }

  // ------------------------------------------------------------------------ protocol, extra

  setProtocol(protocol: BaseProtocol): void {
    this.protocol = protocol;
  }

  getProtocol(): BaseProtocol {
    return this.protocol;
  }

  /**
   * Facts about the transport: 'peername' and 'sockname' as [host, port], 'socket'.
   * @returns `fallback` (null) for a name it does not know
   */
  // biome-ignore lint/suspicious/noExplicitAny: the kind depends on the name
  getExtraInfo(name: string, fallback: unknown = null): any {
    const known = this.extra?.get(name);
    if (known !== undefined) return known;
    if (name !== 'peername' && name !== 'sockname') return fallback;
    if (this.released) return fallback;
    const address = native.socketAddress(this.slot, name === 'peername');
    if (typeof address === 'number') return fallback;
    const value = [address[0], address[1]];
    this.setExtraInfo(name, value);
    return value;
  }

  /** @internal */
  setExtraInfo(name: string, value: unknown): void {
    this.extra ??= new Map();
    this.extra.set(name, value);
  }

  /** Keeps small packets from being held back; on by default. @internal */
  setNoDelay(enabled: boolean): void {
    native.setNoDelay(this.slot, enabled);
  }

  /** @internal */
  setKeepAlive(enabled: boolean): void {
    native.setKeepAlive(this.slot, enabled, 0);
  }

  // -------------------------------------------------------------------------- events

  /** @internal */
  onEvent(kind: number, a: number, b: number): void {
    switch (kind) {
      case kData:
        this.onData(a, b);
        break;
      case kEof:
        this.tell(() => this.onEof());
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

  private onData(length: number, location: number): void {
    const data = takeReceived(length, location);
    if (this.closing) return;
    const protocol = this.protocol as InternalProtocol;
    if (protocol.internal) protocol.dataReceived(data);
    else this.loop.enqueue(new ProtocolCall(() => this.deliver(data)));
  }

  /** Calls the user's protocol; an error of its own ends the connection, as in asyncio. */
  private deliver(data: Buffer): void {
    if (this.lost) return;
    const protocol = this.protocol;
    try {
      if (protocol.getBuffer !== undefined) this.fillBuffers(protocol as BufferedProtocol, data);
      else protocol.dataReceived?.(data);
    } catch (error) {
      this.fatal(error, 'Fatal error: protocol.dataReceived() call failed.');
    }
  }

  private fillBuffers(protocol: BufferedProtocol, data: Buffer): void {
    let rest = data;
    while (rest.length > 0 && !this.lost) {
      const target = protocol.getBuffer(rest.length);
      if (target.length === 0) throw new RuntimeError('getBuffer() returned an empty buffer');
      const length = Math.min(target.length, rest.length);
      target.set(length === rest.length ? rest : rest.subarray(0, length));
      protocol.bufferUpdated(length);
      rest = rest.subarray(length);
    }
  }

  private onEof(): void {
    if (this.closing) return;
    // biome-ignore lint/suspicious/noConfusingVoidType: what the method returns
    let keepOpen: boolean | void;
    try {
      keepOpen = this.protocol.eofReceived?.();
    } catch (error) {
      this.fatal(error, 'Fatal error: protocol.eofReceived() call failed.');
      return;
    }
    this.reading = false;
    this.eofReceived = true;
    if (!keepOpen) this.close();
  }

  /** Calls a method of the protocol: now if it is ours, as a ready entry otherwise. */
  private tell(call: () => void): void {
    if ((this.protocol as InternalProtocol).internal) call();
    else this.loop.enqueue(new ProtocolCall(call));
  }

  private fatal(error: unknown, message: string): void {
    this.loop.callExceptionHandler({
      message,
      exception: error,
      transport: this,
      protocol: this.protocol,
    });
    this.forceClose(error);
  }

  /** The connection is broken. @internal */
  fail(error: unknown): void {
    this.forceClose(error);
  }

  private forceClose(error: unknown): void {
    if (this.lost) return;
    this.closing = true;
    this.queued = 0;
    this.scheduleLost(error);
  }

  private scheduleLost(error: unknown): void {
    if (this.lost) return;
    this.lost = true;
    this.batched = 0;
    this.loop.enqueue(new ProtocolCall(() => this.callConnectionLost(error)));
  }

  private callConnectionLost(error: unknown): void {
    try {
      this.protocol.connectionLost(error);
    } finally {
      // Who is gone is asked for most when the connection is.
      for (const name of ['peername', 'sockname']) this.getExtraInfo(name);
      this.released = true;
      closeSlot(this.slot);
      this.owner?.detach(this);
    }
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
    if (this.batched > this.high) {
      this.batched = 0;
      this.setQueued(native.streamFlush(this.slot));
    }
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
    this.applyWaterMarks();
    if (bytes === 0 && this.closing) this.scheduleLost(null);
  }

  private applyWaterMarks(): void {
    const size = this.queued;
    if (!this.writingPaused && size > this.high) {
      this.writingPaused = true;
      this.tellWriting('pauseWriting');
    } else if (this.writingPaused && size <= this.low) {
      this.writingPaused = false;
      this.tellWriting('resumeWriting');
    }
  }

  private tellWriting(method: 'pauseWriting' | 'resumeWriting'): void {
    try {
      this.protocol[method]();
    } catch (error) {
      this.loop.callExceptionHandler({
        message: `protocol.${method}() failed`,
        exception: error,
        transport: this,
        protocol: this.protocol,
      });
    }
  }

  private warnOfLostWrite(): void {
    if (!this.lost) return;
    this.lostWrites += 1;
    if (this.lostWrites === kLostWritesBeforeWarning) {
      process.emitWarning(
        'write() on a lost connection: look at isClosing(), or await drain() to be told',
        { type: 'AionodeWarning', code: 'AIONODE_LOST_WRITE' },
      );
    }
  }
}
