// node:child_process: events and pipes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rates, serve } from '../harness/serve.mjs';
import { CHUNK, MEBIBYTE, SIZE, SOURCE, startBatches } from './common.mjs';

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

const gather = (...bodies) => Promise.all(bodies.map((body) => body()));

const batches = {
  ...startBatches(start, gather),

  'read from a child': () => readAll(spawn(...SOURCE, { stdio: ['ignore', 'pipe', 'inherit'] })),

  async 'through cat'() {
    const child = spawn('/bin/cat', { stdio: ['pipe', 'pipe', 'inherit'] });
    const feed = async () => {
      for (let sent = 0; sent < SIZE; sent += CHUNK.length) {
        if (!child.stdin.write(CHUNK)) await once(child.stdin, 'drain');
      }
      child.stdin.end();
    };
    const [, read] = await gather(feed, () => readAll(child));
    return read;
  },
};

await serve(rates(batches));
