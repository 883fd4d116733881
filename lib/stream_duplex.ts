// StreamDuplex: a reader and a transport of ours as a Duplex, for what wants a stream or a socket of Node's.
// Floor 9.
//
// It stands directly on the reader's buffer and the protocol's flow control, without a task: bytes go to
// push() in the entry that found them, a write is done when the transport takes more. Readers and
// protocols call back while events are read, where no code of users may run; so they only schedule
// `Signal`, an entry that then looks at everything.
//
// Libraries that take a Duplex often want a little of net.Socket: timeouts, addresses, ref(). It is here.
import { Duplex } from 'node:stream';
import { invalidArgType } from './arguments.ts';
import { captureContext } from './context.ts';
import { RuntimeError } from './exceptions.ts';
import type { ReadWaiter } from './read_operations.ts';
import type { StreamReader } from './reading.ts';
import type { ReadyEntry } from './ready.ts';
import type { FlowWaiter, StreamProtocol } from './stream_protocol.ts';
import { errnoOf, systemError } from './system_errors.ts';
import type { WriteTransport } from './transport_types.ts';
import type { LoopCore, LoopResource } from './turns.ts';

const kBrokenPipe = errnoOf('EPIPE');
/** What is handed to push() at once: asyncio's limit of a stream. */
const kLargestPush = 64 * 1024;

type Callback = (error?: Error | null) => void;

/** What a transport of ours offers beyond asyncio's interface. */
interface Holding {
  setRef?(ref: boolean): void;
}

/** What the socket under a transport may offer: one of ours, or of node:net. */
interface SocketOptions {
  setNoDelay?(enabled: boolean): void;
  setKeepAlive?(enabled: boolean): void;
  ref?(): void;
  unref?(): void;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error), { cause: error });
}

/** Schedules one entry for any number of notices. */
class Signal implements ReadWaiter, FlowWaiter, ReadyEntry {
  readonly method = 'read';
  private readonly loop: LoopCore;
  private readonly look: () => void;
  /** In which its events are emitted, as a net.Socket's in that of its making. */
  private readonly context = captureContext();
  private scheduled = false;

  constructor(loop: LoopCore, look: () => void) {
    this.loop = loop;
    this.look = look;
  }

  isReady(): boolean {
    return true;
  }

  resume(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.loop.enqueue(this);
  }

  refuse(): void {
    this.resume();
  }

  /** What a listener throws is an uncaught exception, as of Node's own streams. */
  run(): void {
    this.scheduled = false;
    try {
      if (this.context === undefined) this.look();
      else this.context(this.look);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }
}

function destroyedError(): Error {
  const message = 'Cannot call write after a stream was destroyed';
  return Object.assign(new Error(message), { code: 'ERR_STREAM_DESTROYED' });
}

/** @internal */
export class StreamDuplex extends Duplex implements LoopResource {
  /** As of a net.Socket. */
  readonly connecting = false;
  readonly pending = false;
  timeout = 0;
  private received = 0;
  private sent = 0;
  private readonly source: StreamReader;
  private readonly protocol: StreamProtocol;
  private readonly sink: WriteTransport;
  private readonly signal: Signal;
  /** Node wants more bytes. */
  private asked = false;
  /** EOF was handed over. */
  private ended = false;
  /** What waits until the transport takes more. */
  private flowing: Callback | undefined = undefined;
  /** What waits for the end of the connection. */
  private closing: (() => void) | undefined = undefined;
  private timer: NodeJS.Timeout | undefined = undefined;
  /** The loop is closed: nobody tells of the end of the connection. */
  private orphaned = false;

  constructor(
    reader: StreamReader,
    protocol: StreamProtocol,
    transport: WriteTransport,
    allowHalfOpen: boolean,
  ) {
    super({ decodeStrings: false, allowHalfOpen });
    this.protocol = protocol;
    this.source = reader;
    this.sink = transport;
    this.signal = new Signal(protocol.loop, () => this.look());
    protocol.wait(this.signal);
    protocol.loop.resources.add(this);
    // As a net.Socket does when it is connected: so the end is seen by who only writes.
    this.read(0);
  }

