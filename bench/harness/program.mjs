import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { reasonOf } from './reason.mjs';

const STDERR_KEPT = 2_000;
const ANSWER_TIMEOUT_MS = 120_000;

const running = new Set();

// A benchmark that is interrupted must not leave servers behind.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => process.exit(1));
}

/** A child process that is driven by lines: it answers on stdout what is written to its stdin. */
export class Program {
  #child;
  #lines;
  #stderr = '';
  #exited;

  /** `core` pins it to one core; null leaves it to the system. */
  constructor([command, ...args], { core = null, cwd } = {}) {
    const [file, ...rest] =
      core === null ? [command, ...args] : ['taskset', '-c', String(core), command, ...args];
    this.#child = spawn(file, rest, { cwd, stdio: 'pipe' });
    running.add(this.#child);
    const output = new PassThrough();
    this.#child.stdout.pipe(output);
    this.#lines = createInterface({ input: output })[Symbol.asyncIterator]();
    this.#child.stderr.on('data', (data) => {
      this.#stderr = (this.#stderr + data).slice(-STDERR_KEPT);
    });
    // Writing to a program that has ended: its end is reported by the next line().
    this.#child.stdin.on('error', () => {});
    this.#exited = new Promise((resolve) => {
      this.#child.on('error', (error) => {
        this.#stderr = error.message;
        output.end();
        resolve();
      });
      this.#child.on('close', resolve);
    }).then(() => running.delete(this.#child));
  }

  get pid() {
    return this.#child.pid;
  }

  send(line) {
    this.#child.stdin.write(`${line}\n`);
  }

  signal(name) {
    this.#child.kill(name);
  }

  async line() {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), ANSWER_TIMEOUT_MS);
    const { value, done } = await this.#lines.next();
    clearTimeout(timer);
    if (!done) return value;
    await this.#exited;
    throw new Error(reasonOf(this.#stderr) || `ended by ${this.#child.signalCode ?? 'itself'}`);
  }

  /** Closes its stdin and waits for its end. */
  async end() {
    this.#child.stdin.end();
    await this.#exited;
  }

  async kill() {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}
