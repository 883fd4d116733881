/** What the tests of child processes share. */
import { readdirSync } from 'node:fs';
import { createSubprocessExec, PIPE, type Process } from 'aionode';
import { roundsUntil } from './net.js';

/** Most children are programs of POSIX: sh, cat, sleep, true. */
export const NEEDS_POSIX: { skip?: string } =
  process.platform === 'win32' ? { skip: 'the children are programs of POSIX' } : {};

export const NEEDS_PROC: { skip?: string } =
  process.platform === 'linux' ? {} : { skip: 'counts by means of /proc' };

/** A child that runs until it is ended. */
export const forever = () => createSubprocessExec('sleep', ['1000']);

/** A child that says 'ready' and then runs until it is ended. */
export async function readyThen(script: string): Promise<Process<{ stdout: typeof PIPE }>> {
  const child = await createSubprocessExec('sh', ['-c', `echo ready; ${script}`], { stdout: PIPE });
  await child.stdout.readline();
  return child;
}

/** Neither running nor a zombie. */
export function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

export async function untilGone(pid: number): Promise<void> {
  await roundsUntil(() => isGone(pid), `process ${pid}`);
}

export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** What a program prints. */
export async function outputOf(program: string, args: string[], options = {}): Promise<string> {
  const child = await createSubprocessExec(program, args, { ...options, stdout: PIPE });
  const [output] = await child.communicate();
  return output.toString();
}
