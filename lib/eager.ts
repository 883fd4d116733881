// Eager tasks: task factories whose tasks run their first step inside createTask().
// Floor 11.
import { checkFunction } from './arguments.ts';
import type { Coro } from './coroutines.ts';
import type { EventLoop, TaskFactory } from './loop.ts';
import { Task, type TaskOptions } from './tasks.ts';

/**
 * Makes a task factory that starts tasks eagerly, unless `eagerStart: false` is said. `make` makes the
 * task from the options it is given.
 * @see asyncio.create_eager_task_factory
 * @public
 */
export function createEagerTaskFactory(make: TaskFactory): TaskFactory {
  checkFunction(make, 'make');
  return (loop, coro, options) => make(loop, coro, eagerly(options));
}

/**
 * A task factory that starts tasks eagerly: one that ends without waiting is done when createTask()
 * returns, and was never scheduled.
 * @example
 * ```ts
 * getRunningLoop().setTaskFactory(eagerTaskFactory);
 * ```
 * @see asyncio.eager_task_factory
 * @public
 */
export function eagerTaskFactory<T>(
  loop: EventLoop,
  coro: Coro<T>,
  options?: TaskOptions,
): Task<T> {
  return new Task(coro, { ...eagerly(options), loop });
}

function eagerly(options: TaskOptions | undefined): TaskOptions {
  return { ...options, eagerStart: options?.eagerStart ?? true };
}
