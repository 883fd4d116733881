// What an operation of each benchmark is, is said here; processes.py and node.mjs do the same.
import { createSubprocessExec, DEVNULL, gather, PIPE, run } from 'aionode';
import { rates, serve } from '../harness/serve.mjs';

const MEBIBYTE = 1 << 20;
const SOURCE_MIB = 64;
const CHUNK = Buffer.alloc(64 * 1024);

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
  // Operation: a process from its start to its end.
  async 'true, one by one'() {
    for (let i = 0; i < 20; i++) await start();
    return 20;
  },

  async 'true, 8 at a time'() {
    let left = 40;
    const starter = async () => {
      while (left-- > 0) await start();
    };
    await gather(...new Array(8).fill(starter));
    return 40;
  },

  // Operation: a MiB that a child writes and we read.
  async 'read from a child'() {
    const size = SOURCE_MIB * MEBIBYTE;
    const child = await createSubprocessExec('/usr/bin/head', ['-c', `${size}`, '/dev/zero'], {
      stdin: DEVNULL,
      stdout: PIPE,
    });
    const read = await readAll(child.stdout);
    await child.wait();
    return read;
  },

  // Operation: a MiB that goes into cat and comes back.
  async 'through cat'() {
    const child = await createSubprocessExec('/bin/cat', [], { stdin: PIPE, stdout: PIPE });
    const feed = async () => {
      for (let sent = 0; sent < SOURCE_MIB * MEBIBYTE; sent += CHUNK.length) {
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
