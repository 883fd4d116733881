/** Runs a program of this folder, or a few lines, in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

// Ends a process that hangs, so that its output is shown; far above what any of them needs.
const HANG_MS = 120_000;

async function runNode(args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, args, {
    // Inside the package, where lines given to --eval find it by its own name.
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: HANG_MS,
    killSignal: 'SIGKILL',
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const [code, signal] = await once(child, 'close');
  return { code, signal, ...output };
}

export function runProgram(file: string, ...args: string[]): Promise<Ended> {
  return runNode([fileURLToPath(new URL(file, import.meta.url)), ...args]);
}

/** Runs lines of a module that may import aionode. */
export function runModule(text: string): Promise<Ended> {
  return runNode(['--input-type=module', '--eval', text]);
}
