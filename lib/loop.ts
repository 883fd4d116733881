// EventLoop: asyncio's loop object, on the driver that all loops of a thread share (turns.ts).
// Floor 11.
//
// The thread's default loop runs as long as Node's does; loops made by newEventLoop() or run() have turns
// only while they run, and can be closed.
import { inspect } from 'node:util';
import { checkFunction, checkOptions, checkSeconds, invalidArgType } from './arguments.ts';
import { type Context, captureContext } from './context.ts';
import { type Coro, iscoroutinefunction } from './coroutines.ts';
import { createDatagramEndpoint, type DatagramOptions } from './datagram_endpoints.ts';
import { watchForDeadlock } from './deadlock.ts';
import { awaitStack, creationStack, startDebugging } from './debug.ts';
import { traceAwaits } from './debug_awaits.ts';
import { watchForgotten } from './debug_coroutines.ts';
import { stopTimingSteps, timeSteps } from './debug_steps.ts';
import { RuntimeError } from './exceptions.ts';
import { describeCallback, describeState, printExceptionContext } from './format.ts';
import { type Future, isAwait } from './futures.ts';
import { Handle, TimerHandle } from './handles.ts';
import { letBeInspected } from './inspect.ts';
import { closeSlotsOf } from './io_events.ts';
import { NetworkLoop } from './loop_network.ts';
import { native } from './native.ts';
import { NativePromise } from './native_promise.ts';
import { newPlainFuture } from './plain_futures.ts';
import type { DatagramProtocol } from './protocols.ts';
import type { CallingEntry, ReadyEntry } from './ready.ts';
import { currentLoop, enterLoop, leaveLoop, setDefaultLoopFactory } from './running.ts';
import { currentScope } from './scopes.ts';
import { type Awaitable, ensureFuture, spawn } from './spawning.ts';
import { Task, type TaskOptions } from './tasks.ts';
import { disarmTimersOf } from './timers.ts';
import type { DatagramTransport } from './transport_types.ts';
import { activate } from './turns.ts';

/**
 * What an exception handler is told. `message` is always there.
 * @public
 */
export interface ExceptionContext {
  /** What happened, in a sentence. */
  message: string;
  /** What was thrown. */
  exception?: unknown;
  /** The Future that it happened to. */
  future?: Future;
  /** The task that it happened to. */
  task?: Task;
  /** The callback that threw. */
  handle?: Handle;
  /** In debug mode: where the future, task, coroutine or handle was created, innermost frame last. */
  sourceTraceback?: readonly string[];
  /** In debug mode, from the default handler on: where the callback that runs was scheduled. */
  handleTraceback?: readonly string[];
  [key: string]: unknown;
}

/** What makes the tasks of a loop; see `setTaskFactory()`. @public */
export type TaskFactory = <T>(loop: EventLoop, coro: Coro<T>, options?: TaskOptions) => Future<T>;

/** What setExceptionHandler() takes: told of failures that no code of the program can catch. @public */
export type ExceptionHandler = (loop: EventLoop, context: ExceptionContext) => void;

const kDefaultSlowCallbackSeconds = 0.1;
/** Each may end one `finally` that is stuck; a task that swallows its cancels would take any number. */
const kMostCancels = 10;

function debugRequested(): boolean {
  const value = process.env.AIONODE_DEBUG;
  return value !== undefined && value !== '' && value !== '0';
}

/** Where the exception handler runs: as the task, else the handle, that it is told about. */
function contextOf({ task, future, handle }: ExceptionContext): Context | undefined {
  const thing = task ?? future ?? handle;
  return thing instanceof Task || thing instanceof Handle ? thing.getContext() : undefined;
}

/** A handle that is cancelled has let go of its callback, be it while that runs. */
function describeHandle(handle: Handle): string {
  return handle.cancelled() ? 'that has cancelled itself' : describeCallback(handle.callback);
}

/** What an entry calls of the user's; undefined where nobody knows its name. */
function describeCalled(entry: ReadyEntry): string | undefined {
  if (entry instanceof Handle) return describeHandle(entry);
  return (entry as Partial<CallingEntry>).calls;
}

function describeStep(task: object | undefined): string {
  return task instanceof Task ? `a step of task ${task.getName()}` : 'the end of an await';
}

/**
 * The event loop: a clock, a ready queue, timers, and what is built on them. asyncio's methods under
 * their names; those that block there return promises here, since nothing may block Node's thread.
 * @public
 */
