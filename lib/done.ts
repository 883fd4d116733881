// A Future that is done, shared by all calls that need not wait.
// Floor 7.
//
// Underneath it is a native promise dressed as a Future. V8 takes a promise whose `constructor` is Promise
// as it is: an await of it costs one microtask, where that of another Future costs three and a native
// call. Like a coroutine of asyncio's that does not suspend, it is no point at which a task can be
// cancelled.
import { Future, kFinished } from './futures.ts';
import type { LoopCore } from './turns.ts';

const doneFutures = new WeakMap<LoopCore, Future<void>>();

function makeDone(loop: LoopCore): Future<void> {
  const done = Object.setPrototypeOf(Promise.resolve(), Future.prototype) as Future<void>;
  Object.defineProperty(done, 'constructor', { value: Promise });
  return Object.assign(done, { loop, state: kFinished, value: undefined, aside: undefined });
}

/** @internal */
export function doneFuture(loop: LoopCore): Future<void> {
  let done = doneFutures.get(loop);
  if (done === undefined) {
    done = makeDone(loop);
    doneFutures.set(loop, done);
  }
  return done;
}

/** @internal */
export function isDoneFuture(future: Future<unknown>): boolean {
  return doneFutures.get(future.loop) === (future as unknown);
}
