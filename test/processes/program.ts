/** A program with a child, for the tests of the ends of processes: argv[2] says how it ends. */

import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { createSubprocessExec, getRunningLoop, newEventLoop, run } from 'aionode';

const [, , how = ''] = process.argv;

const child = (detached = false) => createSubprocessExec('sleep', ['1000'], { detached });

/** Tells the pid once it is written, so that process.exit() does not cut it off. */
async function tell(pid: number): Promise<void> {
  if (parentPort !== null) parentPort.postMessage(pid);
  else await new Promise<void>((resolve) => process.stdout.write(`${pid}\n`, () => resolve()));
}

const endings: Record<string, () => unknown> = {
  async 'run() returns'() {
    await run(async () => tell((await child()).pid));
  },
  async 'the loop is closed'() {
    const loop = newEventLoop();
    const { pid } = await loop.runUntilComplete(async () => child());
    loop.close();
    await tell(pid);
  },
  async 'process.exit()'() {
    await run(async () => {
      await tell((await child()).pid);
      process.exit(0);
    });
  },
  async 'process.exit(), detached'() {
    await run(async () => {
      await tell((await child(true)).pid);
      process.exit(0);
    });
  },
  async 'an uncaught error'() {
    await tell((await child()).pid);
    process.stderr.write = () => true;
    setImmediate(() => {
      throw new Error('uncaught');
    });
  },
  async 'a worker is terminated'() {
    const worker = new Worker(new URL(import.meta.url), { argv: ['in a worker'] });
    worker.on('message', async (pid: number) => {
      await worker.terminate();
      await tell(pid);
    });
  },
  async 'in a worker'() {
    if (isMainThread) throw new Error('only in a worker');
    getRunningLoop();
    await tell((await child()).pid);
  },
};

await endings[how]?.();
