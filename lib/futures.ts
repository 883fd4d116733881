// Future, and what an await of one is.
// Floor 6.
//
// HOW AN AWAIT WORKS. `await task` makes V8 read `future.then` in the awaiting frame, and call it
// from a microtask with the resolve and reject functions of that very await. The call registers an
// Awaiter for the scope whose code is awaiting (thens.ts). When the future is done the Awaiter is
// put in the ready queue like any done callback, and when its turn comes it resolves the await: the
// task goes on inside that entry, exactly where asyncio's task wake-up would run. If the scope was
// interrupted meanwhile, the Awaiter rejects the await instead, whatever the future's result.
//
// A native promise would not do: nobody can reject one await of it. Where the first await of a future can
// have a promise to itself, it goes by that all the same: see promise_futures.ts.
import { type InspectOptions, inspect } from 'node:util';
import { checkFunction, checkOptions, invalidArgType, invalidArgValue } from './arguments.ts';
import { type Context, captureContext, contextOption } from './context.ts';
import { debugging, noteCreation } from './debug.ts';
import { CancelledError, explain, InvalidStateError, isError, RuntimeError } from './exceptions.ts';
import { Handle } from './handles.ts';
import { NativePromise } from './native_promise.ts';
import type { ReadyEntry } from './ready.ts';
import { currentLoop } from './running.ts';
import { currentScope, type Scope, type Suspension } from './scopes.ts';
import { addThen, type Reject, type Resolve } from './thens.ts';
import type { LoopCore } from './turns.ts';
import { forget, type Unnoticed, watch } from './unnoticed.ts';

/** @internal */
export const kPending = 0;
/** @internal */
export const kCancelled = 1;
/** @internal */
export const kFinished = 2;
/** @internal */
export const kFailed = 3;

/** One suspended await: the ready entry that ends it. @internal */
export interface Await extends ReadyEntry, Suspension {
  readonly future: Future<unknown>;
  readonly resolve: Resolve;
  /** Has it throw `reason`. */
  throwInto(reason: unknown): void;
}

/**
 * What an await is resolved with that fails: V8 calls its `then`, in the same entry. So of the two functions
 * that V8 makes for an await only `resolve` is kept.
 * @internal
 */
export class Rejection {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }

  then(_resolve: Resolve, reject: Reject): void {
    reject(this.error);
  }
}

/** Whether a ready entry, a suspension, or what waits for a future is an await. @internal */
export function isAwait(entry: object): entry is Await {
  return 'future' in entry;
}

/** Takes the interruption that waits for the code of `scope`, if there is one, at the end of an await. @internal */
export function interruptionOf(
  scope: Scope | null,
  future: Future<unknown>,
): CancelledError | undefined {
  if (scope === null || !scope.interrupted) return undefined;
  const error = scope.takeInterruption();
  // asyncio: a CancelledError that the awaited future brings is the one that is thrown.
  return future.endedCancelled ? undefined : error;
}

/** Ends an await with the future's outcome, or with `error`. @internal */
export function endAwait(ended: Await, error: CancelledError | undefined): void {
  const { scope, future } = ended;
  scope?.resumed(ended);
  if (error === undefined && future.state === kFinished) {
    ended.resolve(future.value);
    return;
  }
  const reason = error ?? future.outcomeError();
  // In a task that a signal cancelled, the CancelledError carries the signal's reason.
  if (isError(reason, CancelledError)) explain(reason, scope?.root.cause);
  ended.throwInto(reason);
}

/** The await of a future that knows nothing of who awaits it. @internal */
export class Awaiter implements Await {
  readonly future: Future<unknown>;
  readonly scope: Scope | null;
  readonly resolve: Resolve;

  constructor(future: Future<unknown>, scope: Scope | null, resolve: Resolve) {
    this.future = future;
    this.scope = scope;
    this.resolve = resolve;
    if (scope !== null) scope.suspended(this);
  }

  /** Whether somebody is sure to be told of its end. */
  get isReal(): boolean {
    return true;
  }

  interrupt(message: string | undefined): boolean {
    return this.future.cancel(message);
  }

  throwInto(reason: unknown): void {
    this.resolve(new Rejection(reason));
  }

  run(): void {
    endAwait(this, interruptionOf(this.scope, this.future));
  }
}

/** The end of an await that asyncio refuses: thrown into the task one pass later. @internal */
export class Refusal implements ReadyEntry {
  private readonly reject: Reject;
  private readonly error: Error;

  constructor(reject: Reject, error: Error) {
    this.reject = reject;
    this.error = error;
  }

  run(): void {
    this.reject(this.error);
  }
}

