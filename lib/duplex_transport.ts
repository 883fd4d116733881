// DuplexTransport: a stream of Node's as a transport, between the stream's events and a protocol.
// Floor 7.
//
// Owns the stream from its construction until connectionLost() was called: it alone listens, writes, and
// destroys it at the end. The stream flows unless reading is paused, so that Node holds back what feeds
// it. Writing is paused when the stream asks for it (write() gave false) or over our own high-water mark.
// A stream that is only readable or only writable is a transport whose other half has ended.
import type { Duplex, Readable, Writable } from 'node:stream';
import { checkBytes, invalidArgType } from './arguments.ts';
import type { Context } from './context.ts';
import { RuntimeError } from './exceptions.ts';
import type { BaseProtocol } from './protocols.ts';
import { ReadyCall } from './ready.ts';
import { type Announced, TransportBase, type TransportOwner } from './transport_base.ts';
import type { LoopCore } from './turns.ts';

/** @internal */
export type NodeStream = Duplex | Readable | Writable;

/** Both halves, of which a stream may lack one. */
type Halves = Partial<Duplex> & NodeJS.EventEmitter & { destroy(error?: Error): unknown };

function unfit(what: string): TypeError {
  const error = new TypeError(`The argument "duplex" ${what}`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
}

function isStream(value: unknown): value is NodeStream {
  const stream = value as Halves | null;
  return (
    typeof stream === 'object' &&
    stream !== null &&
    typeof stream.on === 'function' &&
    typeof stream.destroy === 'function' &&
    (typeof stream.read === 'function' || typeof stream.write === 'function')
  );
}

/** Throws unless `value` is a stream of Node's that carries bytes and that nobody else reads. @internal */
export function checkDuplex(value: unknown): void {
  if (!isStream(value)) throw invalidArgType('duplex', 'an instance of stream.Duplex', value);
  const stream = value as Halves;
  if (stream.readableObjectMode || stream.writableObjectMode) {
    throw unfit('carries objects: a stream of bytes is made with { objectMode: false }');
  }
  if (stream.readableEncoding) {
    throw unfit(`gives strings: setEncoding('${stream.readableEncoding}') was called on it`);
  }
  if (stream.listenerCount('readable') > 0) {
    throw unfit("is read by somebody else: it has a 'readable' listener");
  }
}

/** What `stream.finished()` reports of a stream that was destroyed without an error. */
function prematureClose(): Error {
  return Object.assign(new Error('Premature close'), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
}

const kNoBytes = Buffer.alloc(0);

function ignore(): void {}

/** @public */
export class DuplexTransport extends TransportBase {
  protected readonly stream: Halves;
  private readonly writable: boolean;
  private eofWritten = false;
  /** The stream had no readable side, or that had ended, before it became a transport. */
  private bornHalfOpen = false;
  /** The stream has asked for a pause: streams that are not of Node's newest class do not say so later. */
  private full = false;
  private writingFinished: boolean;
  /** The stream gives no more bytes; the protocol may be told later. */
  private exhausted = false;
  /** The stream has closed before the protocol was told of its end. */
  private closedEarly = false;
  private readonly onData: (chunk: unknown) => void;
  private readonly onEnd: () => void;
  /** A chunk was written. */
  private readonly onChunk: () => void;
  private readonly onDrain: () => void;
  private readonly onFinish: () => void;
  private readonly onError: (error: unknown) => void;
  private readonly onClose: () => void;

  /** @internal */
  constructor(
    loop: LoopCore,
    stream: NodeStream,
    protocol: BaseProtocol,
    owner: TransportOwner | null = null,
    context?: Context,
  ) {
    super(loop, protocol, owner, context);
    this.stream = stream as Halves;
    this.writable = typeof this.stream.write === 'function' && !this.stream.writableEnded;
    this.onData = (chunk) => this.dataCame(chunk);
    this.onEnd = () => this.ended();
    this.writingFinished = this.stream.writableFinished === true;
    this.onChunk = () => this.bufferChanged();
    this.onDrain = () => {
      this.full = false;
      this.bufferChanged();
    };
    this.onFinish = () => {
      this.writingFinished = true;
      this.full = false;
      this.finished();
    };
    this.onError = (error) => this.fail(error);
    this.onClose = () => this.closed();
    loop.resources.add(this);
  }

  /** Begins without connectionMade(), for a protocol that has been told or need not be. @internal */
  begin(): void {
    this.begun = true;
    this.listen();
    if (this.isReading()) this.startReading();
  }

  override announce(done?: Announced): void {
    super.announce(done);
    this.listen();
  }

  /** Listens to the stream, which is paused: what it has buffered comes first. */
  protected listen(): void {
    const stream = this.stream;
    stream.on('error', this.onError);
    stream.on('close', this.onClose);
    stream.on('drain', this.onDrain);
    stream.on('finish', this.onFinish);
    if (stream.destroyed) {
      this.fail(stream.errored ?? prematureClose());
      return;
    }
    if (typeof stream.read !== 'function' || stream.readableEnded) {
      this.bornHalfOpen = true;
      this.ended();
      return;
    }
    stream.pause?.();
    stream.on('data', this.onData);
    stream.on('end', this.onEnd);
  }

  /**
   * Closes the transport: what was written is sent first, nothing more is received, then the protocol's
   * connectionLost(null) is called.
   */
  close(): void {
    if (this.closing) return;
    this.closing = true;
    const stream = this.stream;
    if (!this.writable || this.writingFinished || stream.destroyed) {
      this.scheduleLost(null);
      return;
    }
    stream.end?.();
    // What still comes is dropped: a stream that nobody reads may never finish.
    stream.resume?.();
  }

  /** Hands the stream over, paused; what was not taken of it is in it. @internal */
  releaseStream(): Duplex {
    this.stopListening();
    this.handOver();
    return this.stream as Duplex;
  }

  /** Nothing of the loop runs any more: the stream ends, and nobody is told. @internal */
  loopClosed(): void {
    this.closing = this.lost = true;
    this.release();
  }

  // -------------------------------------------------------------------------- reading

  protected override startReading(): void {
    this.stream.resume?.();
  }

  protected override stopReading(): void {
    this.stream.pause?.();
  }

  protected ended(): void {
    this.exhausted = true;
    this.receiveEof();
  }

  protected override deliverEof(): void {
    super.deliverEof();
    if (this.closedEarly) this.closed();
  }

  protected dataCame(chunk: unknown): void {
    if (Buffer.isBuffer(chunk)) this.receive(chunk);
    else this.fail(invalidArgType('chunk', 'an instance of Buffer', chunk));
  }

  protected override canStayHalfOpen(): boolean {
    return this.writable && (this.bornHalfOpen || this.stream.allowHalfOpen !== false);
  }

  // -------------------------------------------------------------------------- writing

  /**
   * Sends `data`, without waiting. Never throws for a lost connection.
   * @throws TypeError when `data` is neither bytes nor a string; RuntimeError after writeEof() and on a
   * stream that is not writable
   */
  write(data: Uint8Array | string): void {
    if (typeof data !== 'string') checkBytes(data, 'data');
    if (!this.writable) {
      this.writeInVain();
      return;
    }
    if (this.eofWritten) throw new RuntimeError('Cannot call write() after writeEof()');
    if (data.length === 0) return;
    if (this.lost) this.noteLostWrite();
    if (this.closing) return;
    this.put(data);
    this.applyWaterMarks(this.bufferedForMarks());
  }

  /** A write to a stream whose other half had ended before it became a transport. */
  protected writeInVain(): void {
    throw new RuntimeError('This stream is not writable');
  }

  /** Writes to the stream, which holds on to what it is given: `data` is the caller's again. */
  protected put(data: Uint8Array | string): void {
    this.putKept(typeof data === 'string' ? data : Buffer.from(data));
  }

  protected putKept(chunk: Uint8Array | string): void {
    const stream = this.stream as Writable;
    // Node tells when everything is written; a lower mark of ours needs to know of each chunk.
    const flows = this.marksEachChunk() ? stream.write(chunk, this.onChunk) : stream.write(chunk);
    if (flows === false) this.full = true;
  }

  override setWriteBufferLimits(limits?: { high?: number; low?: number }): void {
    super.setWriteBufferLimits(limits);
    const stream = this.stream as Writable;
    // Nobody tells of the chunks that are under way already, but of one that follows them.
    const unknown = this.writable && stream.writableLength > 0 && this.marksEachChunk();
    if (unknown && !this.eofWritten && !this.closing) stream.write(kNoBytes, this.onChunk);
  }

  protected marksEachChunk(): boolean {
    return (this.stream as Writable).writableHighWaterMark > this.high;
  }

  /** Half-closes the stream after what was written: the other side sees EOF, and may go on sending. */
  writeEof(): void {
    if (this.closing || this.eofWritten || !this.writable) return;
    this.eofWritten = true;
    // A stream that ends does not emit 'drain' any more.
    this.full = false;
    this.stream.end?.();
  }

  canWriteEof(): boolean {
    return this.writable;
  }

  override get endedWriting(): boolean {
    return this.eofWritten;
  }

  /** Bytes that the stream has not written yet; a stream that was destroyed goes on counting them. */
  getWriteBufferSize(): number {
    return this.lost ? 0 : (this.stream.writableLength ?? 0);
  }

  protected override bufferedForMarks(): number {
    return this.full ? Number.POSITIVE_INFINITY : this.getWriteBufferSize();
  }

  // ------------------------------------------------------------------------------ end

  /** Everything is written, and the stream does not tell of its drain any more. */
  protected finished(): void {
    this.bufferChanged();
    if (this.closing) this.endInOrder();
  }

  /** connectionLost(null), after resumeWriting(), as in asyncio. */
  protected endInOrder(): void {
    this.loop.runEvent(new ReadyCall(() => this.scheduleLost(null)));
  }

  private closed(): void {
    if (this.lost) return;
    if (this.exhausted && !this.eofReceived && !this.closing) {
      this.closedEarly = true;
      return;
    }
    const { stream } = this;
    const ended = this.eofReceived && (!this.writable || this.writingFinished);
    if (this.closing || ended) this.endInOrder();
    else this.fail(stream.errored ?? prematureClose());
  }

  protected override dropUnsent(): void {
    this.stream.destroy();
  }

  protected override release(): void {
    const stream = this.stream;
    // What fails from now on interests nobody, and must not be an unhandled 'error' event.
    stream.on('error', ignore);
    this.stopListening();
    if (!stream.destroyed) stream.destroy();
  }

  protected stopListening(): void {
    const stream = this.stream;
    this.loop.resources.delete(this);
    stream.off('error', this.onError);
    stream.off('close', this.onClose);
    stream.off('drain', this.onDrain);
    stream.off('finish', this.onFinish);
    stream.off('data', this.onData);
    stream.off('end', this.onEnd);
  }

  // ---------------------------------------------------------------------------- facts

  /**
   * Facts about the transport: 'socket' is the stream itself; 'peername' and 'sockname' as [host, port]
   * where it is one of Node's sockets.
   * @returns `fallback` (null) for a name it does not know
   */
  // biome-ignore lint/suspicious/noExplicitAny: the kind depends on the name
  override getExtraInfo(name: string, fallback: unknown = null): any {
    const known = super.getExtraInfo(name);
    if (known !== null) return known;
    if (name === 'socket') return this.stream;
    const { remoteAddress, remotePort, localAddress, localPort } = this
      .stream as unknown as import('node:net').Socket;
    if (name === 'peername' && remoteAddress !== undefined) return [remoteAddress, remotePort];
    if (name === 'sockname' && localAddress !== undefined) return [localAddress, localPort];
    return fallback;
  }
}
