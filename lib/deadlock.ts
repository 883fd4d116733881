// A program that nothing can ever wake: reported instead of hanging or ending silently.
// Floor 10.
//
// Node emits 'beforeExit' when its loop has nothing left to wait for: no timer, no open handle, no ready
// entry. If a loop still runs for an unfinished future then, the loop is told with an error that names
// who waits for what; it cancels the future, so that tasks can clean up, and throws that error.
import { RuntimeError } from './exceptions.ts';
import { describeCycle, findCycle } from './graph.ts';
import { awaitsOf, describeFuture } from './stacks.ts';
import type { Task } from './tasks.ts';
import type { LoopCore } from './turns.ts';

interface Watched {
  readonly loop: LoopCore;
  readonly found: (error: RuntimeError) => void;
}

const watched = new Set<Watched>();

function onBeforeExit(): void {
  for (const { loop, found } of [...watched]) found(deadlockError(loop));
}

/** Tells `found` when nothing can wake `loop` any more. Returns the function that ends the watch. @internal */
export function watchForDeadlock(loop: LoopCore, found: (error: RuntimeError) => void): () => void {
  const entry: Watched = { loop, found };
  if (watched.size === 0) process.on('beforeExit', onBeforeExit);
  watched.add(entry);
  return () => {
    watched.delete(entry);
    if (watched.size === 0) process.off('beforeExit', onBeforeExit);
  };
}

function deadlockError(loop: LoopCore): RuntimeError {
  const tasks = [...loop.tasks] as Task[];
  const lines = [
    'deadlock: nothing can wake the waiting tasks (no timer, no open socket, no ready callback)',
  ];
  for (const task of tasks) {
    const awaited = awaitsOf(task.scope).map(({ future }) => describeFuture(future));
    lines.push(
      `  task ${task.getName()} awaits ${awaited.length === 0 ? 'a promise that nothing settles' : awaited.join(', ')}`,
    );
  }
  const cycle = findCycle(tasks);
  if (cycle !== null) lines.push(`  wait cycle: ${describeCycle(cycle)}`);
  return Object.assign(new RuntimeError(lines.join('\n')), { code: 'ERR_DEADLOCK' });
}