export class EventLoop extends NetworkLoop {
  readonly #isDefault: boolean;
  #closed = false;
  #stopping = false;
  #stopped: (() => void) | undefined = undefined;
  #exceptionHandler: ExceptionHandler | null = null;
  #slowCallbackSeconds = kDefaultSlowCallbackSeconds;
  /** Tasks that runUntilComplete() made, whose end with the loop is told by its error. */
  readonly #unreported = new WeakSet<object>();

  /** @internal */
  constructor(isDefault = false) {
    super();
    this.#isDefault = isDefault;
    this.setDebug(debugRequested());
    if (isDefault) this.running = true;
  }

  // ------------------------------------------------------------ the clock and the ready queue

  /** The loop's clock: monotonic, in seconds, read afresh at each call. */
  time(): number {
    return native.now();
  }

  /**
   * Calls `callback(...args)` in the next turn, after everything that was scheduled before.
   * @throws RuntimeError when the loop is closed; TypeError when `callback` is not a function
   */
  callSoon<A extends unknown[]>(callback: (...args: A) => void, ...args: A): Handle {
    this.#checkCallback(callback);
    const handle = new Handle(this, callback as never, args, captureContext());
    this.enqueue(handle);
    return handle;
  }

  /**
   * Calls `callback(...args)` after `delay` seconds; one that is not positive is due in the next turn. Callbacks
   * with the same deadline run in the order of the calls.
   * @throws RangeError when `delay` is NaN; RuntimeError and TypeError as of callSoon()
   */
  callLater<A extends unknown[]>(
    delay: number,
    callback: (...args: A) => void,
    ...args: A
  ): TimerHandle {
    checkSeconds(delay, 'delay');
    this.#checkCallback(callback);
    const handle = new TimerHandle(this, callback as never, args, captureContext());
    handle.armAfter(delay);
    return handle;
  }

  /**
   * Calls `callback(...args)` when the loop's clock reaches `when`, in seconds of `time()`.
   * @throws RangeError when `when` is NaN; RuntimeError and TypeError as of callSoon()
   */
  callAt<A extends unknown[]>(
    when: number,
    callback: (...args: A) => void,
    ...args: A
  ): TimerHandle {
    checkSeconds(when, 'when');
    this.#checkCallback(callback);
    const handle = new TimerHandle(this, callback as never, args, captureContext());
    handle.armAt(when);
    return handle;
  }

  // ---------------------------------------------------------------------------- life

  /**
   * Runs the loop until `aw` is done, and gives its outcome.
   * @throws RuntimeError when the loop is stopped before, is running already, or is closed, and, with a
   * report of who waits for what, when nothing can ever wake the waiting tasks
   */
  async runUntilComplete<T>(aw: Awaitable<T>): Promise<T> {
    this.checkClosed();
    this.#checkCanRun();
    const future = ensureFuture(aw, { loop: this });
    if (future !== aw) this.#unreported.add(future);
    let deadlock: RuntimeError | undefined;
    let cancels = 0;
    const unwatch = watchForDeadlock(this, (error) => {
      deadlock ??= error;
      cancels += 1;
      // A future that waits for a foreign promise cannot be woken, even to be cancelled.
      const isWoken = future.cancel() && this.ready.size > 0;
      if (!isWoken || cancels > kMostCancels) this.stop();
    });
    const stop = (): void => this.stop();
    future.whenDone(stop);
    try {
      await this.runForever();
    } finally {
      unwatch();
      future.removeDoneCallback(stop);
    }
    if (deadlock !== undefined) {
      future.markRetrieved();
      throw deadlock;
    }
    if (!future.done()) throw new RuntimeError('Event loop stopped before Future completed.');
    return future.result();
  }

