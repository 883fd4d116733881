// Lock, Event, Semaphore and BoundedSemaphore.
// Floor 9.
//
// Each is a little state and a waiting line (waiters.ts). Nothing is handed over: a release or set()
// wakes a waiter, which takes what it waited for in its task's own step; until then newcomers queue.

import { inspect } from 'node:util';
import { checkFunction, checkInteger } from './arguments.ts';
import { RuntimeError } from './exceptions.ts';
import { describeState } from './format.ts';
import type { Future } from './futures.ts';
import { addInlineAwait } from './inline.ts';
import type { LoopCore } from './turns.ts';
import { Waiter, WaitingLine } from './waiters.ts';

interface Guard {
  acquire(): Future<Disposable>;
  release(): void;
}

/** One acquisition of a semaphore, for `using`: disposing of it releases, once. */
class Held implements Disposable {
  private guard: Guard | null;

  constructor(guard: Guard) {
    this.guard = guard;
  }

  [Symbol.dispose](): void {
    const guard = this.guard;
    this.guard = null;
    guard?.release();
  }
}

/** One acquisition of a lock: disposing of it after a release does nothing, whoever holds the lock then. */
class HeldLock implements Disposable {
  private readonly lock: Lock;
  private readonly acquisition: number;

  constructor(lock: Lock) {
    this.lock = lock;
    this.acquisition = lock.acquisition;
  }

  [Symbol.dispose](): void {
    if (this.lock.held && this.lock.acquisition === this.acquisition) this.lock.release();
  }
}

/** Runs `body` while holding `guard`. @internal */
export async function holding<T>(guard: Guard, body: () => PromiseLike<T> | T): Promise<T> {
  checkFunction(body, 'body');
  await guard.acquire();
  try {
    return await body();
  } finally {
    guard.release();
  }
}

class LockAcquire extends Waiter<Disposable> {
  private readonly lock: Lock;

  constructor(lock: Lock) {
    super();
    this.lock = lock;
  }

  protected override begin(): void {
    if (this.lock.takeOrJoin(this)) this.complete(new HeldLock(this.lock));
  }

  protected override woke(): void {
    this.lock.take();
    this.complete(new HeldLock(this.lock));
  }

  protected override passOn(): void {
    this.lock.passOn();
  }
}
addInlineAwait(LockAcquire);

/**
 * Mutual exclusion between tasks: while one holds the lock, the others wait. It is not re-entrant, and
 * not owned: any task may release it. It belongs to the loop in which it is first waited for.
 *
 * A section without an await needs no lock: a task's step is never interrupted.
 *
 * **Fairness:** first come, first served. A newcomer does not overtake a waiter that was woken.
 * @example
 * ```ts
 * const lock = new Lock();
 * await lock.with(async () => {
 *   const row = await read();
 *   await write(row + 1);
 * });
 * ```
 * @see asyncio.Lock
 * @public
 */
export class Lock {
  /** @internal */
  loop: LoopCore | undefined = undefined;
  /** @internal */
  held = false;
  /** The last acquisition, by its number. @internal */
  acquisition = 0;
  private acquisitions = 0;
  /** @internal */
  readonly waiters: WaitingLine = new WaitingLine(this);

  /** Whether the lock is held. @see asyncio.Lock.locked */
  locked(): boolean {
    return this.held;
  }

  /**
   * Waits until the lock is free and takes it.
   *
   * **Cancellation:** the place in the line is lost; the lock is not taken.
   *
   * **Fairness:** first come, first served.
   * @returns a Disposable that releases the lock, for `using held = await lock.acquire()`
   * @throws RuntimeError when the lock belongs to another event loop
   * @see asyncio.Lock.acquire
   */
  acquire(): Future<Disposable> {
    return new LockAcquire(this);
  }

