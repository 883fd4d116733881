// StreamReader: the reading side of a stream, with exact reads and back pressure.
// Floor 8.
import { inspect } from 'node:util';
import { checkInteger, checkOptions, invalidArgType } from './arguments.ts';
import { ByteQueue, kSmallestView } from './byte_queue.ts';
import { RuntimeError } from './exceptions.ts';
import { describeState } from './format.ts';
import type { Future } from './futures.ts';
import { type PipeOptions, type PipeTarget, pipe } from './piping.ts';
import { Pulling } from './pulling.ts';
import {
  Peek,
  ReadAll,
  ReadExactly,
  ReadLine,
  ReadSome,
  ReadUntil,
  type ReadWaiter,
  type Thrown,
} from './read_operations.ts';
import { separatorsOf } from './separators.ts';
import type { Bytes } from './types.ts';

/** asyncio's default limit, in bytes (streams: _DEFAULT_LIMIT). */
const kDefaultLimit = 64 * 1024;

/** Options of a StreamReader, and of what makes one. @public */
export interface StreamOptions {
  /** In bytes; 64 KiB by default. Bounds lines, and reading is paused when twice as much is buffered. */
  limit?: number | undefined;
}

/** @throws RangeError unless `limit`, if there is one, is positive @internal */
export function checkLimit(limit: unknown, name: string): void {
  if (limit !== undefined) checkInteger(limit, name, 1);
}

/** What a reader needs of a transport to hold back the peer. @internal */
export interface PausableTransport {
  pauseReading(): void;
  resumeReading(): void;
}

/** What a read gives again and again, until it gives nothing. */
class Parts extends Pulling<Bytes> {
  private readonly read: () => Future<Bytes>;

  constructor(read: () => Future<Bytes>) {
    super();
    this.read = read;
  }

  protected override pull(): Future<Bytes> {
    return this.read();
  }

  protected override isEnd(part: Bytes): boolean {
    return part.length === 0;
  }
}

/**
 * The reading side of a stream.
 *
 * At most one read at a time. A cancelled read has taken no bytes.
 * @see asyncio.StreamReader
 * @public
 */
export class StreamReader extends ByteQueue implements AsyncIterable<Bytes> {
  private readonly limit: number;
  private eof = false;
  private thrown: Thrown | undefined = undefined;
  private waiter: ReadWaiter | undefined = undefined;
  private source: PausableTransport | undefined = undefined;
  private paused = false;
  /** The connection broke: raised once the buffered bytes cannot satisfy a read. @internal */
  failure: Thrown | undefined = undefined;

  /**
   * @param options - `limit` in bytes; `loop`, which asyncio's has, is not needed: reads belong to who awaits
   * @throws RangeError unless `limit` is positive
   */
  constructor(options: StreamOptions & { loop?: unknown } = {}) {
    super();
    checkOptions(options);
    checkLimit(options.limit, 'limit');
    const limit = options.limit ?? kDefaultLimit;
    this.limit = limit;
  }

  /**
   * Reads at most `n` bytes: what is there, or what comes next. An empty Buffer means EOF.
   * @param n - in bytes; -1 (the default) reads to EOF
   * @throws the connection's error when it broke; RuntimeError while another read waits
   *
   * **Cancellation:** no byte is lost.
   */
  read(n = -1): Future<Bytes> {
    checkInteger(n, 'n');
    return n < 0 ? new ReadAll(this) : new ReadSome(this, n);
  }

  /**
   * Reads a line, its '\n' included; at EOF what is left, perhaps nothing.
   * @throws RangeError (`code: 'ERR_LINE_TOO_LONG'`) when the line is longer than the limit; it is dropped then
   * @throws the connection's error when it broke; RuntimeError while another read waits
   *
   * **Cancellation:** no byte is lost.
   */
  readline(options?: StreamOptions): Future<Bytes> {
    return new ReadLine(this, this.limitOf(options));
  }

  /**
   * Reads exactly `n` bytes; the limit does not apply.
   * @throws IncompleteReadError when the stream ends before; its `partial` holds what came
   * @throws the connection's error when it broke; RuntimeError while another read waits
   *
   * **Cancellation:** no byte is lost.
   */
  readexactly(n: number): Future<Bytes> {
    checkInteger(n, 'n', 0);
    return new ReadExactly(this, n);
  }

  /**
   * Reads to the end of a separator, which is included. Of several separators the one that ends first
   * counts.
   * @throws IncompleteReadError when the stream ends before; LimitOverrunError when the separator does
   * not come within the limit: the bytes stay in the buffer then
   * @throws the connection's error when it broke; RuntimeError while another read waits
   *
   * **Cancellation:** no byte is lost.
   */
  readuntil(
    separator: Uint8Array | string | readonly (Uint8Array | string)[] = '\n',
    options?: StreamOptions,
  ): Future<Bytes> {
    return new ReadUntil(this, separatorsOf(separator), this.limitOf(options));
  }

  /**
   * Waits until `n` bytes are there (or EOF) and gives a copy of them without taking them.
   * @param n - in bytes; 1 by default
   * @throws the connection's error when it broke; RuntimeError while another read waits
   *
   * **Cancellation:** nothing is changed.
   */
  peek(n = 1): Future<Bytes> {
    checkInteger(n, 'n', 0);
    return new Peek(this, n);
  }

  /** Bytes that are here. */
  get buffered(): number {
    return this.size;
  }

