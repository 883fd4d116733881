// The part of an event loop that deals with signals and with executors.
// Floor 10.
import type { MessagePort } from 'node:worker_threads';
import { checkFunction, checkSeconds, invalidArgType } from './arguments.ts';
import { RuntimeError } from './exceptions.ts';
import { type Executor, ThreadPoolExecutor } from './executors.ts';
import { adoptPromise } from './foreign_promises.ts';
import { Future } from './futures.ts';
import { ProcessLoop } from './loop_processes.ts';
import {
  addSignalHandler,
  holdProcess,
  removeSignalHandler,
  removeSignalHandlersOf,
} from './signal_handlers.ts';
import { expose, type ThreadsafeFunctions } from './threadsafe.ts';
import { timeout as runWithTimeout } from './timeouts.ts';
import type { LoopCore } from './turns.ts';

function checkExecutor(executor: unknown): void {
  const { submit, shutdown } = (executor ?? {}) as Partial<Executor>;
  if (typeof submit !== 'function' || typeof shutdown !== 'function') {
    throw invalidArgType(
      'executor',
      'an Executor (something with submit() and shutdown())',
      executor,
    );
  }
}

/** The outcome of an executor's promise, as a Future of the loop. */
function adopt<T>(loop: LoopCore, promise: PromiseLike<T>): Future<T> {
  if (promise instanceof Future && promise.loop === loop) return promise as unknown as Future<T>;
  const future = adoptPromise(promise, loop);
  const { cancel } = promise as { cancel?: unknown };
  future.whenDone(() => {
    if (future.cancelled() && typeof cancel === 'function') cancel.call(promise);
  });
  return future;
}

/**
 * What EventLoop inherits. Not a class to use by itself.
 * @public
 */
export abstract class ThreadingLoop extends ProcessLoop {
  private defaultExecutor: Executor | null = null;
  /** Default executors whose threads did not end in time. */
  private readonly stuckExecutors: ThreadPoolExecutor[] = [];
  private executorShutDown = false;
  /** What closes the loop's ends of exposeThreadsafe(). */
  private readonly exposures = new Set<() => void>();

  /**
   * Calls `callback(...args)` in a turn of the loop, as callSoon() would, whenever the process gets the
   * signal. Replaces the loop's earlier handler of that signal, and takes the signal from a run() that
   * would cancel its main. While the loop runs, its handlers keep the process alive; those of the
   * thread's default loop do not.
   * @param callback - a plain function: an async one would have nobody to await it
   * @throws RuntimeError when the signal cannot be caught (SIGKILL, SIGSTOP), in a worker thread, where
   * no signal arrives, and when the loop is closed; TypeError when there is no such signal, or when
   * `callback` is not a plain function
   * @see asyncio's loop.add_signal_handler
   */
  addSignalHandler<A extends unknown[]>(
    signal: NodeJS.Signals,
    callback: (...args: A) => void,
    ...args: A
  ): void {
    addSignalHandler(this, signal, callback as never, args);
  }

  /**
   * Removes the loop's handler of a signal; if nobody else listens to it, its default is back: SIGINT and
   * SIGTERM end the process.
   * @returns false when the loop has no handler of it
   */
  removeSignalHandler(signal: NodeJS.Signals): boolean {
    return removeSignalHandler(this, signal);
  }

  /**
   * Runs `fn(...args)` by an executor.
   * @param executor - null: the loop's default one, a ThreadPoolExecutor unless setDefaultExecutor() set
   * another; see there how functions, arguments and results are sent
   * @throws RuntimeError when the executor is shut down or the loop is closed; TypeError when `fn` cannot be
   * sent
   *
   * **Cancellation:** a call that has not begun never runs; one that runs goes on, and its result is dropped.
   * @example
   * ```ts
   * const sum = await loop.runInExecutor(null, (a: number, b: number) => a + b, 20, 22);
   * ```
   * @see asyncio's loop.run_in_executor
   */
  runInExecutor<A extends unknown[], R>(
    executor: Executor | null,
    fn: (...args: A) => R | PromiseLike<R>,
    ...args: A
  ): Future<Awaited<R>> {
    this.checkClosed();
    if (executor !== null) checkExecutor(executor);
    const used = executor ?? this.usableDefaultExecutor();
    if (used instanceof ThreadPoolExecutor) return used.submitFrom(this, fn, args);
    checkFunction(fn, 'fn');
    return adopt(this, used.submit(fn, args));
  }

