// Who waits for whom: the call graph of futures and tasks.
// Floor 9.
//
// No edge is kept anywhere for this: every await of a future knows the task whose code it is, and every
// callback by which gather, wait, shield or a TaskGroup waits knows its task.
import { checkInteger, checkOptions, checkWritable, invalidArgType } from './arguments.ts';
import { captureStack } from './debug.ts';
import { Future, isAwait } from './futures.ts';
import { InlineCoroutine } from './inline.ts';
import { suspendedStack } from './stacks.ts';
import { currentTask, Task } from './tasks.ts';

/** Where a task stands, and who waits for it: what captureCallGraph() gives. @public */
export interface FutureCallGraph {
  /** The task, or the Future, that this is about. */
  future: Future;
  /** Innermost first; empty for a Future that is not a task. */
  callStack: string[];
  /** The tasks that wait for it. One that is found again on the way up has no entries of its own. */
  awaitedBy: FutureCallGraph[];
}

/** Options of the functions that make call graphs. @public */
export interface CallGraphOptions {
  /** How many frames of the running code to leave out, the call itself included; 1 by default. */
  depth?: number | undefined;
  /** How many entries of a stack to give: the outermost ones; negative: the innermost ones. */
  limit?: number | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: a Future of whatever result
type AnyFuture = Future<any>;

/** Frames of the running code are all wanted. */
const kWholeStack = Number.POSITIVE_INFINITY;

/** The tasks that wait for `future`, in the order in which they began to. @internal */
export function waitersOf(future: Future<unknown>): Future<unknown>[] {
  const waiters = new Set<Future<unknown>>();
  const driven = future instanceof InlineCoroutine && future.isSuspended;
  for (const entry of driven ? [future, ...future.waiting()] : future.waiting()) {
    const waiter = isAwait(entry) ? (entry.scope?.task as Task | undefined) : entry.owner;
    if (waiter && !waiter.done()) waiters.add(waiter as Future<unknown>);
  }
  return [...waiters];
}

/** A cycle among tasks, each waiting for the next, or null. @internal */
export function findCycle(tasks: Iterable<Task>): Task[] | null {
  const finished = new Set<Future<unknown>>();
  for (const start of tasks) {
    const path: Future<unknown>[] = [];
    const onPath = new Set<Future<unknown>>();
    const left: Iterator<Future<unknown>>[] = [[start as Future<unknown>].values()];
    while (left.length > 0) {
      const { done, value: next } = (left.at(-1) as Iterator<Future<unknown>>).next();
      if (done) {
        left.pop();
        const last = path.pop();
        if (last === undefined) continue;
        onPath.delete(last);
        finished.add(last);
      } else if (onPath.has(next)) {
        return path.slice(path.indexOf(next)).reverse() as Task[];
      } else if (!finished.has(next)) {
        path.push(next);
        onPath.add(next);
        left.push(waitersOf(next).values());
      }
    }
  }
  return null;
}

/** `a -> b -> a`, for a cycle of findCycle(). @internal */
export function describeCycle(cycle: Task[]): string {
  return [...cycle, cycle[0] as Task].map((task) => task.getName()).join(' -> ');
}

function cut(stack: string[], limit: number | undefined): string[] {
  if (limit === undefined) return stack;
  return limit < 0 ? stack.slice(0, -limit) : stack.slice(Math.max(0, stack.length - limit));
}

function build(
  future: Future<unknown>,
  callStack: string[],
  limit: number | undefined,
  path: ReadonlySet<Future<unknown>>,
): FutureCallGraph {
  const below = new Set(path).add(future);
  const awaitedBy = waitersOf(future).map((waiter) =>
    below.has(waiter)
      ? { future: waiter, callStack: [], awaitedBy: [] }
      : build(waiter, suspendedStack(waiter).reverse(), limit, below),
  );
  return { future, callStack: cut(callStack, limit), awaitedBy };
}

/**
 * The call graph of a future or task: its stack, and upwards everything that waits for it.
 * @param future - the running task by default
 * @returns null when no future is given and no task runs
 * @see asyncio.capture_call_graph
 * @public
 */
export function captureCallGraph(
  future?: AnyFuture | null,
  options: CallGraphOptions = {},
): FutureCallGraph | null {
  checkOptions(options);
  const { depth = 1, limit } = options;
  checkInteger(depth, 'options.depth', 0);
  if (limit !== undefined) checkInteger(limit, 'options.limit');
  const running = currentTask();
  const start = future ?? running;
  if (start === null) return null;
  if (!(start instanceof Future)) throw invalidArgType('future', 'a Future or Task', start);
  const stack =
    start === running
      ? captureStack(kWholeStack)
          .reverse()
          .slice(Math.max(0, depth - 1))
      : suspendedStack(start).reverse();
  return build(start as Future<unknown>, stack, limit, new Set());
}

const ids = new WeakMap<object, number>();
let idCount = 0;

/** A number that tells futures apart in a text. */
function idOf(future: object): string {
  let id = ids.get(future);
  if (id === undefined) {
    idCount += 1;
    id = idCount;
    ids.set(future, id);
  }
  return `0x${id.toString(16)}`;
}

function title(future: Future<unknown>): string {
  const id = idOf(future);
  return future instanceof Task ? `Task(name='${future.getName()}', id=${id})` : `Future(id=${id})`;
}

function nameOf(future: Future<unknown>): string {
  return future instanceof Task ? future.getName() : title(future);
}

function render(graph: FutureCallGraph, path: readonly Future<unknown>[], lines: string[]): void {
  const { future, callStack, awaitedBy } = graph;
  const indent = '    '.repeat(path.length);
  const seenAt = path.indexOf(future);
  if (seenAt >= 0) {
    const cycle = [...path.slice(seenAt), future].reverse().map(nameOf).join(' -> ');
    lines.push(`${indent}* ${title(future)} is in a cycle of waiting: ${cycle}`);
    return;
  }
  lines.push(`${indent}* ${title(future)}`);
  if (callStack.length > 0) lines.push(`${indent}  + Call stack:`);
  for (const entry of callStack) lines.push(`${indent}  |   ${entry}`);
  if (awaitedBy.length > 0) lines.push(`${indent}  + Awaited by:`);
  for (const waiter of awaitedBy) render(waiter, [...path, future], lines);
}

/**
 * captureCallGraph() as a text; empty when there is nothing to show. A cycle of waiting is named.
 * @see asyncio.format_call_graph
 * @public
 */
export function formatCallGraph(future?: AnyFuture | null, options?: CallGraphOptions): string {
  const graph = captureCallGraph(future, options);
  if (graph === null) return '';
  const lines: string[] = [];
  render(graph, [], lines);
  return lines.join('\n');
}

/**
 * Prints formatCallGraph().
 * @param options - `file`: stdout by default
 * @see asyncio.print_call_graph
 * @public
 */
export function printCallGraph(
  future?: AnyFuture | null,
  options: CallGraphOptions & { file?: NodeJS.WritableStream } = {},
): void {
  checkOptions(options);
  const { file = process.stdout } = options;
  checkWritable(file, 'options.file');
  file.write(`${formatCallGraph(future, options)}\n`);
}
