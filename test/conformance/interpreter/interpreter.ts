// Runs the steps of a program on aionode. oracle/interpreter.py is its twin on asyncio.
//
// Every name lives in one namespace per program. `await` is the only step at which the interpreter
// itself suspends: the native promises between its own functions settle within the same entry of the
// ready queue, as asyncio's coroutines do.
import * as aionode from 'aionode';
import { describe, UserError } from './describe.js';
import { chain, cleanUp, type Eventual, recover } from './eventual.js';
import {
  type Argument,
  type Clauses,
  isKeywords,
  isStep,
  type Keywords,
  type Operand,
  type Step,
  type Steps,
} from './program.js';

const CAUGHT: Readonly<Record<string, (error: unknown) => boolean>> = {
  cancelled: (error) => error instanceof aionode.CancelledError,
  timeout: (error) => error instanceof aionode.TimeoutError,
  group: (error) => error instanceof aionode.ExceptionGroup,
  error: (error) => !(error instanceof aionode.CancelledError),
  any: () => true,
};
// Functions that take their awaitables as one iterable.
const TAKES_ITERABLE: ReadonlySet<string> = new Set(['wait', 'as_completed']);

/** The outcome of a `return` step. */
class Return {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/** What `def` makes: passed as an argument it is a function, awaited it runs. */
class Coroutine {
  readonly start: () => Promise<unknown>;

  constructor(start: () => Promise<unknown>) {
    this.start = start;
  }
}

type Outcome = Return | undefined;
type Completed = AsyncIterable<unknown> & Iterable<unknown>;
interface AsyncContext {
  with(body: () => Eventual<Outcome>): Promise<Outcome>;
}

export class Interpreter {
  readonly tasks: aionode.Task[] = [];
  readonly #names: Map<string, unknown>;
  readonly #builtins: Readonly<Record<string, (...values: never[]) => unknown>>;
  readonly #blocks: Readonly<Record<string, (...operands: never[]) => Eventual<Outcome>>>;
  readonly #unit: number;

  /** `unit`: how many real seconds a second of the program is. */
  constructor(loop: aionode.EventLoop, log: (text: string) => void, unit: number) {
    this.#unit = unit;
    this.#names = new Map<string, unknown>([['loop', loop]]);
    this.#builtins = {
      log: (...values: unknown[]) => log(values.map(describe).join(' ')),
      plus: (a: number, b: number) => a + b,
      ge: (a: number, b: number) => a >= b,
      value: (value: unknown) => value,
      list: (...values: unknown[]) => values,
      error: (text: string) => new UserError(text),
      bytes: (text: string) => Buffer.from(text.replaceAll('|', '\n')),
      any_of: (...values: unknown[]) => values,
      // Timeout.reschedule() takes a time, programs have delays only.
      reschedule: (scope: aionode.Timeout, delay: number | null) =>
        scope.reschedule(delay === null ? null : loop.time() + delay),
    };
    this.#blocks = {
      task: (name: string, ...rest: Operand[]) => this.#task(name, rest),
      def: (name: string, steps: Steps) =>
        this.#define(name, new Coroutine(() => this.body(steps))),
      callback: (name: string, steps: Steps) => this.#define(name, () => this.#runCallback(steps)),
      return: (item?: Argument) => new Return(this.#value(item)),
      raise: (item: Argument) => {
        throw this.#error(item);
      },
      repeat: (count: number, steps: Steps) =>
        this.#run(Array.from({ length: count }, () => steps).flat()),
      if: (condition: Step, steps: Steps) => (this.#call(condition) ? this.#run(steps) : undefined),
      try: (steps: Steps, clauses: Clauses) => this.#try(steps, clauses),
      with: (name: string, steps: Steps) =>
        (this.#lookup(name) as AsyncContext).with(() => this.#run(steps)),
      timeout: (delay: Argument, name: string, steps: Steps) =>
        aionode.timeout(this.#value(delay) as number | null, (scope) =>
          this.#runWith(name, scope, steps),
        ),
      timeout_at: (delay: Argument, name: string, steps: Steps) =>
        aionode.timeoutAt(loop.time() + (this.#value(delay) as number), (scope) =>
          this.#runWith(name, scope, steps),
        ),
      group: (name: string, steps: Steps) =>
        aionode.TaskGroup.run((group) => this.#runWith(name, group, steps)),
      each_completed: (name: string, ...rest: Operand[]) => this.#eachCompleted(name, rest),
      async_each_completed: (name: string, ...rest: Operand[]) =>
        this.#asyncEachCompleted(name, rest),
    };
  }

  futures(): aionode.Future[] {
    return [...this.#names.values()].filter(aionode.isfuture);
  }

  /** The async function of a task: its result is what the steps return. */
  async body(steps: Steps): Promise<unknown> {
    const outcome = this.#run(steps);
    return (outcome instanceof Promise ? await outcome : outcome)?.value;
  }

  #run(steps: Steps, from = 0): Eventual<Outcome> {
    for (let i = from; i < steps.length; i++) {
      const outcome = this.#step(steps[i] as Step);
      if (outcome instanceof Promise) {
        return chain(outcome, (later) => later ?? this.#run(steps, i + 1));
      }
      if (outcome !== undefined) return outcome;
    }
    return undefined;
  }

  #step(step: Step): Eventual<Outcome> {
    const block = this.#blocks[step[0]];
    return block === undefined ? this.#execute(step) : block(...(step.slice(1) as never[]));
  }

  /** Callbacks and predicates: no blocks, no await. */
  #runCallback(steps: Steps): unknown {
    for (const step of steps) {
      if (step[0] === 'return') return this.#value(step[1] as Argument);
      if (step[0] === 'raise') throw this.#error(step[1] as Argument);
      this.#execute(step);
    }
    return undefined;
  }

  #execute(step: Step): Eventual<undefined> {
    const [target, source] = step[0] === '=' ? [step[1] as string, step[2] as Step] : [null, step];
    if (source[0] === 'await') return this.#await(target, source[1] as Operand);
    const value = this.#call(source);
    if (target !== null) this.#names.set(target, value);
    return undefined;
  }

  async #await(target: string | null, operand: Operand): Promise<undefined> {
    const value = isStep(operand) ? this.#call(operand) : this.#lookup(operand as string);
    const result = await (value instanceof Coroutine ? value.start() : value);
    if (target !== null) this.#names.set(target, result);
  }

