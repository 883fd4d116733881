// Functions on their way to a worker: by their source, or by the module that exports them.
// Floor 1.
//
// A worker is told once what a function is; from then on its number stands for it. Functions of the same
// source are one, so that `toThread((n) => n + 1, n)` is compiled once however often it is called.
import { inspect } from 'node:util';

/** What a worker makes a function of. @internal */
export interface FunctionSpec {
  readonly id: number;
  readonly name: string;
  /** The text of the function, or undefined for one that a module exports. */
  readonly source?: string;
  readonly module?: string;
}

/** @internal */
// biome-ignore lint/suspicious/noExplicitAny: any function can be sent
export type AnyFunction = (...args: any[]) => any;

const specs = new WeakMap<AnyFunction, FunctionSpec>();
const bySource = new Map<string, FunctionSpec>();
/** A program that makes up functions as it goes does not fill the memory with their sources. */
const kMostSources = 1000;
let lastId = 0;

/** Has `fn` stand for an export of a module. @internal */
export function standFor(fn: AnyFunction, module: string, name: string): void {
  lastId += 1;
  specs.set(fn, { id: lastId, name, module });
}

function unsendable(fn: AnyFunction, why: string): TypeError {
  const error = new TypeError(`${inspect(fn)} cannot be sent to a thread: ${why}`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
}

function specOfSource(fn: AnyFunction): FunctionSpec {
  const source = Function.prototype.toString.call(fn);
  if (/\{\s*\[native code\]\s*\}$/.test(source)) {
    throw unsendable(fn, 'it is native or bound, so it has no source; wrap it in a function');
  }
  if (/^class[\s{]/.test(source)) throw unsendable(fn, 'a class cannot be called');
  let spec = bySource.get(source);
  if (spec === undefined) {
    if (bySource.size >= kMostSources) bySource.clear();
    lastId += 1;
    spec = { id: lastId, name: fn.name, source };
    bySource.set(source, spec);
  }
  return spec;
}

/** @throws TypeError when the function has no source @internal */
export function specOf(fn: AnyFunction): FunctionSpec {
  let spec = specs.get(fn);
  if (spec === undefined) {
    spec = specOfSource(fn);
    specs.set(fn, spec);
  }
  return spec;
}

/** For messages. @internal */
export function describeFunction({ name }: FunctionSpec): string {
  return name === '' ? 'the function' : `${name}()`;
}
