// Debug mode: the frames of every await of a Future.
// Floor 7.
//
// `await future` reads `future.then` in the awaiting frame, so that is where the stack is taken. Futures
// are only made to tell so when debug mode is first switched on: until then an await costs nothing more.
import { captureStack, noteAwait } from './debug.ts';
import { currentScope } from './scopes.ts';
import { thenOwners } from './thens.ts';

type Then = (resolve?: unknown, reject?: unknown) => unknown;

let tracing = false;

/** Wraps the `then` that the class has. */
function trace(prototype: object): void {
  const original = Object.getOwnPropertyDescriptor(prototype, 'then');
  if (original === undefined) return;
  Object.defineProperty(prototype, 'then', {
    configurable: true,
    get(this: object): Then {
      const then: Then = original.get === undefined ? original.value : original.get.call(this);
      if (currentScope()?.loop.debug !== true) return then;
      const stack = captureStack();
      return function (this: object, resolve, reject) {
        if (typeof resolve === 'function') noteAwait(resolve, stack);
        return then.call(this, resolve, reject);
      };
    },
  });
}

/** @internal */
export function traceAwaits(): void {
  if (tracing) return;
  tracing = true;
  for (const { prototype } of thenOwners) trace(prototype);
}
