// Condition.
// Floor 10.

import { inspect } from 'node:util';
import { checkFunction, checkInteger, invalidArgType } from './arguments.ts';
import { captureContext } from './context.ts';
import { type CancelledError, RuntimeError } from './exceptions.ts';
import { isPromiseLike } from './foreign_promises.ts';
import { describeState } from './format.ts';
import { restoreFrame, saveFrame, usesContextFrames } from './frames.ts';
import { type Future, kCancelled, kPending } from './futures.ts';
import { addInlineAwait } from './inline.ts';
import { holding, Lock } from './locks.ts';
import { runInJobOf, type Scope } from './scopes.ts';
import type { Reject, Resolve } from './thens.ts';
import type { LoopCore } from './turns.ts';
import { Waiter, WaitingLine } from './waiters.ts';

/** Stands in the condition's line until it is notified, then in the lock's. */
abstract class Notifiable<T> extends Waiter<T> {
  private readonly condition: Condition;
  /** The acquisition of the lock that is given up for the time of the wait. */
  private acquisition = 0;
  /** The cancel that takes effect once the lock is held again. */
  private deferred: CancelledError | undefined = undefined;

  constructor(condition: Condition) {
    super();
    this.condition = condition;
  }

  /** It was notified and holds the lock again: completes, or waits once more. */
  protected abstract notified(): void;

  protected override begin(): void {
    const { lock, waiters } = this.condition;
    if (!lock.held) {
      throw new RuntimeError(
        'wait() on a Condition whose lock is not held: call it within condition.with()',
      );
    }
    waiters.bind(this.loop);
    lock.waiters.bind(this.loop);
    this.acquisition = lock.acquisition;
    lock.release();
    waiters.add(this);
  }

  protected override woke(line: WaitingLine): void {
    const { lock, waiters } = this.condition;
    if (line !== waiters) lock.take();
    else if (!lock.takeOrJoin(this)) return;
    lock.acquisition = this.acquisition;
    if (this.deferred === undefined) this.notified();
    else {
      this.passOn();
      this.finish(kCancelled, this.deferred);
    }
  }

  /** It may have been notified before the cancel: in doubt somebody else is woken for nothing. */
  protected override passOn(): void {
    this.condition.waiters.wakeNext();
  }

  /** The lock was given up for it. */
  protected override forget(): boolean {
    return false;
  }

  protected override wake(interruption: CancelledError | undefined): void {
    const error = this.cancellation ?? interruption;
    if (error === undefined || this.state !== kPending) super.wake(interruption);
    else if (this.takesLock(error)) super.wake(error);
  }

  /** The task was cancelled. True when it holds the lock again and the cancel can take effect. */
  private takesLock(error: CancelledError): boolean {
    const { lock } = this.condition;
    const line = this.line as WaitingLine;
    line.remove(this);
    if (line === lock.waiters) lock.passOn();
    this.waitOn();
    this.deferred = error;
    if (!lock.takeOrJoin(this)) return false;
    lock.acquisition = this.acquisition;
    return true;
  }
}

class ConditionWait extends Notifiable<true> {
  protected override notified(): void {
    this.complete(true);
  }
}
addInlineAwait(ConditionWait);

/** Calls the predicate as code of the task that awaits it, as a loop around wait() in that task would. */
class ConditionWaitFor<T> extends Notifiable<T> {
  private readonly predicate: () => T;
  /** What the frame does not hold of the caller's context. */
  private readonly context = usesContextFrames ? undefined : captureContext();
  /** Of the code that awaits it; known from the first step on. */
  private frame: unknown = undefined;

  constructor(condition: Condition, predicate: () => T) {
    super(condition);
    this.predicate = predicate;
  }

  override startAwait(scope: Scope | null, resolve: Resolve, reject: Reject): void {
    runInJobOf(scope, () => super.startAwait(scope, resolve, reject));
  }

  protected override begin(): void {
    checkFunction(this.predicate, 'predicate');
    this.frame = saveFrame();
    this.look(this.predicate());
  }

  protected override notified(): void {
    const call = () => this.callInFrame();
    this.look(this.context === undefined ? call() : this.context(call));
  }

  private callInFrame(): T {
    const predicate = this.predicate;
    const before = saveFrame();
    restoreFrame(this.frame);
    try {
      return predicate();
    } finally {
      restoreFrame(before);
    }
  }

  private look(result: T): void {
    if (isPromiseLike(result)) {
      throw invalidArgType('predicate()', 'a value at once, not a promise', result);
    }
    if (result) this.complete(result);
    else super.begin();
  }
}
addInlineAwait(ConditionWaitFor);

