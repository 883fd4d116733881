// PlainFuture: what `new Future()` and loop.createFuture() make.
// Floor 7.
//
// WHY. An await of a thenable costs V8 three microtasks and a promise of its own, an await of a native
// promise one microtask. V8 takes an object for a promise, as it is, when it was constructed as one and its
// `constructor` is Promise.
//
// HOW. A PlainFuture is constructed as a promise, on which Future's methods are found. V8 asks for its
// `constructor` in the awaiting frame, and the answer says which way the await goes:
//
//   Promise  V8 attaches the await to the promise underneath. A future that has its result has put it
//            there; for a pending one the await is registered now, and its end settles the promise.
//   Future   V8 calls `then`, which registers the await (thens.ts). So it is for the second await of a
//            pending future, since each is to end in an entry of its own, and for all that fail.
//
// `constructor` may be read by somebody who then awaits nothing. What was registered for him ends without
// an effect: to who cancels, an await counts only when something was attached to the promise, and a
// promise without that is never rejected.
//
// Classes derived from Future (tasks, inline coroutines, users' own) are no promises underneath: there are
// too many of them, for too short a time, for the dearer construction to pay.
import { debugging, noteCreation } from './debug.ts';
import {
  Awaiter,
  endAwait,
  Future,
  interruptionOf,
  isPromiseLike,
  kFinished,
  kPending,
  setPlainFutureFactory,
} from './futures.ts';
import { native } from './native.ts';
import { currentLoop } from './running.ts';
import { currentScope, isAnyAbandoned, type Scope } from './scopes.ts';
import type { Reject, Resolve } from './thens.ts';
import type { LoopCore } from './turns.ts';

const { promiseHasHandler } = native;

let taken: Resolve;

function take(resolve: Resolve): void {
  taken = resolve;
}

/** The promise underneath is pending, and nobody has been told of it. */
const kUnused = 0;
/** It is what a pending future's first await is attached to, or was ended otherwise than the future. */
const kTaken = 1;
/** It is fulfilled with the future's result. */
const kFulfilled = 2;

const NativePromise = Promise as unknown as new (executor: (resolve: Resolve) => void) => object;

class PlainFuture extends NativePromise {
  // As in Future, whose methods use them.
  readonly loop: LoopCore;
  readonly state: number;
  readonly value: unknown;
  readonly aside: undefined;

  underneath: number;
  readonly fulfil: Resolve;

  constructor(options?: { loop?: unknown }) {
    super(take);
    this.loop = (options === undefined ? currentLoop() : options.loop) as LoopCore;
    this.state = kPending;
    this.value = undefined;
    this.aside = undefined;
    this.underneath = kUnused;
    this.fulfil = taken;
    if (debugging) noteCreation(this as unknown as Future, this.loop);
  }

  newAwait(scope: Scope | null, resolve: Resolve, reject: Reject): Awaiter {
    return new PairedAwait(this as unknown as Future, scope, resolve, reject);
  }
}

/**
 * Promise.all() and its like call a promise's `then` with functions of V8's that are no promise's resolve
 * and reject: what fails has to go to the latter.
 */
class PairedAwait extends Awaiter {
  private readonly reject: Reject;

  constructor(future: Future, scope: Scope | null, resolve: Resolve, reject: Reject) {
    super(future, scope, resolve);
    this.reject = reject;
  }

  override throwInto(reason: unknown): void {
    this.reject(reason);
  }
}

/** The first await of a pending future. */
class AttachedAwait extends Awaiter {
  override get isReal(): boolean {
    return promiseHasHandler?.(this.future) === true;
  }

  override interrupt(message: string | undefined): boolean {
    return this.isReal && super.interrupt(message);
  }

  override run(): void {
    const { future } = this;
    const interruption = interruptionOf(this.scope, future);
    if (interruption === undefined && future.state === kFinished) {
      if (!isPromiseLike(future.value)) (future as unknown as PlainFuture).underneath = kFulfilled;
    } else if (!this.isReal) {
      this.scope?.resumed(this);
      return;
    }
    endAwait(this, interruption);
  }
}

/** Whether an await in `scope` may be registered before V8 has attached it. */
function isPlain(scope: Scope, future: PlainFuture): boolean {
  return scope.loop === future.loop && !scope.interrupted && !scope.isAbandoned;
}

/** Attaches the await that is about to begin, if that can be. */
function attach(future: PlainFuture): boolean {
  if (future.underneath !== kUnused || debugging || promiseHasHandler === undefined) return false;
  const scope = currentScope();
  if (scope !== null && !isPlain(scope, future)) return false;
  future.underneath = kTaken;
  const pending = future as unknown as Future;
  pending.add(new AttachedAwait(pending, scope, future.fulfil));
  return true;
}

/** Whether the promise underneath has the result; puts it there. */
function hasResult(future: PlainFuture): boolean {
  // Code that was given up by its timeout gets an error at every await.
  if (future.state !== kFinished || isAnyAbandoned()) return false;
  // A promise as the result is looked into by every await: one that fails must not do so unheard.
  if (future.underneath === kUnused && !isPromiseLike(future.value)) {
    future.underneath = kFulfilled;
    future.fulfil(future.value);
  }
  return future.underneath === kFulfilled;
}

Object.setPrototypeOf(PlainFuture.prototype, Future.prototype);
Object.defineProperty(PlainFuture.prototype, 'constructor', {
  configurable: true,
  get(this: PlainFuture) {
    const isPromise = this.state === kPending ? attach(this) : hasResult(this);
    return isPromise ? Promise : Future;
  },
});

/** @internal */
export function newPlainFuture<T>(options?: { loop?: unknown }): Future<T> {
  return new PlainFuture(options) as unknown as Future<T>;
}

setPlainFutureFactory(newPlainFuture);
