// Where a suspended task stands, in words: what it runs and what it awaits.
// Floor 7.
//
// JavaScript does not show the frames of a suspended async function. What is always known is the
// function that the task runs and the futures that its code awaits; debug mode adds the frames of each
// of those awaits and the place where the task was created.
import { type Coro, CoroutineObject } from './coroutines.ts';
import { awaitStack } from './debug.ts';
import { type Await, type Future, isAwait } from './futures.ts';
import { InlineCoroutine, wordsFor } from './inline.ts';
import type { Scope } from './scopes.ts';

/** What this file knows of a Task, which is a floor above. */
interface TaskLike {
  readonly scope: Scope;
  getName(): string;
  getCoro(): Coro<unknown> | null;
}

/** Longer sources of nameless functions are cut. */
const kSourceLength = 60;

function asTask(future: object): TaskLike | null {
  return 'getCoro' in future ? (future as TaskLike) : null;
}

/** How a future is called in reports. @internal */
export function describeFuture(future: Future<unknown>): string {
  const task = asTask(future);
  return task === null ? describeKind(future) : `task ${task.getName()}`;
}

/** As describeFuture(), alike for all futures of a kind. @internal */
export function describeKind(future: Future<unknown>): string {
  if (future instanceof InlineCoroutine) return wordsFor(future);
  // Not of the future itself, which would take this for an await: see plain_futures.ts.
  return `a ${Object.getPrototypeOf(future).constructor.name}`;
}

/** A function by its name, or by its source when it has none. @internal */
function describeCoro(coro: Coro<unknown> | null): string {
  if (coro === null) return '<finished>';
  if (coro.name !== '') return `${coro.name}()`;
  if (coro instanceof CoroutineObject) return '<anonymous coroutine>';
  const source = String(coro).replaceAll(/\s+/g, ' ');
  return source.length <= kSourceLength ? source : `${source.slice(0, kSourceLength - 3)}...`;
}

/** The awaits of ours that the code of a scope is suspended at, oldest first. @internal */
export function awaitsOf(scope: Scope): Await[] {
  const awaits: Await[] = [];
  for (const suspension of scope.suspensions()) {
    if (isAwait(suspension)) awaits.push(suspension);
  }
  return awaits;
}

/**
 * The stack of a suspended task, innermost last: what it runs, then what it awaits. Empty for other
 * futures and when it is done.
 * @param describe - what the awaited futures are called
 * @internal
 */
export function suspendedStack(
  future: Future<unknown>,
  describe: (awaited: Future<unknown>) => string = describeFuture,
): string[] {
  const task = asTask(future);
  if (task === null || future.done()) return [];
  const frames = new Set<string>();
  const awaits = awaitsOf(task.scope);
  for (const { resolve } of awaits) {
    for (const frame of awaitStack(resolve) ?? []) frames.add(frame);
  }
  if (frames.size === 0) frames.add(`async ${describeCoro(task.getCoro())}`);
  for (const awaited of awaits) frames.add(`awaits ${describe(awaited.future)}`);
  return [...frames];
}
