// Calls from one thread into the event loop of another.
// Floor 9.
//
// JavaScript threads share no functions, so a loop exposes some under names. Whoever holds the other end of
// the MessagePort that stands for them calls them by name: by callSoonThreadsafe(), which only schedules, or
// by runCoroutineThreadsafe(), which makes a task there and a Future here. Results, errors and cancellation
// cross in messages; the two ends are Exposure (the loop's thread) and ThreadsafeLoop (the other one).
import { MessageChannel, MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { checkFunction, checkOptions, checkString, invalidArgType } from './arguments.ts';
import { type Context, captureContext, emptyContext } from './context.ts';
import { iscoroutinefunction } from './coroutines.ts';
import { RuntimeError } from './exceptions.ts';
import { Future, kFailed, kFinished, kPending } from './futures.ts';
import { Handle } from './handles.ts';
import { currentLoop } from './running.ts';
import { receiveError, type Sent, sendError } from './sent_errors.ts';
import type { AnyFunction } from './sent_functions.ts';
import { pack, unpack } from './sent_values.ts';
import { spawn } from './spawning.ts';
import { addThen } from './thens.ts';
import type { LoopCore } from './turns.ts';

// What the messages begin with.
const kSoon = 0;
const kRun = 1;
const kCancel = 2;

type Request =
  | readonly [kind: 0, name: string, values: unknown[], buffers: readonly number[]]
  | readonly [kind: 1, name: string, values: unknown[], buffers: readonly number[], id: number]
  | readonly [kind: 2, id: number, msg: string | undefined];

const kResult = 0;
const kThrown = 1;
const kCancelled = 2;

type Reply =
  | readonly [kind: 0, id: number, values: unknown[], buffers: readonly number[]]
  | readonly [kind: 1, id: number, thrown: Sent]
  | readonly [kind: 2, id: number, msg: string | undefined];

function unknownName(name: string): TypeError {
  return new TypeError(`The event loop exposes no function "${name}"`);
}

// ---------------------------------------------------------------- the loop's own thread

class Exposure {
  readonly #loop: LoopCore;
  readonly #functions: ReadonlyMap<string, AnyFunction>;
  readonly #context: Context | undefined = captureContext();
  readonly #port: MessagePort;
  readonly #tasks: Map<number, Future<unknown>> = new Map();

  constructor(loop: LoopCore, functions: ReadonlyMap<string, AnyFunction>, port: MessagePort) {
    this.#loop = loop;
    this.#functions = functions;
    this.#port = port;
    port.on('message', (request: Request) => this.#received(request));
    // What it was is lost, and whose: the thread at the other end must not wait for ever.
    port.on('messageerror', () => port.close());
    // The thread at the other end keeps the process alive, or whoever waits for it.
    port.unref();
  }

  #received(request: Request): void {
    if (request[0] === kSoon) {
      const [, name, values, buffers] = request;
      this.#callSoon(name, unpack(values, buffers));
    } else if (request[0] === kRun) {
      const [, name, values, buffers, id] = request;
      this.#run(id, name, unpack(values, buffers));
    } else {
      const [, id, msg] = request;
      this.#tasks.get(id)?.cancel(msg);
    }
  }

  #callSoon(name: string, args: unknown[]): void {
    const fn = this.#functions.get(name);
    if (fn !== undefined && !iscoroutinefunction(fn)) {
      this.#loop.enqueue(new Handle(this.#loop, fn, args, this.#context));
      return;
    }
    this.#loop.callExceptionHandler({
      message: `callSoonThreadsafe('${name}') of another thread failed`,
      exception:
        fn === undefined
          ? unknownName(name)
          : new TypeError(`${name}() is asynchronous: use runCoroutineThreadsafe()`),
    });
  }

  #run(id: number, name: string, args: unknown[]): void {
    const fn = this.#functions.get(name);
    let task: Future<unknown>;
    try {
      if (fn === undefined) throw unknownName(name);
      task = spawn(this.#loop, () => fn(...args), { context: this.#context ?? emptyContext });
    } catch (error) {
      this.#reply([kThrown, id, sendError(error)]);
      if (fn !== undefined) {
        this.#loop.callExceptionHandler({
          message: `runCoroutineThreadsafe('${name}') of another thread failed`,
          exception: error,
        });
      }
      return;
    }
    this.#tasks.set(id, task);
    task.whenDone(() => {
      this.#tasks.delete(id);
      this.#tellOutcome(id, name, task);
    });
  }

  #tellOutcome(id: number, name: string, task: Future<unknown>): void {
    if (task.cancelled()) {
      this.#reply([kCancelled, id, task.cancelledError().message]);
      return;
    }
    if (task.state === kFailed) {
      this.#reply([kThrown, id, sendError(task.exception())]);
      return;
    }
    try {
      const { values, buffers, transfers } = pack([task.result()]);
      this.#port.postMessage([kResult, id, values, buffers] satisfies Reply, transfers);
    } catch (cause) {
      const message = `What ${name}() returned cannot be sent to another thread: ${(cause as Error).message}`;
      this.#reply([kThrown, id, sendError(new TypeError(message, { cause }))]);
    }
  }

  #reply(reply: Reply): void {
    this.#port.postMessage(reply);
  }
}

