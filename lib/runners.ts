// run() and Runner: a loop for one main task, and an orderly end.
// Floor 12.
import { checkFunction, checkIterable, checkOptions, invalidArgType } from './arguments.ts';
import { type Context, captureContext, contextOption, emptyContext } from './context.ts';
import { type Coro, CoroutineObject } from './coroutines.ts';
import { CancelledError, isError, RuntimeError } from './exceptions.ts';
import { isPromiseLike } from './foreign_promises.ts';
import { Future, kFailed } from './futures.ts';
import { gather } from './gather.ts';
import { EventLoop, newEventLoop } from './loop.ts';
import { currentScope } from './scopes.ts';
import { checkSignalName, onInterrupt } from './signal_handlers.ts';
import { type Awaitable, allTasks } from './spawning.ts';
import { Task } from './tasks.ts';
import { reportUnnoticed } from './unnoticed.ts';

/** Options of a Runner. @public */
export interface RunnerOptions {
  /** Turns the debug mode of the loop on or off; by default as AIONODE_DEBUG says. */
  debug?: boolean | undefined;
  /** Makes the loop; newEventLoop() by default. */
  loopFactory?: (() => EventLoop) | undefined;
}

/** Options of run(). @public */
export interface RunOptions extends RunnerOptions {
  /** Signals that cancel main; ['SIGINT'] by default. A second one ends the process as Node would. */
  signals?: readonly NodeJS.Signals[] | undefined;
}

/** How long the end of run() waits for the threads of the default executor; asyncio's number. */
const kThreadJoinSeconds = 300;

/** The error that run() rejects with when a signal ended it. */
function signalError(signal: NodeJS.Signals, cause: unknown): Error {
  const error = new Error(`interrupted by ${signal}`, { cause });
  return Object.assign(error, { code: signal });
}

/**
 * Lets signals cancel a task. A signal that the program listens to itself, from the start or by a handler
 * of a loop later on, is left to the program.
 */
class Interruption {
  /** What is cancelled. */
  task: Task | undefined = undefined;
  /** The signal that came. */
  received: NodeJS.Signals | undefined = undefined;
  private readonly ends: (() => void)[] = [];

  /** @throws RuntimeError for a signal that cannot be caught */
  constructor(signals: readonly NodeJS.Signals[]) {
    try {
      for (const signal of new Set(signals)) {
        this.ends.push(onInterrupt(signal, (came) => this.interrupt(came)));
      }
    } catch (error) {
      this.end();
      throw error;
    }
  }

  end(): void {
    for (const end of this.ends) end();
  }

  private interrupt(signal: NodeJS.Signals): void {
    if (this.received !== undefined || this.task?.done() !== false) {
      this.end();
      process.kill(process.pid, signal);
      return;
    }
    this.received = signal;
    this.task.cancel();
  }
}

/**
 * Runs several main tasks, one after the other, on one loop.
 * @example
 * ```ts
 * await using runner = new Runner();
 * await runner.run(setUp);
 * await runner.run(main);
 * ```
 * @see asyncio.Runner
 * @public
 */
export class Runner implements AsyncDisposable {
  readonly #options: RunnerOptions;
  #loop: EventLoop | null = null;
  #context: Context = emptyContext;
  #closed = false;

  constructor(options: RunnerOptions = {}) {
    checkOptions(options);
    if (options.loopFactory !== undefined)
      checkFunction(options.loopFactory, 'options.loopFactory');
    this.#options = options;
  }

  /** The runner's loop, made at the first call. @throws RuntimeError when the runner is closed */
  getLoop(): EventLoop {
    if (this.#closed) throw new RuntimeError('Runner is closed');
    if (this.#loop === null) {
      this.#loop = this.#makeLoop();
      const { debug } = this.#options;
      if (debug !== undefined && debug !== null) this.#loop.setDebug(debug);
      this.#context = captureContext() ?? emptyContext;
    }
    return this.#loop;
  }

  #makeLoop(): EventLoop {
    const { loopFactory } = this.#options;
    const loop = loopFactory === undefined ? newEventLoop() : loopFactory();
    if (loop instanceof EventLoop) return loop;
    throw invalidArgType('options.loopFactory()', 'an EventLoop', loop);
  }

