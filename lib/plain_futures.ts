// PlainFuture: what `new Future()` and loop.createFuture() make.
// Floor 8.
import { isPromiseLike, lookInto } from './foreign_promises.ts';
import {
  Awaiter,
  endAwait,
  Future,
  interruptionOf,
  kFinished,
  kPending,
  loopOf,
  setPlainFutureFactory,
} from './futures.ts';
import { addAwait, isAttachedTo, PromiseFuture } from './promise_futures.ts';
import { currentScope, isAnyAbandoned, type Scope } from './scopes.ts';
import type { Reject, Resolve } from './thens.ts';

/** The promise underneath is pending, and nobody has been told of it. */
const kUnused = 0;
/** It is what a pending future's first await is attached to, or was ended otherwise than the future. */
const kTaken = 1;
/** It is fulfilled with the future's result. */
const kFulfilled = 2;

class PlainFuture<T> extends PromiseFuture<T> {
  underneath = kUnused;

  override newAwait(scope: Scope | null, resolve: Resolve, reject: Reject): Awaiter {
    return new PairedAwait(this as Future<unknown>, scope, resolve, reject);
  }
}

/** The first await of a pending future. */
class AttachedAwait extends Awaiter {
  override get isReal(): boolean {
    return isAttachedTo(this.future);
  }

  override interrupt(message: string | undefined): boolean {
    return this.isReal && super.interrupt(message);
  }

  override run(): void {
    const { future } = this;
    const interruption = interruptionOf(this.scope, future);
    const finished = interruption === undefined && future.state === kFinished;
    // A promise as the result is looked into by every await: one that fails must not do so unheard.
    if (finished && !isPromiseLike(future.value)) {
      (future as PlainFuture<unknown>).underneath = kFulfilled;
    } else if (!this.isReal) {
      this.scope?.resumed(this);
      return;
    }
    endAwait(this, interruption);
  }
}

/**
 * Promise.all() and its like call a promise's `then` with functions of V8's that are no promise's resolve
 * and reject: what fails has to go to the latter, and they look into no promise.
 */
class PairedAwait extends Awaiter {
  private readonly reject: Reject;

  constructor(future: Future, scope: Scope | null, resolve: Resolve, reject: Reject) {
    super(future, scope, resolve);
    this.reject = reject;
  }

  override run(): void {
    const { future, scope, resolve, reject } = this;
    const interruption = interruptionOf(scope, future);
    if (interruption === undefined && future.state === kFinished && isPromiseLike(future.value)) {
      scope?.resumed(this);
      lookInto(future.value, resolve, reject);
    } else {
      endAwait(this, interruption);
    }
  }

  override throwInto(reason: unknown): void {
    this.reject(reason);
  }
}

/** Registers the await that is about to be attached, if that can be. */
function attach(future: PlainFuture<unknown>): boolean {
  if (future.underneath !== kUnused) return false;
  const scope = currentScope();
  if (scope !== null) {
    if (scope.loop !== future.loop || scope.interrupted || scope.isAbandoned) return false;
  }
  future.underneath = kTaken;
  future.add(new AttachedAwait(future, scope, future.resolve));
  return true;
}

/** Whether the promise underneath has the result; puts it there. */
function hasResult(future: PlainFuture<unknown>): boolean {
  // Code that was given up by its timeout gets an error at every await.
  if (future.state !== kFinished || isAnyAbandoned()) return false;
  if (future.underneath === kUnused && !isPromiseLike(future.value)) {
    future.underneath = kFulfilled;
    future.resolve(future.value);
  }
  return future.underneath === kFulfilled;
}

addAwait(
  PlainFuture as { prototype: PlainFuture<unknown> },
  (future) => (future.state === kPending ? attach(future) : hasResult(future)),
  Future,
);

/** @internal */
export function newPlainFuture<T>(options?: { loop?: unknown }): Future<T> {
  return new PlainFuture<T>(loopOf(options));
}

setPlainFutureFactory(newPlainFuture);
