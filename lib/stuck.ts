// Debug mode: a cancelled task that sits in a promise which is not ours, so that nothing tells it.
// Floor 8.
import { setTimeout } from './node_timers.ts';
import type { Scope } from './scopes.ts';
import { awaitsOf } from './stacks.ts';

/** A call that was handed the task's signal has ended long before; also asyncio's idea of slow. */
const kPatienceMs = 100;

interface CancelledTask {
  readonly scope: Scope;
  getName(): string;
  done(): boolean;
}

/** Warns once if the task, which awaits nothing of ours now, is still in the same place a little later. @internal */
export function watchForStuck(task: CancelledTask): void {
  const { scope } = task;
  const warn = (): void => {
    if (task.done() || !scope.mustCancel || scope.told || awaitsOf(scope).length > 0) return;
    console.warn(
      `aionode: task ${task.getName()} was cancelled, but waits for a promise that is not aionode's and cannot be interrupted: ` +
        'the cancel is delivered at its next await of a Future. ' +
        'Hand currentTask().signal to the call, or await wrapFuture(promise) instead.',
    );
  };
  setTimeout(warn, kPatienceMs).unref();
}
