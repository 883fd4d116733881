// ThreadPoolExecutor: runs functions in worker threads.
// Floor 8.
//
// A call waits in line until a thread is free; a thread is started when none is and there may be more. The
// Future of a call is the job itself: cancelled in line it leaves the line, cancelled while it runs it
// forgets its thread, which goes on or is ended, as the pool was told.

import { availableParallelism } from 'node:os';
import {
  checkFunction,
  checkInteger,
  checkOptions,
  checkSeconds,
  checkString,
  invalidArgType,
} from './arguments.ts';
import { iscoroutine } from './coroutines.ts';
import { RuntimeError } from './exceptions.ts';
import { Future, kFailed, kFinished, kPending } from './futures.ts';
import { setTimeout } from './node_timers.ts';
import { type PoolJob, PoolThread, type PoolThreadOwner } from './pool_threads.ts';
import { currentLoop } from './running.ts';
import { type AnyFunction, type FunctionSpec, specOf } from './sent_functions.ts';
import { addThen } from './thens.ts';
import type { LoopCore } from './turns.ts';

/**
 * What runs functions somewhere else, for `runInExecutor()`. ThreadPoolExecutor is one; write another for
 * processes, machines, or a pool that you have.
 * @public
 */
export interface Executor {
  /** Begins to run `fn(...args)`. A Future that it returns is told of a cancel. */
  submit<A extends unknown[], R>(
    fn: (...args: A) => R | PromiseLike<R>,
    args: A,
  ): PromiseLike<Awaited<R>>;
  /** Takes no more work. @param wait - whether to wait until all is done */
  shutdown(wait?: boolean): PromiseLike<void>;
}

/** Options of a ThreadPoolExecutor. @public */
export interface ThreadPoolOptions {
  /** How many threads there may be; by default the processors and four, 32 at most. */
  maxWorkers?: number | undefined;
  /** What the threads are called, with a number after it. */
  threadNamePrefix?: string | undefined;
  /**
   * What cancelling a running call does to its thread. false (the default): it goes on, and its result is
   * dropped; true: it is ended at once; a number: it is ended if it still runs so many seconds later.
   */
  terminate?: boolean | number | undefined;
  /**
   * The most memory that the objects of one thread may take, in MB, at least 16. More ends the thread; from Node
   * 24 on V8 may end the process instead when the memory fills very fast.
   */
  maxMemoryMb?: number | undefined;
}

/** The threads beyond the processors wait for I/O; Python has the same number. */
const kExtraWorkers = 4;
const kMostWorkers = 32;

/** With a few MB, a thread does not start, and some versions of Node end the process. */
const kLeastMemoryMb = 16;
/** setTimeout() takes a longer one for 1 ms. */
const kLongestTimerMs = 2 ** 31 - 1;
const kNoArguments: readonly unknown[] = [];

let pools = 0;

/** A call on its way: the Future that the caller has. */
class Call<T> extends Future<T> implements PoolJob {
  private readonly pool: ThreadPoolExecutor;
  readonly spec: FunctionSpec;
  args: readonly unknown[];

  constructor(pool: ThreadPoolExecutor, loop: LoopCore, spec: FunctionSpec, args: unknown[]) {
    super({ loop });
    this.pool = pool;
    this.spec = spec;
    this.args = args;
  }

  override cancel(msg?: string): boolean {
    const cancelled = super.cancel(msg);
    if (cancelled) this.pool.cancelled(this);
    return cancelled;
  }

  succeed(result: unknown): void {
    if (this.state === kPending) this.finish(kFinished, result);
  }

  fail(error: unknown): void {
    if (this.state === kPending) this.finish(kFailed, error);
  }

  /** Whoever keeps the outcome need not keep what was sent. */
  override finish(state: number, value: unknown, message?: string): void {
    this.args = kNoArguments;
    super.finish(state, value, message);
  }
}

addThen(Call);

function checkTerminate(value: unknown): void {
  if (typeof value === 'boolean') return;
  if (typeof value !== 'number') {
    throw invalidArgType('options.terminate', 'of type boolean or number (seconds)', value);
  }
  checkSeconds(value, 'options.terminate');
}

