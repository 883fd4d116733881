// How tasks come to be: createTask(), and what makes a future of anything awaitable.
// Floor 8.
import { checkOptions, invalidArgType } from './arguments.ts';
import { type Coro, CoroutineObject } from './coroutines.ts';
import { adoptPromise, isPromiseLike } from './foreign_promises.ts';
import { Future, loopOf } from './futures.ts';
import { InlineCoroutine } from './inline.ts';
import { currentLoop } from './running.ts';
import { asCoro, Task, type TaskOptions } from './tasks.ts';
import type { LoopCore } from './turns.ts';

/** Anything gather, wait, shield, ... take. A native promise is adopted by wrapFuture(). @public */
export type Awaitable<T> = Future<T> | Coro<T> | PromiseLike<T>;

/** EventLoop is floors above; loop.ts has the public type. */
type TaskFactory = <T>(loop: LoopCore, coro: Coro<T>, options?: TaskOptions) => Task<T>;

/** Makes a task of `loop`, by its task factory if it has one. @internal */
export function spawn<T>(
  loop: LoopCore,
  given: Coro<T> | Future<T>,
  options?: TaskOptions,
): Task<T> {
  loop.checkClosed();
  if (loop.taskFactory !== null) {
    const task = (loop.taskFactory as TaskFactory)(loop, asCoro(given), options);
    if (task instanceof Future) return task;
    throw invalidArgType('factory', 'a function that returns a Task or Future', task);
  }
  if (options === undefined) return new Task(given, { loop });
  checkOptions(options);
  return new Task(given, { ...options, loop });
}

/**
 * Runs `coro` as a task of the current loop. The task is kept alive while it is pending.
 * @param coro - a function called inside the task, a Coroutine, or what a coroutine method of this
 * library returned and nobody has awaited yet: `createTask(queue.get())`
 * @throws TypeError when `coro` is something else (a promise is adopted with wrapFuture()) or an option cannot be;
 * RuntimeError when the loop is closed
 * @example
 * ```ts
 * const task = createTask(() => download(url), { name: 'download' });
 * task.cancel();
 * await task.catch(() => {});
 * ```
 * @public
 */
export function createTask<T>(coro: Coro<T> | Future<T>, options?: TaskOptions): Task<T> {
  return spawn(currentLoop(), coro, options);
}

/**
 * Makes a Future of anything awaitable: a Future is returned as it is, a function or Coroutine becomes
 * a task, a promise is adopted.
 * @throws TypeError when `aw` cannot be awaited
 * @public
 */
export function ensureFuture<T>(aw: Awaitable<T>, options?: { loop?: unknown }): Future<T> {
  const loop = loopOf(options);
  if (aw instanceof InlineCoroutine && !aw.started && !aw.done()) return spawn(loop, aw);
  if (aw instanceof Future) {
    if (options?.loop !== undefined && aw.loop !== loop) {
      throw new RangeError(
        'The future belongs to a different event loop than the rest, or options.loop',
      );
    }
    return aw as unknown as Future<T>;
  }
  if (typeof aw === 'function' || aw instanceof CoroutineObject) return spawn(loop, aw as Coro<T>);
  if (isPromiseLike(aw)) return adoptPromise(aw as PromiseLike<T>, loop);
  const hint = Array.isArray(aw) ? ' (spread an array: gather(...list))' : '';
  throw invalidArgType('aw', `a Future, a Coroutine, a function or a promise${hint}`, aw);
}

/** The tasks of a loop that are not done. @public */
export function allTasks(loop?: unknown): Set<Task> {
  return new Set(((loop as LoopCore | undefined) ?? currentLoop()).tasks as Iterable<Task>);
}
