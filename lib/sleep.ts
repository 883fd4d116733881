// sleep().
// Floor 8.
import { checkSeconds } from './arguments.ts';
import type { Future } from './futures.ts';
import { InlineCoroutine } from './inline.ts';
import { native } from './native.ts';
import { addThen } from './thens.ts';
import { armTimerAt, disarmTimer, type TimerEntry } from './timers.ts';

/** One pass of the ready queue: asyncio's bare yield. It waits for nothing that could be cancelled. */
class Pass<T> extends InlineCoroutine<T> {
  private readonly outcome: T;
  private passed = false;

  constructor(result: T) {
    super();
    this.outcome = result;
  }

  protected override proceed(): void {
    if (this.passed) this.complete(this.outcome);
    else this.passed = true;
  }

  protected override abandon(): void {}

  override suspend(awaiter: never): void {
    super.suspend(awaiter);
    this.resume();
  }
}

/** A timer and, when it fires, the wake-up of the sleeper. */
class Sleep<T> extends InlineCoroutine<T> implements TimerEntry {
  timerSlot = -1;
  private readonly outcome: T;
  private readonly deadline: number;
  private fired = false;

  constructor(delay: number, result: T) {
    super();
    this.outcome = result;
    this.deadline = native.now() + delay;
  }

  /** The timer's entry. */
  run(): void {
    this.fired = true;
    this.resume();
  }

  protected override proceed(): void {
    if (this.fired) this.complete(this.outcome);
    else armTimerAt(this, this.deadline);
  }

  protected override abandon(): void {
    if (this.timerSlot >= 0) disarmTimer(this);
  }

  override cancel(msg?: string): boolean {
    const cancelled = super.cancel(msg);
    if (cancelled) this.abandon();
    return cancelled;
  }
}

addThen(Pass);
addThen(Sleep);

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
