// node:child_process: events and pipes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rates, serve } from '../harness/serve.mjs';

const MEBIBYTE = 1 << 20;
const SOURCE_MIB = 64;
const CHUNK = Buffer.alloc(64 * 1024);

async function start() {
  await once(spawn('/bin/true', { stdio: ['ignore', 'inherit', 'inherit'] }), 'exit');
}

async function readAll(child) {
  let total = 0;
  child.stdout.on('data', (chunk) => {
    total += chunk.length;
  });
  await once(child, 'close');
  return total / MEBIBYTE;
}

const batches = {
  async 'true, one by one'() {
    for (let i = 0; i < 20; i++) await start();
    return 20;
  },

  async 'true, 8 at a time'() {
    let left = 40;
    const starter = async () => {
      while (left-- > 0) await start();
    };
    await Promise.all(Array.from({ length: 8 }, starter));
    return 40;
  },

  'read from a child': () =>
    readAll(
      spawn('/usr/bin/head', ['-c', `${SOURCE_MIB * MEBIBYTE}`, '/dev/zero'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    ),

  async 'through cat'() {
    const child = spawn('/bin/cat', { stdio: ['pipe', 'pipe', 'inherit'] });
    const feed = async () => {
      for (let sent = 0; sent < SOURCE_MIB * MEBIBYTE; sent += CHUNK.length) {
        if (!child.stdin.write(CHUNK)) await once(child.stdin, 'drain');
      }
      child.stdin.end();
    };
    const [, read] = await Promise.all([feed(), readAll(child)]);
    return read;
  },
};

await serve(rates(batches));
