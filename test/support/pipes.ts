/** Pipes, as pairs of file descriptors, for the tests of what is made of file descriptors. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;

/** Why there are no pipes to test with; false where there are. */
export const NO_PIPES: string | false =
  process.platform === 'win32' && 'Windows has no pipes that a file descriptor of Node could name';

/** A new empty folder, removed with all it holds when `body` ends. */
export async function inFolder<T>(body: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'aio-'));
  try {
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Both ends of a pipe. Whoever takes an end over has to close it. */
export async function makePipe(): Promise<{ readEnd: number; writeEnd: number }> {
  return inFolder((folder) => {
    const name = path.join(folder, 'pipe');
    execFileSync('mkfifo', [name]);
    const readEnd = openSync(name, O_RDONLY | O_NONBLOCK);
    return { readEnd, writeEnd: openSync(name, O_WRONLY | O_NONBLOCK) };
  });
}

export function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

/** Closes `fd` if nobody has. */
export function closeIfOpen(fd: number): void {
  if (isOpen(fd)) closeSync(fd);
}

/** How many descriptors the process has; undefined where the system does not tell. */
export function descriptorCount(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}
