// Debug mode: tells of the calls that nobody awaited, such as `queue.put(item)` without an await.
// Floor 8.
//
// asyncio always warns of a coroutine that was never awaited. To know of each costs more than most of them take, so
// that coroutines are only made to tell when debug mode is first switched on.
import { noteCreation } from './debug.ts';
import { InlineCoroutine, wordsFor } from './inline.ts';
import { setCreationNote } from './promise_futures.ts';
import { currentLoop } from './running.ts';
import type { LoopCore } from './turns.ts';
import { forget, type Unnoticed, watch } from './unnoticed.ts';

let watching = false;
/** What nobody has awaited yet. */
const unawaited = new WeakMap<object, Unnoticed>();

/** A coroutine has no loop when it is made. */
function made(future: object, loop: LoopCore | undefined): void {
  noteCreation(future, loop);
  if (loop !== undefined) return;
  const current = currentLoop();
  if (!current.debug) return;
  const message = `'${wordsFor(future)}' was never awaited`;
  unawaited.set(future, watch('coroutine', future, current, { message }));
}

/** It is awaited, or given to somebody who does. */
function begun(coroutine: object): void {
  const unnoticed = unawaited.get(coroutine);
  if (unnoticed === undefined) return;
  unawaited.delete(coroutine);
  forget(unnoticed);
}

/** @internal */
export function watchForgotten(): void {
  if (watching) return;
  watching = true;
  setCreationNote(made);
  const { prototype } = InlineCoroutine;
  const { decideLoop } = prototype;
  prototype.decideLoop = function (loop) {
    begun(this);
    decideLoop.call(this, loop);
  };
}
