// What `aionode ps` and `aionode pstree` print: the tasks of this thread, equal ones together.
// Floor 10.
import { describeCycle, findCycle, waitersOf } from './graph.ts';
import { runningLoops } from './running.ts';
import { describeKind, suspendedStack } from './stacks.ts';
import type { Task } from './tasks.ts';

/** How many names of a group are said. */
const kNames = 3;
/** Chains of tasks that wait for each other may be long: what is deeper is only counted. */
const kDepth = 40;

interface TaskInfo {
  readonly name: string;
  /** Equal for tasks that are at the same place. */
  readonly stack: string;
  readonly waiters: TaskInfo[];
  readonly awaited: TaskInfo[];
}

/** Names are cut here: the table is as wide as the longest. */
const kLongestName = 100;

/** Control characters in names, those that turn the direction of text too, would act on the terminal. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '?');
}

function nameOf(task: Task): string {
  const name = task.getName();
  return plain(name.length <= kLongestName ? name : `${name.slice(0, kLongestName - 3)}...`);
}

function pendingTasks(): Task[] {
  return runningLoops().flatMap((loop) => [...loop.tasks] as Task[]);
}

function collect(tasks: Task[]): TaskInfo[] {
  const infos = new Map<object, TaskInfo>();
  for (const task of tasks) {
    const stack = suspendedStack(task as never, describeKind).join(' > ');
    infos.set(task, { name: nameOf(task), stack: plain(stack), waiters: [], awaited: [] });
  }
  for (const [task, info] of infos) {
    for (const waiter of waitersOf(task as never)) {
      const other = infos.get(waiter);
      if (other === undefined) continue;
      info.waiters.push(other);
      other.awaited.push(info);
    }
  }
  return [...infos.values()];
}

function grouped<T>(items: Iterable<T>, keyOf: (item: T) => unknown): T[][] {
  const groups = new Map<unknown, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

function names(tasks: readonly TaskInfo[]): string {
  const distinct = [...new Set(tasks.map(({ name }) => name))];
  if (distinct.length <= kNames) return distinct.join(', ');
  return `${distinct.slice(0, kNames - 1).join(', ')} ... ${distinct.at(-1)}`;
}

function heading(count: number): string {
  return `process ${process.pid}: ${count} ${count === 1 ? 'task' : 'tasks'}`;
}

/** A table of the tasks; those with the same stack, awaited from the same place, share a row. @internal */
export function taskTable(): string {
  const tasks = pendingTasks();
  const rows = [['COUNT', 'TASKS', 'AWAITED BY', 'STACK']];
  const places = (waiters: TaskInfo[]) => [...new Set(waiters.map(({ stack }) => stack))].sort();
  const keyOf = ({ stack, waiters }: TaskInfo) => JSON.stringify([stack, places(waiters)]);
  for (const group of grouped(collect(tasks), keyOf)) {
    const awaitedBy = names(group.flatMap(({ waiters }) => waiters));
    const { stack } = group[0] as TaskInfo;
    rows.push([String(group.length), names(group), awaitedBy || '-', stack]);
  }
  const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => (row[i] as string).length)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) =>
        i === 0 ? cell.padStart(widths[0] as number) : cell.padEnd(widths[i] ?? 0),
      )
      .join('  '),
  );
  const cycle = findCycle(tasks);
  if (cycle !== null) lines.push(`wait cycle: ${plain(describeCycle(cycle))}`);
  return [heading(tasks.length), ...lines].join('\n');
}

/** A number for each task, equal for tasks whose trees are equal but for the names. */
function shapes(tasks: TaskInfo[]): Map<TaskInfo, number> {
  const numbers = new Map<string, number>();
  const shapeOf = new Map<TaskInfo, number>();
  const missing = new Map(tasks.map((task) => [task, task.awaited.length]));
  const ready = tasks.filter(({ awaited }) => awaited.length === 0);
  for (let task = ready.pop(); task !== undefined; task = ready.pop()) {
    const below = new Set(task.awaited.map((other) => shapeOf.get(other) as number));
    const key = JSON.stringify([task.stack, [...below].sort((a, b) => a - b)]);
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    shapeOf.set(task, number);
    for (const waiter of task.waiters) {
      const left = (missing.get(waiter) as number) - 1;
      missing.set(waiter, left);
      if (left === 0) ready.push(waiter);
    }
  }
  return shapeOf;
}

class Tree {
  readonly lines: string[] = [];
  readonly #shapes: Map<TaskInfo, number>;
  readonly #shown = new Set<TaskInfo>();

  constructor(tasks: TaskInfo[]) {
    this.#shapes = shapes(tasks);
  }

  add(tasks: Iterable<TaskInfo>, prefix: string, depth: number): void {
    const groups = grouped(tasks, (task) => `${this.#shapes.get(task)} ${this.#shown.has(task)}`);
    groups.forEach((group, i) => {
      const isLast = i === groups.length - 1;
      this.#addGroup(
        group,
        `${prefix}${isLast ? '└── ' : '├── '}`,
        `${prefix}${isLast ? '    ' : '│   '}`,
        depth,
      );
    });
  }

  #addGroup(group: TaskInfo[], first: string, rest: string, depth: number): void {
    const count = group.length === 1 ? '' : ` (${group.length} tasks)`;
    const { stack } = group[0] as TaskInfo;
    const awaited = new Set(group.flatMap((task) => task.awaited));
    const again = awaited.size > 0 && this.#shown.has(group[0] as TaskInfo);
    this.lines.push(`${first}(T) ${names(group)}${count}: ${stack}${again ? ' (see above)' : ''}`);
    for (const task of group) this.#shown.add(task);
    if (again || awaited.size === 0) return;
    if (depth < kDepth) this.add(awaited, rest, depth + 1);
    else this.lines.push(`${rest}└── ... more tasks below`);
  }
}

/** Who waits for whom, from those that nobody waits for down. Throws when that is no tree. @internal */
export function taskTree(): string {
  const tasks = pendingTasks();
  const cycle = findCycle(tasks);
  if (cycle !== null) {
    throw new Error(
      `the tasks wait for each other in a cycle, which is no tree: ${plain(describeCycle(cycle))}`,
    );
  }
  const infos = collect(tasks);
  const tree = new Tree(infos);
  tree.add(
    infos.filter(({ waiters }) => waiters.length === 0),
    '',
    1,
  );
  return [heading(tasks.length), ...tree.lines].join('\n');
}
