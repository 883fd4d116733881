// The program of a pool's worker thread: gets functions, calls them, answers.
// Floor 3. Loaded by pool_threads.ts as a worker; it needs no addon and has no event loop of ours.
import { constants, Script } from 'node:vm';
import { workerData } from 'node:worker_threads';
import { sendError } from './sent_errors.ts';
import { type AnyFunction, describeFunction, type FunctionSpec } from './sent_functions.ts';
import { pack, unpack } from './sent_values.ts';
import {
  type Answer,
  type Job,
  kBuffer,
  kResult,
  kThrown,
  type Order,
  type ToWorker,
  type WorkerStart,
} from './worker_messages.ts';

const { port, filename } = workerData as WorkerStart;

/** A function of the pool's, made at its first call. */
interface Callee {
  readonly spec: FunctionSpec;
  fn: AnyFunction | undefined;
}

const callees = new Map<number, Callee>();
const kNoValues: unknown[] = [];

// --------------------------------------------------------------------- making functions

const { emitWarning } = process;

/** Node calls this constant experimental when it is first used: who sends a function can do nothing about it. */
process.emitWarning = (...warning: unknown[]) => {
  if (String(warning[0]).includes('USE_MAIN_CONTEXT_DEFAULT_LOADER')) return;
  Reflect.apply(emitWarning, process, warning);
};

function evaluate(expression: string): unknown {
  return new Script(`'use strict'; (${expression}\n)`, {
    filename,
    // For import() to work in it.
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  }).runInThisContext();
}

/** The text of a method, `name() { ... }`, is an expression only inside an object. */
function evaluateSource(source: string): unknown {
  try {
    return evaluate(source);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    try {
      const method = Object.getOwnPropertyDescriptors(evaluate(`{ ${source} }`));
      return Object.values(method)[0]?.value;
    } catch {
      throw error;
    }
  }
}

function compile(source: string): AnyFunction {
  const fn = evaluateSource(source);
  if (typeof fn === 'function') return fn as AnyFunction;
  throw new TypeError(`The text of the function is not one that can be called: ${source}`);
}

async function importFunction(module: string, name: string): Promise<AnyFunction> {
  const exports = (await import(module)) as Record<string, unknown>;
  // Of a CommonJS module only those names are exports that Node found by reading it.
  const found = exports[name] ?? (exports.default as Record<string, unknown> | undefined)?.[name];
  if (typeof found === 'function') return found as AnyFunction;
  throw new TypeError(
    `The module ${module} exports no function "${name}", but: ${Object.keys(exports).join(', ')}`,
  );
}

// ------------------------------------------------------------------------- a call

const kHint =
  'a function that is sent to a thread by its source sees only its arguments and what is global';

function thrown({ spec }: Callee, error: unknown): void {
  if (spec.source !== undefined && error instanceof ReferenceError) explain(error);
  port.postMessage([kThrown, sendError(error)] satisfies Answer);
}

/** The commonest mistake: a variable of the place where the function was written. */
function explain(error: ReferenceError): void {
  const { message, stack } = error;
  if (!message.endsWith(' is not defined')) return;
  error.message = `${message} (${kHint})`;
  if (stack !== undefined) error.stack = stack.replace(message, error.message);
}

function answer(callee: Callee, result: unknown): void {
  try {
    if (result === null || (typeof result !== 'object' && typeof result !== 'function')) {
      port.postMessage(result);
      return;
    }
    const { values, buffers, transfers } = pack([result]);
    const kind = buffers.length === 1 ? kBuffer : kResult;
    port.postMessage([kind, values[0] as object] satisfies Answer, transfers);
  } catch (cause) {
    const message = `What ${describeFunction(callee.spec)} returned cannot be sent to another thread: ${(cause as Error).message}`;
    thrown(callee, new TypeError(message, { cause }));
  }
}

function call(callee: Callee, fn: AnyFunction, values: unknown[]): void {
  let result: unknown;
  try {
    result = fn(...values);
    if (result !== null && typeof result === 'object' && 'then' in result) {
      Promise.resolve(result).then(
        (value) => answer(callee, value),
        (error) => thrown(callee, error),
      );
      return;
    }
  } catch (error) {
    thrown(callee, error);
    return;
  }
  answer(callee, result);
}

async function callImported(callee: Callee, values: unknown[]): Promise<void> {
  const { module, name } = callee.spec;
  try {
    callee.fn = await importFunction(module as string, name);
  } catch (error) {
    thrown(callee, error);
    return;
  }
  call(callee, callee.fn, values);
}

function work(id: number, values: unknown[]): void {
  const callee = callees.get(id) as Callee;
  const { source } = callee.spec;
  if (callee.fn === undefined) {
    if (source === undefined) {
      void callImported(callee, values);
      return;
    }
    try {
      callee.fn = compile(source);
    } catch (error) {
      thrown(callee, error);
      return;
    }
  }
  call(callee, callee.fn, values);
}

// --------------------------------------------------------------------------- orders

/** process.exit() drops what is printed but not yet taken by the main thread. */
function end(): void {
  let left = 0;
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength === 0) continue;
    left += 1;
    stream.write('', () => {
      left -= 1;
      if (left === 0) process.exit();
    });
  }
  if (left === 0) process.exit();
}

function obey(order: Order): void {
  if (order.forget) callees.clear();
  if (order.define !== undefined) {
    callees.set(order.define.id, { spec: order.define, fn: undefined });
  }
  if (order.end) end();
}

port.on('message', (message: ToWorker) => {
  if (typeof message === 'number') {
    work(message, kNoValues);
  } else if (Array.isArray(message)) {
    const [id, values, buffers] = message as Job;
    work(id, unpack(values, buffers));
  } else {
    obey(message as Order);
  }
});
// A job whose arguments cannot be made again, as those that Node 20 sends of memory that is gone.
port.on('messageerror', (cause) => {
  const error = new TypeError('An argument cannot be received by the thread', { cause });
  port.postMessage([kThrown, sendError(error)] satisfies Answer);
});
// The first message says that the worker is there.
port.postMessage(undefined);
