// The tasks of a loop that are not done, in the order of their creation.
// Floor 2.
//
// A list through the tasks themselves: a Set would cost more than a task's first step.

/** What the list needs of a task. @internal */
export interface ListedTask {
  previousTask: ListedTask | null;
  nextTask: ListedTask | null;
}

/** @internal */
export class TaskList implements Iterable<ListedTask> {
  private first: ListedTask | null = null;
  private last: ListedTask | null = null;

  add(task: ListedTask): void {
    task.previousTask = this.last;
    if (this.last === null) this.first = task;
    else this.last.nextTask = task;
    this.last = task;
  }

  /** Does nothing when the task is not in the list. */
  delete(task: ListedTask): void {
    const { previousTask, nextTask } = task;
    if (previousTask === null && this.first !== task) return;
    if (previousTask === null) this.first = nextTask;
    else previousTask.nextTask = nextTask;
    if (nextTask === null) this.last = previousTask;
    else nextTask.previousTask = previousTask;
    task.previousTask = task.nextTask = null;
  }

  *[Symbol.iterator](): Generator<ListedTask> {
    for (let task = this.first; task !== null; task = task.nextTask) yield task;
  }
}