  #call(step: Step): unknown {
    const [name, ...operands] = step;
    const values = operands
      .filter((operand) => !isKeywords(operand))
      .map((operand) => this.#value(operand as Argument));
    const builtin = this.#builtins[name];
    if (builtin !== undefined) return builtin(...(values as never[]));
    const keywords = operands.find(isKeywords);
    const args = TAKES_ITERABLE.has(name) ? [values] : values;
    if (keywords !== undefined) args.push(this.#options(keywords));
    const dot = name.lastIndexOf('.');
    const receiver = dot < 0 ? aionode : this.#lookup(name.slice(0, dot));
    const found = attribute(receiver, name.slice(dot + 1));
    if (typeof found !== 'function') return found;
    return isClass(name) ? Reflect.construct(found, args) : Reflect.apply(found, receiver, args);
  }

  #options(keywords: Keywords): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(keywords).map(([key, item]) => [camelCase(key), this.#value(item)]),
    );
  }

  #lookup(name: string): unknown {
    return this.#names.has(name) ? this.#names.get(name) : attribute(aionode, name);
  }

  #value(item: Argument | undefined): unknown {
    if (typeof item !== 'string') return item;
    if (item.startsWith("'")) return item.slice(1);
    if (item.startsWith('@')) return Number(item.slice(1)) * this.#unit;
    const value = this.#lookup(item);
    return value instanceof Coroutine ? value.start : value;
  }

  #error(item: Argument): unknown {
    const value = this.#value(item);
    return typeof value === 'string' ? new UserError(value) : value;
  }

  #define(name: string, value: unknown): undefined {
    this.#names.set(name, value);
  }

  #runWith(name: string, value: unknown, steps: Steps): Eventual<Outcome> {
    this.#names.set(name, value);
    return this.#run(steps);
  }

  #task(name: string, rest: readonly Operand[]): undefined {
    const { in: group, ...keywords } = rest.find(isKeywords) ?? {};
    const steps = rest.at(-1) as Steps;
    const options = { name, ...this.#options(keywords) };
    const start = () => this.body(steps);
    const task =
      group === undefined
        ? aionode.createTask(start, options)
        : (this.#lookup(group as string) as aionode.TaskGroup).createTask(start, options);
    this.#names.set(name, task);
    this.tasks.push(task);
  }

  #try(steps: Steps, clauses: Clauses): Eventual<Outcome> {
    const attempt = () =>
      recover(
        () => this.#run(steps),
        (error) => this.#handle(error, clauses),
      );
    const { finally: last } = clauses;
    return last === undefined ? attempt() : cleanUp(attempt, () => this.#run(last));
  }

  #handle(error: unknown, clauses: Clauses): Eventual<Outcome> {
    const clause = clauses.except?.find(([kind]) => CAUGHT[kind]?.(error));
    if (clause === undefined) throw error;
    const [, name, handler] = clause;
    if (name !== null) this.#names.set(name, error);
    return this.#run(handler);
  }

  /** `for..of`: what is yielded is an awaitable of the next result. */
  async #eachCompleted(name: string, rest: readonly Operand[]): Promise<Outcome> {
    for (const item of this.#completed(rest)) {
      const outcome = await this.#runWith(name, item, rest.at(-1) as Steps);
      if (outcome !== undefined) return outcome;
    }
    return undefined;
  }

  /** `for await`: what is yielded are the futures themselves. */
  async #asyncEachCompleted(name: string, rest: readonly Operand[]): Promise<Outcome> {
    for await (const item of this.#completed(rest)) {
      const outcome = await this.#runWith(name, item, rest.at(-1) as Steps);
      if (outcome !== undefined) return outcome;
    }
    return undefined;
  }

  #completed(rest: readonly Operand[]): Completed {
    return this.#call(['as_completed', ...rest.slice(0, -1)]) as Completed;
  }
}

const isClass = (name: string): boolean => /^[A-Z]/.test(name) && !name.includes('.');

/** asyncio's underscores become humps, and nothing else changes. */
const camelCase = (name: string): string =>
  name.replace(/([a-z])_([a-z])/g, (_, before, after) => before + after.toUpperCase());

function attribute(receiver: unknown, name: string): unknown {
  const key = camelCase(name);
  if (!(key in (receiver as object))) throw new Error(`there is no ${key}`);
  return (receiver as Record<string, unknown>)[key];
}
