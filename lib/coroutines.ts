// coroutine(): lazy coroutine objects, Python's `async def`.
// Floor 5.
import { checkFunction } from './arguments.ts';
import { debugging, noteCreation } from './debug.ts';
import { RuntimeError } from './exceptions.ts';
import { NativePromise } from './native_promise.ts';
import { currentLoop } from './running.ts';
import { currentScope, runInJobOf, type Scope } from './scopes.ts';
import { forget, type Unnoticed, watch } from './unnoticed.ts';

type AnyFunction = (...args: never[]) => unknown;

/**
 * A lazy coroutine object: made by calling a function wrapped with `coroutine()`. Awaiting it runs it
 * inside the current task; createTask, gather, ... run it as a task of its own. One use only.
 * @public
 */
export interface Coroutine<T> extends PromiseLike<T> {
  /** The name of the wrapped function. */
  readonly name: string;
  /** Gives the coroutine up before its first use; afterwards it does nothing. */
  close(): void;
}

/** What can become a task: a function called inside the task, or a Coroutine. @public */
export type Coro<T> = (() => PromiseLike<T> | T) | Coroutine<T>;

/** @internal */
export class CoroutineObject<T> implements Coroutine<T> {
  readonly name: string;
  #fn: AnyFunction | undefined;
  #args: unknown[];
  #state: 'created' | 'used' | 'closed' = 'created';
  #unnoticed: Unnoticed | undefined = undefined;

  constructor(fn: AnyFunction, args: unknown[]) {
    this.name = fn.name;
    this.#fn = fn;
    this.#args = args;
    if (debugging) this.#watch();
  }

  get then(): PromiseLike<T>['then'] {
    const scope = currentScope();
    return ((resolve: never, reject: never) =>
      this.#startIn(scope).then(resolve, reject)) as PromiseLike<T>['then'];
  }

  close(): void {
    if (this.#state !== 'created') return;
    this.#leave('closed');
  }

  /** Calls the function; may be done once. */
  start(): PromiseLike<T> | T {
    if (this.#state !== 'created') {
      throw new RuntimeError(
        this.#state === 'closed'
          ? `cannot await the coroutine '${this.name}': it was closed`
          : `cannot reuse the coroutine '${this.name}': it was awaited already; call its function again for a new one`,
      );
    }
    const fn = this.#fn as AnyFunction;
    const args = this.#args;
    this.#leave('used');
    return fn(...(args as never[])) as PromiseLike<T> | T;
  }

  #leave(state: 'used' | 'closed'): void {
    this.#state = state;
    this.#fn = undefined;
    this.#args = [];
    if (this.#unnoticed !== undefined) forget(this.#unnoticed);
  }

  /** Debug mode: says so when nobody ever uses it. */
  #watch(): void {
    const loop = currentLoop();
    if (!loop.debug) return;
    noteCreation(this, loop);
    const message = `coroutine '${this.name}' was never awaited`;
    this.#unnoticed = watch('coroutine', this, loop, { message });
  }

  #startIn(scope: Scope | null): Promise<T> {
    try {
      return NativePromise.resolve(runInJobOf(scope, () => this.start()));
    } catch (error) {
      return NativePromise.reject(error);
    }
  }
}

const kWrapped = Symbol('aionode.coroutine');

/**
 * Python's `async def`: turns an async function into one that returns a lazy Coroutine, which does not
 * run before it is awaited or given to createTask, gather, ...
 * @example
 * ```ts
 * const fetchPage = coroutine(async (url: string) => (await fetch(url)).text());
 * const page = await fetchPage('http://localhost:8080/');
 * ```
 * @public
 */
export function coroutine<A extends unknown[], T>(
  fn: (...args: A) => PromiseLike<T> | T,
): (...args: A) => Coroutine<T> {
  checkFunction(fn, 'fn');
  const wrapped = (...args: A): Coroutine<T> => new CoroutineObject<T>(fn as AnyFunction, args);
  Object.defineProperty(wrapped, 'name', { value: fn.name, configurable: true });
  Object.defineProperty(wrapped, kWrapped, { value: true });
  return wrapped;
}

/** Whether `x` is a coroutine object. @public */
export function iscoroutine(x: unknown): x is Coroutine<unknown> {
  return x instanceof CoroutineObject;
}

const AsyncFunction = (async () => {}).constructor;

/** Whether calling `x` gives something to await: an async function, or one made by coroutine(). @public */
export function iscoroutinefunction(x: unknown): boolean {
  return typeof x === 'function' && (x instanceof AsyncFunction || kWrapped in x);
}
