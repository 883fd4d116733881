// StreamProtocol: joins a StreamReader and the flow control of a StreamWriter to a transport.
// Floor 9.
import { BaseProtocol, type InternalProtocol, kInternal } from './protocols.ts';
import type { StreamReader } from './reading.ts';
import type { Transport } from './transport_types.ts';
import type { LoopCore } from './turns.ts';

/** Who is told that writing may go on, or that the connection has ended. It only takes note. @internal */
export interface FlowWaiter {
  resume(): void;
}

/** A drain() that waits. It is released once, and only takes note. @internal */
export interface DrainWaiter {
  /** @param error - what ended the connection; null when writing may go on, or after an orderly end */
  release(error: unknown): void;
}

/** Joins a reader and the waiting drains of a writer to a transport. @internal */
export class StreamProtocol extends BaseProtocol implements InternalProtocol {
  readonly [kInternal] = true as const;
  readonly loop: LoopCore;
  readonly reader: StreamReader;
  /** Made by a server, for a connection that came in: only such have something to do for it. */
  readonly isServerSide: boolean;
  private onConnection: ((transport: Transport) => void) | undefined;
  /** Whether the transport's write buffer is over its high-water mark. */
  paused = false;
  /** The end of the connection; undefined while it lasts. */
  lost: { readonly error: unknown } | undefined = undefined;
  private waiting: Set<FlowWaiter> | undefined = undefined;
  private draining: Set<DrainWaiter> | undefined = undefined;

  constructor(loop: LoopCore, reader: StreamReader, onConnection?: (transport: Transport) => void) {
    super();
    this.loop = loop;
    this.reader = reader;
    this.isServerSide = onConnection !== undefined;
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

  /** `drain` is released when writing may go on, or with what ends the connection. */
  waitForRoom(drain: DrainWaiter): void {
    this.draining ??= new Set();
    this.draining.add(drain);
  }

  stopDraining(drain: DrainWaiter): void {
    this.draining?.delete(drain);
  }

  override connectionMade(transport: Transport): void {
    const onConnection = this.onConnection;
    this.onConnection = undefined;
    this.reader.setTransport(transport);
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
    // As in asyncio: who reads, who waits for the end, who waits for room.
    this.wake();
    this.releaseDrains(error);
  }

  override pauseWriting(): void {
    this.paused = true;
  }

  override resumeWriting(): void {
    this.paused = false;
    this.releaseDrains(null);
    this.wake();
  }

  dataReceived(data: Buffer): void {
    this.reader.receive(data);
  }

  eofReceived(): boolean {
    this.reader.feedEof();
    return true;
  }

  private releaseDrains(error: unknown): void {
    const released = this.draining;
    this.draining = undefined;
    for (const drain of released ?? []) drain.release(error);
  }

  private wake(): void {
    if (this.waiting === undefined) return;
    for (const waiter of this.waiting) waiter.resume();
  }
}
