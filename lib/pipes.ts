// Transports of one direction, over a pipe, a socket or a character device: asyncio's
// connect_read_pipe() and connect_write_pipe().
// Floor 8.
//
// The descriptor belongs to the transport once it is made, and is closed with it. A write transport
// also watches a duplicate of the descriptor, by which it learns that nobody reads any more though
// nothing is being written; both are closed together.
import { fstatSync } from 'node:fs';
import { checkBytes, checkFactory, outOfRange } from './arguments.ts';
import { made, OpenOperation } from './attempts.ts';
import { type Context, captureContext } from './context.ts';
import { checkDescriptor, checkNotOwned, describeDescriptor } from './descriptors.ts';
import type { Future } from './futures.ts';
import { closeSlot, type EventReceiver, kNoSlot, registerReceiver } from './io_events.ts';
import { layout, native } from './native.ts';
import { type BaseProtocol, kInternal, makeProtocol } from './protocols.ts';
import { ReadyCall } from './ready.ts';
import { errnoOf, systemError } from './system_errors.ts';
import type { ReadTransport, WriteTransport } from './transport_types.ts';
import { SocketTransport } from './transports.ts';
import type { LoopCore } from './turns.ts';

const { kCharacterDevice, kPipe, kPollHangUp } = layout;
const { kTcpSocket, kLocalSocket, kDatagramSocket, kOtherSocket } = layout;

const kPipeKinds = new Set([
  kCharacterDevice,
  kPipe,
  kTcpSocket,
  kLocalSocket,
  kDatagramSocket,
  kOtherSocket,
]);
const kBadDescriptor = errnoOf('EBADF');
const kBrokenPipe = errnoOf('EPIPE');
const kInputOutput = errnoOf('EIO');

/** Takes over `fd`; on an error it stays the caller's. Returns the slot of its stream. */
function openPipe(fd: number, direction: 'read' | 'write'): number {
  checkDescriptor(fd);
  const { kind, readable, writable } = describeDescriptor(fd);
  if (!kPipeKinds.has(kind)) {
    throw outOfRange('fd', 'a pipe, a socket or a character device', fd);
  }
  checkNotOwned(fd);
  if (!(direction === 'read' ? readable : writable)) throw systemError(kBadDescriptor, direction);
  // A device that cannot be polled (/dev/null) can be written to, but not waited for.
  if (kind === kCharacterDevice && direction === 'read') {
    const poller = native.pollerOpen(fd);
    if (poller < 0) throw systemError(poller, direction);
    native.close(poller);
  }
  const slot = native.streamOpen(fd, false);
  if (slot < 0) throw systemError(slot, 'open');
  return slot;
}

/** @internal */
export class ReadPipeTransport extends SocketTransport implements ReadTransport {
  /** Takes over `fd`. @throws RangeError for a file; Node's system error; the fd is the caller's then */
  constructor(loop: LoopCore, fd: number, protocol: BaseProtocol, context?: Context) {
    super(loop, openPipe(fd, 'read'), protocol, null, context);
    this.setExtraInfo('pipe', fd);
    this.announce();
  }

  /** A pipe has no other direction to keep open, whatever the protocol says. */
  protected override deliverEof(): void {
    if (this.closing) return;
    this.closing = true;
    if (this.protocol[kInternal]) this.protocol.eofReceived?.();
    else {
      const call = () => void this.protocol.eofReceived?.();
      this.loop.enqueue(new ReadyCall(() => this.inContext(call), 'eofReceived'));
    }
    this.loop.enqueue(
      new ReadyCall(() => {
        if (this.lost) return;
        this.lost = true;
        this.callConnectionLost(null);
      }, 'connectionLost'),
    );
  }

  /** asyncio tells the exception handler of it, but for a terminal that is gone. */
  override fail(error: unknown): void {
    if (!this.lost && (error as NodeJS.ErrnoException).errno !== kInputOutput) {
      this.reportFatal('Fatal read error on pipe transport', error);
    }
    super.fail(error);
  }

  override canWriteEof(): boolean {
    return false;
  }
}

