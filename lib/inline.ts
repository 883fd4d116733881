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
// It is awaited by one task; further awaits of the same object just wait for its outcome. The first
// await needs no object of its own: the coroutine is that await, in the ready queue and in its scope. Of the
// kinds that are awaited most, it is attached to the promise underneath (promise_futures.ts).
import type { Context } from './context.ts';
import { CancelledError, RuntimeError } from './exceptions.ts';
import { isPromiseLike, lookInto } from './foreign_promises.ts';
import {
  type Await,
  deliverInterruption,
  endAwait,
  type Future,
  interruptionOf,
  kCancelled,
  kFailed,
  kFinished,
  kPending,
  Rejection,
} from './futures.ts';
import { addAwait, isAttachedTo, PromiseFuture } from './promise_futures.ts';
import { currentLoop } from './running.ts';
import { currentScope, isAnyAbandoned, type Scope } from './scopes.ts';
import type { Reject, Resolve } from './thens.ts';
import type { LoopCore } from './turns.ts';

/** The wake-up is scheduled: the inner future of asyncio's coroutine is done. */
const kWoken = 1;
/** A cancel() waits for the wake-up; `value` is its error. */
const kCancelling = 2;
/** Its first await has begun: `scope` and `resolve` are of that. */
const kDriven = 4;
/** Its first await is attached to the promise underneath. */
const kAttached = 8;
/** The promise underneath is fulfilled with the result. */
const kFulfilled = 16;
/** The result is a promise, or like one. */
const kPromise = 32;
/** `resolve` is no more of the promise underneath: it is awaited by `then`. */
const kByThen = 64;
/** The first flag that a class derived from InlineCoroutine may give a meaning to. @internal */
export const kOwnFlag = 128;

/** What a coroutine does, in words: of a QueueGet `queue get`. @internal */
export function wordsFor(coroutine: object): string {
  // Not of the coroutine itself, which would take this for an await.
  const kind = Object.getPrototypeOf(coroutine).constructor.name as string;
  return kind.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
}

/** @internal */
export abstract class InlineCoroutine<T> extends PromiseFuture<T> implements Await {
  protected flags = 0;
  // The await that it runs in, which began first, has this scope, and `resolve` of the promise underneath
  // or from V8.
  scope: Scope | null = null;

  constructor() {
    // The first await decides the loop.
    super(undefined);
  }

  /** Goes on: completes by `complete()` or `fail()`, or stays suspended until `resume()`. */
  protected abstract proceed(): void;

  /** The awaiting task was cancelled while suspended: leave the waiting lines. */
  protected abstract abandon(): void;

  protected complete(value: T): void {
    this.finish(kFinished, value);
  }

  /** As complete(), with a value that came from the user. */
  protected completeWithAny(value: T): void {
    if (isPromiseLike(value)) this.flags |= kPromise;
    this.finish(kFinished, value);
  }

  protected fail(error: unknown): void {
    this.finish(kFailed, error);
  }

  /** Schedules the wake-up of the awaiting task. */
  resume(): void {
    if ((this.flags & kWoken) !== 0) return;
    this.flags |= kWoken;
    this.loop.enqueue(this);
  }

  get started(): boolean {
    return this.loop !== undefined;
  }

  /** Whether its first await has begun, and not ended. */
  get isSuspended(): boolean {
    return (this.flags & kDriven) !== 0 && this.state === kPending;
  }

  get woken(): boolean {
    return (this.flags & kWoken) !== 0;
  }

  /** The error of a cancel() that the wake-up delivers. */
  get cancellation(): CancelledError | undefined {
    return (this.flags & kCancelling) !== 0 ? (this.value as CancelledError) : undefined;
  }

  /**
   * Undoes the beginning of what waits and was not woken: nothing was given up or taken for it. False where that
   * cannot be.
   */
  protected forget(): boolean {
    return false;
  }

  /** Nobody awaits it after all: it is as before its first await if that can be, else it goes on. */
  unbegin(): void {
    if (this.state !== kPending || this.woken || !this.forget()) return;
    this.flags = kByThen;
    this.scope = null;
    (this as { loop: LoopCore | undefined }).loop = undefined;
  }

  /** The wake-up is used up, and with it the cancel: the coroutine goes on waiting. */
  protected waitOn(): void {
    this.flags &= ~(kWoken | kCancelling);
  }

