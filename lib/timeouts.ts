// timeout(), timeoutAt() and waitFor().
// Floor 9.
//
// The body runs as a scope of the current task (scopes.ts). At the deadline the scope is interrupted, and
// the CancelledError that comes out of the body becomes a TimeoutError, unless somebody else cancelled
// the task too: asyncio's rule, by the same counts.
//
// A body that awaits nothing of ours at the deadline sits in a foreign promise, which nobody can end. It
// is given up: TimeoutError is thrown at once, and every further await of the abandoned body fails with
// CancelledError, so that it cannot disturb what its task does by then. If the body holds the scope's
// signal, the foreign call gets one round of Node's loop to end by it first.

import { inspect } from 'node:util';
import { checkFunction, checkSeconds, invalidArgType } from './arguments.ts';
import { CoroutineObject } from './coroutines.ts';
import { creationStack, debugging, noteCreation } from './debug.ts';
import { RuntimeError, TimeoutError } from './exceptions.ts';
import { isPromiseLike, wrapFuture } from './foreign_promises.ts';
import { describeState } from './format.ts';
import { Future } from './futures.ts';
import { Handle, TimerHandle } from './handles.ts';
import { native } from './native.ts';
import { NativePromise } from './native_promise.ts';
import { setImmediate } from './node_timers.ts';
import { abortSignalOf } from './scope_signals.ts';
import { currentScope, type InnerScope, runIn } from './scopes.ts';
import { type Awaitable, createTask, ensureFuture } from './spawning.ts';
import { currentTask, iscancelled, type Task } from './tasks.ts';

/**
 * The scope of a timeout: what the body of `timeout()` is given.
 * @public
 */
export interface Timeout {
  /** The deadline on the loop's clock, in seconds; null: none. */
  when(): number | null;
  /**
   * Moves the deadline; null removes it. A deadline in the past fires at the next turn.
   * @throws RuntimeError when the body has ended or the deadline has passed
   */
  reschedule(when: number | null): void;
  /** Whether the deadline has passed while the body ran. */
  expired(): boolean;
  /** Aborted at the deadline or when the task is cancelled: hand it to fetch(). */
  readonly signal: AbortSignal;
}

const promiseThen = NativePromise.prototype.then;

type State = 'active' | 'expiring' | 'expired' | 'finished';

/** @internal */
class TimeoutScope<T> implements Timeout {
  readonly #task: Task;
  readonly #scope: InnerScope;
  readonly #cancellingAtEntry: number;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;
  /** It ends with a TimeoutError, of these options. */
  #expiry: ErrorOptions | undefined = undefined;
  #state: State = 'active';
  #when: number | null = null;
  #handle: Handle | undefined = undefined;