  /** Reads by parts of at most `size` bytes (64 KiB) until EOF. */
  chunks(size = kDefaultLimit): AsyncIterableIterator<Bytes> {
    checkInteger(size, 'size', 1);
    return new Parts(() => this.read(size));
  }

  /**
   * Moves everything that comes, from what is buffered on, to a writer, at the writer's pace. From one
   * connection to another (TCP, Unix sockets, pipes; not TLS) Linux does it by splice(2), without the bytes
   * coming here: for a third of the CPU time of a loop of read() and write() (`npm run bench -- proxy`). At
   * most 256 KiB are on their way, whatever the size of the stream.
   * @param options - `count` in bytes; `end` as in Node's pipe(): writeEof() at the reader's end, true by
   * default
   * @returns the number of bytes moved: they are the writer's, but need not be sent
   * @throws the error of either connection, RuntimeError while another read waits and after writeEof();
   * neither connection is closed by it
   *
   * **Cancellation:** no byte is lost: what was taken is the writer's, what was not is still to be read.
   */
  pipeTo(writer: PipeTarget, options?: PipeOptions): Promise<number> {
    return pipe(this, writer, options);
  }

  /** Whether EOF has come and all bytes are taken. */
  atEof(): boolean {
    return this.eof && this.size === 0;
  }

  /** What setException() set; null if nothing. */
  exception(): unknown {
    return (this.thrown ?? this.failure)?.error ?? null;
  }

  /** Has every read throw `error` from now on. */
  setException(error: unknown): void {
    this.thrown = { error };
    this.takeWaiter()?.refuse(this.thrown);
  }

  /** Adds a copy of `data`, as if it had come from the peer. @throws RuntimeError after feedEof() */
  feedData(data: Uint8Array): void {
    if (!(data instanceof Uint8Array)) {
      throw invalidArgType('data', 'an instance of Buffer or Uint8Array', data);
    }
    this.receive(Buffer.from(data));
  }

  /** Adds bytes of a transport, which are the reader's from now on. @internal */
  receive(data: Buffer): void {
    if (this.eof) throw new RuntimeError('feedData() after feedEof()');
    if (data.length === 0) return;
    this.add(data);
    const waiter = this.takeWaiter();
    waiter?.resume();
    if (this.size > this.limit * 2) this.maybePause(waiter);
  }

  /** No more bytes will come. */
  feedEof(): void {
    this.eof = true;
    this.takeWaiter()?.resume();
  }

  /** Lines until EOF, as in asyncio. After a line that was too long it goes on with the next. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Bytes> {
    return new Parts(() => this.readline());
  }

  /** As console.log() shows it: `<StreamReader open buffered=3 waiting=readline>`. @internal */
  [inspect.custom](): string {
    const state = this.exception() === null ? (this.eof ? 'eof' : 'open') : 'broken';
    return describeState(this, state, {
      buffered: this.size || undefined,
      limit: this.limit === kDefaultLimit ? undefined : this.limit,
      waiting: this.waiter?.method,
    });
  }

  // ----------------------------------------------------------------- for the floors around

  /** @internal */
  get ended(): boolean {
    return this.eof;
  }

  /** What feeds it; undefined for one that is fed by hand. @internal */
  get feeder(): unknown {
    return this.source;
  }

  /** @internal */
  setTransport(transport: PausableTransport): void {
    this.source = transport;
    this.paused = false;
  }

  /** The connection broke: bytes that arrived before stay readable. @internal */
  connectionFailed(error: unknown): void {
    this.failure ??= { error };
    this.takeWaiter()?.resume();
  }

  /** An error that every read throws, whatever is buffered. @internal */
  blockingException(): Thrown | undefined {
    return this.thrown;
  }

  /** An operation cannot go on yet. Returns an error when another one waits already. @internal */
  wait(operation: ReadWaiter): RuntimeError | undefined {
    if (this.waiter !== undefined && this.waiter !== operation) {
      return new RuntimeError(
        `${operation.method}() called while another coroutine is already waiting for incoming data`,
      );
    }
    this.waiter = operation;
    if (this.paused) this.resumeTransport();
    return undefined;
  }

  /** @internal */
  stopWaiting(operation: ReadWaiter): void {
    if (this.waiter === operation) this.waiter = undefined;
  }

  /** @internal */
  maybeResume(): void {
    if (this.paused && this.size <= this.limit) this.resumeTransport();
  }

  /**
   * Takes at most `most` bytes. A large first chunk of a connection is handed over without its
   * successors: joining them would cost a copy.
   * @internal
   */
  takeSome(most: number): Bytes {
    const count = Math.min(most, this.size);
    if (count === 0) return this.takeExactly(0);
    const first = this.firstLength;
    const large = first >= kSmallestView && this.source !== undefined;
    return this.takeExactly(large ? Math.min(count, first) : count);
  }

  private limitOf(options: StreamOptions | undefined): number {
    checkLimit(options?.limit, 'options.limit');
    return options?.limit ?? this.limit;
  }

  /** Who was waiting: it is woken, and waits again when it has to. Another read may come before it. */
  private takeWaiter(): ReadWaiter | undefined {
    const waiter = this.waiter;
    this.waiter = undefined;
    return waiter;
  }

  /** @param waiter - who was just woken: as long as the bytes are too few for it, more have to come */
  private maybePause(waiter: ReadWaiter | undefined): void {
    if (this.source === undefined || this.paused || waiter?.isReady() === false) return;
    this.paused = true;
    this.source.pauseReading();
  }

  private resumeTransport(): void {
    this.paused = false;
    this.source?.resumeReading();
  }
}