  get future(): Future<unknown> {
    return this as Future<unknown>;
  }

  interrupt(message: string | undefined): boolean {
    return !this.isForNobody && this.cancel(message);
  }

  throwInto(reason: unknown): void {
    if (!this.isForNobody) this.resolve(new Rejection(reason));
  }

  /** Begins with the await that V8 is about to attach to the promise underneath; false if that cannot be. */
  attach(): boolean {
    if (this.loop !== undefined) return (this.flags & kFulfilled) !== 0 && !isAnyAbandoned();
    if ((this.flags & kByThen) !== 0) return false;
    const scope = currentScope();
    if (scope !== null && (scope.interrupted || scope.isAbandoned)) return false;
    this.start(scope === null ? currentLoop() : scope.loop);
    if (this.state === kPending) {
      this.drive(scope, kAttached);
      return true;
    }
    if (this.state !== kFinished || (this.flags & kPromise) !== 0) return false;
    this.flags |= kFulfilled;
    this.resolve(this.value);
    return true;
  }

  override startAwait(scope: Scope | null, resolve: Resolve, reject: Reject): void {
    if (scope?.isAbandoned) {
      super.startAwait(scope, resolve, reject);
      return;
    }
    if (this.loop === undefined) {
      this.start(scope === null ? currentLoop() : scope.loop);
      if (this.state !== kPending) {
        this.settle(resolve, reject);
        return;
      }
      this.resolve = resolve;
    } else if (this.state === kPending && this.isForNobody) {
      // Promise.all() reads `constructor`, and then calls `then` with functions that cannot both resolve
      // and reject, and that look into no promise.
      this.scope?.resumed(this);
      this.resolve = (value) => {
        if (value instanceof Rejection) reject(value.error);
        else if (isPromiseLike(value)) lookInto(value, resolve, reject);
        else resolve(value);
      };
    } else {
      super.startAwait(scope, resolve, reject);
      return;
    }
    this.drive(scope, 0);
    if (scope?.interrupted) deliverInterruption(scope, this);
  }

  /** It is attached to the promise underneath, and nobody awaits that. */
  private get isForNobody(): boolean {
    return (this.flags & kAttached) !== 0 && !isAttachedTo(this as Future<unknown>);
  }

  /** Its first await begins. */
  private drive(scope: Scope | null, attached: number): void {
    this.scope = scope;
    this.flags = (this.flags & ~kAttached) | kDriven | attached;
    scope?.suspended(this);
  }

  /** The entry of the wake-up. */
  run(): void {
    const scope = (this.flags & kDriven) !== 0 ? this.scope : null;
    this.wake(interruptionOf(scope, this as Future<unknown>));
  }

  protected wake(interruption: CancelledError | undefined): void {
    const error = this.cancellation ?? interruption;
    if (error === undefined) {
      this.flags &= ~kWoken;
      this.proceed();
      if (this.state === kPending) return;
    } else {
      this.abandon();
      if (this.state === kPending) this.finish(kCancelled, error);
    }
    if ((this.flags & kDriven) === 0) return;
    // A promise as the result may fail, which must not happen unheard.
    if (error === undefined && (this.flags & kPromise) !== 0 && this.isForNobody) {
      this.scope?.resumed(this);
    } else {
      endAwait(this, error);
    }
  }

  override cancel(msg?: string): boolean {
    if (this.state !== kPending || this.woken) return false;
    if (!this.started) {
      this.decideLoop(currentLoop());
      return super.cancel(msg);
    }
    this.flags |= kCancelling;
    this.value = new CancelledError(msg);
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

  /** Who drives it is told in the same step. */
  override watchUnretrieved(): void {}

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

  /** @internal */
  decideLoop(loop: LoopCore): void {
    (this as { loop: LoopCore }).loop = loop;
  }

  /** Nobody awaits it, but somebody wants to know its outcome: it is driven by nobody's await. */
  private startAlone(): void {
    if (!this.started) this.start(currentLoop());
  }
}

/** For coroutines that may begin when somebody only reads `constructor`. @internal */
export function addInlineAwait(type: { prototype: InlineCoroutine<unknown> }): void {
  addAwait(type, (coroutine) => coroutine.attach());
}
