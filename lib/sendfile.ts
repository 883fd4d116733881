// loop.sendfile(): a file over a transport, without a copy through JavaScript where the system can.
// Floor 8.
//
// The system's way (native/uv/file_sender.h) needs a regular file and a transport that lives on a socket
// or pipe of its own. It takes its place in the order of what is written: it begins when everything before
// it is sent, and what is written meanwhile is held back. Over any other transport the file is read and
// written in chunks, at the transport's pace.
import { close, open, type PathLike, read } from 'node:fs';
import { checkFlag, checkInteger, checkOptions, invalidArgType } from './arguments.ts';
import { checkDescriptor, describeDescriptor } from './descriptors.ts';
import { RuntimeError, SendfileNotAvailableError } from './exceptions.ts';
import { Future, kFailed, kFinished } from './futures.ts';
import { closeSlot, type EventReceiver, kNoSlot, registerReceiver } from './io_events.ts';
import { layout, native } from './native.ts';
import type { BaseProtocol } from './protocols.ts';
import { errnoOf, systemError } from './system_errors.ts';
import type { WriteTransport } from './transport_types.ts';
import { SocketTransport } from './transports.ts';
import type { LoopCore } from './turns.ts';

/** Options of loop.sendfile(). @public */
export interface SendfileOptions {
  /** Where in the file to begin, in bytes; 0 by default. */
  offset?: number | undefined;
  /** How many bytes to send at most; by default all that follow. */
  count?: number | undefined;
  /** false: SendfileNotAvailableError where the system cannot send the file by itself. */
  fallback?: boolean | undefined;
}