  /** Runs the loop until `stop()`. The promise is settled then. */
  runForever(): Promise<void> {
    try {
      this.checkClosed();
      this.#checkCanRun();
    } catch (error) {
      return NativePromise.reject(error);
    }
    return new NativePromise((resolve) => {
      this.running = true;
      this.takeHeld();
      enterLoop(this);
      this.runningChanged();
      this.#stopped = resolve;
      if (this.#stopping) this.#turnOnce();
      if (this.ready.size > 0) activate(this);
    });
  }

  /**
   * Stops a running loop at the end of the current turn; what is scheduled by then waits for the next
   * run. On a loop that does not run: the next run ends after one turn.
   */
  stop(): void {
    if (this.#isDefault) {
      throw new RuntimeError(
        "The thread's default event loop runs as long as Node does: it cannot be stopped",
      );
    }
    this.#stopping = true;
    if (this.running) this.#turnOnce();
  }

  /**
   * Closes a loop that does not run: what is scheduled is dropped, its sockets are closed, and every
   * further use throws RuntimeError. May be called again.
   */
  close(): void {
    if (this.running) throw new RuntimeError('Cannot close a running event loop');
    if (this.#closed) return;
    this.#closed = true;
    stopTimingSteps(this);
    this.dropReady();
    disarmTimersOf(this);
    closeSlotsOf(this);
    this.closeThreading();
    for (const resource of [...this.resources]) resource.loopClosed();
    this.#reportDestroyedTasks();
  }

  /** Whether runForever() or runUntilComplete() is under way; always true for the default loop. */
  isRunning(): boolean {
    return this.running;
  }

  /** Whether close() was called. */
  isClosed(): boolean {
    return this.#closed;
  }

  // ------------------------------------------------------------------- futures and tasks

  /**
   * A Future of this loop: what a plain callback ends a wait with.
   * @example
   * ```ts
   * const answer = loop.createFuture<string>();
   * emitter.once('answer', (text) => answer.setResult(text));
   * console.log(await answer);
   * ```
   */
  createFuture<T>(): Future<T> {
    return newPlainFuture<T>({ loop: this });
  }

  /** Runs `coro` as a task of this loop; see createTask(). */
  createTask<T>(coro: Coro<T> | Future<T>, options?: TaskOptions): Task<T> {
    return spawn(this, coro, options);
  }

  /** Has `factory(loop, coro, options)` make the loop's tasks; null: Task itself. */
  setTaskFactory(factory: TaskFactory | null): void {
    if (factory !== null) checkFunction(factory, 'factory');
    this.taskFactory = factory;
  }

  /** What setTaskFactory() was given; null for the usual tasks. */
  getTaskFactory(): TaskFactory | null {
    return this.taskFactory as TaskFactory | null;
  }

  // -------------------------------------------------------------------------- datagrams

  /**
   * Makes a UDP endpoint: `factory()` makes its protocol, whose connectionMade() has been called when the
   * promise resolves. Host names are looked up; their addresses are tried in order.
   * @throws Node's system error for the first address that could not be bound or connected (EADDRINUSE,
   * EADDRNOTAVAIL, ENOTFOUND, ...); RangeError when the two addresses have no family in common, or neither
   * they nor a family is given
   *
   * **Cancellation:** no socket is left.
   * @see asyncio.loop.create_datagram_endpoint
   */
  createDatagramEndpoint<P extends DatagramProtocol>(
    factory: () => P,
    options: DatagramOptions,
  ): Future<[DatagramTransport, P]> {
    return createDatagramEndpoint(this, factory, options);
  }

  // ---------------------------------------------------------------- errors and debugging

  /**
   * Has `handler(loop, context)` told what nobody else can be: callbacks that throw, failures nobody
   * looked at. null: the default handler, which prints to stderr.
   */
  setExceptionHandler(handler: ExceptionHandler | null): void {
    if (handler !== null) checkFunction(handler, 'handler');
    this.#exceptionHandler = handler;
  }

  /** What setExceptionHandler() was given; null for the default handler. */
  getExceptionHandler(): ExceptionHandler | null {
    return this.#exceptionHandler;
  }

  /** Prints `context` to stderr. */
  defaultExceptionHandler(context: ExceptionContext): void {
    checkOptions(context, 'context');
    const entry = this.currentEntry;
    if (entry !== null && context.sourceTraceback === undefined) {
      const stack = isAwait(entry) ? awaitStack(entry.resolve) : creationStack(entry);
      if (stack !== undefined) context.handleTraceback = stack;
    }
    printExceptionContext(context);
  }

  /**
   * Calls the exception handler, in the context of the task or handle that `context` is about; a handler
   * that throws is reported by the default one.
   */
  override callExceptionHandler(context: ExceptionContext): void {
    checkOptions(context, 'context');
    if (this.#exceptionHandler === null) {
      this.#callDefaultHandler(context);
      return;
    }
    try {
      const run = contextOf(context);
      if (run === undefined) this.#exceptionHandler(this, context);
      else run(this.#exceptionHandler, this, context);
    } catch (error) {
      this.#callDefaultHandler({
        message: 'Unhandled error in exception handler',
        exception: error,
        context,
      });
    }
  }

  /** A callback that takes longer than this is reported in debug mode; in seconds. */
  get slowCallbackDuration(): number {
    return this.#slowCallbackSeconds;
  }

  set slowCallbackDuration(seconds: number) {
    checkSeconds(seconds, 'slowCallbackDuration');
    this.#slowCallbackSeconds = seconds;
  }

  /** Whether the loop is in debug mode. */
  getDebug(): boolean {
    return this.debug;
  }

  /** Switches debug mode; also AIONODE_DEBUG=1 in the environment. */
  setDebug(enabled: boolean): void {
    this.debug = Boolean(enabled);
    if (!this.debug) {
      stopTimingSteps(this);
      return;
    }
    startDebugging();
    traceAwaits();
    watchForgotten();
    timeSteps(this);
  }

  /** @internal */
  [inspect.custom](): string {
    const state = this.#closed ? 'closed' : this.running ? 'running' : 'stopped';
    return describeState(this, state, { debug: this.debug || undefined });
  }

  // ----------------------------------------------------------------- for the floors below

  /** @internal */
  override checkClosed(): void {
    if (this.#closed) {
      throw new RuntimeError(
        'Event loop is closed: make a new one with newEventLoop(), or use run()',
      );
    }
  }

  /** @internal */
  override turnEnded(): void {
    if (!this.#stopping) return;
    this.#stopping = false;
    this.running = false;
    leaveLoop(this);
    this.runningChanged();
    this.#stopped?.();
  }

  /** @internal */
  override reportError(error: unknown, entry: ReadyEntry): void {
    const callback = describeCalled(entry);
    const sourceTraceback = this.debug ? creationStack(entry) : undefined;
    this.callExceptionHandler({
      message: `Exception in callback${callback === undefined ? '' : ` ${callback}`}`,
      exception: error,
      ...(entry instanceof Handle ? { handle: entry } : {}),
      ...(sourceTraceback === undefined ? {} : { sourceTraceback }),
    });
  }

  /** @internal */
  override reportSlow(entry: ReadyEntry, seconds: number): void {
    if (seconds < this.#slowCallbackSeconds) return;
    const called = describeCalled(entry);
    const what =
      called !== undefined
        ? `callback ${called}`
        : describeStep(isAwait(entry) ? entry.scope?.task : entry);
    console.warn(`aionode: Executing ${what} took ${seconds.toFixed(3)} seconds`);
  }

  /** Tasks that are pending when their loop is closed never end. */
  #reportDestroyedTasks(): void {
    for (const task of [...this.tasks] as Task[]) {
      this.tasks.delete(task);
      if (this.#unreported.has(task)) continue;
      const sourceTraceback = creationStack(task);
      this.callExceptionHandler({
        message: 'Task was destroyed but it is pending!',
        task,
        ...(sourceTraceback === undefined ? {} : { sourceTraceback }),
      });
    }
  }

  /** One that throws, as an override may, or printing a strange object, must not end the turn that reports. */
  #callDefaultHandler(context: ExceptionContext): void {
    try {
      this.defaultExceptionHandler(context);
    } catch (error) {
      console.error('aionode: Exception in default exception handler:', error);
      console.error(`aionode: which was told: ${context.message}`);
    }
  }

  /** Sees to it that there is a turn, though nothing may be ready. */
  #turnOnce(): void {
    this.enqueue(new Handle(this, () => {}, [], undefined));
  }

  #checkCanRun(): void {
    if (this.running) throw new RuntimeError('This event loop is already running');
    if (currentScope() !== null) {
      throw new RuntimeError(
        'Cannot run the event loop while another loop is running: await instead',
      );
    }
  }

  #checkCallback(callback: unknown): void {
    this.checkClosed();
    checkFunction(callback, 'callback');
    if (this.debug && iscoroutinefunction(callback)) {
      throw invalidArgType(
        'callback',
        'a plain function (use createTask() for an async one)',
        callback,
      );
    }
  }
}

setDefaultLoopFactory(() => new EventLoop(true));
letBeInspected();

/**
 * The running task's loop, else the loop whose callback runs, else the one that `run()` started last and
 * that still runs, else the thread's default loop: Node's loop always runs, so there is always one.
 * @public
 */
export function getRunningLoop(): EventLoop {
  return currentLoop() as EventLoop;
}

/** As getRunningLoop(). @public */
export function getEventLoop(): EventLoop {
  return getRunningLoop();
}

/** A loop of its own, which runs by runUntilComplete() or runForever(). @public */
export function newEventLoop(): EventLoop {
  return new EventLoop();
}