  /**
   * Runs `coro` as a task until it is done. SIGINT cancels it; see run(). Every call runs in the context
   * in which the loop was made, unless `context` says another.
   * @throws RuntimeError when called inside a task, when the loop runs already, when the runner is
   * closed, and when nothing can ever wake the waiting tasks
   */
  async run<T>(
    coro: Awaitable<T>,
    options: {
      context?: Context | undefined;
      signals?: readonly NodeJS.Signals[] | undefined;
    } = {},
  ): Promise<T> {
    if (currentScope() !== null) {
      throw new RuntimeError(
        'Runner.run() cannot be called from a running event loop: await the function instead',
      );
    }
    checkOptions(options);
    const given = options.signals ?? ['SIGINT'];
    checkIterable(given, 'options.signals', 'names of signals');
    const signals = [...given];
    for (const signal of signals) checkSignalName(signal, 'options.signals');
    const loop = this.getLoop();
    if (loop.isRunning()) throw new RuntimeError('Runner.run() is running already');
    const interruption = new Interruption(signals);
    try {
      const context = contextOption(options) ?? this.#context;
      const task = loop.createTask(mainCoro(coro), { context });
      interruption.task = task;
      return await this.#untilDone(loop, task, interruption);
    } finally {
      interruption.end();
    }
  }

  async #untilDone<T>(loop: EventLoop, task: Task<T>, interruption: Interruption): Promise<T> {
    try {
      return await loop.runUntilComplete(task);
    } catch (error) {
      const { received } = interruption;
      // What a task factory made may be no Task: then nobody can tell whether the signal alone cancelled it.
      const cancelled = error instanceof CancelledError && task instanceof Task;
      if (received !== undefined && cancelled && task.uncancel() === 0) {
        throw signalError(received, error);
      }
      throw error;
    }
  }

  /** Cancels what is left, waits for it, and closes the loop. May be called again. */
  async close(): Promise<void> {
    const loop = this.#loop;
    if (loop === null) return;
    if (loop.isRunning()) throw new RuntimeError('Cannot close a Runner that is running');
    this.#loop = null;
    this.#closed = true;
    try {
      await cancelAllTasks(loop);
      if (loop.hasDefaultExecutor) {
        await loop.runUntilComplete(() => loop.shutdownDefaultExecutor(kThreadJoinSeconds));
      }
      reportUnnoticed(loop);
    } finally {
      loop.close();
    }
  }

  /** As close(): for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** What a task can run; a Future or promise is awaited by one. */
function mainCoro<T>(main: Awaitable<T>): Coro<T> {
  if (typeof main === 'function' || main instanceof CoroutineObject) return main as Coro<T>;
  if (isPromiseLike(main)) {
    if (!(main instanceof Future)) warnOfPromise();
    return async () => main as PromiseLike<T>;
  }
  throw invalidArgType('main', 'a function, a Coroutine, a Future or a promise', main);
}

/** What made the promise runs already, outside of the task: asyncio.run(main()) is run(main) here. */
function warnOfPromise(): void {
  process.emitWarning(
    'run() was given a promise: what made it is no part of the task, and cannot be cancelled. Pass the function: run(main), not run(main())',
    { type: 'AionodeWarning', code: 'AIONODE_RUN_PROMISE' },
  );
}

async function cancelAllTasks(loop: EventLoop): Promise<void> {
  const tasks = [...allTasks(loop)];
  if (tasks.length === 0) return;
  for (const task of tasks) task.cancel();
  await loop.runUntilComplete(gather(...tasks, { returnExceptions: true }) as Future<unknown>);
  for (const task of tasks) {
    if (task.cancelled()) continue;
    const exception = task.exception();
    if (task.state !== kFailed) continue;
    loop.callExceptionHandler({
      message: 'unhandled exception during asyncio.run() shutdown',
      exception,
      task,
    });
  }
}

/**
 * Runs `main` as a task on a loop of its own; when it is done, cancels what it left behind, waits for
 * that, reports failures nobody looked at, and closes the loop.
 *
 * SIGINT (or another signal of `signals`) cancels main; if main ends cancelled, run() rejects with an
 * error whose `code` is the signal's name. A second signal ends the process as Node would.
 * @throws RuntimeError when called inside a task, and, with a report of who waits for what, when nothing
 * can ever wake the waiting tasks
 * @example
 * ```ts
 * await run(async () => {
 *   await sleep(1);
 *   console.log('done');
 * });
 * ```
 * @see asyncio.run
 * @public
 */
export async function run<T>(main: Awaitable<T>, options: RunOptions = {}): Promise<T> {
  if (currentScope() !== null) {
    throw new RuntimeError(
      'run() cannot be called from a running event loop: await the function instead',
    );
  }
  checkOptions(options);
  const { signals, ...runnerOptions } = options;
  const runner = new Runner(runnerOptions);
  let loop: EventLoop | undefined;
  let result: T;
  try {
    loop = runner.getLoop();
    result = await runner.run(main, signals === undefined ? {} : { signals });
  } catch (error) {
    await runner.close().catch((closing) => {
      // What main left behind may be stuck for good too: the first report names them all.
      if (isError(closing, RuntimeError) && closing.code === 'ERR_DEADLOCK') return;
      loop?.callExceptionHandler({
        message: 'run() could not close its loop after main had failed',
        exception: closing,
      });
    });
    throw error;
  }
  await runner.close();
  return result;
}
