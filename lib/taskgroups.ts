// TaskGroup.
// Floor 9.
//
// The body runs as a scope of the current task, and so does the wait for the children. Which cancel is
// the group's own and which came from outside is told by the counts of cancel() and uncancel(), exactly
// as in asyncio (CPython 3.15's taskgroups module).
import { inspect } from 'node:util';
import { checkFunction } from './arguments.ts';
import { type Coro, CoroutineObject } from './coroutines.ts';
import { ExceptionGroup, RuntimeError } from './exceptions.ts';
import { valueAtHand } from './foreign_promises.ts';
import { describeState } from './format.ts';
import { Future, kFailed } from './futures.ts';
import { type InnerScope, runIn } from './scopes.ts';
import { createTask, spawn } from './spawning.ts';
import { currentTask, iscancelled, Task, type TaskOptions } from './tasks.ts';

/**
 * Tasks that end together: `TaskGroup.run()` returns when all its tasks are done. The first failure
 * cancels the others and the body; all errors are thrown as one ExceptionGroup.
 * @example
 * ```ts
 * await TaskGroup.run(async (group) => {
 *   group.createTask(() => serve());
 *   group.createTask(() => report());
 * });
 * ```
 * @see asyncio.TaskGroup
 * @public
 */
export class TaskGroup {
  readonly #parent: Task;
  readonly #scope: InnerScope;
  readonly #tasks = new Set<Task>();
  readonly #errors: unknown[] = [];
  #allDone: Future<void> | null = null;
  #aborting = false;
  #exiting = false;
  #parentCancelRequested = false;

  private constructor(parent: Task) {
    if (!(parent instanceof Task)) {
      throw new TypeError(
        'A TaskGroup is not made by new: TaskGroup.run(async (group) => { ... })',
      );
    }
    this.#parent = parent;
    this.#scope = parent.currentScope.child(this);
  }

  /**
   * Runs `body(group)` in the current task and waits for every task of the group. Outside a task the
   * body runs as a task of its own.
   * @returns what the body returns
   * @throws ExceptionGroup with the errors of the tasks and the body; CancelledError when the task was
   * cancelled from outside and nothing failed
   *
   * **Cancellation:** cancels all tasks of the group and waits for them.
   */
  static run<T>(body: (group: TaskGroup) => PromiseLike<T> | T): Promise<T> {
    checkFunction(body, 'body');
    const parent = currentTask();
    if (parent === null) return createTask(() => TaskGroup.run(body));
    const group = new TaskGroup(parent);
    return runIn(group.#scope, () => group.#run(body));
  }

  /**
   * Runs `coro` as a task of the group.
   * @throws RuntimeError when the group has ended or is shutting down
   */
  createTask<T>(coro: Coro<T> | Future<T>, options?: TaskOptions): Task<T> {
    const refusal =
      this.#exiting && this.#tasks.size === 0
        ? 'is finished'
        : this.#aborting
          ? 'is shutting down'
          : null;
    if (refusal !== null) {
      if (coro instanceof CoroutineObject) coro.close();
      throw new RuntimeError(`The TaskGroup ${refusal}: it takes no more tasks`);
    }
    const task = spawn(this.#scope.loop, coro, options);
    this.#tasks.add(task as Task);
    task.whenDone((done) => this.#onTaskDone(done as Task), this.#parent);
    // An eager task may have cancelled the group in its first step (CPython gh-155418).
    if (this.#aborting && !task.done()) task.cancel();
    return task;
  }

  /**
   * Cancels the tasks of the group and its body; `run()` then returns without a CancelledError. May be
   * called again, and after the end.
   */
  cancel(): void {
    if ((this.#exiting && this.#tasks.size === 0) || this.#aborting) return;
    this.#abort();
    this.#cancelParent();
  }

  /** @internal */
  [inspect.custom](): string {
    const finished = this.#exiting && this.#tasks.size === 0;
    const state = finished ? 'finished' : this.#aborting ? 'cancelling' : 'entered';
    const errors = this.#errors.length === 0 ? undefined : this.#errors.length;
    return describeState(this, state, { tasks: this.#tasks.size, errors });
  }

  async #run<T>(body: (group: TaskGroup) => PromiseLike<T> | T): Promise<T> {
    let result: T | undefined;
    let failed = false;
    let failure: unknown;
    try {
      const given = body(this);
      // So that an eager task waits for the group's tasks within its first step, as in asyncio.
      const atHand = valueAtHand(given);
      result = atHand === undefined ? await given : atHand.value;
    } catch (error) {
      failed = true;
      failure = error;
    }
    await this.#exit(failed, failure);
    return result as T;
  }

  async #exit(failed: boolean, failure: unknown): Promise<void> {
    this.#exiting = true;
    const bodyCancelled = failed && iscancelled(failure);
    let cancellation: unknown = bodyCancelled ? failure : null;
    let lastCancellation: unknown = null;
    if (failed && !this.#aborting) this.#abort();
    while (this.#tasks.size > 0) {
      this.#allDone = new Future<void>({ loop: this.#scope.loop });
      try {
        await this.#allDone;
      } catch (error) {
        lastCancellation = error;
        if (!this.#aborting) {
          cancellation = error;
          this.#abort();
        }
      }
      this.#allDone = null;
    }
    if (this.#parentCancelRequested) {
      if (this.#parent.uncancelScope(this.#scope) === 0) cancellation = null;
      // The cancel that is left came from outside (CPython gh-155433).
      else cancellation ??= lastCancellation;
    }
    const cancelledFromOutside = this.#scope.requests > 0;
    this.#scope.leave(cancelledFromOutside);
    if (cancellation !== null && this.#errors.length === 0) throw cancellation;
    if (failed && !bodyCancelled) this.#errors.push(failure);
    if (this.#errors.length === 0) return;
    // The group's error wins; that other cancel is met again at the next await.
    if (cancelledFromOutside) this.#scope.parent.interruptNext(undefined);
    throw new ExceptionGroup(this.#errors, 'unhandled errors in a TaskGroup');
  }

  #abort(): void {
    this.#aborting = true;
    for (const task of this.#tasks) if (!task.done()) task.cancel();
  }

  #cancelParent(): void {
    if (this.#parentCancelRequested) return;
    this.#parentCancelRequested = true;
    this.#scope.cancel(undefined, undefined);
  }

  #onTaskDone(task: Task): void {
    this.#tasks.delete(task);
    if (this.#tasks.size === 0 && this.#allDone?.done() === false) this.#allDone.setResult();
    if (task.cancelled()) return;
    const error = task.exception();
    if (task.state !== kFailed) return;
    this.#errors.push(error);
    if (this.#parent.done()) {
      this.#scope.loop.callExceptionHandler({
        message: `Task ${task.getName()} failed, but the task of its group, ${this.#parent.getName()}, is done already`,
        exception: error,
        task,
      });
    } else if (!this.#aborting) {
      this.#abort();
      this.#cancelParent();
    }
  }
}