/**
 * A pool of worker threads. Each runs one call at a time, and stays for the next; threads are started when
 * they are needed. Threads without work do not keep the process alive.
 *
 * A function is sent by its source, so it sees only its arguments and what is global (`import()` works), or
 * by its name in a module: see workerModule(). Arguments and results are copied as `structuredClone()`
 * does it, Buffers stay Buffers, and what transfer() marks changes hands. Arguments are read when a thread
 * takes the call: leave them alone until the Future is done. What the function throws comes back as an error
 * of the same class, with its stack, cause and own properties.
 *
 * A thread that ends while it works (`process.exit()`, no memory, an uncaught error) fails that call, and
 * the next one gets a new thread.
 * @example
 * ```ts
 * await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
 * const sum = await pool.submit((a: number, b: number) => a + b, [20, 22]);
 * ```
 * @see concurrent.futures.ThreadPoolExecutor
 * @public
 */
export class ThreadPoolExecutor implements Executor, PoolThreadOwner, AsyncDisposable {
  readonly #maxWorkers: number;
  readonly #prefix: string;
  readonly #terminate: boolean | number;
  readonly #maxMemoryMb: number | undefined;
  readonly #line: Set<Call<unknown>> = new Set();
  readonly #threads: Set<PoolThread> = new Set();
  /** Those without work; the last one is the next to get some, its caches being warm. */
  readonly #idle: PoolThread[] = [];
  /** Those that are told to end. */
  readonly #ending: Set<PoolThread> = new Set();
  readonly #waiters: Set<Future<void>> = new Set();
  #threadsStarted = 0;
  #closed = false;

  /** @throws TypeError and RangeError for options that cannot be */
  constructor(options: ThreadPoolOptions = {}) {
    checkOptions(options);
    const {
      maxWorkers = Math.min(kMostWorkers, availableParallelism() + kExtraWorkers),
      threadNamePrefix = `ThreadPoolExecutor-${pools++}`,
      terminate = false,
      maxMemoryMb,
    } = options;
    checkInteger(maxWorkers, 'options.maxWorkers', 1);
    checkString(threadNamePrefix, 'options.threadNamePrefix');
    checkTerminate(terminate);
    if (maxMemoryMb !== undefined) {
      checkInteger(maxMemoryMb, 'options.maxMemoryMb', kLeastMemoryMb);
    }
    this.#maxWorkers = maxWorkers;
    this.#prefix = threadNamePrefix;
    this.#terminate = terminate;
    this.#maxMemoryMb = maxMemoryMb;
  }

  /**
   * Runs `fn(...args)` in a thread.
   * @throws TypeError when `fn` cannot be sent (native, bound, a class); RuntimeError after shutdown()
   *
   * **Cancellation:** in line, the call never runs; running, its result is dropped, and `terminate` of the
   * options says what happens to the thread.
   */
  submit<A extends unknown[], R>(
    fn: (...args: A) => R | PromiseLike<R>,
    args: A,
  ): Future<Awaited<R>> {
    if (!Array.isArray(args)) throw invalidArgType('args', 'an instance of Array', args);
    return this.submitFrom(currentLoop(), fn, args);
  }