  constructor(task: Task) {
    this.#task = task;
    this.#scope = task.currentScope.child(this);
    this.#cancellingAtEntry = this.#scope.requests;
    if (debugging) noteCreation(this, this.#scope.loop);
  }

  when(): number | null {
    return this.#when;
  }

  reschedule(when: number | null): void {
    if (this.#state !== 'active') {
      throw new RuntimeError(
        `Cannot change the state of this timeout, which is ${this.#state}: reschedule() it while its body runs`,
      );
    }
    if (when !== null) checkSeconds(when, 'when');
    this.#when = when;
    this.#handle?.cancel();
    this.#handle = undefined;
    if (when === null) return;
    const { loop } = this.#scope;
    if (when <= native.now()) {
      this.#handle = new Handle(loop, this.#onDeadline, [], undefined);
      loop.enqueue(this.#handle);
    } else {
      const timer = new TimerHandle(loop, this.#onDeadline, [], undefined);
      timer.armAt(when);
      this.#handle = timer;
    }
  }

  expired(): boolean {
    return this.#state === 'expiring' || this.#state === 'expired';
  }

  get signal(): AbortSignal {
    return abortSignalOf(this.#scope);
  }

  [inspect.custom](): string {
    const when = this.#state === 'active' ? this.#when : undefined;
    return describeState('Timeout', this.#state, { when });
  }

  run(when: number | null, body: (scope: Timeout) => PromiseLike<T> | T): Promise<T> {
    const promise = new NativePromise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#begin(when, body);
    return this.#outcome(promise);
  }

  #begin(when: number | null, body: (scope: Timeout) => PromiseLike<T> | T): void {
    this.reschedule(when);
    let result: PromiseLike<T> | T;
    try {
      result = runIn(this.#scope, () => {
        const value = body(this);
        // A Future or Coroutine is awaited here, as code of this scope.
        return value instanceof NativePromise || !isPromiseLike(value)
          ? value
          : (async () => value)();
      });
    } catch (error) {
      this.#ended(false, error);
      return;
    }
    if (!isPromiseLike(result)) {
      this.#ended(true, result);
      return;
    }
    promiseThen.call(
      NativePromise.resolve(result),
      (value) => this.#ended(true, value as T),
      (error) => this.#ended(false, error),
    );
  }

  readonly #onDeadline = (): void => {
    this.#handle = undefined;
    this.#state = 'expiring';
    const signalled = this.#scope.cancellation.signal !== undefined;
    if (this.#scope.cancel(undefined, undefined)) return;
    if (!signalled) this.#abandon();
    else {
      setImmediate(() => {
        // Unless it cleans up, told by the error of its call.
        if (this.#scope.suspensions().length === 0) this.#abandon();
      });
    }
  };

  #abandon(): void {
    if (this.#state !== 'expiring') return;
    this.#state = 'expired';
    this.#scope.abandon();
    this.#leave();
    this.#fail({});
  }

  #ended(fulfilled: boolean, outcome: unknown): void {
    if (this.#scope.abandoned) return;
    this.#handle?.cancel();
    if (this.#state === 'expiring') {
      this.#state = 'expired';
      const left = this.#leave();
      if (!fulfilled && left <= this.#cancellingAtEntry && iscancelled(outcome)) {
        this.#fail({ cause: outcome });
        return;
      }
    } else {
      this.#state = 'finished';
      this.#scope.leave(true);
    }
    if (fulfilled) this.#resolve(outcome as T);
    else this.#reject(outcome);
  }

  /** Has #outcome() throw a TimeoutError. */
  #fail(options: ErrorOptions): void {
    this.#expiry = options;
    this.#reject(undefined);
  }

  /**
   * What the body gave. Here a TimeoutError is made: where V8 knows who waits for it, and shows that in its stack.
   * In debug mode that is the stack of the call of timeout().
   */
  async #outcome(promise: Promise<T>): Promise<T> {
    try {
      return await promise;
    } catch (reason) {
      if (this.#expiry === undefined) throw reason;
      const error = new TimeoutError(undefined, this.#expiry);
      const calls = creationStack(this)?.toReversed();
      if (calls !== undefined) error.stack = [error.name, ...calls].join('\n    at ');
      throw error;
    }
  }

  /** Takes our own cancel request back; returns how many are left. */
  #leave(): number {
    const left = this.#task.uncancelScope(this.#scope);
    this.#scope.leave(left > 0);
    return left;
  }
}

const neverAborted = new AbortController().signal;

/**
 * For what runs here: aborted by cancel() of the task, by every enclosing timeout() and by the failure
 * of an enclosing TaskGroup. Outside a task one that never aborts.
 * @public
 */
export function currentSignal(): AbortSignal {
  const scope = currentScope();
  return scope === null ? neverAborted : abortSignalOf(scope);
}

/**
 * Runs `body` in the current task with a deadline, `delay` seconds from now.
 *
 * When the deadline passes, what the body awaits is cancelled and TimeoutError is thrown, once the body
 * has cleaned up. A body that is waiting for a foreign promise (fetch, fs) is given up at the deadline:
 * hand `scope.signal` to such calls to end them too. Called outside a task, the body runs as a task of
 * its own.
 * @param delay - in seconds; null: no deadline
 * @throws TimeoutError when the deadline passes first
 *
 * **Cancellation:** of the task: passed on to the body.
 * @example
 * ```ts
 * const line = await timeout(5, () => reader.readline());
 * ```
 * @see asyncio.timeout
 * @public
 */
export function timeout<T>(
  delay: number | null,
  body: (scope: Timeout) => PromiseLike<T> | T,
): Promise<T> {
  if (delay !== null) checkSeconds(delay, 'delay');
  return timeoutAt(delay === null ? null : native.now() + delay, body);
}

/**
 * As `timeout()`, with a deadline on the loop's clock, and its errors.
 * @param when - in seconds of `loop.time()`; null: no deadline
 * @see asyncio.timeout_at
 * @public
 */
export function timeoutAt<T>(
  when: number | null,
  body: (scope: Timeout) => PromiseLike<T> | T,
): Promise<T> {
  if (when !== null) checkSeconds(when, 'when');
  checkFunction(body, 'body');
  const task = currentTask();
  if (task === null) return createTask(() => timeoutAt(when, body));
  return new TimeoutScope<T>(task).run(when, body);
}

/**
 * Awaits `aw` for at most `timeout` seconds.
 *
 * A task or future is cancelled at the deadline, and its end is waited for; shield() it to keep it
 * running. A function or coroutine runs inside the current task.
 * @param timeout - in seconds; null: no deadline; 0 or less: cancelled unless it is done already
 * @throws TimeoutError when the deadline passes first; TypeError when `aw` cannot be awaited
 *
 * **Cancellation:** of the waiting task: passed on to `aw`.
 * @see asyncio.wait_for
 * @public
 */
export function waitFor<T>(aw: Awaitable<T>, timeout: number | null): Promise<T> {
  if (timeout !== null) checkSeconds(timeout, 'timeout');
  if (typeof aw !== 'function' && !isPromiseLike(aw)) {
    throw invalidArgType('aw', 'a Future, a Coroutine, a function or a promise', aw);
  }
  if (currentTask() === null) return createTask(() => waitFor(aw, timeout));
  if (timeout !== null && timeout <= 0) return cancelNow(ensureFuture(aw));
  return timeoutAt<T>(timeout === null ? null : native.now() + timeout, () => {
    if (aw instanceof CoroutineObject || aw instanceof Future) return aw as PromiseLike<T>;
    return typeof aw === 'function'
      ? (aw as () => PromiseLike<T> | T)()
      : wrapFuture(aw as PromiseLike<T>);
  });
}

async function cancelNow<T>(future: Future<T>): Promise<T> {
  if (future.done()) return future.result();
  const ended = new Future<void>({ loop: future.loop });
  future.whenDone(() => {
    if (!ended.done()) ended.setResult();
  });
  future.cancel();
  await ended;
  if (future.cancelled()) throw new TimeoutError(undefined, { cause: future.cancelledError() });
  return future.result();
}