/**
 * Whether the system tells a writer that its reader is gone. macOS does not for a FIFO with a name: it
 * shows unread bytes to the writer instead (CPython gh-145030).
 */
function showsItsReader(fd: number): boolean {
  const file = fstatSync(fd);
  if (file.isCharacterDevice()) return false;
  return process.platform !== 'darwin' || !file.isFIFO() || file.nlink === 0;
}

/** Tells a write transport that its reader is gone. */
class HangUpWatch implements EventReceiver {
  readonly loop: LoopCore;
  private slot: number;
  private readonly transport: WritePipeTransport;

  constructor(loop: LoopCore, slot: number, transport: WritePipeTransport) {
    this.loop = loop;
    this.slot = slot;
    this.transport = transport;
    registerReceiver(slot, this);
    native.pollerWatch(slot, kPollHangUp);
  }

  onEvent(): void {
    native.pollerWatch(this.slot, 0);
    this.transport.readerGone();
  }

  detached(): void {
    this.slot = kNoSlot;
  }

  close(): void {
    this.slot = closeSlot(this.slot);
  }
}

/** @internal */
export class WritePipeTransport extends SocketTransport implements WriteTransport {
  private watch: HangUpWatch | undefined = undefined;

  /** Takes over `fd`. @throws RangeError for a file; Node's system error; the fd is the caller's then */
  constructor(loop: LoopCore, fd: number, protocol: BaseProtocol, context?: Context) {
    super(loop, openPipe(fd, 'write'), protocol, null, context);
    this.setExtraInfo('pipe', fd);
    this.reading = false;
    this.announce();
    loop.enqueue(new ReadyCall(() => this.watchReader(fd)));
  }

  /** Nobody reads any more. @internal */
  readerGone(): void {
    if (this.getWriteBufferSize() > 0) this.fail(systemError(kBrokenPipe, 'write'));
    else this.close();
  }

  /** Nothing follows the end: a pipe that still has bytes to send takes no more, as in asyncio. */
  override write(data: Uint8Array | string): void {
    if (!this.closing) {
      super.write(data);
      return;
    }
    if (typeof data !== 'string') checkBytes(data, 'data');
    if (data.length > 0) this.noteLostWrite();
  }

  /** The end of a pipe is its close. */
  override writeEof(): void {
    this.close();
  }

  override resumeReading(): void {}

  private watchReader(fd: number): void {
    if (this.closing) return;
    if (!showsItsReader(fd)) return;
    const slot = native.pollerOpen(fd);
    if (slot >= 0) this.watch = new HangUpWatch(this.loop, slot, this);
  }

  protected override release(): void {
    super.release();
    this.watch?.close();
  }
}

/** A transport over `fd`, which `make` makes, once its protocol was told. */
function connectPipe<T extends SocketTransport, P extends BaseProtocol>(
  loop: LoopCore,
  factory: () => P,
  make: (protocol: P, context: Context | undefined) => T,
): Future<[T, P]> {
  const context = captureContext();
  return new OpenOperation<[T, P]>(
    async (_, attempt) => {
      loop.checkClosed();
      checkFactory(factory, 'factory');
      const protocol = makeProtocol(factory);
      // Its connectionMade() is scheduled by its constructor.
      const announced = (done: () => void) => loop.enqueue(new ReadyCall(done));
      return [await made(attempt, make(protocol, context), announced), protocol];
    },
    ([transport]) => transport.abort(),
  );
}

/** @internal */
export function connectReadPipe<P extends BaseProtocol>(
  loop: LoopCore,
  factory: () => P,
  fd: number,
): Future<[ReadTransport, P]> {
  return connectPipe(
    loop,
    factory,
    (protocol, context) => new ReadPipeTransport(loop, fd, protocol, context),
  );
}

/** @internal */
export function connectWritePipe<P extends BaseProtocol>(
  loop: LoopCore,
  factory: () => P,
  fd: number,
): Future<[WriteTransport, P]> {
  return connectPipe(
    loop,
    factory,
    (protocol, context) => new WritePipeTransport(loop, fd, protocol, context),
  );
}