/**
 * Exposes functions of a loop to one other thread.
 * @param closed - is called when the other end is closed
 * @returns the end for the other thread, and the function that closes this one
 * @see EventLoop.exposeThreadsafe
 * @internal
 */
export function expose(
  loop: LoopCore,
  functions: Readonly<Record<string, AnyFunction>>,
  closed: () => void,
): { port: MessagePort; close: () => void } {
  checkOptions(functions, 'functions');
  const named = new Map(Object.entries(functions));
  for (const [name, fn] of named) checkFunction(fn, `functions.${name}`);
  // In no context: the ports would keep that of the caller alive.
  const { port1, port2 } = emptyContext(() => new MessageChannel());
  // Read by the other thread before each call: that the port is closed it learns only when its own loop turns.
  const ended = new Int32Array(new SharedArrayBuffer(4));
  port1.postMessage(ended);
  new Exposure(loop, named, port1);
  port1.on('close', closed);
  const close = () => {
    Atomics.store(ended, 0, 1);
    port1.close();
  };
  return { port: port2, close };
}

// ------------------------------------------------------------------- the other thread

class RemoteCall<T> extends Future<T> {
  private readonly tellCancel: (msg: string | undefined) => void;
  private readonly over: () => void;

  constructor(
    loop: LoopCore,
    { tellCancel, over }: { tellCancel: (msg: string | undefined) => void; over: () => void },
  ) {
    super({ loop });
    this.tellCancel = tellCancel;
    this.over = over;
  }

  override cancel(msg?: string): boolean {
    const cancelled = super.cancel(msg);
    if (cancelled) this.tellCancel(msg);
    return cancelled;
  }

  /** Not by a done callback: the loop may not run any more, and the port would keep the thread alive. */
  override finish(state: number, value: unknown, message?: string): void {
    super.finish(state, value, message);
    this.over();
  }

  answer(reply: Reply): void {
    if (this.state !== kPending) return;
    if (reply[0] === kResult) this.finish(kFinished, unpack(reply[2], reply[3])[0]);
    else if (reply[0] === kThrown) this.finish(kFailed, receiveError(reply[2]));
    // Not our cancel(): there is nothing to send.
    else super.cancel(reply[2]);
  }

  lose(): void {
    if (this.state !== kPending) return;
    this.finish(kFailed, new RuntimeError('The event loop was closed before the call was done'));
  }
}

addThen(RemoteCall);

/** What a loop exposes: functions by name. @public */
// biome-ignore lint/suspicious/noExplicitAny: any function can be exposed
export type ThreadsafeFunctions = Readonly<Record<string, (...args: any[]) => any>>;