  /**
   * Nothing of the loop runs any more, and the connection is gone with it. The end of run() is in order: it is an error
   * for who listens to errors, and no uncaught exception where nobody does.
   * @internal
   */
  loopClosed(): void {
    this.orphaned = true;
    if (this.listenerCount('error') === 0) this.destroy();
    else this.destroy(new RuntimeError('The event loop of this connection was closed'));
  }

  /** Something has changed: bytes, the end of them, room for writing, the end of the connection. */
  private look(): void {
    const { lost, paused } = this.protocol;
    if (lost !== undefined) {
      this.closing?.();
      this.goOn(this.lostError());
    } else if (!paused) {
      this.goOn();
    }
    this.pull();
  }

  // ------------------------------------------------------------------------- reading

  override _read(): void {
    this.asked = true;
    this.pull();
  }

  /** Hands over what is there, as much as was asked for, and sees to hearing of more. */
  private pull(): void {
    const { source, signal } = this;
    let thrown = true;
    try {
      while (this.asked && !this.destroyed && source.buffered > 0) {
        this.timer?.refresh();
        const chunk = source.takeSome(kLargestPush);
        this.received += chunk.length;
        this.asked = this.push(chunk);
      }
      thrown = false;
    } finally {
      // What a listener has thrown ends no stream.
      if (thrown) signal.resume();
    }
    source.maybeResume();
    if (this.ended || this.destroyed) return;
    const broken = source.blockingException() ?? source.failure;
    if (source.buffered > 0) {
      // The reader fills up to its limit and then holds the peer back.
      source.stopWaiting(signal);
    } else if (broken !== undefined) {
      this.destroy(asError(broken.error));
    } else if (source.ended) {
      this.ended = true;
      this.push(null);
      this.read(0);
    } else {
      const refusal = source.wait(signal);
      if (refusal !== undefined) this.destroy(refusal);
    }
  }

  // ------------------------------------------------------------------------- writing

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: Callback): void {
    const utf8 = encoding === 'utf8' || encoding === 'utf-8';
    this.send(typeof chunk === 'string' && !utf8 ? Buffer.from(chunk, encoding) : chunk, done);
  }

  override _writev(
    chunks: { chunk: Buffer | string; encoding: BufferEncoding }[],
    done: Callback,
  ): void {
    const buffers = chunks.map(({ chunk, encoding }) =>
      typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk,
    );
    this.send(Buffer.concat(buffers), done);
  }

  private send(data: Buffer | string, done: Callback): void {
    this.timer?.refresh();
    this.sent += typeof data === 'string' ? Buffer.byteLength(data) : data.length;
    const error = this.lostError();
    if (error !== null) {
      done(error);
      return;
    }
    try {
      this.sink.write(data);
    } catch (refused) {
      done(asError(refused));
      return;
    }
    this.whenFlowing(done);
  }

  override _final(done: Callback): void {
    const { lost } = this.protocol;
    if (lost !== undefined || this.sink.isClosing()) {
      // An end in order is none too early for who has nothing left to send.
      done(lost?.error ? asError(lost.error) : null);
      return;
    }
    if (this.sink.canWriteEof()) this.sink.writeEof();
    else this.sink.close();
    // The stream has finished when nothing is left to send: from now on the protocol is paused until then.
    this.sink.setWriteBufferLimits({ high: 0 });
    this.whenFlowing(done);
  }

  private whenFlowing(done: Callback): void {
    if (this.protocol.paused) this.flowing = done;
    else done();
  }

  private goOn(error: Error | null = null): void {
    const done = this.flowing;
    this.flowing = undefined;
    done?.(error);
  }

