// gather() and shield().
// Floor 9.
import { checkNames } from './arguments.ts';
import { creationStack } from './debug.ts';
import { CancelledError, isError } from './exceptions.ts';
import { Future, kFailed, kFinished } from './futures.ts';
import { NativePromise } from './native_promise.ts';
import { type Awaitable, ensureFuture } from './spawning.ts';
import { currentTask } from './tasks.ts';
import type { LoopCore } from './turns.ts';

/** What awaiting `A` gives. @public */
export type Result<A> = A extends () => infer R ? Awaited<R> : Awaited<A>;

/** Options of gather(): its last argument. @public */
export interface GatherOptions {
  /** Gives failures as results instead of failing. */
  returnExceptions?: boolean | undefined;
}

/** The future that gather() returns: cancelling it cancels the children. */
class Gathering extends Future<unknown[]> {
  readonly #children: Future<unknown>[];
  #cancelRequested = false;

  constructor(loop: LoopCore, children: Future<unknown>[]) {
    super({ loop });
    this.#children = children;
  }

  get cancelRequested(): boolean {
    return this.#cancelRequested;
  }

  override cancel(msg?: string): boolean {
    if (this.done()) return false;
    let cancelled = false;
    for (const child of this.#children) if (child.cancel(msg)) cancelled = true;
    if (cancelled) this.#cancelRequested = true;
    return cancelled;
  }
}

/** Only a plain object is looked into: a future takes it for an await when its `then` is read. */
function isOptions(x: unknown): x is GatherOptions {
  if (typeof x !== 'object' || x === null) return false;
  const prototype = Object.getPrototypeOf(x);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return typeof (x as PromiseLike<unknown>).then !== 'function';
}

/** The error of a cancelled gather(): the last child's, as in CPython. */
function cancellationOf(last: Future<unknown>): CancelledError {
  return last.cancelled() ? last.cancelledError() : new CancelledError(last.cancelMessage);
}

/** The outcome of a done future as gather() reports it. */
function outcomeOf(child: Future<unknown>): unknown {
  if (child.cancelled()) return new CancelledError(child.cancelMessage);
  return child.exception() ?? child.value;
}

/**
 * Runs awaitables concurrently; functions and coroutines become tasks. Resolves to their results, in the
 * order of the arguments.
 *
 * The first failure is passed on at once; the others keep running and their later failures are dropped.
 * A child that was cancelled counts as failed with CancelledError.
 * @throws TypeError when an argument cannot be awaited, or an option is not known; RangeError when they belong to
 * different loops
 *
 * **Cancellation:** cancelling the returned Future cancels all children; it ends with CancelledError once
 * they are done.
 * @example
 * ```ts
 * const [page, user] = await gather(() => fetchPage(), () => loadUser());
 * ```
 * @see asyncio.gather
 * @public
 */
// biome-ignore lint/suspicious/noExplicitAny: any awaitable
export function gather<A extends readonly Awaitable<any>[]>(
  ...aws: A
): Future<{ -readonly [K in keyof A]: Result<A[K]> }>;
/** @public */
// biome-ignore lint/suspicious/noExplicitAny: any awaitable
export function gather<A extends readonly Awaitable<any>[]>(
  ...args: [...A, { returnExceptions?: false | undefined }]
): Future<{ -readonly [K in keyof A]: Result<A[K]> }>;
/** @public */
// biome-ignore lint/suspicious/noExplicitAny: any awaitable
export function gather<A extends readonly Awaitable<any>[]>(
  ...args: [...A, GatherOptions]
): Future<{ -readonly [K in keyof A]: Result<A[K]> | Error }>;
// biome-ignore lint/suspicious/noExplicitAny: the overloads say what
export function gather(...args: unknown[]): Future<any> {
  const options: GatherOptions = isOptions(args.at(-1)) ? (args.pop() as GatherOptions) : {};
  checkNames(options, ['returnExceptions']);
  const returnExceptions = options.returnExceptions ?? false;
  if (args.length === 0) {
    const empty = new Future<unknown[]>();
    empty.setResult([]);
    return empty;
  }
  const futures = new Map<unknown, Future<unknown>>();
  const ordered: Future<unknown>[] = [];
  const unique: Future<unknown>[] = [];
  for (const aw of args) {
    let future = futures.get(aw);
    if (future === undefined) {
      // All belong to the loop of the first.
      const loop = ordered[0]?.loop;
      future = ensureFuture(aw as Awaitable<unknown>, loop === undefined ? undefined : { loop });
      unique.push(future);
      // The same object twice is one child; a function given twice is called twice.
      if (typeof aw !== 'function') futures.set(aw, future);
    }
    ordered.push(future);
  }
  // A child given twice is cancelled twice, as in CPython.
  const outer = new Gathering((ordered[0] as Future).loop, ordered);
  let finished = 0;
  const childDone = (child: Future<unknown>): void => {
    finished += 1;
    if (outer.done()) {
      child.markRetrieved();
      return;
    }
    if (!returnExceptions) {
      if (child.cancelled()) {
        outer.finish(kFailed, child.cancelledError());
        return;
      }
      const error = child.exception();
      if (child.state === kFailed) {
        outer.finish(kFailed, error);
        return;
      }
    }
    if (finished < unique.length) return;
    const results = ordered.map(outcomeOf);
    if (outer.cancelRequested) outer.finish(kFailed, cancellationOf(ordered.at(-1) as Future));
    else outer.finish(kFinished, results);
  };
  // As CPython: children that are done already count at once, the others by their callbacks.
  const waiter = currentTask();
  const done = unique.filter((future) => future.done());
  for (const future of unique) if (!future.done()) future.whenDone(childDone, waiter);
  for (const future of done) childDone(future);
  return outer;
}

/** What a shield protects has failed after the shield was cancelled: nobody hears of it (CPython 3.14). */
function reportUnheard(inner: Future<unknown>): void {
  if (inner.cancelled()) return;
  const exception = inner.exception();
  if (inner.state !== kFailed) return;
  const name = isError(exception, Error) ? exception.name : 'An';
  const sourceTraceback = creationStack(inner);
  inner.loop.callExceptionHandler({
    message: `${name} exception in shielded future`,
    exception,
    future: inner,
    ...(sourceTraceback === undefined ? {} : { sourceTraceback }),
  });
}

let warned = false;

/** Once: what the caller's own function has begun cannot be told from what somebody else's has. */
function warnOfPromise(): void {
  if (warned) return;
  warned = true;
  process.emitWarning(
    'shield() was given a promise: an async function that made it is a part of this task, and is cancelled with it. Pass the function: shield(() => save()), not shield(save())',
    { type: 'AionodeWarning', code: 'AIONODE_SHIELD_PROMISE' },
  );
}

/**
 * Protects `aw` from cancellation: cancelling the returned Future leaves it running. What a native promise stands for
 * is not protected: pass the function that makes it. Keep a reference to what you shield, and look at its outcome
 * yourself after a cancellation.
 *
 * **Cancellation:** the returned Future ends at once; `aw` goes on. If it fails then, the loop's exception
 * handler is told.
 * @example
 * ```ts
 * const saving = createTask(save);
 * await shield(saving);
 * ```
 * @see asyncio.shield
 * @public
 */
export function shield<T>(aw: Awaitable<T>): Future<T> {
  if (aw instanceof NativePromise && currentTask() !== null) warnOfPromise();
  const inner = ensureFuture(aw);
  if (inner.done()) return inner;
  const outer = new Future<T>({ loop: inner.loop });
  const passOn = (done: Future<T>): void => {
    if (outer.done()) return;
    if (done.cancelled()) outer.cancel();
    else if (done.state === kFailed) outer.setException(done.exception());
    else outer.setResult(done.result());
  };
  inner.whenDone(passOn, currentTask());
  outer.whenDone(() => {
    if (inner.done()) return;
    // Once for all shields that were given up.
    inner.removeDoneCallback(passOn);
    inner.removeDoneCallback(reportUnheard);
    inner.whenDone(reportUnheard);
  });
  return outer;
}
