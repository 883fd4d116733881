// wait() and asCompleted().
// Floor 10.
import { checkNames, checkSeconds, invalidArgType, outOfRange } from './arguments.ts';
import { CoroutineObject } from './coroutines.ts';
import { TimeoutError } from './exceptions.ts';
import { isPromiseLike, wrapFuture } from './foreign_promises.ts';
import { Future, kFailed, kFinished, kPending } from './futures.ts';
import type { Result } from './gather.ts';
import { TimerHandle } from './handles.ts';
import { Queue } from './queues.ts';
import { currentLoop } from './running.ts';
import { type Awaitable, ensureFuture } from './spawning.ts';
import { currentTask } from './tasks.ts';

/** wait() returns when any future is done. @see asyncio.FIRST_COMPLETED @public */
export const FIRST_COMPLETED = 'FIRST_COMPLETED' as const;
/** wait() returns when any future has failed, or all are done. @see asyncio.FIRST_EXCEPTION @public */
export const FIRST_EXCEPTION = 'FIRST_EXCEPTION' as const;
/** wait() returns when all futures are done. @see asyncio.ALL_COMPLETED @public */
export const ALL_COMPLETED = 'ALL_COMPLETED' as const;

type ReturnWhen = typeof FIRST_COMPLETED | typeof FIRST_EXCEPTION | typeof ALL_COMPLETED;

const kReturnWhen: readonly unknown[] = [FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED];

/** The arguments of wait() and asCompleted() are collections; a single awaitable is a likely slip. */
function checkCollection(fs: unknown, name: string): void {
  const isCollection =
    typeof fs === 'object' &&
    fs !== null &&
    !isPromiseLike(fs) &&
    typeof (fs as Iterable<unknown>)[Symbol.iterator] === 'function';
  if (!isCollection) throw invalidArgType(name, 'an iterable of awaitables', fs);
}

function checkTimeout(timeout: number | null | undefined): void {
  if (timeout !== undefined && timeout !== null) checkSeconds(timeout, 'options.timeout');
}

function startTimer(seconds: number | null | undefined, callback: () => void): TimerHandle | null {
  if (seconds === undefined || seconds === null) return null;
  const timer = new TimerHandle(currentLoop(), callback, [], undefined);
  timer.armAfter(seconds);
  return timer;
}

function adopt(f: unknown): Future<unknown> {
  if (f instanceof Future) return f;
  if (typeof f !== 'function' && !(f instanceof CoroutineObject) && isPromiseLike(f)) {
    return wrapFuture(f);
  }
  throw invalidArgType('fs', 'an iterable of Futures, Tasks or promises (see createTask())', f);
}

/**
 * Waits until futures are done: all of them, the first, or the first that fails. Never throws their
 * errors, and never cancels them: who is not done at the timeout is in the second set.
 *
 * A promise is adopted by wrapFuture(), and the sets hold that Future.
 *
 * **Cancellation:** the futures go on.
 * @param fs - Futures, Tasks or promises; duplicates count once
 * @param options - `timeout` in seconds, null: none; `returnWhen`: ALL_COMPLETED by default
 * @returns `[done, pending]`; `done` may hold several also for FIRST_COMPLETED
 * @throws TypeError for a function or Coroutine: make it a task first
 * @throws RangeError when `fs` is empty or `returnWhen` is none of the three
 * @example
 * ```ts
 * const [done, pending] = await wait([left, right], { returnWhen: FIRST_COMPLETED });
 * for (const task of pending) task.cancel();
 * ```
 * @see asyncio.wait
 * @public
 */
// biome-ignore lint/suspicious/noExplicitAny: the futures may differ in their results
export async function wait<F extends Future<any>>(
  fs: Iterable<F>,
  options?: { timeout?: number | null | undefined; returnWhen?: ReturnWhen | undefined },
): Promise<[done: Set<F>, pending: Set<F>]> {
  checkCollection(fs, 'fs');
  checkNames(options ?? {}, ['timeout', 'returnWhen']);
  const { timeout, returnWhen = ALL_COMPLETED } = options ?? {};
  checkTimeout(timeout);
  if (!kReturnWhen.includes(returnWhen)) {
    throw outOfRange('options.returnWhen', `one of ${kReturnWhen.join(', ')}`, returnWhen);
  }
  const futures = new Set<Future<unknown>>();
  for (const f of new Set<unknown>(fs)) futures.add(adopt(f));
  if (futures.size === 0) throw outOfRange('fs', 'at least one Future', []);
  await some(futures, timeout, returnWhen);
  const done = new Set<F>();
  const pending = new Set<F>();
  for (const future of futures) (future.done() ? done : pending).add(future as F);
  return [done, pending];
}

/** By its state, for it may have failed with null. Who asks knows of the failure. */
function hasFailed(future: Future<unknown>): boolean {
  future.markRetrieved();
  return future.state === kFailed;
}

/** Ends when enough of `futures` are done, or at the timeout. */
async function some(
  futures: Set<Future<unknown>>,
  timeout: number | null | undefined,
  returnWhen: ReturnWhen,
): Promise<void> {
  const waiter = new Future<void>();
  const release = (): void => {
    if (waiter.state === kPending) waiter.finish(kFinished, undefined);
  };
  const timer = startTimer(timeout, release);
  let left = futures.size;
  const onDone = (future: Future<unknown>): void => {
    left -= 1;
    const enough =
      left === 0 ||
      returnWhen === FIRST_COMPLETED ||
      (returnWhen === FIRST_EXCEPTION && hasFailed(future));
    if (!enough) return;
    timer?.cancel();
    release();
  };
  const owner = currentTask();
  for (const future of futures) future.whenDone(onDone, owner);
  try {
    await waiter;
  } finally {
    timer?.cancel();
    for (const future of futures) if (!future.done()) future.removeDoneCallback(onDone);
  }
}

