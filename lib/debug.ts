// What debug mode records: where things were created, and where tasks stand.
// Floor 1.
//
// Nothing is recorded, and nothing but one flag is looked at, before a loop of this thread was in debug
// mode. The records are kept beside the objects, so that they cost no field when they are not made.

import { fileURLToPath } from 'node:url';

/** As deep as asyncio's. */
const kStackDepth = 10;
/** Frames of our own and of Node, which are left out, come on top of those. */
const kCapturedDepth = 50;

const modulePath = '/dist/debug.js';
/** Where our own modules are; undefined in a bundle, where they cannot be told from the user's. */
const ownFolder = import.meta.url.endsWith(modulePath)
  ? new URL('.', import.meta.url).href
  : undefined;

/** How our modules are named in the text of a stack; by their sources where Node maps them. */
const ownPaths =
  ownFolder === undefined
    ? []
    : [ownFolder, new URL('../lib/', ownFolder).href].flatMap((url) => [url, fileURLToPath(url)]);

/** Whether a loop of this thread was ever in debug mode. @internal */
export let debugging = false;

/** @internal */
export function startDebugging(): void {
  debugging = true;
}

function isUsers(site: NodeJS.CallSite): boolean {
  const file = site.getFileName();
  if (file === null || file === undefined || file.startsWith('node:')) return false;
  return ownFolder === undefined || !file.startsWith(ownFolder);
}

/** Up to `depth` frames below that of `callee`, innermost first. @internal */
export function callSites(depth: number, callee: (this: never, ...args: never[]) => unknown) {
  const { stackTraceLimit, prepareStackTrace } = Error;
  Error.stackTraceLimit = depth;
  Error.prepareStackTrace = (_error, sites) => sites;
  try {
    const holder = {} as { stack: NodeJS.CallSite[] };
    Error.captureStackTrace(holder, callee);
    return holder.stack;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace;
  }
}

/** The caller's stack as `function (file:line:column)`, outermost first, innermost last. @internal */
export function captureStack(limit = kStackDepth): string[] {
  const sites = callSites(kCapturedDepth, captureStack);
  return sites.filter(isUsers).slice(0, limit).map(String).reverse();
}

/** The frames in the text of a stack that are neither ours nor Node's, innermost first. @internal */
export function userFrames(stack: string): string[] {
  return [...stack.matchAll(/^ +at (.*)$/gm)]
    .map(([, frame]) => frame as string)
    .filter((frame) => !/\bnode:/.test(frame) && !ownPaths.some((path) => frame.includes(path)));
}

/** The frames that an error carries, in the same form and order as captureStack() has them. @internal */
export function errorStack(error: unknown): string[] {
  return userFrames(error instanceof Error ? String(error.stack) : '').reverse();
}

const created = new WeakMap<object, readonly string[]>();
const awaiting = new WeakMap<object, readonly string[]>();

/** Records where `thing` is created. One that has no loop yet belongs to any. @internal */
export function noteCreation(thing: object, loop: { debug: boolean } | undefined): void {
  if (loop === undefined || loop.debug) created.set(thing, captureStack());
}

/** Where `thing` was created, if that was recorded. @internal */
export function creationStack(thing: object): readonly string[] | undefined {
  return created.get(thing);
}

/** Records the stack of an await, known by the function that V8 gave to resolve it. @internal */
export function noteAwait(resolve: object, stack: readonly string[]): void {
  awaiting.set(resolve, stack);
}

/** @internal */
export function awaitStack(resolve: object): readonly string[] | undefined {
  return awaiting.get(resolve);
}
