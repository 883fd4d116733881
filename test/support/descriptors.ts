/** Sockets that other processes take over as file descriptors. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

const packageRoot = path.dirname(createRequire(import.meta.url).resolve('aionode/package.json'));

/** The descriptor of a socket of Node's. */
export const descriptorOf = (thing: object) => (thing as { _handle: { fd: number } })._handle.fd;

/** Starts `code` in a process that has `fd` as its descriptor 3; gives what it prints. */
export async function withDescriptor(fd: number, code: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: packageRoot,
    stdio: ['ignore', 'pipe', 'inherit', fd],
  });
  const [output] = await Promise.all([text(child.stdout as Readable), once(child, 'exit')]);
  return output;
}
