// Which event loop the running code belongs to.
// Floor 5. Loops are made floors above; they announce themselves here.
import { currentScope } from './scopes.ts';
import { type LoopCore, turningLoop } from './turns.ts';

let makeDefaultLoop: () => LoopCore;
let defaultLoop: LoopCore | undefined;
/** Loops that run() and Runner started, innermost last. */
const running: LoopCore[] = [];

/** @internal */
export function setDefaultLoopFactory(make: () => LoopCore): void {
  makeDefaultLoop = make;
}

/** The thread's loop that always runs, made at first use. @internal */
export function threadLoop(): LoopCore {
  defaultLoop ??= makeDefaultLoop();
  return defaultLoop;
}

/** @internal */
export function enterLoop(loop: LoopCore): void {
  running.push(loop);
}

/** The loops that were started and not stopped: all that run but the default one. @internal */
export function enteredLoops(): readonly LoopCore[] {
  return running;
}

/** The loops that run in this thread. @internal */
export function runningLoops(): LoopCore[] {
  return defaultLoop === undefined ? [...running] : [defaultLoop, ...running];
}

/** @internal */
export function leaveLoop(loop: LoopCore): void {
  const index = running.lastIndexOf(loop);
  if (index >= 0) running.splice(index, 1);
}

/**
 * The running task's loop, else the loop whose callback runs, else the one that run() started last,
 * else the thread's default loop.
 * @internal
 */
export function currentLoop(): LoopCore {
  return currentScope()?.loop ?? turningLoop() ?? running.at(-1) ?? threadLoop();
}