  /**
   * Frees the lock and wakes the task that has waited longest.
   * @throws RuntimeError when the lock is free
   * @see asyncio.Lock.release
   */
  release(): void {
    if (!this.held) {
      throw new RuntimeError(
        'release() of a Lock that is not held: call it once for each acquire(), or use lock.with()',
      );
    }
    this.held = false;
    this.waiters.wakeFirst();
  }

  /**
   * Takes the lock, runs `body` and waits for it, and releases the lock whatever happens.
   *
   * **Cancellation:** while waiting for the lock, `body` does not run; later, it is cancelled at its await.
   * @returns what `body` returns
   * @see asyncio.Lock, `async with`
   */
  with<T>(body: () => PromiseLike<T> | T): Promise<T> {
    return holding(this, body);
  }

  /** @internal */
  [inspect.custom](): string {
    const waiters = this.waiters.shown;
    return describeState(this, this.held ? 'locked' : 'unlocked', { waiters });
  }

  /** Takes the lock if nobody is before `waiter`, who joins the line otherwise. @internal */
  takeOrJoin(waiter: Waiter<unknown>): boolean {
    if (this.held || this.waiters.live > 0) {
      this.waiters.add(waiter);
      return false;
    }
    this.take();
    return true;
  }

  /** Takes the lock, which is free. @internal */
  take(): void {
    this.held = true;
    this.acquisitions += 1;
    this.acquisition = this.acquisitions;
  }

  /** A waiter left the line without taking the lock. @internal */
  passOn(): void {
    if (!this.held) this.waiters.wakeFirst();
  }
}

class EventWait extends Waiter<true> {
  private readonly event: Event;

  constructor(event: Event) {
    super();
    this.event = event;
  }

  protected override begin(): void {
    if (this.event.isSet()) this.complete(true);
    else this.event.waiters.add(this);
  }

  protected override woke(): void {
    this.complete(true);
  }

  protected override passOn(): void {}
}
addInlineAwait(EventWait);

/**
 * A flag that tasks can wait for. It belongs to the loop in which it is first waited for.
 *
 * **Fairness:** `set()` wakes everyone who waits, in the order of their arrival; a `clear()` after it
 * sends none of them back.
 * @example
 * ```ts
 * const ready = new Event();
 * createTask(async () => {
 *   await ready.wait();
 *   console.log('go');
 * });
 * ready.set();
 * ```
 * @see asyncio.Event
 * @public
 */
export class Event {
  /** @internal */
  loop: LoopCore | undefined = undefined;
  /** @internal */
  readonly waiters: WaitingLine = new WaitingLine(this);
  private flag = false;

  /** Whether the flag is set. @see asyncio.Event.is_set */
  isSet(): boolean {
    return this.flag;
  }

  /** Sets the flag and wakes everyone who waits. @see asyncio.Event.set */
  set(): void {
    if (this.flag) return;
    this.flag = true;
    this.waiters.wakeAll();
  }

  /** Clears the flag: who calls wait() from now on waits for the next set(). @see asyncio.Event.clear */
  clear(): void {
    this.flag = false;
  }

  /**
   * Waits until the flag is set; goes on at once when it is.
   *
   * **Cancellation:** nothing is lost.
   *
   * **Fairness:** all who wait go on, in the order of their arrival.
   * @throws RuntimeError when the event belongs to another event loop
   * @see asyncio.Event.wait
   */
  wait(): Future<true> {
    return new EventWait(this);
  }

  /** @internal */
  [inspect.custom](): string {
    return describeState(this, this.flag ? 'set' : 'unset', { waiters: this.waiters.shown });
  }
}

class SemaphoreAcquire extends Waiter<Disposable> {
  private readonly semaphore: Semaphore;

  constructor(semaphore: Semaphore) {
    super();
    this.semaphore = semaphore;
  }

  protected override begin(): void {
    const semaphore = this.semaphore;
    if (semaphore.locked()) {
      semaphore.waiters.add(this);
    } else {
      semaphore.value -= 1;
      this.complete(new Held(semaphore));
    }
  }