/** A done callback: scheduled when its future is done. @internal */
class DoneCallback extends Handle {
  readonly original: (future: never) => void;
  /** The future (or task) that waits by this callback, for the call graph. */
  readonly owner: Future<unknown> | null;

  constructor(
    future: Future<unknown>,
    callback: (future: never) => void,
    context: Context | undefined,
    owner: Future<unknown> | null,
  ) {
    super(future.loop, callback as (future: unknown) => void, [future], context);
    this.original = callback;
    this.owner = owner;
  }
}

type Waiting = Awaiter | DoneCallback;

/** Whether `result` is a future that has a result; a proxy that throws is none. */
function isFinished(result: unknown): result is Future<unknown> {
  try {
    return result instanceof Future && result.state === kFinished;
  } catch {
    return false;
  }
}

let makePlainFuture: (options?: { loop?: unknown }) => Future<never>;

/** What `new Future()` makes is defined a floor above. @internal */
export function setPlainFutureFactory(make: typeof makePlainFuture): void {
  makePlainFuture = make;
}

/** The loop that a future is to belong to: the running one by default. @internal */
export function loopOf(options: { loop?: unknown } | undefined): LoopCore {
  if (typeof options === 'function') {
    throw invalidArgType('options', 'of type object (a Future takes no executor)', options);
  }
  if (options !== undefined && options !== null) checkOptions(options);
  const loop = options?.loop ?? currentLoop();
  if (typeof (loop as LoopCore).enqueue !== 'function') {
    throw invalidArgType('options.loop', 'an EventLoop', loop);
  }
  return loop as LoopCore;
}

/**
 * Something that will have a result. Awaitable and assignable to a Promise, but not one: a failure that
 * nobody looks at is reported to the loop's exception handler, never as an unhandledRejection, and an
 * await of it can be cancelled.
 * @public
 */
export interface Future<T = unknown> extends Promise<T> {}

/** @public */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: see the interface
export class Future<T = unknown> {
  /** @internal */
  readonly loop!: LoopCore;
  /** @internal */
  state = kPending;
  /** The result, or the error of a failed or cancelled future. @internal */
  value: unknown = undefined;
  /**
   * While it is pending, the awaits and callbacks that wait for it; then the record of a failure that
   * nobody looked at, or the message of the cancel. One field, since none of them is ever there with another.
   */
  private aside: Waiting | Waiting[] | Unnoticed | string | undefined = undefined;

  /**
   * @param options - `loop`: the event loop it belongs to; the running one by default.
   */
  constructor(options?: { loop?: unknown }) {
    // biome-ignore lint/correctness/noConstructorReturn: see plain_futures.ts
    if (new.target === Future) return makePlainFuture(options);
    this.loop = loopOf(options);
    if (debugging) noteCreation(this, this.loop);
  }

  /**
   * The result, if there is one.
   * @throws InvalidStateError when the future is pending; its exception when it failed;
   * CancelledError when it was cancelled.
   */
  result(): T {
    if (this.state === kFinished) return this.value as T;
    if (this.state === kPending) throw new InvalidStateError('Result is not set.');
    this.retrieved();
    throw this.state === kCancelled ? this.cancelledError() : this.value;
  }

  /**
   * The exception, or null when there is none.
   * @throws InvalidStateError when the future is pending; CancelledError when it was cancelled.
   */
  exception(): unknown {
    if (this.state === kPending) throw new InvalidStateError('Exception is not set.');
    if (this.state === kCancelled) throw this.cancelledError();
    this.retrieved();
    return this.state === kFailed ? this.value : null;
  }

  /**
   * Makes the future done with a result.
   * @throws InvalidStateError when it is done already; RangeError when `value` is the future itself, or one
   * whose result leads back to it: an await of it would never end
   */
  setResult(value: T): void {
    this.checkPending();
    if (typeof value === 'object' && value !== null) this.checkNoCycle(value);
    this.finish(kFinished, value);
  }

  /** Makes the future done with an exception. @throws InvalidStateError when it is done already. */
  setException(error: unknown): void {
    this.checkPending();
    this.finish(kFailed, error);
  }

  /** Whether it has a result or an exception, or was cancelled. */
  done(): boolean {
    return this.state !== kPending;
  }

  /** Whether it ended cancelled. */
  cancelled(): boolean {
    return this.state === kCancelled;
  }

  /**
   * Cancels a pending future: who awaits it gets a CancelledError.
   * @param msg - the message of that error
   * @returns false when the future is done already
   */
  cancel(msg?: string): boolean {
    this.retrieved();
    if (this.state !== kPending) return false;
    this.finish(kCancelled, undefined, msg);
    return true;
  }

