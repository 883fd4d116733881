// TransportBase: what every transport of bytes does for its protocol, whatever carries the bytes.
// Floor 6.
//
// A user's protocol is called in the order of what happened: at once while the events of a poll are read
// when nothing else is ready, else from the ready queue. What arrived and cannot be delivered, because
// entries come before it or the protocol has paused meanwhile, waits in `arrivals`. A protocol of ours
// (`kInternal`) is told at once in any case: it only takes note, and saves the entry. connectionLost() is
// always an entry, called once, last; then what is underneath is released.
//
// It reads from the end of connectionMade() on, as in asyncio.
import { inspect } from 'node:util';
import { checkBytes, checkIterable, invalidArgType } from './arguments.ts';
import type { Context } from './context.ts';
import { RuntimeError } from './exceptions.ts';
import { type FlowCall, FlowControl } from './flow_control.ts';
import { describeAddress, describeState } from './format.ts';
import { LostWrites } from './lost_writes.ts';
import { type AnyProtocol, type BaseProtocol, checkProtocol, kInternal } from './protocols.ts';
import { type CallingEntry, ReadyCall } from './ready.ts';
import type { Transport } from './transport_types.ts';
import type { LoopCore } from './turns.ts';

/** What a server can end. @internal */
export interface Client {
  /** Ends the connection once what was written is sent, whatever the peer does. */
  hangUp(): void;
  abort(): void;
}

/** Who is told when the transport has ended: the server that accepted it. @internal */
export interface TransportOwner {
  /** `client` goes on with the connection of one that it has. */
  attach(client: Client): void;
  detach(client: Client): void;
}

/** The connection broke while reading. */
class ReadFailure {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** Is told what connectionMade() threw if that has ended the connection. @internal */
export type Announced = (failure?: { readonly error: unknown }) => void;

const kEnd = Symbol('EOF');
const kAnnounced = Symbol('something to read');
type Arrival = Buffer | typeof kEnd | typeof kAnnounced | ReadFailure;

function isSystemError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { errno, syscall } = error as NodeJS.ErrnoException;
  return typeof errno === 'number' && typeof syscall === 'string';
}

function nothing(): void {}

/** @internal */
export abstract class TransportBase extends FlowControl implements Transport, CallingEntry {
  /** @internal */
  readonly loop: LoopCore;
  /** @internal */
  readonly owner: TransportOwner | null;
  /** What the protocol is called in; undefined: the empty context. @internal */
  readonly context: Context | undefined;
  protected protocol: AnyProtocol;
  private extra: Map<string, unknown> | undefined = undefined;
  /** connectionMade() was called. */
  protected begun = false;
  protected closing = false;
  /** connectionLost() is scheduled or was called. */
  protected lost = false;
  protected eofReceived = false;
  protected reading = true;
  private arrivals: Arrival[] | undefined = undefined;
  /** Entries for the oldest arrivals that are in the ready queue. */
  private scheduled = 0;
  private lostWrites: LostWrites | undefined = undefined;
  private handedOver = false;

  constructor(
    loop: LoopCore,
    protocol: BaseProtocol,
    owner: TransportOwner | null,
    context?: Context,
  ) {
    super();
    this.loop = loop;
    this.protocol = protocol;
    this.owner = owner;
    this.context = context;
  }

  abstract close(): void;
  abstract write(data: Uint8Array | string): void;
  abstract writeEof(): void;
  abstract canWriteEof(): boolean;
  /** Whether writeEof() was called. @internal */
  abstract get endedWriting(): boolean;
  abstract getWriteBufferSize(): number;

  /** Begins or goes on to receive; also when it does already. Not called after EOF. */
  protected abstract startReading(): void;

  /** Receives no more until startReading(). */
  protected abstract stopReading(): void;

  /** Drops what was not sent; connectionLost() is about to be scheduled. */
  protected abstract dropUnsent(): void;

  /** Lets go of what is underneath: connectionLost() was called. */
  protected abstract release(error: unknown): void;

  // ---------------------------------------------------------------------------- life

  /** Schedules connectionMade(), after which reading begins. `done` is called last. @internal */
  announce(done: Announced = nothing): void {
    this.loop.enqueue(new ReadyCall(() => this.made(done), 'connectionMade'));
  }

  private made(done: Announced): void {
    let failure: { readonly error: unknown } | undefined;
    try {
      this.inContext(() => this.protocol.connectionMade(this));
    } catch (error) {
      if (!this.endsUnmade()) throw error;
      failure = { error };
      this.fatal(error, 'connectionMade');
    } finally {
      this.begun = true;
      if (this.isReading()) this.startReading();
      done(failure);
    }
  }