  /** Its unit was taken for it when it was woken. */
  protected override woke(): void {
    this.semaphore.grantAll();
    this.complete(new Held(this.semaphore));
  }

  protected override passOn(): void {
    if (this.cancellation === undefined) this.semaphore.value += 1;
    this.semaphore.grantAll();
  }
}
addInlineAwait(SemaphoreAcquire);

/**
 * Lets a number of tasks in at a time: a counter that acquire() takes from and release() adds to. It
 * belongs to the loop in which it is first waited for.
 *
 * **Fairness:** first come, first served. A newcomer does not overtake those who wait.
 * @example
 * ```ts
 * const atMostTen = new Semaphore(10);
 * const pages = await gather(...urls.map((url) => () => atMostTen.with(() => load(url))));
 * ```
 * @see asyncio.Semaphore
 * @public
 */
export class Semaphore {
  /** @internal */
  loop: LoopCore | undefined = undefined;
  /** The units that nobody holds and nobody was promised. @internal */
  value: number;
  /** @internal */
  readonly waiters: WaitingLine = new WaitingLine(this);

  /**
   * @param value - how many may hold it at a time
   * @throws RangeError when `value` is negative or not an integer
   */
  constructor(value = 1) {
    checkInteger(value, 'value', 0);
    this.value = value;
  }

  /** Whether acquire() would have to wait. @see asyncio.Semaphore.locked */
  locked(): boolean {
    return this.value === 0 || this.waiters.live > 0;
  }

  /**
   * Waits until a unit is free and takes it.
   *
   * **Cancellation:** the place in the line is lost; a unit that was on its way goes to the next.
   *
   * **Fairness:** first come, first served.
   * @returns a Disposable that releases the unit, for `using held = await semaphore.acquire()`
   * @throws RuntimeError when the semaphore belongs to another event loop
   * @see asyncio.Semaphore.acquire
   */
  acquire(): Future<Disposable> {
    return new SemaphoreAcquire(this);
  }

  /** Gives a unit back and wakes the task that has waited longest. @see asyncio.Semaphore.release */
  release(): void {
    this.value += 1;
    this.grant();
  }

  /**
   * Takes a unit, runs `body` and waits for it, and gives the unit back whatever happens.
   *
   * **Cancellation:** while waiting for the unit, `body` does not run; later, it is cancelled at its await.
   * @returns what `body` returns
   * @see asyncio.Semaphore, `async with`
   */
  with<T>(body: () => PromiseLike<T> | T): Promise<T> {
    return holding(this, body);
  }

  /** @internal */
  [inspect.custom](): string {
    const value = this.value === 0 ? undefined : this.value;
    const state = this.locked() ? 'locked' : 'unlocked';
    return describeState(this, state, { value, waiters: this.waiters.shown });
  }

  /** Promises every free unit to somebody who waits. @internal */
  grantAll(): void {
    while (this.value > 0 && this.grant());
  }

  private grant(): boolean {
    if (!this.waiters.wakeNext()) return false;
    this.value -= 1;
    return true;
  }
}

/**
 * A Semaphore that cannot be released more often than it was acquired.
 * @see asyncio.BoundedSemaphore
 * @public
 */
export class BoundedSemaphore extends Semaphore {
  private readonly bound: number;

  /**
   * @param value - how many may hold it at a time
   * @throws RangeError when `value` is negative or not an integer
   */
  constructor(value = 1) {
    super(value);
    this.bound = value;
  }

  /**
   * Gives a unit back and wakes the task that has waited longest.
   * @throws RangeError when every unit is free already
   * @see asyncio.BoundedSemaphore.release
   */
  override release(): void {
    if (this.value >= this.bound) {
      throw new RangeError(
        'BoundedSemaphore released too many times: call release() once for each acquire(), or use with()',
      );
    }
    super.release();
  }
}