  /**
   * Has `executor` run what toThread() and `runInExecutor(null, ...)` are given. The loop shuts it down.
   * @throws TypeError when it has no submit() and shutdown()
   */
  setDefaultExecutor(executor: Executor): void {
    this.checkClosed();
    this.checkExecutorUsable();
    checkExecutor(executor);
    this.defaultExecutor = executor;
  }

  /**
   * Shuts the default executor down and waits until its work is done; run() does so at its end, with a
   * timeout of 300 seconds. runInExecutor() and toThread() throw RuntimeError from then on.
   * @param timeout - in seconds; after it a warning is emitted, and the threads that still work do not keep
   * the process alive; without end by default
   */
  async shutdownDefaultExecutor(timeout: number | null = null): Promise<void> {
    if (timeout !== null) checkSeconds(timeout, 'timeout');
    this.executorShutDown = true;
    const executor = this.defaultExecutor;
    if (executor === null) return;
    let expired = false;
    try {
      await runWithTimeout(timeout, async (scope) => {
        try {
          await executor.shutdown(true);
        } finally {
          expired = scope.expired();
        }
      });
    } catch (error) {
      if (!expired) throw error;
      process.emitWarning(
        `The executor did not finish joining its threads within ${timeout} seconds`,
        'RuntimeWarning',
      );
      this.defaultExecutor = null;
      this.dropExecutor(executor);
      // Until the loop is closed somebody may wait for what the threads do.
      if (executor instanceof ThreadPoolExecutor) this.stuckExecutors.push(executor);
    }
  }

  /**
   * Lets another thread call functions on this loop, by their names: as a callback of its own
   * (callSoonThreadsafe) or as a task (runCoroutineThreadsafe). They run in the context of this call.
   * @param functions - by name; only these can be called
   * @returns a port to be transferred to that thread, which makes a ThreadsafeLoop of it. One port serves
   * one thread: call it again for another. It is closed with the loop, and keeps nothing alive.
   * @throws TypeError when `functions` holds something else; RuntimeError when the loop is closed
   * @example
   * ```ts
   * const port = loop.exposeThreadsafe({ progress: (percent: number) => console.log(percent) });
   * new Worker(file, { workerData: { loop: port }, transferList: [port] });
   * ```
   */
  exposeThreadsafe(functions: ThreadsafeFunctions): MessagePort {
    this.checkClosed();
    const { port, close } = expose(this, functions, () => this.exposures.delete(close));
    this.exposures.add(close);
    return port;
  }

  /** Whether shutdownDefaultExecutor() has something to do. @internal */
  get hasDefaultExecutor(): boolean {
    return this.defaultExecutor !== null;
  }

  private checkExecutorUsable(): void {
    if (this.executorShutDown) throw new RuntimeError('Executor shutdown has been called');
  }

  private usableDefaultExecutor(): Executor {
    this.checkExecutorUsable();
    this.defaultExecutor ??= new ThreadPoolExecutor({ threadNamePrefix: 'aionode' });
    return this.defaultExecutor;
  }

  /** The loop has begun or ended to run. @internal */
  protected runningChanged(): void {
    holdProcess();
  }

  /** Takes no more calls, and nobody waits for the end of those that it has: a failure is nobody's. */
  private dropExecutor(executor: Executor): void {
    const report = (exception: unknown) => {
      this.callExceptionHandler({ message: 'shutdown() of the executor failed', exception });
    };
    try {
      executor.shutdown(false).then(undefined, report);
    } catch (error) {
      report(error);
    }
  }

  /** The loop is closed. @internal */
  protected closeThreading(): void {
    removeSignalHandlersOf(this);
    for (const close of this.exposures) close();
    this.executorShutDown = true;
    if (this.defaultExecutor !== null) this.dropExecutor(this.defaultExecutor);
    this.defaultExecutor = null;
    for (const executor of this.stuckExecutors) executor.giveUp();
  }
}
