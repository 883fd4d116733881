// What comes closest with Node's own means; each is run once per process.
import { heldPer } from '../harness/heap.mjs';
import { randomDelays, serve } from '../harness/serve.mjs';

const FAR_MS = 3_600_000;
const AT_ONCE = 1_000;

async function nothing() {}

function ignore() {}

async function sleeper() {
  await new Promise((resolve) => setTimeout(resolve, FAR_MS));
}

const task = (body) => new Promise((resolve) => setImmediate(() => resolve(body())));

async function finishTasks(count) {
  const tasks = new Array(AT_ONCE);
  for (let done = 0; done < count; done += AT_ONCE) {
    for (let i = 0; i < AT_ONCE; i++) tasks[i] = task(nothing);
    for (const each of tasks) await each;
  }
}

async function cancelTimers(delays, handles, count) {
  for (let i = 0; i < count; i++) handles[i] = setTimeout(ignore, delays[i] * 1000);
  for (let i = 0; i < count; i++) clearTimeout(handles[i]);
  handles.fill(null);
  await new Promise(setImmediate);
}

const benchmarks = {
  'per sleeping task': () =>
    heldPer('per sleeping task', 100_000, async (count) => {
      for (let i = 0; i < count; i++) sleeper();
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

await serve(benchmarks);