  private lostError(): Error | null {
    const { lost } = this.protocol;
    if (lost === undefined && !this.sink.isClosing()) return null;
    return lost?.error ? asError(lost.error) : systemError(kBrokenPipe, 'write');
  }

  // ----------------------------------------------------------------------------- end

  override _destroy(error: Error | null, done: Callback): void {
    const { protocol } = this;
    clearTimeout(this.timer);
    this.source.stopWaiting(this.signal);
    const { flowing } = this;
    this.flowing = undefined;
    const finish = (): void => {
      protocol.stopWaiting(this.signal);
      protocol.loop.resources.delete(this);
      this.closing = undefined;
      flowing?.(error ?? destroyedError());
      done(error);
    };
    if (protocol.lost !== undefined || this.orphaned) {
      finish();
      return;
    }
    this.closing = finish;
    if (error === null && this.writableFinished) this.sink.close();
    else this.sink.abort();
  }

  // ------------------------------------------------------------------ as of a net.Socket

  get readyState(): 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  /** Bytes that were read. */
  get bytesRead(): number {
    return this.received;
  }

  /** Bytes that were written, those that are still to be sent too. */
  get bytesWritten(): number {
    return this.sent + this.writableLength;
  }

  /** Destroys it once what was written is sent. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** Emits 'timeout' after `ms` without a byte in either direction; 0: never. */
  setTimeout(ms: number, callback?: () => void): this {
    if (typeof ms !== 'number') throw invalidArgType('ms', 'of type number', ms);
    clearTimeout(this.timer);
    this.timeout = ms;
    this.timer = ms > 0 ? setTimeout(() => this.emit('timeout'), ms).unref() : undefined;
    if (callback === undefined) return this;
    if (ms > 0) this.once('timeout', callback);
    else this.off('timeout', callback);
    return this;
  }

  /** Does nothing to what is no TCP connection, as a net.Socket's. */
  setNoDelay(enabled = true): this {
    if (this.remoteAddress !== undefined) this.socket?.setNoDelay?.(Boolean(enabled));
    return this;
  }

  /** As setNoDelay(). */
  setKeepAlive(enabled = false): this {
    if (this.remoteAddress !== undefined) this.socket?.setKeepAlive?.(Boolean(enabled));
    return this;
  }

  ref(): this {
    this.hold(true);
    return this;
  }

  unref(): this {
    this.hold(false);
    return this;
  }

  address(): { address: string; family: string; port: number } | Record<string, never> {
    const address = this.localAddress;
    if (address === undefined) return {};
    return { address, family: familyOf(address), port: this.localPort as number };
  }

  get remoteAddress(): string | undefined {
    return this.place('peername')?.[0];
  }

  get remotePort(): number | undefined {
    return this.place('peername')?.[1];
  }

  get remoteFamily(): string | undefined {
    const address = this.remoteAddress;
    return address === undefined ? undefined : familyOf(address);
  }

  get localAddress(): string | undefined {
    return this.place('sockname')?.[0];
  }

  get localFamily(): string | undefined {
    const address = this.localAddress;
    return address === undefined ? undefined : familyOf(address);
  }

  get localPort(): number | undefined {
    return this.place('sockname')?.[1];
  }

  /** What is under the transport, unless that is closed. */
  private get socket(): SocketOptions | undefined {
    return this.sink.isClosing() ? undefined : this.sink.getExtraInfo('socket');
  }

  /** Whether it keeps the process alive. */
  private hold(ref: boolean): void {
    const sink = this.sink as Holding;
    if (sink.setRef !== undefined) sink.setRef(ref);
    else if (ref) this.socket?.ref?.();
    else this.socket?.unref?.();
  }

  private place(name: string): [host: string, port: number] | undefined {
    const place = this.sink.getExtraInfo(name);
    return Array.isArray(place) ? (place as [string, number]) : undefined;
  }
}

function familyOf(address: string): string {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}
