// Routine: a coroutine method whose body is an async function.
// Floor 9.
//
// What an async function returns is a promise, which has begun and which nobody can cancel from outside:
// createTask() refuses it, waitFor() and gather() would leave it running. A Routine begins when it is
// awaited. Its body is then code of the scope that awaits it, as the body of asyncio's coroutine is: that
// scope's cancel interrupts what the body awaits, and the body may take its time over it.
import { type Future, kCancelled, kFinished } from './futures.ts';
import { InlineCoroutine } from './inline.ts';
import { runInJobOf, type Scope } from './scopes.ts';
import { spawn } from './spawning.ts';
import { iscancelled, type Task } from './tasks.ts';
import { addThen, type Reject, type Resolve } from './thens.ts';

class Routine<T> extends InlineCoroutine<T> {
  private readonly body: () => Promise<T>;
  /** What runs the body when no task awaits it. */
  private task: Task<T> | undefined = undefined;

  constructor(body: () => Promise<T>) {
    super();
    this.body = body;
  }

  override startAwait(scope: Scope | null, resolve: Resolve, reject: Reject): void {
    if (this.started || scope === null || scope.isAbandoned) {
      super.startAwait(scope, resolve, reject);
      return;
    }
    this.decideLoop(scope.loop);
    runInJobOf(scope, this.body).then(
      (value) => {
        this.complete(value);
        resolve(value);
      },
      (error) => {
        this.failWith(error);
        reject(error);
      },
    );
  }

  /** A part of the task that awaits it cannot be cancelled alone. */
  override cancel(msg?: string): boolean {
    if (!this.started) return super.cancel(msg);
    return this.task?.cancel(msg) ?? false;
  }

  protected override proceed(): void {
    const { task } = this;
    if (task === undefined) {
      this.task = spawn(this.loop, this.body);
      this.task.whenDone(() => this.resume());
    } else if (task.state === kFinished) {
      this.complete(task.value as T);
    } else {
      this.failWith(task.outcomeError());
    }
  }

  protected override abandon(): void {
    this.task?.cancel();
  }

  private failWith(error: unknown): void {
    if (iscancelled(error)) this.finish(kCancelled, error);
    else this.fail(error);
  }
}
addThen(Routine);

/** @internal */
export function routine<T>(body: () => Promise<T>): Future<T> {
  return new Routine(body);
}