  /**
   * Calls `callback(future)` by `callSoon()` once the future is done, also when it is done already.
   * Callbacks run in the order in which they were added.
   * @param options - `context`: where it runs; the caller's context by default
   */
  addDoneCallback(
    callback: (future: this) => void,
    options?: { context?: Context | undefined },
  ): void {
    checkFunction(callback, 'callback');
    const entry = new DoneCallback(
      this as Future<unknown>,
      callback as (future: never) => void,
      contextOption(options) ?? captureContext(),
      null,
    );
    if (this.state === kPending) this.add(entry);
    else this.loop.enqueue(entry);
  }

  /** Removes every occurrence of `callback`; returns how many there were. */
  removeDoneCallback(callback: (future: this) => void): number {
    const waiting = this.waiting();
    const kept = waiting.filter(
      (entry) => !(entry instanceof DoneCallback && entry.original === callback),
    );
    this.keepWaiting(kept);
    return waiting.length - kept.length;
  }

  /** The event loop the future belongs to. */
  // biome-ignore lint/suspicious/noExplicitAny: an EventLoop, whose type is floors above
  getLoop(): any {
    return this.loop as never;
  }

  /** As a Promise's: an await of the Future calls it. What it returns is a native promise. */
  declare readonly then: Promise<T>['then'];

  /** As a Promise's. What it returns is a native promise. */
  // biome-ignore lint/suspicious/noExplicitAny: as Promise.catch() has it
  catch<R = never>(onRejected?: ((reason: any) => R | PromiseLike<R>) | null): Promise<T | R> {
    return this.then(undefined, onRejected);
  }

  /** As a Promise's. What it returns is a native promise. */
  finally(onFinally?: (() => void) | null): Promise<T> {
    return new NativePromise<T>((resolve, reject) => {
      this.startAwait(currentScope(), resolve as Resolve, reject);
    }).finally(onFinally);
  }

  get [Symbol.toStringTag](): string {
    return 'Future';
  }

  /** As console.log() shows it: `<Future finished result=42>`. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const show = (value: unknown): string => inspect(value, { ...options, depth: 0 });
    const state =
      this.state === kFinished
        ? `finished result=${show(this.value)}`
        : this.state === kFailed
          ? `finished exception=${this.value instanceof Error ? `${this.value.name}(${show(this.value.message)})` : show(this.value)}`
          : this.state === kCancelled
            ? 'cancelled'
            : this.pendingState;
    return `<${this.describe()} ${state}>`;
  }

  /** How a pending one is shown. @internal */
  get pendingState(): string {
    return 'pending';
  }

  /** What it is, for people. @internal */
  describe(): string {
    return this[Symbol.toStringTag];
  }

  // ------------------------------------------------------------------ for the floors above

  /** Registers an await; ends it at once when the future is done. @internal */
  startAwait(scope: Scope | null, resolve: Resolve, reject: Reject): void {
    if (scope?.isAbandoned) {
      reject(new CancelledError('the timeout around this code has passed'));
    } else if (this.state !== kPending) {
      this.settle(resolve, reject);
    } else {
      if (scope !== null && scope.loop !== this.loop) {
        scope.loop.enqueue(
          new Refusal(
            reject,
            new RuntimeError('the awaited Future belongs to a different event loop'),
          ),
        );
        return;
      }
      const awaiter = this.newAwait(scope, resolve, reject);
      this.add(awaiter);
      if (scope?.interrupted) deliverInterruption(scope, awaiter);
    }
  }

  /** An await that came by `then`. @internal */
  newAwait(scope: Scope | null, resolve: Resolve, _reject: Reject): Awaiter {
    return new Awaiter(this as Future<unknown>, scope, resolve);
  }

  /** Ends an await without the future: it is scheduled, for its scope's interruption to be delivered. @internal */
  withdraw(suspended: Await): void {
    if (this.forsake(suspended)) this.loop.enqueue(suspended);
  }

  /** Nothing waits by this await any more. Returns whether it did. @internal */
  forsake(suspended: Await): boolean {
    const waiting = this.waiting();
    const kept = waiting.filter((entry) => entry !== suspended);
    if (kept.length === waiting.length) return false;
    this.keepWaiting(kept);
    return true;
  }

  /** Passes the outcome on. The future must be done. @internal */
  settle(resolve: Resolve, reject: Reject): void {
    if (this.state === kFinished) resolve(this.value);
    else reject(this.outcomeError());
  }

  /** What an await of it throws. The future must have failed or been cancelled. @internal */
  outcomeError(): unknown {
    this.retrieved();
    return this.state === kCancelled ? this.cancelledError() : this.value;
  }

