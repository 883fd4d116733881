// Task: an async function that runs on its own and can be cancelled at any await.
// Floor 8.
//
// HOW. The first step is a ready entry that calls the function with the task's scope in the frame
// (frames.ts); every later step is the await of whatever the function awaited (futures.ts). The
// function's native promise tells the end. The task never owns a continuation: cancelling it means
// interrupting its scope (scopes.ts).
import { types } from 'node:util';
import { checkInteger, checkSignal, checkWritable, invalidArgType } from './arguments.ts';
import { hasBegun } from './begun.ts';
import { type Context, captureContext, contextOf, contextOption } from './context.ts';
import { type Coro, CoroutineObject } from './coroutines.ts';
import { captureStack, creationStack, errorStack } from './debug.ts';
import { isDoneFuture } from './done.ts';
import { stepEagerly } from './eager_awaits.ts';
import { CancelledError, cancellationIn, explain, isError, RuntimeError } from './exceptions.ts';
import { isPromiseLike } from './foreign_promises.ts';
import { currentUserFrame, usesContextFrames } from './frames.ts';
import { Future, kCancelled, kFailed, kFinished, kPending, Refusal, Rejection } from './futures.ts';
import { InlineCoroutine } from './inline.ts';
import { state } from './memory.ts';
import { layout, native } from './native.ts';
import { NativePromise } from './native_promise.ts';
import type { ReadyEntry } from './ready.ts';
import { abortSignalOf } from './scope_signals.ts';
import { currentScope, runIn, Scope } from './scopes.ts';
import { onAbort } from './signals.ts';
import { awaitsOf, describeFuture, suspendedStack } from './stacks.ts';
import { watchForStuck } from './stuck.ts';
import type { ListedTask } from './task_list.ts';
import { addThen } from './thens.ts';

/** Options of createTask() and its kin. @public */
export interface TaskOptions {
  /** 'Task-N' by default. */
  name?: string | undefined;
  /** Where the task runs; by default in a copy of the caller's context. */
  context?: Context | undefined;
  /** Runs the first step now, inside createTask(). */
  eagerStart?: boolean | undefined;
  /** Aborting it cancels the task, with the signal's reason as the cause. */
  signal?: AbortSignal | undefined;
}

const promiseThen = NativePromise.prototype.then;
const { promiseOutcome } = native;
const { kPromiseState, kFulfilled, kRejected } = layout;

let taskCount = 0;

/** The tasks that a cancel is being passed through, and those of them that it has come back to. */
const interrupting = new Set<object>();
const inCycle = new Set<object>();

function ignore(): void {}

/**
 * A CancelledError, or the AbortError that Node makes of one when a signal aborted by a cancel was
 * handed to it, or the SuppressedError of a `using` block whose end was cancelled.
 * @example
 * ```ts
 * try { ... } catch (e) { if (iscancelled(e)) throw e; report(e); }
 * ```
 * @public
 */
export function iscancelled(error: unknown): boolean {
  return cancellationIn(error) !== null;
}

/** What a coroutine method of ours returned, not awaited yet, as a function; else `given` itself. @internal */
export function asCoro<T>(given: Coro<T> | Future<T>): Coro<T> {
  if (typeof given === 'function' || !(given instanceof Future)) return given as Coro<T>;
  const future = given as Future<T>;
  const starts = future instanceof InlineCoroutine && !future.started;
  if (!starts && !isDoneFuture(future) && !hasBegun(future)) return given as unknown as Coro<T>;
  const { name } = Object.getPrototypeOf(future).constructor;
  return { [name]: () => future }[name] as Coro<T>;
}

/**
 * Runs an async function (or coroutine object) as a task: concurrently with others, one step at a time.
 * @public
 */