  /**
   * Takes no more calls; what was submitted is still done, unless `cancelFutures` cancels what waits in line.
   * May be called again.
   * @param wait - the Future is done when the last thread has ended; with false at once
   *
   * **Cancellation:** stops waiting, and nothing else.
   */
  shutdown(wait = true, options: { cancelFutures?: boolean | undefined } = {}): Future<void> {
    checkOptions(options);
    this.#closed = true;
    if (options.cancelFutures === true) for (const call of [...this.#line]) call.cancel();
    if (this.#line.size === 0) for (const thread of this.#idle.splice(0)) this.#end(thread);
    return this.#ended(wait);
  }

  /**
   * shutdown() that ends every thread at once: running calls fail with RuntimeError, those in line are
   * cancelled. For threads that are stuck.
   * @returns a Future that is done when the last thread has ended
   */
  terminate(): Future<void> {
    this.shutdown(false, { cancelFutures: true });
    for (const thread of [...this.#threads]) this.#terminateThread(thread);
    for (const thread of this.#ending) thread.terminate();
    return this.#ended(true);
  }

  /** shutdown(), and waits for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  // --------------------------------------------------------------- for the floors above

  /** @internal */
  submitFrom<A extends unknown[], R>(
    loop: LoopCore,
    fn: (...args: A) => R | PromiseLike<R>,
    args: A,
  ): Future<Awaited<R>> {
    if (iscoroutine(fn)) {
      throw invalidArgType('fn', 'a function (a coroutine object cannot be sent)', fn);
    }
    checkFunction(fn, 'fn');
    if (this.#closed) throw new RuntimeError('cannot schedule new futures after shutdown');
    const call = new Call<Awaited<R>>(this, loop, specOf(fn as AnyFunction), args);
    const thread = this.#idle.pop();
    if (thread === undefined) {
      this.#line.add(call as Call<unknown>);
      this.#startThread();
    } else if (!thread.start(call)) {
      this.threadFree(thread);
    }
    return call;
  }

  /** From now on the threads do not keep the process alive, whatever they do. @internal */
  giveUp(): void {
    for (const thread of [...this.#threads, ...this.#ending]) thread.giveUp();
  }

  // --------------------------------------------------------------- for calls and threads

  /** @internal */
  cancelled(call: PoolJob): void {
    if (this.#line.delete(call as Call<unknown>) || this.#terminate === false) return;
    for (const thread of this.#threads) {
      if (thread.job === call) this.#terminateUnlessDone(thread, call);
    }
  }

  /** @internal */
  threadFree(thread: PoolThread): void {
    if (!this.#threads.has(thread)) return;
    for (const call of this.#line) {
      this.#line.delete(call);
      if (thread.start(call)) return;
    }
    if (this.#closed) {
      this.#end(thread);
    } else {
      this.#idle.push(thread);
      thread.rest();
    }
  }

  /** @internal */
  threadEnded(thread: PoolThread, error: Error | undefined): void {
    this.#forget(thread);
    this.#ending.delete(thread);
    if (error !== undefined) this.#failFirst(error);
    this.#startThread();
    if (this.#threads.size > 0 || this.#ending.size > 0) return;
    for (const waiter of this.#waiters) if (!waiter.done()) waiter.finish(kFinished, undefined);
    this.#waiters.clear();
  }

  // ------------------------------------------------------------------------ threads

  /** Starts one if a call needs it and there may be one more. */
  #startThread(): void {
    if (this.#threads.size >= this.#maxWorkers) return;
    const starting = [...this.#threads].filter((thread) => !thread.started).length;
    if (starting >= this.#line.size) return;
    const name = `${this.#prefix}_${this.#threadsStarted++}`;
    try {
      this.#threads.add(new PoolThread(this, { name, maxMemoryMb: this.#maxMemoryMb }));
    } catch (error) {
      this.#failFirst(error);
    }
  }

  /** Where no thread can be started, each attempt fails a call: none waits for ever. */
  #failFirst(error: unknown): void {
    for (const call of this.#line) {
      this.#line.delete(call);
      call.fail(error);
      return;
    }
  }

  #forget(thread: PoolThread): void {
    this.#threads.delete(thread);
    const index = this.#idle.indexOf(thread);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  #end(thread: PoolThread): void {
    this.#forget(thread);
    this.#ending.add(thread);
    thread.end();
  }

  #terminateThread(thread: PoolThread): void {
    this.#forget(thread);
    this.#ending.add(thread);
    thread.terminate();
    this.#startThread();
  }

  #terminateUnlessDone(thread: PoolThread, call: PoolJob): void {
    if (this.#terminate === true) {
      this.#terminateThread(thread);
      return;
    }
    const terminate = (): void => {
      if (thread.job === call && this.#threads.has(thread)) this.#terminateThread(thread);
    };
    const delayMs = Math.min(Number(this.#terminate) * 1000, kLongestTimerMs);
    setTimeout(terminate, delayMs).unref();
  }

  #ended(wait: boolean): Future<void> {
    const future = new Future<void>();
    if (wait && this.#threads.size + this.#ending.size > 0) this.#waiters.add(future);
    else future.setResult();
    return future;
  }
}