  /** Whether a connectionMade() that throws ends the connection. */
  protected endsUnmade(): boolean {
    return false;
  }

  /** Closes the transport at once: what was not sent is lost. */
  abort(): void {
    this.forceClose(null);
  }

  /** Closes the transport without waiting for anything of the peer's. @internal */
  hangUp(): void {
    this.close();
  }

  /** Sends what is held back only to be sent together with more. @internal */
  flush(): void {}

  /** Whether connectionMade() was called. @internal */
  get hasBegun(): boolean {
    return this.begun;
  }

  isClosing(): boolean {
    return this.closing;
  }

  /** As write() for each of `data`; they are sent together, or none of them when one cannot be. */
  writelines(data: Iterable<Uint8Array | string>): void {
    checkIterable(data, 'data', 'strings, Buffers or Uint8Arrays');
    if (this.endedWriting) throw new RuntimeError('Cannot call writelines() after writeEof()');
    const lines = [...data];
    for (const line of lines) if (typeof line !== 'string') checkBytes(line, 'data');
    for (const line of lines) this.write(line);
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
    this.arrivals = undefined;
    this.loop.enqueue(new ReadyCall(() => this.callConnectionLost(error), 'connectionLost'));
  }

  protected callConnectionLost(error: unknown): void {
    try {
      this.inContext(() => this.protocol.connectionLost(error));
    } finally {
      this.release(error);
      this.owner?.detach(this);
    }
  }

  /** Calls the protocol in its context. @internal */
  inContext(call: () => void): void {
    if (this.context === undefined) call();
    else this.context(call);
  }

  // ------------------------------------------------------------------------ protocol, extra