/**
 * The iterator of futures of asCompleted(). No AsyncIterator, since TypeScript 7 awaits what that gives: it
 * would see results where there are futures.
 * @public
 */
export interface FuturesAsCompleted<F> {
  /** The next future that is done, once one is. */
  next(): Promise<IteratorResult<F, undefined>>;
  /** Itself. */
  [Symbol.asyncIterator](): this;
}

/**
 * What asCompleted() returns: `for await` takes the futures, `for..of` awaitables of their results.
 * @public
 */
export interface AsCompleted<F, R> extends Iterable<PromiseLike<R>> {
  /** Gives the futures themselves, each when it is done. */
  [Symbol.asyncIterator](): FuturesAsCompleted<F>;
  /** Gives an awaitable of each next result. */
  [Symbol.iterator](): IterableIterator<PromiseLike<R>>;
}

/** Both kinds of iteration take from the same futures, and can be resumed. */
class Completions implements AsCompleted<Future<unknown>, unknown> {
  /** In the order in which they were done; null stands for one that was not in time. */
  readonly #done = new Queue<{ future: Future<unknown> | null }>();
  readonly #todo: Set<Future<unknown>>;
  readonly #timer: TimerHandle | null;
  /** How many are not given out. */
  #left: number;

  constructor(futures: Set<Future<unknown>>, timeout: number | null | undefined) {
    this.#todo = futures;
    this.#left = futures.size;
    const owner = currentTask();
    for (const future of futures) future.whenDone(this.#onDone, owner);
    this.#timer = futures.size === 0 ? null : startTimer(timeout, () => this.#onTimeout());
  }

  [Symbol.asyncIterator](): FuturesAsCompleted<Future<unknown>> {
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: async () => {
        if (this.#left === 0) return { done: true, value: undefined };
        this.#left -= 1;
        let completed: { future: Future<unknown> | null };
        try {
          completed = await this.#done.get();
        } catch (cancelled) {
          this.#left += 1;
          throw cancelled;
        }
        return { done: false, value: inTime(completed.future) };
      },
    };
  }

  [Symbol.iterator](): IterableIterator<PromiseLike<unknown>> {
    return {
      [Symbol.iterator]() {
        return this;
      },
      next: () => {
        if (this.#left === 0) return { done: true, value: undefined };
        this.#left -= 1;
        return { done: false, value: new CoroutineObject(this.#nextResult, []) };
      },
    };
  }

  readonly #nextResult = async (): Promise<unknown> => {
    const { future } = await this.#done.get();
    return inTime(future).result();
  };

  readonly #onDone = (future: Future<unknown>): void => {
    if (!this.#todo.delete(future)) return;
    this.#done.putNowait({ future });
    if (this.#todo.size === 0) this.#timer?.cancel();
  };

  #onTimeout(): void {
    for (const future of this.#todo) {
      future.removeDoneCallback(this.#onDone);
      this.#done.putNowait({ future: null });
    }
    this.#todo.clear();
  }
}

function inTime(future: Future<unknown> | null): Future<unknown> {
  if (future === null) throw new TimeoutError('not all awaitables were done in time');
  return future;
}

/**
 * Runs awaitables concurrently and gives them in the order in which they are done. `for await` gives the
 * futures themselves, `for..of` gives a new awaitable for each next result. Iteration can be left
 * and resumed.
 *
 * Functions and coroutines become tasks at once, promises are adopted by wrapFuture().
 *
 * **Cancellation:** the awaitables go on, and none is skipped by a `for await` that goes on later.
 * @param fs - what to wait for; duplicates count once, but for functions, of which each is called
 * @param options - `timeout` in seconds from now, for all of them; null: none
 * @throws TypeError when `fs` is not iterable or holds something that cannot be awaited; TimeoutError from
 * the iteration when the timeout passes before all are done
 * @example
 * ```ts
 * for await (const task of asCompleted([left, right], { timeout: 10 })) {
 *   console.log(task === left, await task);
 * }
 * ```
 * @see asyncio.as_completed
 * @public
 */
// biome-ignore lint/suspicious/noExplicitAny: the futures may differ in their results
export function asCompleted<F extends Future<any>>(
  fs: Iterable<F>,
  options?: { timeout?: number | null | undefined },
): AsCompleted<F, Awaited<F>>;
/** @public */
// biome-ignore lint/suspicious/noExplicitAny: the futures may differ in their results
export function asCompleted<A extends Awaitable<any>>(
  fs: Iterable<A>,
  options?: { timeout?: number | null | undefined },
): AsCompleted<Future<Result<A>>, Result<A>>;
export function asCompleted(
  fs: Iterable<Awaitable<unknown>>,
  options?: { timeout?: number | null | undefined },
): Completions {
  checkCollection(fs, 'fs');
  checkTimeout(options?.timeout);
  const futures = new Set<Future<unknown>>();
  const loop = currentLoop();
  const seen = new Set<unknown>();
  for (const aw of fs) {
    // Each mention of a function is a call of its own, as in gather().
    if (typeof aw !== 'function') {
      if (seen.has(aw)) continue;
      seen.add(aw);
    }
    futures.add(ensureFuture(aw, { loop }));
  }
  return new Completions(futures, options?.timeout);
}
