// The bytes of one connection to another without a visit to JavaScript, where the system can:
// splice(2), see native/uv/splicer.h.
// Floor 8.
//
// It stands for a read that waits: whatever wakes that (bytes by feedData(), EOF, an error) ends it, and so
// does the end of the target's connection. Who called it looks what there is to do then.
import { Future, kFailed, kFinished } from './futures.ts';
import {
  closeSlot,
  dispatchPending,
  type EventReceiver,
  kNoSlot,
  registerReceiver,
} from './io_events.ts';
import { native } from './native.ts';
import type { ReadWaiter, Thrown } from './read_operations.ts';
import { SocketTransport } from './transports.ts';
import type { LoopCore } from './turns.ts';

/** What splicing needs of a StreamReader. @internal */
export interface SpliceSource {
  /** What it is fed by. */
  readonly feeder: unknown;
  readonly buffered: number;
  readonly ended: boolean;
  exception(): unknown;
  wait(operation: ReadWaiter): Error | undefined;
  stopWaiting(operation: ReadWaiter): void;
}

/** Who tells of the end of the target's connection. @internal */
export interface SpliceFlow {
  readonly lost: unknown;
  wait(waiter: { resume(): void }): void;
  stopWaiting(waiter: { resume(): void }): void;
}

/** @internal */
export interface SpliceOutcome {
  /** Bytes; none when there is something else to do first. */
  readonly moved: number;
  /** Whether the system can do it, for these two. */
  readonly works: boolean;
}

const kCannot: SpliceOutcome = { moved: 0, works: false };
const kNotNow: SpliceOutcome = { moved: 0, works: true };

/** Whether bytes can go past what there is to read: there is nothing. */
function isClear(source: SpliceSource): boolean {
  return source.buffered === 0 && !source.ended && source.exception() === null;
}

class Splice implements EventReceiver, ReadWaiter {
  readonly method = 'pipeTo';
  readonly loop: LoopCore;
  private slot: number;
  private readonly source: SpliceSource;
  private readonly target: SocketTransport;
  private readonly flow: SpliceFlow;
  private readonly end: Future<void>;
  private status = 0;
  /** The target's connection has ended, or may be written to. */
  private readonly flowWaiter = {
    resume: () => {
      if (this.flow.lost !== undefined) this.resume();
    },
  };

  constructor(
    loop: LoopCore,
    slot: number,
    source: SpliceSource,
    target: SocketTransport,
    flow: SpliceFlow,
  ) {
    this.loop = loop;
    this.slot = slot;
    this.source = source;
    this.target = target;
    this.flow = flow;
    this.end = new Future<void>({ loop });
    registerReceiver(slot, this);
  }

  /** Moves at most `count` bytes. */
  async run(count: number): Promise<SpliceOutcome> {
    try {
      dispatchPending();
      if (!isClear(this.source)) return kNotNow;
      const refusal = this.source.wait(this);
      if (refusal !== undefined) throw refusal;
      this.flow.wait(this.flowWaiter);
      native.splicerBegin(this.slot, Number.isFinite(count) ? count : -1);
      await this.end;
      return { moved: native.splicerTaken(this.slot), works: this.status === 0 };
    } finally {
      this.source.stopWaiting(this);
      this.flow.stopWaiting(this.flowWaiter);
      this.target.splicerClosed();
      this.slot = closeSlot(this.slot);
    }
  }

  isReady(): boolean {
    return true;
  }

  resume(): void {
    if (!this.end.done()) this.end.finish(kFinished, undefined);
  }

  refuse(thrown: Thrown): void {
    if (!this.end.done()) this.end.finish(kFailed, thrown.error);
  }

  onEvent(_kind: number, status: number): void {
    this.status = status;
    this.resume();
  }

  detached(): void {
    this.slot = kNoSlot;
    this.resume();
  }
}

/**
 * Moves at most `count` bytes from a reader to the transport of a writer, past both, until the reader or the
 * writer have something to say.
 *
 * **Cancellation:** what was taken from the source is in the target's write buffer.
 * @internal
 */
export async function splice(
  source: SpliceSource,
  target: unknown,
  flow: SpliceFlow,
  count: number,
): Promise<SpliceOutcome> {
  const { feeder } = source;
  if (!(feeder instanceof SocketTransport && target instanceof SocketTransport)) return kCannot;
  if (!isClear(source)) return kNotNow;
  const slot = feeder.openSplicer(target);
  return slot < 0 ? kCannot : new Splice(feeder.loop, slot, source, target, flow).run(count);
}