  setProtocol(protocol: BaseProtocol): void {
    checkProtocol(protocol, 'protocol');
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

  /** As console.log() shows it: `<SocketTransport open, reading peer=127.0.0.1:8080 unsent=100>`. @internal */
  [inspect.custom](): string {
    const open = this.lost ? 'closed' : this.closing ? 'closing' : 'open';
    const reading = !this.isReading() ? '' : this.eofReceived ? ', read to its end' : ', reading';
    return describeState(this, `${open}${reading}`, {
      peer: describeAddress(this.getExtraInfo('peername')),
      pipe: this.getExtraInfo('pipe') ?? undefined,
      unsent: this.getWriteBufferSize() || undefined,
    });
  }

  // -------------------------------------------------------------------------- receiving

  isReading(): boolean {
    return this.reading && !this.closing;
  }

  /** Stops receiving; may be called again. */
  pauseReading(): void {
    if (!this.isReading()) return;
    this.reading = false;
    if (this.begun) this.stopReading();
  }

  /** Goes on receiving; may be called again. */
  resumeReading(): void {
    if (this.closing || this.reading) return;
    this.reading = true;
    if (!this.begun) return;
    const waiting = this.arrivals?.length ?? 0;
    while (this.scheduled < waiting) {
      this.scheduled += 1;
      this.loop.enqueue(this);
    }
    if (!this.eofReceived) this.startReading();
  }

  /** Bytes came. */
  protected receive(data: Buffer): void {
    this.arrived(data);
  }

  /** The peer sends no more. */
  protected receiveEof(): void {
    this.arrived(kEnd);
  }

  /** The connection broke; what came before is delivered first. */
  protected receiveFailure(error: unknown): void {
    this.arrived(new ReadFailure(error));
  }

  /** There is something to read: readAnnounced() is called when it is its turn. Returns whether it was. */
  protected announceReadable(): boolean {
    return this.arrived(kAnnounced);
  }

  protected readAnnounced(): void {}

  /** Returns whether it was delivered. */
  private arrived(what: Arrival): boolean {
    if (this.closing) return true;
    if (this.protocol[kInternal]) {
      this.deliver(what);
      return true;
    }
    this.arrivals ??= [];
    this.arrivals.push(what);
    this.scheduled += 1;
    return this.loop.runEvent(this);
  }

  /** Delivers what waits, paused or not, to a protocol of ours that takes over. @internal */
  deliverArrivals(): void {
    const waiting = this.arrivals;
    this.arrivals = undefined;
    for (const what of waiting ?? []) this.deliver(what);
  }

  /** @internal */
  get calls(): string {
    return `of the protocol ${this.protocol.constructor.name}`;
  }

  /** Delivers the oldest arrival. @internal */
  run(): void {
    this.scheduled -= 1;
    if (!this.isReading()) return;
    const what = this.arrivals?.shift();
    if (what === undefined) return;
    if (this.context === undefined) this.deliver(what);
    else this.context(() => this.deliver(what));
  }

  private deliver(what: Arrival): void {
    if (what === kEnd) this.deliverEof();
    else if (what === kAnnounced) this.readAnnounced();
    else if (what instanceof ReadFailure) this.fail(what.error);
    else if (this.protocol.getBuffer !== undefined) this.fillBuffers(what);
    else this.deliverData(what);
  }

  private deliverData(data: Buffer): void {
    try {
      this.protocol.dataReceived?.(data);
    } catch (error) {
      this.fatal(error, 'dataReceived');
    }
  }

  private fillBuffers(data: Buffer): void {
    let rest = data;
    while (rest.length > 0 && !this.closing) {
      if (!this.reading) {
        this.arrivals ??= [];
        this.arrivals.unshift(rest);
        return;
      }
      // getBuffer() and bufferUpdated() may have handed over to a protocol of the other kind.
      if (this.protocol.getBuffer === undefined) {
        this.deliverData(rest);
        return;
      }
      const target = this.askForBuffer(rest.length);
      if (target === undefined) return;
      if (this.protocol.getBuffer === undefined) continue;
      const length = Math.min(target.length, rest.length);
      target.set(length === rest.length ? rest : rest.subarray(0, length));
      this.deliverUpdate(length);
      rest = rest.subarray(length);
    }
  }

  /** The memory of a BufferedProtocol; undefined when it failed to give any. */
  protected askForBuffer(sizehint: number): Uint8Array | undefined {
    try {
      const target: unknown = this.protocol.getBuffer?.(sizehint);
      if (!(target instanceof Uint8Array)) {
        throw invalidArgType('getBuffer()', 'an instance of Buffer or Uint8Array', target);
      }
      if (target.length === 0) throw new RuntimeError('getBuffer() returned an empty buffer');
      return target;
    } catch (error) {
      this.fatal(error, 'getBuffer');
      return undefined;
    }
  }

  protected deliverUpdate(length: number): void {
    try {
      this.protocol.bufferUpdated?.(length);
    } catch (error) {
      this.fatal(error, 'bufferUpdated');
    }
  }

  protected deliverEof(): void {
    // Who reads on after the end is told of it again by the system, be it from within eofReceived().
    if (this.closing || this.eofReceived) return;
    this.eofReceived = true;
    // biome-ignore lint/suspicious/noConfusingVoidType: what the method returns
    let keepOpen: boolean | void;
    try {
      keepOpen = this.protocol.eofReceived?.();
    } catch (error) {
      this.fatal(error, 'eofReceived');
      return;
    }
    if (!keepOpen || !this.canStayHalfOpen()) this.close();
    else if (!this.closing) this.stopReading();
  }

  /** Whether the transport can go on sending after the peer's EOF. */
  protected canStayHalfOpen(): boolean {
    return true;
  }

  /** An error of the protocol's own ends the connection, as in asyncio. */
  private fatal(error: unknown, method: string): void {
    // Errors of the system are told to connectionLost() only.
    if (!isSystemError(error)) {
      this.reportFatal(`Fatal error: protocol.${method}() call failed.`, error);
    }
    this.forceClose(error);
  }

  protected reportFatal(message: string, exception: unknown): void {
    this.loop.callExceptionHandler({
      message,
      exception,
      transport: this,
      protocol: this.protocol,
    });
  }

  // ------------------------------------------------------------------------- write buffer

  /** The system has taken bytes, or not taken them: a user's protocol is told when it is its turn. */
  protected bufferChanged(): void {
    if (!this.crossesWaterMark(this.bufferedForMarks())) return;
    if (this.protocol[kInternal]) this.followWaterMarks();
    else this.loop.runEvent(new ReadyCall(() => this.inContext(() => this.followWaterMarks())));
  }

  private followWaterMarks(): void {
    if (!this.lost) this.applyWaterMarks(this.bufferedForMarks());
  }

  protected override tellWriting(call: FlowCall): void {
    if (this.lost) return;
    try {
      this.protocol[call]();
    } catch (error) {
      this.reportFatal(`protocol.${call}() failed`, error);
    }
  }

  /** What is underneath belongs to somebody else from now on; nobody is told of an end. */
  protected handOver(): void {
    this.closing = this.lost = this.handedOver = true;
    this.owner?.detach(this);
  }

  /** Who it was handed over to has lost the connection. @internal */
  handOverFailed(): void {
    this.handedOver = false;
  }

  /** A write after the end. It is an error where it would be lost without a trace. */
  protected noteLostWrite(): void {
    if (this.handedOver) {
      throw new RuntimeError('This transport was handed over to TLS: use the new one');
    }
    this.lostWrites ??= new LostWrites();
    this.lostWrites.note(
      'write() on a lost connection: look at isClosing(), or await drain() to be told',
    );
  }
}
