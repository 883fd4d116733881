// The `then` of futures: how an await reaches us, and whose it is.
// Floor 5.
//
// V8 reads `future.then` in the awaiting frame and calls it from a microtask, with the resolve and reject
// functions of that very await. From Node 22 V8 carries the frame into that microtask, and one native
// call tells the scope. On Node 20 it does not: a getter notes the scope when `then` is read.
//
// `then` called by a user (`future.then(f)`) is told apart by its arguments: V8 passes its own built-in
// functions, which come from no script and are not bound. On Node 20 by the frame, which is set for a
// user's call and not in V8's microtask.
import { currentFrame, framesAreStored } from './frames.ts';
import { native } from './native.ts';
import { NativePromise } from './native_promise.ts';
import { currentScope, type Scope, scopeIn } from './scopes.ts';

/** @internal */
export type Resolve = (value: unknown) => void;
/** @internal */
export type Reject = (error: unknown) => void;

/** What is awaited: a Future. */
interface AwaitTarget {
  startAwait(scope: Scope | null, resolve: Resolve, reject: Reject): void;
}

function looksBuiltin(fn: unknown): boolean {
  return (
    typeof fn === 'function' &&
    fn.name === '' &&
    Function.prototype.toString.call(fn) === 'function () { [native code] }'
  );
}

/** True for the two functions that V8 passes when it awaits a thenable. @internal */
export const areResolvers: (resolve: unknown, reject: unknown) => boolean =
  native.areResolvers ?? ((resolve, reject) => looksBuiltin(resolve) && looksBuiltin(reject));

type Then = (this: AwaitTarget, resolve?: unknown, reject?: unknown) => unknown;

/** `then` called by a user: a native promise of what the callbacks give. */
function thenOfUser(
  target: AwaitTarget,
  scope: Scope | null,
  onValue: unknown,
  onError: unknown,
): Promise<unknown> {
  return new NativePromise((resolve, reject) => {
    target.startAwait(scope, resolve, reject);
  }).then(onValue as never, onError as never);
}

/** `then` where V8 carries the frame into the microtask that calls it. */
const thenWithFrame = (awaitFrame: (resolve: unknown, reject: unknown) => unknown): Then =>
  function (resolve, reject) {
    if (typeof reject === 'function' && typeof resolve === 'function') {
      const frame = awaitFrame(resolve, reject);
      if (frame !== undefined) {
        this.startAwait(scopeIn(frame), resolve as Resolve, reject as Reject);
        return undefined;
      }
    }
    return thenOfUser(this, currentScope(), resolve, reject);
  };

/**
 * Whether `then`, read in a task, is called by V8: that does so where no frame is set, a user where one is. A
 * frame that is stored is set in either.
 */
const isCalledByAwait: (resolve: unknown, reject: unknown) => boolean = framesAreStored
  ? areResolvers
  : () => currentFrame() === undefined;

/** `then` of futures that code of `scope` awaits. */
const thenOfScope = (scope: Scope): Then =>
  function (resolve, reject) {
    if (
      typeof reject === 'function' &&
      typeof resolve === 'function' &&
      isCalledByAwait(resolve, reject)
    ) {
      this.startAwait(scope, resolve as Resolve, reject as Reject);
      return undefined;
    }
    return thenOfUser(this, scope, resolve, reject);
  };

const thenOutside: Then = function (resolve, reject) {
  if (
    typeof reject === 'function' &&
    typeof resolve === 'function' &&
    areResolvers(resolve, reject)
  ) {
    this.startAwait(null, resolve as Resolve, reject as Reject);
    return undefined;
  }
  return thenOfUser(this, null, resolve, reject);
};

function findThen(): Then {
  const scope = currentScope();
  if (scope === null) return thenOutside;
  scope.then ??= thenOfScope(scope);
  return scope.then as Then;
}

const defineThen: (type: { prototype: object }) => void =
  native.awaitFrame === undefined
    ? (type) => {
        Object.defineProperty(type.prototype, 'then', {
          configurable: true,
          get: findThen,
        });
      }
    : (
        (then) => (type) =>
          Object.defineProperty(type.prototype, 'then', {
            configurable: true,
            writable: true,
            value: then,
          })
      )(thenWithFrame(native.awaitFrame));

/** The classes that have a `then`, for debug mode to wrap. @internal */
export const thenOwners: { prototype: object }[] = [];

/**
 * Gives a class of futures its `then`. Each class has its own: V8 finds it at the first step of the
 * prototype chain, which is a tenth of an await's cost.
 * @internal
 */
export function addThen(type: { prototype: object }): void {
  thenOwners.push(type);
  defineThen(type);
}