/**
 * A lock with a place to wait until something about what it guards has changed. It belongs to the loop
 * in which it is first waited for.
 *
 * **Fairness:** `notify()` wakes those who have waited longest; each then queues for the lock like any
 * other task.
 * @example
 * ```ts
 * const changed = new Condition();
 * const jobs: string[] = [];
 * const worker = createTask(() =>
 *   changed.with(async () => {
 *     await changed.waitFor(() => jobs.length > 0);
 *     console.log(jobs.pop());
 *   }),
 * );
 * await changed.with(() => {
 *   jobs.push('first');
 *   changed.notify();
 * });
 * ```
 * @see asyncio.Condition
 * @public
 */
export class Condition {
  /** @internal */
  loop: LoopCore | undefined = undefined;
  /** @internal */
  readonly lock: Lock;
  /** @internal */
  readonly waiters: WaitingLine = new WaitingLine(this);

  /**
   * @param lock - the lock to use, which several conditions may share; one of its own by default
   * @throws TypeError when `lock` is not a Lock
   */
  constructor(lock: Lock = new Lock()) {
    if (!(lock instanceof Lock)) throw invalidArgType('lock', 'an instance of Lock', lock);
    this.lock = lock;
  }

  /** Whether the lock is held. @see asyncio.Lock.locked */
  locked(): boolean {
    return this.lock.locked();
  }

  /**
   * Waits until the lock is free and takes it.
   *
   * **Cancellation:** the place in the line is lost; the lock is not taken.
   *
   * **Fairness:** first come, first served.
   * @returns a Disposable that releases the lock, for `using held = await condition.acquire()`
   * @throws RuntimeError when the lock belongs to another event loop
   * @see asyncio.Lock.acquire
   */
  acquire(): Future<Disposable> {
    return this.lock.acquire();
  }

  /**
   * Frees the lock and wakes the task that has waited for it longest.
   * @throws RuntimeError when the lock is free
   * @see asyncio.Lock.release
   */
  release(): void {
    this.lock.release();
  }

  /**
   * Takes the lock, runs `body` and waits for it, and releases the lock whatever happens.
   *
   * **Cancellation:** while waiting for the lock, `body` does not run; later, it is cancelled at its await.
   * @returns what `body` returns
   * @see asyncio.Condition, `async with`
   */
  with<T>(body: () => PromiseLike<T> | T): Promise<T> {
    return holding(this.lock, body);
  }

  /**
   * Releases the lock, waits to be notified, and takes the lock again. It may also return without a
   * notification that was meant for it, so look at the state again: waitFor() does.
   *
   * **Cancellation:** the lock is taken again before the CancelledError arrives, however long that takes
   * and however often the task is cancelled meanwhile. A notification is passed on.
   *
   * **Fairness:** notified in the order of arrival.
   * @throws RuntimeError when the lock is not held, or the condition belongs to another event loop
   * @see asyncio.Condition.wait
   */
  wait(): Future<true> {
    return new ConditionWait(this);
  }

  /**
   * Waits, as wait() does, until `predicate` gives something true. It is called with the lock held: at
   * once, and after each wake-up.
   *
   * **Cancellation:** as in wait().
   *
   * **Fairness:** as in wait().
   * @returns what `predicate` gave last
   * @throws RuntimeError when it has to wait and the lock is not held; TypeError when `predicate` is no function, or
   * gives a promise
   * @see asyncio.Condition.wait_for
   */
  waitFor<T>(predicate: () => T): Future<T> {
    return new ConditionWaitFor(this, predicate);
  }

  /**
   * Wakes up to `n` of the tasks that wait. They go on once they get the lock, which the caller still
   * holds.
   * @throws RuntimeError when the lock is not held
   * @throws RangeError when `n` is neither an integer nor infinite
   * @see asyncio.Condition.notify
   */
  notify(n = 1): void {
    if (n !== Number.POSITIVE_INFINITY) checkInteger(n, 'n');
    this.#checkHeld();
    for (let left = n; left > 0 && this.waiters.wakeNext(); left--);
  }

  /**
   * Wakes all tasks that wait.
   * @throws RuntimeError when the lock is not held
   * @see asyncio.Condition.notify_all
   */
  notifyAll(): void {
    this.#checkHeld();
    this.waiters.wakeAll();
  }

  /** @internal */
  [inspect.custom](): string {
    const waiters = this.waiters.shown;
    return describeState(this, this.locked() ? 'locked' : 'unlocked', { waiters });
  }

  #checkHeld(): void {
    if (!this.lock.held) {
      throw new RuntimeError(
        'notify on a Condition whose lock is not held: call it within condition.with()',
      );
    }
  }
}
