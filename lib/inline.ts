// InlineCoroutine: what asyncio's coroutine methods (Queue.get, Lock.acquire, StreamReader.read, sleep)
// return here.
// Floor 7.
//
// In asyncio such a method runs inside the task that awaits it: woken, it looks again and takes the
// item or the lock in that task's own step. An InlineCoroutine does the same as a small state machine:
// `proceed()` is called when it is first awaited and again in every wake-up of the awaiting task, and
// either completes or stays suspended. Nothing happens before it is awaited (or given to createTask,
// gather, ...), as nothing happens to a coroutine object that nobody awaits.
//
// It is awaited by one task; further awaits of the same object just wait for its outcome.
import type { Context } from './context.ts';
import { CancelledError, RuntimeError } from './exceptions.ts';
import { Awaiter, Future, kCancelled, kFailed, kFinished, kPending } from './futures.ts';
import { currentLoop } from './running.ts';
import type { Scope } from './scopes.ts';
import type { LoopCore } from './turns.ts';

function ignore(): void {}

/** The first await decides the loop. */
const kUndecided = { loop: undefined };

/** @internal */
export abstract class InlineCoroutine<T> extends Future<T> {
  /** The await that it runs in. */
  driver: Awaiter | undefined = undefined;
  /** The wake-up is scheduled: the inner future of asyncio's coroutine is done. */
  woken = false;
  /** The error of a cancel() that the wake-up delivers. */
  cancellation: CancelledError | undefined = undefined;

  constructor() {
    super(kUndecided);
  }

  /** Goes on: completes by `complete()` or `fail()`, or stays suspended until `resume()`. */
  protected abstract proceed(): void;

  /** The awaiting task was cancelled while suspended: leave the waiting lines. */
  protected abstract abandon(): void;

  protected complete(value: T): void {
    this.finish(kFinished, value);
  }

  protected fail(error: unknown): void {
    this.finish(kFailed, error);
  }

  /** Schedules the wake-up of the awaiting task. */
  resume(): void {
    if (this.woken) return;
    this.woken = true;
    this.loop.enqueue(this.driver as Awaiter);
  }

  get started(): boolean {
    return this.loop !== undefined;
  }

  override startAwait(
    scope: Scope | null,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ): void {
    if (this.loop === undefined && (scope === null || !scope.isAbandoned)) {
      this.start(scope === null ? currentLoop() : scope.loop);
    }
    super.startAwait(scope, resolve, reject);
  }

  override suspend(awaiter: Awaiter): void {
    if (this.driver === undefined) this.driver = awaiter;
    else super.suspend(awaiter);
  }

  override wake(awaiter: Awaiter, interruption: CancelledError | undefined): void {
    if (awaiter !== this.driver) {
      awaiter.end(interruption);
      return;
    }
    const error = this.cancellation ?? interruption;
    if (error === undefined) {
      this.woken = false;
      this.proceed();
      if (this.state === kPending) return;
    } else {
      this.abandon();
      if (this.state === kPending) this.finish(kCancelled, error);
    }
    awaiter.end(error);
  }

  override cancel(msg?: string): boolean {
    if (this.state !== kPending || this.woken) return false;
    if (!this.started) {
      this.decideLoop(currentLoop());
      return super.cancel(msg);
    }
    this.cancellation = new CancelledError(msg);
    this.resume();
    return true;
  }

  override addDoneCallback(
    callback: (future: this) => void,
    options?: { context?: Context },
  ): void {
    this.startAlone();
    super.addDoneCallback(callback, options);
  }

  override whenDone(callback: (future: this) => void, owner: Future<unknown> | null = null): void {
    this.startAlone();
    super.whenDone(callback, owner);
  }

  // biome-ignore lint/suspicious/noExplicitAny: see Future
  override getLoop(): any {
    return (this.loop ?? currentLoop()) as never;
  }

  override setResult(_value: T): void {
    throw new RuntimeError('this Future belongs to a running operation: its result cannot be set');
  }

  override setException(_error: unknown): void {
    throw new RuntimeError(
      'this Future belongs to a running operation: its exception cannot be set',
    );
  }

  private start(loop: LoopCore): void {
    this.decideLoop(loop);
    if (this.state === kPending) this.proceed();
  }

  private decideLoop(loop: LoopCore): void {
    (this as { loop: LoopCore }).loop = loop;
  }

  /** Nobody awaits it, but somebody wants to know its outcome. */
  private startAlone(): void {
    if (this.started) return;
    this.start(currentLoop());
    if (this.state === kPending) this.suspend(new Awaiter(this, null, ignore, ignore));
  }
}
