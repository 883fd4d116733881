// StreamWriter, and the protocol that joins a StreamReader and a StreamWriter to a transport.
// Floor 9.

import { Future } from './futures.ts';
import { InlineCoroutine } from './inline.ts';
import { BaseProtocol } from './protocols.ts';
import type { StreamReader } from './reading.ts';
import { errnoOf, systemError } from './system_errors.ts';
import { currentTask } from './tasks.ts';
import { addThen } from './thens.ts';
import type { InternalProtocol } from './transport_base.ts';
import type { Transport, WriteTransport } from './transport_types.ts';
import type { LoopCore } from './turns.ts';

const kConnectionReset = errnoOf('ECONNRESET');

/** Who is told that writing may go on, or that the connection has ended. It only takes note. @internal */
export interface FlowWaiter {
  resume(): void;
}

/** Joins a reader and the waiting drains of a writer to a transport. @internal */
export class StreamProtocol extends BaseProtocol implements InternalProtocol {
  readonly internal = true as const;
  readonly loop: LoopCore;
  readonly reader: StreamReader;
  private onConnection: ((transport: Transport) => void) | undefined;
  /** Whether the transport's write buffer is over its high-water mark. */
  paused = false;
  /** The end of the connection; undefined while it lasts. */
  lost: { readonly error: unknown } | undefined = undefined;
  private waiting: Set<FlowWaiter> | undefined = undefined;

  constructor(loop: LoopCore, reader: StreamReader, onConnection?: (transport: Transport) => void) {
    super();
    this.loop = loop;
    this.reader = reader;
    this.onConnection = onConnection;
  }

  /** Whether a drain() would return without waiting, on a transport that is not closing. */
  get flows(): boolean {
    return !this.paused && this.lost === undefined && this.reader.exception() === null;
  }

  /** `waiter` is resumed when writing may go on and when the connection ends. */
  wait(waiter: FlowWaiter): void {
    this.waiting ??= new Set();
    this.waiting.add(waiter);
  }

  stopWaiting(waiter: FlowWaiter): void {
    this.waiting?.delete(waiter);
  }

  override connectionMade(transport: Transport): void {
    const onConnection = this.onConnection;
    this.onConnection = undefined;
    onConnection?.(transport);
  }

  override connectionLost(error: unknown): void {
    if (this.lost !== undefined) return;
    this.lost = { error };
    if (error === null) {
      if (!this.reader.ended) this.reader.feedEof();
    } else {
      this.reader.connectionFailed(error);
    }
    this.wake();
  }

  override pauseWriting(): void {
    this.paused = true;
  }

  override resumeWriting(): void {
    this.paused = false;
    this.wake();
  }

  dataReceived(data: Buffer): void {
    this.reader.feedData(data);
  }

  eofReceived(): boolean {
    this.reader.feedEof();
    return true;
  }

  private wake(): void {
    if (this.waiting === undefined) return;
    for (const waiter of this.waiting) waiter.resume();
  }
}

const doneFutures = new WeakMap<LoopCore, Future<void>>();

/** A future that is done, shared by all drains that need not wait. */
function doneFuture(loop: LoopCore): Future<void> {
  let done = doneFutures.get(loop);
  if (done === undefined) {
    done = new Future<void>({ loop });
    done.setResult();
    doneFutures.set(loop, done);
  }
  return done;
}

/** drain(): waits while the transport is paused. */
class Drain extends InlineCoroutine<void> {
  private readonly writer: StreamWriter;
  private readonly protocol: StreamProtocol;
  private gaveWay = false;
  private waited = false;

  constructor(writer: StreamWriter, protocol: StreamProtocol) {
    super();
    this.writer = writer;
    this.protocol = protocol;
  }

  protected override proceed(): void {
    const protocol = this.protocol;
    const broken = protocol.reader.exception();
    if (broken !== null) {
      this.finishWith(broken);
      return;
    }
    // A closing transport gets one pass to find out that the connection is lost, as in asyncio.
    if (!this.gaveWay && this.writer.isClosing()) {
      this.gaveWay = true;
      this.resume();
      return;
    }
    if (protocol.lost !== undefined) {
      // Who waited when the connection ended in order, by abort() too, is not told of an error.
      this.finishWith(this.waited ? protocol.lost.error : systemError(kConnectionReset, 'write'));
      return;
    }
    if (protocol.paused) {
      this.waited = true;
      protocol.wait(this);
    } else {
      this.finishWith(null);
    }
  }

