// sleep().
// Floor 8.
import { checkSeconds } from './arguments.ts';
import type { Future } from './futures.ts';
import { addInlineAwait, InlineCoroutine, kOwnFlag } from './inline.ts';
import { native } from './native.ts';
import { armTimerAt, disarmTimer, type TimerEntry } from './timers.ts';

/** Set once a Pass has given way. */
const kPassed = kOwnFlag;
/** Set while a Sleep's timer is armed, or due and in the ready queue. */
const kArmed = kOwnFlag;
const kFired = kOwnFlag << 1;

/** One pass of the ready queue: asyncio's bare yield. It waits for nothing that could be cancelled. */
class Pass<T> extends InlineCoroutine<T> {
  constructor(result: T) {
    super();
    // Where the result will be, or the error of a cancel instead: a pending future shows it to nobody.
    this.value = result;
  }

  protected override proceed(): void {
    if ((this.flags & kPassed) !== 0) this.completeWithAny(this.value as T);
    else {
      this.flags |= kPassed;
      this.resume();
    }
  }

  protected override abandon(): void {}
}

/** What a Sleep needs to begin; it does not hold the deadline any longer than that. */
class Plan<T> {
  readonly deadline: number;
  readonly result: T;

  constructor(deadline: number, result: T) {
    this.deadline = deadline;
    this.result = result;
  }
}

/** A timer and, when it fires, the wake-up of the sleeper. */
class Sleep<T> extends InlineCoroutine<T> implements TimerEntry {
  timerSlot = -1;

  constructor(delay: number, result: T) {
    super();
    this.value = new Plan(native.now() + delay, result);
  }

  /** Two entries of the ready queue are the same object: the timer's is the first. */
  override run(): void {
    if ((this.flags & kArmed) === 0) super.run();
    else {
      this.flags = (this.flags & ~kArmed) | kFired;
      this.resume();
    }
  }

  protected override proceed(): void {
    if ((this.flags & kFired) !== 0) this.completeWithAny(this.value as T);
    else {
      this.flags |= kArmed;
      const plan = this.value as Plan<T>;
      this.value = plan.result;
      armTimerAt(this, plan.deadline);
    }
  }

  protected override abandon(): void {
    if (this.timerSlot < 0) return;
    this.flags &= ~kArmed;
    disarmTimer(this);
  }

  override cancel(msg?: string): boolean {
    const cancelled = super.cancel(msg);
    if (cancelled) this.abandon();
    return cancelled;
  }
}

addInlineAwait(Pass);
addInlineAwait(Sleep);

/**
 * Waits `delay` seconds, then gives `result`. With a delay of 0 (or less) it lets every other ready
 * entry run once and goes on: the way to share the loop in a long computation.
 *
 * The time counts from the call; the timer is armed when the Future is awaited.
 * @param delay - in seconds; the resolution is one millisecond
 * @throws RangeError when `delay` is NaN
 *
 * **Cancellation:** nothing is lost; the timer is disarmed.
 * @example
 * ```ts
 * await sleep(0.5);
 * ```
 * @see asyncio.sleep
 * @public
 */
export function sleep(delay: number): Future<void>;
/** @public */
export function sleep<T>(delay: number, result: T): Future<T>;
export function sleep<T>(delay: number, result?: T): Future<T | undefined> {
  checkSeconds(delay, 'delay');
  return delay <= 0 ? new Pass(result) : new Sleep(delay, result);
}
