// toThread() and workerModule(): functions that run in worker threads.
// Floor 11.
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { invalidArgType } from './arguments.ts';
import { markBegun } from './begun.ts';
import type { Future } from './futures.ts';
import type { ThreadingLoop } from './loop_threads.ts';
import { currentLoop } from './running.ts';
import { type AnyFunction, standFor } from './sent_functions.ts';

/**
 * Runs `fn(...args)` in a worker thread of the loop's default executor, so that long computations do not
 * hold up the loop.
 *
 * The function is sent by its source: it sees only its arguments and what is global. One that needs more
 * goes into a module, see workerModule(). How arguments, results and errors travel is said at
 * ThreadPoolExecutor. AsyncLocalStorage does not travel.
 * @throws TypeError when `fn` cannot be sent (native, bound, a class); RuntimeError when the default executor is shut
 * down
 *
 * **Cancellation:** a call that has not begun never runs; one that runs goes on, and its result is dropped.
 * @example
 * ```ts
 * const primes = await toThread((limit: number) => {
 *   let count = 0;
 *   for (let n = 2; n < limit; n++) {
 *     let divisor = 2;
 *     while (n % divisor !== 0) divisor++;
 *     if (divisor === n) count++;
 *   }
 *   return count;
 * }, 10_000);
 * ```
 * @see asyncio.to_thread
 * @public
 */
export function toThread<A extends unknown[], R>(
  fn: (...args: A) => R | PromiseLike<R>,
  ...args: A
): Future<Awaited<R>> {
  return markBegun((currentLoop() as ThreadingLoop).runInExecutor(null, fn, ...args));
}

/**
 * The functions that a module exports, as workerModule() gives them: each runs in a worker.
 * @public
 */
export type WorkerModule<M> = {
  // biome-ignore lint/suspicious/noExplicitAny: what matters is that it is a function
  readonly [K in keyof M as M[K] extends (...args: any[]) => unknown ? K : never]: M[K] extends (
    ...args: infer A
  ) => infer R
    ? (...args: A) => Future<Awaited<R>>
    : never;
};

/** An URL as text: what every thread imports the same module by. */
function checkModule(module: unknown): string {
  if (module instanceof URL) return module.href;
  if (typeof module === 'string') {
    if (isAbsolute(module)) return pathToFileURL(module).href;
    if (URL.canParse(module)) return module;
  }
  throw invalidArgType(
    'module',
    "a URL or an absolute path, such as new URL('./work.js', import.meta.url) or import.meta.resolve('name')",
    module,
  );
}

/**
 * The functions of a module, to be run in worker threads, where the module is imported at the first call.
 * Called, each is a toThread(); it can also be given to runInExecutor() and submit().
 * @param module - `new URL('./work.js', import.meta.url)`, `import.meta.resolve('package')`, 'node:...', or an
 * absolute path
 * @throws TypeError when `module` is something else. That an export is missing shows when it is called.
 * @example
 * ```ts
 * const work = workerModule<typeof import('./work.js')>(new URL('./work.js', import.meta.url));
 * const digest = await work.hash(bytes);
 * const other = await loop.runInExecutor(pool, work.hash, bytes);
 * ```
 * @public
 */
export function workerModule<M extends object>(module: string | URL): WorkerModule<M> {
  const href = checkModule(module);
  const functions = new Map<string, AnyFunction>();
  return new Proxy(Object.create(null), {
    get(_target, name) {
      // Nothing to await: a module is no thenable, whoever asks.
      if (typeof name === 'symbol' || name === 'then') return undefined;
      let fn = functions.get(name);
      if (fn === undefined) {
        const made: AnyFunction = (...args) => toThread(made, ...args);
        Object.defineProperty(made, 'name', { value: name });
        standFor(made, href, name);
        functions.set(name, made);
        fn = made;
      }
      return fn;
    },
  });
}