export class Task<T = unknown>
  extends Future<T>
  implements ReadyEntry, ListedTask, AsyncDisposable
{
  /** @internal */
  previousTask: ListedTask | null = null;
  /** @internal */
  nextTask: ListedTask | null = null;
  /** @internal */
  readonly scope: Scope;
  private coro: Coro<T> | null;
  private label: string | number;
  private readonly context: Context | undefined;

  /**
   * @param given - a function called inside the task, a Coroutine, or what a coroutine method of this
   * library returned and nobody has awaited yet
   * @throws TypeError when `given` is something else
   */
  constructor(given: Coro<T> | Future<T>, options?: TaskOptions & { loop?: unknown }) {
    super(options?.loop === undefined ? undefined : { loop: options.loop });
    const coro = asCoro(given);
    if (typeof coro !== 'function' && !(coro instanceof CoroutineObject)) {
      throw invalidArgType(
        'coro',
        'a function or a Coroutine (adopt a promise with wrapFuture())',
        coro,
      );
    }
    const signal = options?.signal ?? undefined;
    if (signal !== undefined) checkSignal(signal, 'options.signal');
    this.loop.checkClosed();
    this.coro = coro;
    const name = options?.name ?? null;
    this.label = name === null ? ++taskCount : String(name);
    // Where the frame holds the caller's context, the scope takes it over.
    this.context = contextOption(options) ?? (usesContextFrames ? undefined : captureContext());
    this.scope = new Scope(this, currentUserFrame());
    if (signal !== undefined) this.follow(signal);
    this.loop.tasks.add(this);
    if (options?.eagerStart && this.loop.running) {
      stepEagerly(() => this.run());
      if (this.state !== kPending) this.coro = null;
    } else {
      this.loop.enqueue(this);
    }
  }

  /** 'Task-N' by default. */
  getName(): string {
    return typeof this.label === 'number' ? `Task-${this.label}` : this.label;
  }

  /** Gives the task another name, for messages and reports. */
  setName(name: string): void {
    this.label = String(name);
  }

  /** What the task runs; null when it ended in its eager first step. */
  getCoro(): Coro<T> | null {
    return this.coro;
  }

  /** The context the task runs in. */
  getContext(): Context {
    return this.context ?? contextOf(this.scope.user);
  }

  /**
   * Where the task is: outermost first, what it awaits last. In debug mode also where it was created,
   * and the function and line of every await. Of a failed task the frames of its error; empty when it
   * ended otherwise.
   * @param options - `limit`: how many entries at most, the innermost ones (of an error the outermost)
   */
  getStack(options?: { limit?: number }): string[] {
    const limit = options?.limit;
    if (limit !== undefined) checkInteger(limit, 'options.limit');
    const most = limit === undefined ? Number.POSITIVE_INFINITY : Math.max(limit, 0);
    if (this.state === kFailed) return errorStack(this.value).slice(0, most);
    if (this.state !== kPending) return [];
    const created = creationStack(this)?.at(-1);
    const runs = currentScope()?.root === this.scope;
    const frames = runs ? captureStack() : suspendedStack(this as Future<unknown>);
    if (created !== undefined) frames.unshift(`created at ${created}`);
    return frames.slice(Math.max(0, frames.length - most));
  }

  /** Prints what getStack() gives. @param options - `file`: stderr by default */
  printStack(options?: { limit?: number; file?: NodeJS.WritableStream }): void {
    const frames = this.getStack(options);
    const file = options?.file ?? process.stderr;
    checkWritable(file, 'options.file');
    const failed = this.state === kFailed;
    const kind = failed ? 'Traceback' : 'Stack';
    const lines =
      frames.length === 0
        ? [`No stack for ${describeFuture(this as Future<unknown>)}`]
        : [`${kind} for ${describeFuture(this as Future<unknown>)} (most recent call last):`];
    for (const frame of frames) lines.push(`  ${frame}`);
    if (failed) lines.push(String(this.value));
    file.write(`${lines.join('\n')}\n`);
  }

  /**
   * Asks the task to stop: a CancelledError is thrown at the await it is suspended at, or at its next
   * one. Never takes effect at once; the function may catch it, clean up with awaits of its own, and
   * even go on.
   * @param msg - the message of the CancelledError
   * @returns false when the task is done already
   */
  override cancel(msg?: string): boolean {
    return this.requestCancel(msg, undefined);
  }

  /** How many cancel() requests are not taken back by uncancel(). */
  cancelling(): number {
    const running = this.runningScope;
    return running === null ? this.scope.allRequests : running.requests;
  }

  /**
   * Takes one cancel() request back; at 0 a request that was not delivered yet is undone.
   * @returns the number of requests left
   */
  uncancel(): number {
    const { scope } = this;
    if (scope.allRequests === 0) return 0;
    const running = this.runningScope;
    // What asks from outside means the innermost one that was asked to stop.
    if (running !== null) running.takeRequestBack();
    else
      (scope.requests > 0
        ? scope
        : [...(scope.cancellation.requested ?? [])].at(-1)
      )?.takeRequestBack();
    this.requestsTakenBack();
    return this.cancelling();
  }

  /**
   * Aborted with the CancelledError when cancel() is called: hand it to fetch(), fs, events.once, ...
   * A fresh one once uncancel() has reached 0.
   */
  get signal(): AbortSignal {
    return abortSignalOf(this.scope);
  }

  /** Always throws: the result of a task is its function's. */
  override setResult(_value: T): void {
    throw new RuntimeError(
      'Task does not support setResult(): its result is what its function returns',
    );
  }

  /** Always throws: the exception of a task is its function's. */
  override setException(_error: unknown): void {
    throw new RuntimeError(
      'Task does not support setException(): its exception is what its function throws',
    );
  }

  /** @internal */
  override startAwait(
    scope: Scope | null,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ): void {
    if (scope?.task === this && this.state === kPending) {
      const error = new RuntimeError(`Task cannot await on itself: ${this.getName()}`);
      this.loop.enqueue(new Refusal(reject, error));
    } else {
      super.startAwait(scope, resolve, reject);
    }
  }

  override get [Symbol.toStringTag](): string {
    return 'Task';
  }

  /** @internal */
  override describe(): string {
    return `Task ${this.getName()}`;
  }

  /** @internal */
  override get pendingState(): string {
    return this.scope.allRequests > 0 ? 'cancelling' : 'pending';
  }

  /**
   * cancel() and wait until the task is done; throws its error unless that is the cancel, or one that somebody
   * was told before: the block that has awaited the task throws it by itself.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isKnownFailure) return;
    const disposer = currentTask();
    const requests = disposer?.cancelling() ?? 0;
    this.cancel();
    try {
      await this;
    } catch (error) {
      const interrupted = (disposer?.cancelling() ?? 0) > requests;
      if (!this.cancelled() || interrupted) throw error;
    }
  }

  /** The first step. @internal */
  run(): void {
    if (this.state !== kPending) return;
    if (this.scope.mustCancel) {
      if (this.coro instanceof CoroutineObject) this.coro.close();
      this.end(kCancelled, this.scope.takeInterruption());
    } else {
      this.begin();
    }
  }

  /** The scope of this task that the running code belongs to. @internal */
  get currentScope(): Scope {
    return this.runningScope ?? this.scope;
  }

  /** The body of `scope` takes back the request of its timeout or group. Returns how many are left. @internal */
  uncancelScope(scope: Scope): number {
    const left = scope.takeRequestBack();
    this.requestsTakenBack();
    return left;
  }

  /** Before its end, and after one that was no cancel: of a cancel that found nothing to interrupt. @internal */
  override get cancelMessage(): string | undefined {
    return this.state === kCancelled ? super.cancelMessage : this.scope.message;
  }

  /** @internal */
  override get unretrievedMessage(): string {
    return 'Task exception was never retrieved';
  }

  /** @internal */
  override get reportContext(): Context {
    return this.getContext();
  }

  /** The scope of the running code; null if that is not this task's. */
  private get runningScope(): Scope | null {
    const scope = currentScope();
    return scope?.root === this.scope ? scope : null;
  }

  private requestsTakenBack(): void {
    if (this.scope.allRequests > 0) return;
    const { cancellation } = this.scope;
    this.forgetInterruptions();
    cancellation.cause = undefined;
    cancellation.asked = undefined;
    if (cancellation.signal?.signal.aborted) cancellation.signal = undefined;
  }

  /** The running code of the task, or if that waits whatever it waits in, is not interrupted any more. */
  private forgetInterruptions(): void {
    const running = this.runningScope;
    if (running !== null) {
      running.forgetInterruption();
      return;
    }
    this.scope.forgetInterruption();
    for (const { scope } of this.scope.suspensions()) scope?.forgetInterruption();
  }

  private requestCancel(msg: string | undefined, cause: unknown): boolean {
    this.markRetrieved();
    if (this.state !== kPending) return false;
    this.scope.cancellation.cause = cause;
    const awaits = this.interruptAwaits(msg, cause);
    if (!awaits && this.loop.debug) watchForStuck(this);
    return true;
  }

  /** Cancels what the task awaits; if that waits for this very task, the awaits just end. */
  private interruptAwaits(msg: string | undefined, cause: unknown): boolean {
    if (interrupting.has(this)) {
      this.scope.addRequests(1);
      inCycle.add(this);
      return true;
    }
    interrupting.add(this);
    const awaits = this.scope.cancel(msg, cause);
    interrupting.delete(this);
    if (inCycle.delete(this)) {
      for (const awaiter of awaitsOf(this.scope)) awaiter.future.withdraw(awaiter);
      this.scope.interruptNext(msg);
    }
    return awaits;
  }

  private follow(signal: AbortSignal): void {
    const cancel = () => this.requestCancel(undefined, signal.reason);
    if (signal.aborted) {
      cancel();
      return;
    }
    this.whenDone(onAbort(signal, cancel));
  }

  private begin(): void {
    if (this.context === undefined) this.call();
    else {
      this.context(() => {
        if (usesContextFrames) (this.scope as { user: unknown }).user = currentUserFrame();
        this.call();
      });
    }
  }

  private call(): void {
    const coro = this.coro as Coro<T>;
    try {
      runIn(this.scope, () => {
        this.watch(typeof coro === 'function' ? coro() : (coro as CoroutineObject<T>).start());
      });
    } catch (error) {
      this.failAtOnce(error);
    }
  }

  /**
   * The first step threw. The frames that V8 keeps with such an error lead to this task until its stack
   * has been written, and would keep a task alive whose failure is reported when it is collected.
   */
  private failAtOnce(error: unknown): void {
    if (types.isNativeError(error)) void error.stack;
    this.fail(error);
  }

  /** The function has run up to its first await, or to its end. */
  private watch(result: PromiseLike<T> | T): void {
    if (result instanceof NativePromise) {
      // Ended without suspending: told by V8 now, instead of by a reaction later.
      if (promiseOutcome !== undefined) {
        const outcome = promiseOutcome(result);
        if (state[kPromiseState] === kFulfilled) {
          this.succeed(outcome as T);
          return;
        }
        if (state[kPromiseState] === kRejected) {
          promiseThen.call(result, undefined, ignore);
          this.failAtOnce(outcome);
          return;
        }
      }
    } else if (!isPromiseLike(result)) {
      this.succeed(result);
      return;
    }
    if (result instanceof Future || promiseOutcome === undefined) {
      const fail = (error: unknown) => this.fail(error);
      const succeed = (value: unknown) => {
        if (value instanceof Rejection) fail(value.error);
        else this.succeed(value as T);
      };
      if (result instanceof Future) result.startAwait(this.scope, succeed, fail);
      else promiseThen.call(NativePromise.resolve(result), succeed, fail);
      return;
    }
    // Every task that waits holds what is made here: one bound function is half of two closures.
    const promise = NativePromise.resolve(result);
    this.value = promise;
    const settled = this.settled.bind(this);
    promiseThen.call(promise, settled, settled);
  }

  /** The function's promise, which is `value` until then, is settled. */
  private settled(): void {
    const outcome = promiseOutcome?.(this.value as Promise<T>);
    this.value = undefined;
    if (state[kPromiseState] === kFulfilled) this.succeed(outcome as T);
    else this.fail(outcome);
  }

  private succeed(value: T): void {
    const { scope } = this;
    if (scope.mustCancel && !scope.told) this.end(kCancelled, undefined, scope.message);
    else this.end(kFinished, value);
  }

  private fail(error: unknown): void {
    const cancellation = cancellationIn(error);
    if (cancellation === null) this.end(kFailed, error);
    else this.end(kCancelled, cancellation);
  }

  private end(state: number, value: unknown, message?: string): void {
    if (isError(value, CancelledError)) explain(value, this.scope.cause);
    this.loop.tasks.delete(this);
    this.finish(state, value, message);
  }
}

addThen(Task);

/**
 * The task whose code is running; null outside of one. It is right after any await, native promises
 * included.
 * @public
 */
export function currentTask(loop?: unknown): Task | null {
  const scope = currentScope();
  if (scope === null || ((loop ?? null) !== null && scope.loop !== loop)) return null;
  return scope.task as Task;
}