  protected override abandon(): void {
    this.protocol.stopWaiting(this);
  }

  private finishWith(error: unknown): void {
    this.protocol.stopWaiting(this);
    if (error === null) this.complete();
    else this.fail(error);
  }
}
addThen(Drain);

/** waitClosed(): waits for the end of the connection. */
class WaitClosed extends InlineCoroutine<void> {
  private readonly protocol: StreamProtocol;

  constructor(protocol: StreamProtocol) {
    super();
    this.protocol = protocol;
  }

  protected override proceed(): void {
    const lost = this.protocol.lost;
    if (lost === undefined) {
      this.protocol.wait(this);
      return;
    }
    this.protocol.stopWaiting(this);
    if (lost.error === null) this.complete();
    else this.fail(lost.error);
  }

  protected override abandon(): void {
    this.protocol.stopWaiting(this);
  }
}
addThen(WaitClosed);

/**
 * The writing side of a stream. `write()` never waits; `await drain()` now and then, so that a slow peer
 * holds the writer back.
 * @see asyncio.StreamWriter
 * @public
 */
export class StreamWriter implements AsyncDisposable {
  /** The transport underneath. */
  readonly transport: WriteTransport;
  /** @internal */
  readonly protocol: StreamProtocol;

  /** @internal */
  constructor(transport: WriteTransport, protocol: StreamProtocol) {
    this.transport = transport;
    this.protocol = protocol;
  }

  /**
   * Sends `data`. What cannot be sent at once is copied: `data` is the caller's again. After close() or
   * on a lost connection it does nothing; drain() tells.
   * @throws TypeError when `data` is neither bytes nor a string; RuntimeError after writeEof()
   */
  write(data: Uint8Array | string): void {
    this.transport.write(data);
  }

  /** Sends each of `data`, together. */
  writelines(data: Iterable<Uint8Array | string>): void {
    this.transport.writelines(data);
  }

  /** Half-closes the connection: the peer reads to EOF and may go on sending. */
  writeEof(): void {
    this.transport.writeEof();
  }

  canWriteEof(): boolean {
    return this.transport.canWriteEof();
  }

  /**
   * Waits until the write buffer has fallen to its low-water mark; returns without waiting while it is
   * below its high-water mark. Any number of tasks may wait.
   * @throws the connection's error when it is lost
   *
   * **Cancellation:** what was written stays written.
   */
  drain(): Future<void> {
    if (this.protocol.flows && !this.transport.isClosing()) {
      return doneFuture(this.protocol.loop);
    }
    return new Drain(this, this.protocol);
  }

  /** Closes at once: what was not sent is lost. */
  abort(): void {
    this.transport.abort();
  }

  /** Closes the connection once everything written is sent; waitClosed() waits for it. */
  close(): void {
    this.transport.close();
  }

  isClosing(): boolean {
    return this.transport.isClosing();
  }

  /** Waits until the connection is closed. @throws the error that ended it, if one did */
  waitClosed(): Future<void> {
    return new WaitClosed(this.protocol);
  }

  /** 'peername', 'sockname', ...; `fallback` for a name the transport does not know. */
  // biome-ignore lint/suspicious/noExplicitAny: the kind depends on the name
  getExtraInfo(name: string, fallback: unknown = null): any {
    return this.transport.getExtraInfo(name, fallback);
  }

  /** close() and waitClosed(), without the connection's error; abort() when the task is cancelled. */
  async [Symbol.asyncDispose](): Promise<void> {
    const task = currentTask();
    if (task !== null && task.cancelling() > 0) this.abort();
    else this.close();
    try {
      await this.waitClosed();
    } catch (error) {
      if (error !== this.protocol.lost?.error) {
        this.abort();
        throw error;
      }
    }
  }
}
