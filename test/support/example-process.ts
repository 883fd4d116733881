/** Runs programs of examples/ in child processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import path from 'node:path';

export const ROOT = path.dirname(createRequire(import.meta.url).resolve('aionode/package.json'));
export const EXAMPLES = path.join(ROOT, 'examples');

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export class Program {
  readonly ended: Promise<Outcome>;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';

  constructor(command: string, ...args: string[]) {
    this.#child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.ended = once(this.#child, 'close').then(([code, signal]) => ({
      code,
      signal,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
    // Whoever needs the end awaits `ended`; a program that could not be started fails that await.
    this.ended.catch(() => {});
  }

  static example(name: string, ...args: string[]): Program {
    return new Program(process.execPath, path.join(EXAMPLES, `${name}.mjs`), ...args);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until standard output matches; fails if the program ends before. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    let over = false;
    const end = this.ended.then(() => {
      over = true;
    });
    for (;;) {
      const match = pattern.exec(this.#stdout);
      if (match !== null) return match;
      if (over) throw new Error(`ended without ${pattern}: ${this.#stdout}${this.#stderr}`);
      await Promise.race([once(this.#child.stdout as NodeJS.ReadableStream, 'data'), end]);
    }
  }
}
