// A program that nothing can ever wake: reported instead of hanging or ending silently.
// Floor 9.
//
// Node emits 'beforeExit' when its loop has nothing left to wait for: no timer, no open handle, no ready
// entry. If a loop still runs for an unfinished future then, the loop is told with an error that names
// who waits for what; it cancels the future, so that tasks can clean up, and throws that error.
import { RuntimeError } from './exceptions.ts';
import { Awaiter, type Future } from './futures.ts';
import { Task } from './tasks.ts';
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
export function watchForDeadlock(
  loop: LoopCore,
  found: (error: RuntimeError) => void,
): () => void {
  const entry: Watched = { loop, found };
  if (watched.size === 0) process.on('beforeExit', onBeforeExit);
  watched.add(entry);
  return () => {
    watched.delete(entry);
    if (watched.size === 0) process.off('beforeExit', onBeforeExit);
  };
}

function describe(future: Future<unknown>): string {
  if (future instanceof Task) return `task ${future.getName()}`;
  return `a ${future.constructor.name}`;
}

/** What a task awaits, in the order of the awaits. */
function awaitedBy(task: Task): Future<unknown>[] {
  const futures: Future<unknown>[] = [];
  for (const suspension of task.scope.suspensions()) {
    if (suspension instanceof Awaiter) futures.push(suspension.future);
  }
  return futures;
}

function findCycle(tasks: Iterable<Task>): Task[] | null {
  const finished = new Set<Task>();
  for (const start of tasks) {
    const path: Task[] = [];
    let task: Task | undefined = start;
    while (task !== undefined && !finished.has(task)) {
      const at = path.indexOf(task);
      if (at >= 0) return path.slice(at);
      path.push(task);
      task = awaitedBy(task).find((f): f is Task => f instanceof Task);
    }
    for (const seen of path) finished.add(seen);
  }
  return null;
}

/** @internal */
export function deadlockError(loop: LoopCore): RuntimeError {
  const tasks = [...loop.tasks] as Task[];
  const lines = ['deadlock: nothing can wake the waiting tasks (no timer, no open socket, no ready callback)'];
  for (const task of tasks) {
    const awaited = awaitedBy(task).map(describe);
    lines.push(
      `  task ${task.getName()} awaits ${awaited.length === 0 ? 'a promise that nothing settles' : awaited.join(', ')}`,
    );
  }
  const cycle = findCycle(tasks);
  if (cycle !== null) {
    const names = [...cycle, cycle[0] as Task].map((task) => task.getName());
    lines.push(`  wait cycle: ${names.join(' -> ')}`);
  }
  return Object.assign(new RuntimeError(lines.join('\n')), { code: 'ERR_DEADLOCK' });
}
