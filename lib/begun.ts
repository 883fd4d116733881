// What coroutine functions of asyncio's return here that begin when they are called: toThread(), and a
// process' wait() and communicate(). createTask() takes it, as it takes a coroutine there.
// Floor 0: imports nothing of ours.

const begun = new WeakSet<object>();

/** @internal */
export function markBegun<F extends object>(future: F): F {
  begun.add(future);
  return future;
}

/** @internal */
export function hasBegun(given: object): boolean {
  return begun.has(given);
}
