// Runs one program on the thread's loop and returns its trace, as oracle/oracle.py does.
import * as aionode from 'aionode';
import { describe } from './describe.js';
import { Interpreter } from './interpreter.js';
import { isTimed, type Steps } from './program.js';

// A program without timers that has not ended after so many passes is stuck.
const PASS_LIMIT = 200;
// Ends a program with timers that hangs; far above what any of them needs.
const HANG_MS = 20_000;
const CLEAN_UP_ROUNDS = 10;
// Reports that the garbage collector makes have no place in the order of events.
const UNORDERED = ['never retrieved', 'destroyed'];

/** `unit`: how many real seconds a second of the program is. */
export async function runProgram(program: Steps, unit: number): Promise<string[]> {
  const run = new Run(!isTimed(program), unit);
  await run.execute(program);
  return run.trace;
}

class Run {
  readonly trace: string[] = [];
  readonly #loop = aionode.getEventLoop();
  readonly #interpreter: Interpreter;
  #countsPasses: boolean;
  #passes = 0;
  #isOpen = true;

  constructor(countsPasses: boolean, unit: number) {
    this.#countsPasses = countsPasses;
    this.#interpreter = new Interpreter(this.#loop, this.#log, unit);
  }

  async execute(program: Steps): Promise<void> {
    const handlerBefore = this.#loop.getExceptionHandler();
    this.#loop.setExceptionHandler((_, context) => this.#report(context));
    let main: aionode.Task | undefined;
    await new Promise<void>((resolve) => {
      const end = () => {
        this.#end(main as aionode.Task);
        resolve();
      };
      if (this.#countsPasses) this.#loop.callSoon(() => this.#nextPass(end));
      main = aionode.createTask(() => this.#interpreter.body(program), { name: 'main' });
      const watchdog = setTimeout(end, HANG_MS);
      main.addDoneCallback(() => {
        clearTimeout(watchdog);
        if (this.#isOpen) end();
      });
    });
    await this.#cleanUp([main as unknown as aionode.Task, ...this.#interpreter.tasks]);
    this.#loop.setExceptionHandler(handlerBefore);
  }

  #log = (text: string): void => {
    if (this.#isOpen) this.trace.push(this.#countsPasses ? `${this.#passes} ${text}` : text);
  };

  #end(main: aionode.Task): void {
    this.#countsPasses = false;
    this.#log(this.#outcome(main));
    this.#isOpen = false;
  }

  #outcome(main: aionode.Task): string {
    if (!main.done()) {
      const pending = this.#interpreter.tasks.filter((task) => !task.done());
      return ['stuck', ...pending.map((task) => task.getName())].join(' ');
    }
    if (main.cancelled()) return 'main cancelled';
    const error = main.exception();
    if (error !== null) return `main raised ${describe(error)}`;
    return `main returned ${describe(main.result())}`;
  }

  #nextPass(end: () => void): void {
    this.#passes += 1;
    if (this.#passes === PASS_LIMIT) end();
    else if (this.#isOpen) this.#loop.callSoon(() => this.#nextPass(end));
  }

  #report({ message, exception }: aionode.ExceptionContext): void {
    if (UNORDERED.some((text) => message.includes(text))) return;
    this.#log(`handler ${describe(exception)}`);
  }

  async #cleanUp(tasks: readonly aionode.Task[]): Promise<void> {
    for (let round = 0; round < CLEAN_UP_ROUNDS; round++) {
      for (const task of tasks) task.cancel();
      await new Promise<void>((resolve) => {
        this.#loop.callSoon(resolve);
      });
    }
    for (const future of [...tasks, ...this.#interpreter.futures()]) {
      if (future.done() && !future.cancelled()) future.exception();
    }
  }
}
