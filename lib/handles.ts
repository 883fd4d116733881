// Handle and TimerHandle: callbacks that wait in a ready queue or in the timer heap.
// Floor 4.
import { inspect } from 'node:util';
import { type Context, emptyContext } from './context.ts';
import { debugging, noteCreation } from './debug.ts';
import { describeCallback, describeState } from './format.ts';
import type { ReadyEntry } from './ready.ts';
import { armTimerAfter, armTimerAt, disarmTimer, type TimerEntry } from './timers.ts';
import type { LoopCore } from './turns.ts';

// biome-ignore lint/suspicious/noExplicitAny: any function can be a callback
type Callback = (...args: any[]) => void;

function nothing(): void {}

const kNoArguments: readonly unknown[] = [];

/** A callback scheduled by `callSoon()`. @public */
export class Handle implements ReadyEntry {
  /** @internal */
  readonly loop: LoopCore;
  private fn: Callback;
  private args: readonly unknown[];
  private readonly context: Context | undefined;
  private dropped = false;

  /** @internal */
  constructor(
    loop: LoopCore,
    callback: Callback,
    args: readonly unknown[],
    context: Context | undefined,
  ) {
    this.loop = loop;
    this.fn = callback;
    // The rest array of a call without arguments is not worth keeping alive.
    this.args = args.length === 0 ? kNoArguments : args;
    this.context = context;
    if (debugging) noteCreation(this, loop);
  }

  /** The callback will not run; it and its arguments are let go of. */
  cancel(): void {
    if (this.dropped) return;
    this.dropped = true;
    this.fn = nothing;
    this.args = kNoArguments;
  }

  /** Whether cancel() was called. */
  cancelled(): boolean {
    return this.dropped;
  }

  /** The context the callback runs in. */
  getContext(): Context {
    return this.context ?? emptyContext;
  }

  /** @internal */
  run(): void {
    if (this.dropped) return;
    const args = this.args;
    const callback = this.fn;
    if (this.context !== undefined) this.context(callback, ...args);
    else if (args.length === 0) callback();
    else if (args.length === 1) callback(args[0]);
    else callback(...args);
  }

  /** @internal */
  [inspect.custom](): string {
    return describeState(this, this.dropped ? 'cancelled' : describeCallback(this.fn));
  }

  /** What runs, for messages and debugging. @internal */
  get callback(): Callback {
    return this.fn;
  }
}

/** A callback scheduled by `callLater()` or `callAt()`. @public */
export class TimerHandle extends Handle implements TimerEntry {
  /** @internal */
  timerSlot = -1;
  private deadline = 0;

  /** Runs the callback `delay` seconds from now. @internal */
  armAfter(delay: number): void {
    this.deadline = armTimerAfter(this, delay);
  }

  /** Runs the callback when the loop's clock reaches `when`, in seconds. @internal */
  armAt(when: number): void {
    this.deadline = when;
    armTimerAt(this, when);
  }

  /** When the callback is due, in seconds of the loop's clock. */
  when(): number {
    return this.deadline;
  }

  /** @internal */
  override [inspect.custom](): string {
    const { deadline: when } = this;
    const callback = this.cancelled() ? 'cancelled' : describeCallback(this.callback);
    return describeState(this, callback, { when });
  }

  override cancel(): void {
    if (this.timerSlot >= 0) disarmTimer(this);
    super.cancel();
  }
}
