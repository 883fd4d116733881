// What the Node programs of the sockets suite share.
import { spawn } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const MIB = 256;
export const CLIENTS = 10;
export const ROUND_TRIPS = 200;
export const MESSAGE = Buffer.alloc(1024, 'x');
export const CHUNK = 256 * 1024;

const folder = mkdtempSync(path.join(tmpdir(), 'aio-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit());

export const SOCKET = path.join(folder, 'echo');
export const FILE = path.join(folder, 'file');
const fd = openSync(FILE, 'w');
ftruncateSync(fd, MIB << 20);
closeSync(fd);

let load;

function startLoad() {
  const file = fileURLToPath(new URL('load.mjs', import.meta.url));
  const child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    send: (line) => child.stdin.write(`${line}\n`),
    line: async () => (await lines.next()).value,
  };
}

/** Has the other ends, a process of their own, do what load.mjs says of `command`; `line()` is what they print. */
export function askLoad(command) {
  load ??= startLoad();
  load.send(command);
  return load;
}
