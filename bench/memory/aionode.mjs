// The benchmarks of the memory suite for aionode; each is run once per process.
import { createTask, getRunningLoop, run, sleep } from 'aionode';
import { heldPer } from '../harness/heap.mjs';
import { randomDelays, serve } from '../harness/serve.mjs';

const FAR = 3_600;
const AT_ONCE = 1_000;

async function nothing() {}

function ignore() {}

async function finishTasks(count) {
  const tasks = new Array(AT_ONCE);
  for (let done = 0; done < count; done += AT_ONCE) {
    for (let i = 0; i < AT_ONCE; i++) tasks[i] = createTask(nothing);
    for (const task of tasks) await task;
  }
}

async function cancelTimers(delays, handles, count) {
  const loop = getRunningLoop();
  for (let i = 0; i < count; i++) handles[i] = loop.callLater(delays[i], ignore);
  for (let i = 0; i < count; i++) handles[i].cancel();
  handles.fill(null);
  await sleep(0);
}

const benchmarks = {
  'per sleeping task': () =>
    heldPer('per sleeping task', 100_000, async (count) => {
      for (let i = 0; i < count; i++) {
        createTask(async () => {
          await sleep(FAR);
        });
      }
      await sleep(0);
    }),

  async 'per finished task'() {
    await finishTasks(50_000);
    return heldPer('per finished task', 1_000_000, finishTasks);
  },

  async 'per cancelled timer'() {
    const delays = randomDelays(1_000_000);
    const handles = new Array(delays.length).fill(null);
    await cancelTimers(delays, handles, 10_000);
    return heldPer('per cancelled timer', delays.length, (count) =>
      cancelTimers(delays, handles, count),
    );
  },
};

await serve(benchmarks, run);
