// What an operation of each benchmark is, is said here and in common.mjs; processes.py and node.mjs do
// the same.
import { createSubprocessExec, DEVNULL, gather, PIPE, run } from 'aionode';
import { rates, serve } from '../harness/serve.mjs';
import { CHUNK, MEBIBYTE, SIZE, SOURCE, startBatches } from './common.mjs';

async function start() {
  const child = await createSubprocessExec('/bin/true', [], { stdin: DEVNULL });
  await child.wait();
}

async function readAll(reader) {
  let total = 0;
  for (;;) {
    const chunk = await reader.read(256 * 1024);
    if (chunk.length === 0) return total / MEBIBYTE;
    total += chunk.length;
  }
}

const batches = {
  ...startBatches(start, gather),

  // Operation: a MiB that a child writes and we read.
  async 'read from a child'() {
    const child = await createSubprocessExec(...SOURCE, { stdin: DEVNULL, stdout: PIPE });
    const read = await readAll(child.stdout);
    await child.wait();
    return read;
  },

  // Operation: a MiB that goes into cat and comes back.
  async 'through cat'() {
    const child = await createSubprocessExec('/bin/cat', [], { stdin: PIPE, stdout: PIPE });
    const feed = async () => {
      for (let sent = 0; sent < SIZE; sent += CHUNK.length) {
        child.stdin.write(CHUNK);
        await child.stdin.drain();
      }
      child.stdin.close();
    };
    const [, read] = await gather(feed, () => readAll(child.stdout));
    await child.wait();
    return read;
  },
};

await serve(rates(batches), run);
