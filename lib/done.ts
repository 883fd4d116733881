// A Future that is done, shared by all calls that need not wait.
// Floor 7.
//
// Like a coroutine of asyncio's that does not suspend, it is no point at which a task can be cancelled.
import { Future } from './futures.ts';
import type { LoopCore } from './turns.ts';

const doneFutures = new WeakMap<LoopCore, Future<void>>();

/** @internal */
export function doneFuture(loop: LoopCore): Future<void> {
  let done = doneFutures.get(loop);
  if (done === undefined) {
    done = new Future<void>({ loop });
    done.setResult();
    doneFutures.set(loop, done);
  }
  return done;
}

/** @internal */
export function isDoneFuture(future: Future<unknown>): boolean {
  return doneFutures.get(future.loop) === (future as unknown);
}