  /**
   * The future becomes done, and what waits for it is scheduled.
   * @param message - of the cancel that ended it
   * @internal
   */
  finish(state: number, value: unknown, message?: string): void {
    const waiting = this.aside as Waiting | Waiting[] | undefined;
    this.state = state;
    this.value = value;
    this.aside = message;
    if (state === kFailed && !(waiting instanceof Awaiter && waiting.isReal)) {
      this.watchUnretrieved(value);
    }
    if (waiting === undefined) return;
    const loop = this.loop;
    if (Array.isArray(waiting)) for (const entry of waiting) loop.enqueue(entry);
    else loop.enqueue(waiting);
  }

  /** What cancel() was given; of a task only if that ended it without a throw. @internal */
  get cancelMessage(): string | undefined {
    return this.state === kCancelled ? (this.aside as string | undefined) : undefined;
  }

  /** What the exception handler is told about a failure nobody looked at. @internal */
  get unretrievedMessage(): string {
    return 'Future exception was never retrieved';
  }

  /**
   * The error that an await of this cancelled future gets. As in asyncio, the one that ended a task is
   * given once; later ones are new.
   * @internal
   */
  cancelledError(): CancelledError {
    const error = this.value;
    this.value = undefined;
    return isError(error, CancelledError) ? error : new CancelledError(this.cancelMessage);
  }

  /** Whether an await of it throws CancelledError. @internal */
  get endedCancelled(): boolean {
    return (
      this.state === kCancelled || (this.state === kFailed && isError(this.value, CancelledError))
    );
  }

  /** Awaits and callbacks, in order. @internal */
  waiting(): Waiting[] {
    if (this.state !== kPending) return [];
    const waiting = this.aside as Waiting | Waiting[] | undefined;
    return waiting === undefined ? [] : Array.isArray(waiting) ? waiting : [waiting];
  }

  /**
   * A callback of our own: runs in the order of the others, in no context.
   * @param owner - who waits by it
   * @internal
   */
  whenDone(callback: (future: this) => void, owner: Future<unknown> | null = null): void {
    const entry = new DoneCallback(
      this as Future<unknown>,
      callback as (future: never) => void,
      undefined,
      owner,
    );
    if (this.state === kPending) this.add(entry);
    else this.loop.enqueue(entry);
  }

  /** Whether it has failed, and somebody was told. @internal */
  get isKnownFailure(): boolean {
    return this.state === kFailed && this.aside === undefined;
  }

  /** The failure, if any, is known to somebody: it will not be reported. @internal */
  markRetrieved(): void {
    this.retrieved();
  }

  /** Has `entry` wait for the future, which must be pending. @internal */
  add(entry: Waiting): void {
    const waiting = this.aside as Waiting | Waiting[] | undefined;
    if (waiting === undefined) this.aside = entry;
    else if (Array.isArray(waiting)) waiting.push(entry);
    else this.aside = [waiting, entry];
  }

  /** `kept` is what is left of waiting(). */
  private keepWaiting(kept: Waiting[]): void {
    if (this.state === kPending) this.aside = kept.length === 0 ? undefined : kept;
  }

  /** What is awaited is a result's own result; an endless search for it would hold up the whole thread. */
  private checkNoCycle(result: object): void {
    let at: unknown = result;
    while (at !== this && isFinished(at)) at = at.value;
    if (at === this) {
      throw invalidArgValue('value', 'must not lead back to the future whose result it is', result);
    }
  }

  private checkPending(): void {
    if (this.state !== kPending) {
      const now = ['pending', 'cancelled', 'finished', 'failed'][this.state];
      throw new InvalidStateError(
        `A result can be set only once: this ${this[Symbol.toStringTag]} is ${now} already. Ask done() first.`,
      );
    }
  }

  /** It failed, and no await is there to tell. @internal */
  watchUnretrieved(error: unknown): void {
    const told = { message: this.unretrievedMessage, exception: error };
    this.aside = watch('future', this, this.loop, told, this.reportContext);
  }

  /** Where the exception handler is told of a failure. @internal */
  get reportContext(): Context | undefined {
    return undefined;
  }

  private retrieved(): void {
    if (this.state !== kFailed || this.aside === undefined) return;
    forget(this.aside as Unnoticed);
    this.aside = undefined;
  }
}

/**
 * A must-cancel flag meets a new await: asyncio cancels what the task just started to wait for. What
 * cannot be cancelled leaves the flag where it is.
 * @internal
 */
export function deliverInterruption(scope: Scope, suspended: Suspension): void {
  if (scope.told || suspended.interrupt(scope.interruptionMessage)) scope.forgetInterruption();
}

addThen(Future);

/** Whether `x` is a Future or Task. @public */
export function isfuture(x: unknown): x is Future {
  return x instanceof Future;
}
