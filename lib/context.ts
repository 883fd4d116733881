// AsyncLocalStorage of the user in callbacks and tasks: the context of the caller is captured when
// something is scheduled, as asyncio copies contextvars, and entered when it runs.
// Floor 3.
//
// `undefined` stands for the empty context: the usual case, which must cost next to nothing.
import { AsyncResource } from 'node:async_hooks';
import { checkFunction } from './arguments.ts';
import {
  callOutsideTask,
  currentUserFrame,
  Frame,
  framesAreStored,
  restoreFrame,
  saveFrame,
  usesContextFrames,
} from './frames.ts';

/**
 * What `context` options take and `getContext()` returns: a function that calls another one in that
 * context, as `AsyncLocalStorage.snapshot()` makes it.
 * @public
 */
// biome-ignore lint/suspicious/noExplicitAny: the arguments are the callee's
export type Context = <R>(fn: (...args: any[]) => R, ...args: any[]) => R;

interface AsyncHookFields {
  readonly fields: Uint32Array;
  readonly kInit: number;
}

/**
 * The counters of active async hooks, which say at the price of one load whether any context can be
 * there to capture. undefined where Node does not show them: then every capture makes an AsyncResource.
 */
function findHookFields(): AsyncHookFields | undefined {
  // Node 20 warns about this access to its internals, which neither the user nor we can do anything
  // about: reading a counter through them is the only way to know.
  const { noDeprecation } = process;
  process.noDeprecation = true;
  try {
    const binding = (
      process as unknown as {
        binding(name: string): {
          async_hook_fields?: Uint32Array;
          constants?: { kInit?: number };
        };
      }
    ).binding('async_wrap');
    const fields = binding.async_hook_fields;
    const kInit = binding.constants?.kInit;
    return fields !== undefined && kInit !== undefined ? { fields, kInit } : undefined;
  } catch {
    return undefined;
  } finally {
    if (noDeprecation === undefined) delete (process as { noDeprecation?: boolean }).noDeprecation;
    else process.noDeprecation = noDeprecation;
  }
}

// A storage of our own is there to capture at any time, hooks or not.
const hooks = usesContextFrames || framesAreStored ? undefined : findHookFields();

function hooksAreActive(): boolean {
  return hooks === undefined || (hooks.fields[hooks.kInit] as number) > 0;
}

/** Calls `fn` on a frame that holds Node's part `user` and no task. */
function callOn<R>(user: unknown, fn: (...args: unknown[]) => R, args: unknown[]): R {
  const before = saveFrame();
  restoreFrame(new Frame(user));
  try {
    return fn(...args);
  } finally {
    restoreFrame(before);
  }
}

function captureFrame(): Context | undefined {
  const user = currentUserFrame();
  return user === undefined ? undefined : contextOf(user);
}

function captureResource(): Context | undefined {
  if (!hooksAreActive()) return undefined;
  const resource = callOutsideTask(() => new AsyncResource('aionode'));
  return (fn, ...args) => resource.runInAsyncScope(fn, undefined, ...args);
}

/** The caller's context; undefined when it is empty. @internal */
export const captureContext: () => Context | undefined = usesContextFrames
  ? captureFrame
  : captureResource;

/** The option `context`; undefined when it is not given. @throws TypeError when it is no function @internal */
export function contextOption(
  options: { context?: Context | undefined } | undefined,
): Context | undefined {
  const context = options?.context ?? undefined;
  if (context !== undefined) checkFunction(context, 'options.context');
  return context;
}

/** A context as a function, for `getContext()`. @param user - Node's part of the frame @internal */
export function contextOf(user: unknown): Context {
  return (fn, ...args) => callOn(user, fn, args);
}

/** The empty context. @internal */
export const emptyContext: Context = contextOf(undefined);
