// Promises that are not ours: told from other values, and adopted as futures.
// Floor 7.
import { invalidArgType } from './arguments.ts';
import { cancellationIn } from './exceptions.ts';
import { Future, kCancelled, kFailed, kFinished } from './futures.ts';
import { state } from './memory.ts';
import { layout, native } from './native.ts';
import { NativePromise } from './native_promise.ts';
import { currentLoop } from './running.ts';
import type { Reject, Resolve } from './thens.ts';
import type { LoopCore } from './turns.ts';

const { promiseOutcome } = native;

/** What a promise's own resolve function does with a promise. @internal */
export function lookInto(promise: PromiseLike<unknown>, resolve: Resolve, reject: Reject): void {
  NativePromise.resolve(promise).then(resolve, reject);
}

/** @internal */
export function isPromiseLike(x: unknown): x is PromiseLike<unknown> {
  // Not by its `then`: who reads that is taken for somebody who awaits it.
  if (x instanceof Future) return true;
  return (
    x !== null &&
    (typeof x === 'object' || typeof x === 'function') &&
    typeof (x as PromiseLike<unknown>).then === 'function'
  );
}

/** What `await x` would give if that need not wait: `x` is no promise, or a native one that is fulfilled. @internal */
export function valueAtHand<T>(x: PromiseLike<T> | T): { readonly value: T } | undefined {
  if (!isPromiseLike(x)) return { value: x };
  if (!(x instanceof NativePromise) || promiseOutcome === undefined) return undefined;
  const value = promiseOutcome(x) as T;
  return state[layout.kPromiseState] === layout.kFulfilled ? { value } : undefined;
}

/**
 * Adopts a native promise. Awaiting the returned Future is a cancellation point, even though the
 * promise itself cannot be cancelled: what it settles to after that is dropped.
 * @param options - `abort`: a controller that is aborted when the Future is cancelled
 *
 * **Cancellation:** the Future ends at once; the work behind the promise goes on.
 * @example
 * ```ts
 * const rows = await timeout(5, async () => await wrapFuture(database.query('select 1')));
 * ```
 * @public
 */
export function wrapFuture<T>(
  promise: PromiseLike<T>,
  options?: { abort?: AbortController },
): Future<T> {
  if (promise instanceof Future) return promise as unknown as Future<T>;
  if (!isPromiseLike(promise)) {
    throw invalidArgType('promise', 'a Promise or another thenable', promise);
  }
  const future = adoptPromise(promise, currentLoop());
  const abort = options?.abort;
  if (abort !== undefined) {
    if (typeof abort?.abort !== 'function') {
      throw invalidArgType('options.abort', 'an instance of AbortController', abort);
    }
    future.whenDone(() => {
      if (future.cancelled()) abort.abort(future.cancelledError());
    });
  }
  return future;
}

/** A Future of `loop` with the outcome of `promise`, unless it is cancelled before. @internal */
export function adoptPromise<T>(promise: PromiseLike<T>, loop: LoopCore): Future<T> {
  const future = new Future<T>({ loop });
  promise.then(
    (value) => {
      if (!future.done()) future.finish(kFinished, value);
    },
    (error) => {
      if (future.done()) return;
      const cancellation = cancellationIn(error);
      if (cancellation === null) future.finish(kFailed, error);
      else future.finish(kCancelled, cancellation);
    },
  );
  return future;
}