/**
 * The event loop of another thread, as far as that exposes it: see `loop.exposeThreadsafe()`.
 *
 * Arguments, results and errors travel as those of ThreadPoolExecutor. Calls that are waited for keep this
 * thread alive, the ThreadsafeLoop as such does not.
 * @example
 * ```ts
 * // in the worker
 * const main = new ThreadsafeLoop<typeof functions>(workerData.loop);
 * main.callSoonThreadsafe('progress', 50);
 * const user = await main.runCoroutineThreadsafe('findUser', 7);
 * ```
 * @see asyncio's loop.call_soon_threadsafe, asyncio.run_coroutine_threadsafe
 * @public
 */
export class ThreadsafeLoop<F extends ThreadsafeFunctions = ThreadsafeFunctions>
  implements Disposable
{
  readonly #port: MessagePort;
  readonly #calls: Map<number, RemoteCall<unknown>> = new Map();
  /** Not 0 once the loop is closed. */
  readonly #ended: Int32Array | undefined;
  #lastId = 0;
  #closed = false;

  /** @param port - what exposeThreadsafe() returned there, transferred to this thread */
  constructor(port: MessagePort) {
    if (!(port instanceof MessagePort)) {
      throw invalidArgType('port', 'an instance of MessagePort', port);
    }
    this.#port = port;
    this.#ended = receiveMessageOnPort(port)?.message;
    port.on('message', (reply: Reply) => this.#received(reply));
    port.on('messageerror', () => this.close());
    port.on('close', () => this.#lost());
    port.unref();
  }

  /**
   * Calls an exposed function on the loop, as callSoon() there would. Calls of one thread run in their order.
   * That the function throws, is asynchronous or is not there is told to that loop's exception handler.
   * @throws RuntimeError when the loop, or this end, is closed; TypeError when an argument cannot be sent
   */
  callSoonThreadsafe<K extends keyof F & string>(name: K, ...args: Parameters<F[K]>): void {
    const { values, buffers, transfers } = this.#prepare(name, args);
    this.#post(name, [kSoon, name, values, buffers], transfers);
  }

  /**
   * Runs an exposed function as a task of the loop.
   * @returns a Future of this thread's loop with the outcome. It fails with RuntimeError when the loop is
   * closed before.
   * @throws RuntimeError when the loop, or this end, is closed; TypeError when an argument cannot be sent
   *
   * **Cancellation:** cancels the task there; the Future is cancelled at once.
   */
  runCoroutineThreadsafe<K extends keyof F & string>(
    name: K,
    ...args: Parameters<F[K]>
  ): Future<Awaited<ReturnType<F[K]>>> {
    const { values, buffers, transfers } = this.#prepare(name, args);
    this.#lastId += 1;
    const id = this.#lastId;
    this.#post(name, [kRun, name, values, buffers, id], transfers);
    const call = new RemoteCall<Awaited<ReturnType<F[K]>>>(currentLoop(), {
      tellCancel: (msg) => this.#port.postMessage([kCancel, id, msg] satisfies Request),
      over: () => this.#over(id),
    });
    this.#calls.set(id, call as RemoteCall<unknown>);
    this.#port.ref();
    return call;
  }

  /** Ends the connection: what is not answered fails. Tasks that run there go on. May be called again. */
  close(): void {
    this.#port.close();
    this.#lost();
  }

  /** As close(): for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #prepare(name: string, args: readonly unknown[]): ReturnType<typeof pack> {
    checkString(name, 'name');
    if (this.#closed || (this.#ended !== undefined && Atomics.load(this.#ended, 0) !== 0)) {
      throw new RuntimeError('The event loop of the other thread is closed');
    }
    return pack(args);
  }

  #post(name: string, request: Request, transfers: ReturnType<typeof pack>['transfers']): void {
    try {
      this.#port.postMessage(request, transfers);
    } catch (cause) {
      const message = `An argument of ${name}() cannot be sent to another thread: ${(cause as Error).message}`;
      throw new TypeError(message, { cause });
    }
  }

  #received(reply: Reply): void {
    this.#calls.get(reply[1])?.answer(reply);
  }

  #over(id: number): void {
    this.#calls.delete(id);
    if (this.#calls.size === 0) this.#port.unref();
  }

  #lost(): void {
    this.#closed = true;
    for (const call of this.#calls.values()) call.lose();
  }
}