/** Read and written at once where the system cannot help; large enough that the calls do not count. */
const kChunkBytes = 128 * 1024;
const kCanceled = errnoOf('ECANCELED');
const kBusy = errnoOf('EBUSY');
const kReset = errnoOf('ECONNRESET');
/** What sendfile(2) says of files and sockets that it is not for. */
const kNotForThis = new Set(['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'ENOTSOCK'].map(errnoOf));

function notAvailable(cause?: Error): SendfileNotAvailableError {
  return new SendfileNotAvailableError(
    'The system cannot send this file over this transport by itself',
    { cause },
  );
}

function alreadySending(): RuntimeError {
  return new RuntimeError(
    'Another sendfile() or pipeTo() is under way on this transport: await it first',
  );
}

/** A place for a file among what is written to a transport, and the system that sends it. */
class FileSender implements EventReceiver {
  readonly loop: LoopCore;
  private slot: number;
  private ended = false;
  /** The bytes sent. */
  private result: Future<number> | undefined = undefined;

  /** undefined where the system has no way to send files over this transport. */
  static on(loop: LoopCore, transport: WriteTransport): FileSender | undefined {
    if (!(transport instanceof SocketTransport)) return undefined;
    const slot = transport.holdForFile();
    if (slot === kBusy) throw alreadySending();
    if (slot >= 0) return new FileSender(loop, slot);
    if (kNotForThis.has(slot)) return undefined;
    throw systemError(slot, 'sendfile');
  }

  private constructor(loop: LoopCore, slot: number) {
    this.loop = loop;
    this.slot = slot;
    registerReceiver(slot, this);
  }

  /** @throws SendfileNotAvailableError when the file is not for this */
  send(fd: number, offset: number, count: number): Future<number> {
    const result = new Future<number>({ loop: this.loop });
    if (this.ended) {
      result.finish(kFailed, systemError(kReset, 'sendfile'));
      return result;
    }
    const status = native.fileSend(this.slot, fd, offset, count);
    if (status < 0) result.finish(kFailed, errorOf(status, 0));
    else this.result = result;
    return result;
  }

  /** Lets what was held back follow, after the call that may be under way. */
  end(): void {
    if (this.ended) return;
    if (this.result === undefined) this.close();
    else native.fileSendStop(this.slot);
  }

  onEvent(_kind: number, status: number): void {
    const sent = native.fileSent(this.slot);
    this.close();
    if (this.result === undefined || this.result.done()) return;
    if (status === 0) this.result.finish(kFinished, sent);
    else this.result.finish(kFailed, errorOf(status, sent));
  }

  detached(): void {
    this.slot = kNoSlot;
    this.ended = true;
  }

  private close(): void {
    this.ended = true;
    this.slot = closeSlot(this.slot);
  }
}

function errorOf(status: number, sent: number): Error {
  if (sent === 0 && kNotForThis.has(status)) return notAvailable(systemError(status, 'sendfile'));
  // Only the end of the transport stops it: a cancel has settled the future.
  return systemError(status === kCanceled ? kReset : status, 'sendfile');
}

/** Tells when a transport may be written to again, between it and its protocol. */
class FlowWatch {
  private static readonly watched = new WeakSet<WriteTransport>();
  private readonly transport: WriteTransport;
  private readonly protocol: BaseProtocol;
  private readonly between: BaseProtocol;
  private waiting: Future<void> | undefined = undefined;

  /** @throws RuntimeError while there is another one on the transport */
  constructor(transport: WriteTransport) {
    if (FlowWatch.watched.has(transport)) throw alreadySending();
    this.transport = transport;
    const protocol = transport.getProtocol();
    this.protocol = protocol;
    const wakeAfter = (method: 'resumeWriting' | 'connectionLost') => (error: unknown) => {
      try {
        protocol[method](error);
      } finally {
        this.wake();
      }
    };
    const ours = new Map<string | symbol, unknown>([
      ['resumeWriting', wakeAfter('resumeWriting')],
      ['connectionLost', wakeAfter('connectionLost')],
    ]);
    this.between = new Proxy(protocol, {
      get(target, name) {
        const value = ours.get(name) ?? Reflect.get(target, name, target);
        return typeof value === 'function' && !ours.has(name) ? value.bind(target) : value;
      },
    });
    transport.setProtocol(this.between);
    FlowWatch.watched.add(transport);
  }

  /** Waits until the write buffer is below its high-water mark. */
  async flows(loop: LoopCore): Promise<void> {
    while (!this.transport.isClosing() && this.isOverHighWater()) {
      this.waiting = new Future<void>({ loop });
      await this.waiting;
    }
  }

  end(): void {
    FlowWatch.watched.delete(this.transport);
    if (this.transport.getProtocol() === this.between) this.transport.setProtocol(this.protocol);
  }

  private isOverHighWater(): boolean {
    return this.transport.getWriteBufferSize() > this.transport.getWriteBufferLimits()[1];
  }

  private wake(): void {
    if (this.waiting !== undefined && !this.waiting.done())
      this.waiting.finish(kFinished, undefined);
  }
}

/** A call of node:fs as a Future. */
function fsCall<T>(
  loop: LoopCore,
  call: (callback: (error: Error | null, result: T) => void) => void,
): Future<T> {
  const future = new Future<T>({ loop });
  call((error, result) => {
    if (future.done()) return;
    if (error === null) future.finish(kFinished, result);
    else future.finish(kFailed, error);
  });
  return future;
}

function closeFile(fd: number): void {
  close(fd, () => {});
}

async function sendByChunks(
  loop: LoopCore,
  transport: WriteTransport,
  fd: number,
  offset: number | null,
  count: number,
): Promise<number> {
  const flow = new FlowWatch(transport);
  let sent = 0;
  try {
    while (count < 0 || sent < count) {
      await flow.flows(loop);
      if (transport.isClosing()) throw systemError(kReset, 'sendfile');
      const size = count < 0 ? kChunkBytes : Math.min(kChunkBytes, count - sent);
      const chunk = Buffer.allocUnsafeSlow(size);
      const position = offset === null ? null : offset + sent;
      const length = await fsCall<number>(loop, (done) => read(fd, chunk, 0, size, position, done));
      if (length === 0) break;
      if (transport.isClosing()) throw systemError(kReset, 'sendfile');
      transport.write(length === size ? chunk : chunk.subarray(0, length));
      sent += length;
    }
    return sent;
  } finally {
    flow.end();
  }
}

/** Sends an open file: by the sender if it can, else in chunks. */
async function sendDescriptor(
  loop: LoopCore,
  transport: WriteTransport,
  sender: FileSender | undefined,
  fd: number,
  options: SendfileOptions,
): Promise<number> {
  const { offset = 0, count = -1, fallback = true } = options;
  const { kind, readable } = describeDescriptor(fd);
  if (!readable) throw systemError(errnoOf('EBADF'), 'read');
  const isFile = kind === layout.kRegularFile;
  if (isFile && sender !== undefined) {
    try {
      return await sender.send(fd, offset, count);
    } catch (error) {
      if (!fallback || !(error instanceof SendfileNotAvailableError)) throw error;
    }
  } else if (!fallback) {
    throw notAvailable();
  }
  sender?.end();
  // A pipe has no places to read from, only a next byte.
  return sendByChunks(loop, transport, fd, isFile || offset > 0 ? offset : null, count);
}

function checkArguments(transport: unknown, options: SendfileOptions): void {
  const { write, getProtocol } = (transport ?? {}) as Partial<WriteTransport>;
  if (typeof write !== 'function' || typeof getProtocol !== 'function') {
    const expected = 'a transport that can be written to (of a StreamWriter: writer.transport)';
    throw invalidArgType('transport', expected, transport);
  }
  checkOptions(options);
  const { offset, count, fallback } = options;
  if (offset !== undefined) checkInteger(offset, 'options.offset', 0);
  if (count !== undefined) checkInteger(count, 'options.count', 0);
  checkFlag(fallback, 'options.fallback');
}

/** loop.sendfile(), as its docstring says. @internal */
export async function sendfile(
  loop: LoopCore,
  transport: WriteTransport,
  file: PathLike | number,
  options: SendfileOptions = {},
): Promise<number> {
  loop.checkClosed();
  checkArguments(transport, options);
  if (typeof file === 'number') checkDescriptor(file, 'file');
  if (transport.isClosing()) throw new RuntimeError('The transport is closing');
  const sender = FileSender.on(loop, transport);
  let opened: number | undefined;
  let ended = false;
  try {
    if (typeof file !== 'number') {
      const note = (done: (error: Error | null, fd: number) => void) => {
        open(file, (error, fd) => {
          // At once: a cancel may come between this and the next step, or have come before this.
          if (error === null) {
            if (ended) closeFile(fd);
            else opened = fd;
          }
          done(error, fd);
        });
      };
      await fsCall<number>(loop, note);
    }
    return await sendDescriptor(loop, transport, sender, opened ?? (file as number), options);
  } finally {
    ended = true;
    sender?.end();
    if (opened !== undefined) closeFile(opened);
  }
}
