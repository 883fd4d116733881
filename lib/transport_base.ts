// TransportBase: what every transport of bytes does for its protocol, whatever carries the bytes.
// Floor 6.
//
// Protocol methods of users run as ready entries, in the order of what happened. A protocol of ours
// (`internal`) is told at once, while the events of a poll are read: it only takes note, and saves the
// entry. connectionLost() is always an entry, called once, last; then what is underneath is released.
import { RuntimeError } from './exceptions.ts';
import { type FlowCall, FlowControl } from './flow_control.ts';
import type { BaseProtocol, BufferedProtocol, Protocol } from './protocols.ts';
import { ReadyCall } from './ready.ts';
import type { Transport } from './transport_types.ts';
import type { LoopCore } from './turns.ts';

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

/** @internal */
export abstract class TransportBase extends FlowControl implements Transport {
  /** @internal */
  readonly loop: LoopCore;
  protected readonly owner: TransportOwner | null;
  protected protocol: AnyProtocol;
  private extra: Map<string, unknown> | undefined = undefined;
  protected closing = false;
  /** connectionLost() is scheduled or was called. */
  protected lost = false;
  protected eofReceived = false;
  protected reading = true;
  private lostWrites = 0;

  constructor(loop: LoopCore, protocol: BaseProtocol, owner: TransportOwner | null) {
    super();
    this.loop = loop;
    this.protocol = protocol;
    this.owner = owner;
  }

  abstract close(): void;
  abstract pauseReading(): void;
  abstract resumeReading(): void;
  abstract write(data: Uint8Array | string): void;
  abstract writeEof(): void;
  abstract canWriteEof(): boolean;
  abstract getWriteBufferSize(): number;

  /** Drops what was not sent; connectionLost() is about to be scheduled. */
  protected abstract dropUnsent(): void;

  /** Lets go of what is underneath: connectionLost() was called. */
  protected abstract release(error: unknown): void;

  // ---------------------------------------------------------------------------- life

  /** Schedules connectionMade(). @internal */
  announce(): void {
    this.loop.enqueue(new ReadyCall(() => this.protocol.connectionMade(this)));
  }

  /** Closes the transport at once: what was not sent is lost. */
  abort(): void {
    this.forceClose(null);
  }

  isClosing(): boolean {
    return this.closing;
  }

  isReading(): boolean {
    return this.reading && !this.closing;
  }

  /** As write() for each of `data`; they are sent together. */
  writelines(data: Iterable<Uint8Array | string>): void {
    for (const line of data) this.write(line);
  }

  /** The connection is broken. @internal */
  fail(error: unknown): void {
    this.forceClose(error);
  }

  private forceClose(error: unknown): void {
    if (this.lost) return;
    this.closing = true;
    this.dropUnsent();
    this.scheduleLost(error);
  }

  protected scheduleLost(error: unknown): void {
    if (this.lost) return;
    this.lost = true;
    this.loop.enqueue(new ReadyCall(() => this.callConnectionLost(error)));
  }

  protected callConnectionLost(error: unknown): void {
    try {
      this.protocol.connectionLost(error);
    } finally {
      this.release(error);
      this.owner?.detach(this);
    }
  }

  // ------------------------------------------------------------------------ protocol, extra

  setProtocol(protocol: BaseProtocol): void {
    this.protocol = protocol;
  }

  getProtocol(): BaseProtocol {
    return this.protocol;
  }

  /** A fact about the transport by its name; `fallback` (null) for one it does not know. */
  // biome-ignore lint/suspicious/noExplicitAny: the kind depends on the name
  getExtraInfo(name: string, fallback: unknown = null): any {
    return this.extra?.get(name) ?? fallback;
  }

  /** @internal */
  setExtraInfo(name: string, value: unknown): void {
    this.extra ??= new Map();
    this.extra.set(name, value);
  }

  /** Bytes came: the protocol is told now if it is ours, in an entry otherwise. */
  protected receive(data: Buffer): void {
    if (this.closing) return;
    const protocol = this.protocol as InternalProtocol;
    if (protocol.internal) protocol.dataReceived(data);
    else this.loop.enqueue(new ReadyCall(() => this.deliver(data)));
  }

  /** The peer sends no more. */
  protected receiveEof(): void {
    if ((this.protocol as InternalProtocol).internal) this.deliverEof();
    else this.loop.enqueue(new ReadyCall(() => this.deliverEof()));
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

  private deliverEof(): void {
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
    if (!keepOpen || !this.canStayHalfOpen()) this.close();
  }

  /** Whether the transport can go on sending after the peer's EOF. */
  protected canStayHalfOpen(): boolean {
    return true;
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

  // ------------------------------------------------------------------------- write buffer

  protected override tellWriting(call: FlowCall): void {
    try {
      this.protocol[call]();
    } catch (error) {
      this.loop.callExceptionHandler({
        message: `protocol.${call}() failed`,
        exception: error,
        transport: this,
        protocol: this.protocol,
      });
    }
  }

  protected noteLostWrite(): void {
    this.lostWrites += 1;
    if (this.lostWrites === kLostWritesBeforeWarning) {
      process.emitWarning(
        'write() on a lost connection: look at isClosing(), or await drain() to be told',
        { type: 'AionodeWarning', code: 'AIONODE_LOST_WRITE' },
      );
    }
  }
}
