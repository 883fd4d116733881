// Debug mode: times the steps that a promise resumes which is not ours.
// Floor 6.
//
// Such a step is no entry of a loop: V8 runs it whenever its promise is settled. Node's promise hooks tell
// when it begins and ends. They cost every promise of the thread time, and are on only while a loop is in
// debug mode.
import { type AsyncHook, createHook, executionAsyncResource } from 'node:async_hooks';
import { native } from './native.ts';
import { NativePromise } from './native_promise.ts';
import type { ReadyEntry } from './ready.ts';
import { currentScope } from './scopes.ts';
import { type LoopCore, turningLoop } from './turns.ts';

const timed = new Set<LoopCore>();
let hook: AsyncHook | undefined;
/** What runs now, outermost first: steps of promises, and what they call in the name of another resource. */
const running: { readonly id: number; readonly started: number }[] = [];

function begin(id: number): void {
  running.push({ id, started: native.now() });
}

function end(id: number): void {
  const at = running.findLastIndex((one) => one.id === id);
  if (at < 0) return;
  const [step] = running.splice(at) as [(typeof running)[number]];
  // What an entry has resumed is a part of that entry.
  if (turningLoop() !== undefined) return;
  const scope = currentScope();
  if (scope === null || !timed.has(scope.loop)) return;
  // A timer's callback, say, that code of the task has set up is none of its steps.
  if (!(executionAsyncResource() instanceof NativePromise)) return;
  scope.loop.reportSlow(scope.task as object as ReadyEntry, native.now() - step.started);
}

/** @internal */
export function timeSteps(loop: LoopCore): void {
  timed.add(loop);
  hook ??= createHook({ before: begin, after: end });
  hook.enable();
}

/** @internal */
export function stopTimingSteps(loop: LoopCore): void {
  timed.delete(loop);
  if (timed.size > 0) return;
  hook?.disable();
  running.length = 0;
}
