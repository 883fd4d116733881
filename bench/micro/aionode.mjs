// The benchmarks of the micro suite for aionode; micro.py has the same for Python, step by step.
import { createTask, gather, getRunningLoop, Queue, run, sleep, ThreadPoolExecutor } from 'aionode';
import { randomDelays, rates, serve } from '../harness/serve.mjs';
import { lockBatches } from './aionode-locks.mjs';
import { twoPlayers } from './aionode-players.mjs';

const TIMERS = 1_000_000;

/** @type {ThreadPoolExecutor | undefined} */
let pool;

async function nothing() {}

function ignore() {}

function settle(future) {
  future.setResult(null);
}

async function sleeper(count) {
  for (let i = 0; i < count; i++) await sleep(0);
}

async function throughQueue(maxsize, count) {
  const queue = new Queue(maxsize);
  const producer = createTask(async () => {
    for (let i = 0; i < count; i++) await queue.put(i);
  });
  const consumer = createTask(async () => {
    for (let i = 0; i < count; i++) await queue.get();
  });
  await producer;
  await consumer;
  return count;
}

async function playFuture(own, other, count) {
  const loop = getRunningLoop();
  for (let i = 0; i < count; i++) {
    await own.future;
    own.future = loop.createFuture();
    other.future.setResult(null);
  }
}

const batches = {
  // Operation: a sleep.
  async 'sleep(0), 1 task'() {
    await sleeper(20_000);
    return 20_000;
  },

  async 'sleep(0), 1,000 tasks'() {
    const tasks = [];
    for (let i = 0; i < 1_000; i++) tasks.push(createTask(() => sleeper(100)));
    for (const task of tasks) await task;
    return 100_000;
  },

  // Operation: a callback, which adds the next one.
  async 'callSoon chain'() {
    const loop = getRunningLoop();
    const done = loop.createFuture();
    let left = 50_000;
    function next() {
      left--;
      if (left === 0) done.setResult(null);
      else loop.callSoon(next);
    }
    loop.callSoon(next);
    await done;
    return 50_000;
  },

  // Operation: a task; one after the other.
  async 'create + await, 100k'() {
    for (let i = 0; i < 100_000; i++) await createTask(nothing);
    return 100_000;
  },

  // Operation: a task; all are created before the first is awaited.
  async 'create 100k, await all'() {
    const tasks = [];
    for (let i = 0; i < 100_000; i++) tasks.push(createTask(nothing));
    for (const task of tasks) await task;
    return 100_000;
  },

  // Operation: a child that has run; each is a function of its own.
  async 'gather 10k'() {
    const children = [];
    let ran = 0;
    for (let i = 0; i < 10_000; i++) {
      children.push(async () => {
        ran++;
      });
    }
    await gather(...children);
    return ran;
  },

  // Operation: an item that goes from one task to another.
  'queue, maxsize 1': () => throughQueue(1, 20_000),
  'queue, unbounded': () => throughQueue(0, 50_000),

  // Operation: a future that one task sets and the other waits for.
  'futures to and fro'() {
    const loop = getRunningLoop();
    const first = { future: loop.createFuture() };
    first.future.setResult(null);
    return twoPlayers(playFuture, first, { future: loop.createFuture() }, 10_000);
  },

  // Operation: an await.
  async 'await, done'() {
    const future = getRunningLoop().createFuture();
    future.setResult(null);
    for (let i = 0; i < 100_000; i++) await future;
    return 100_000;
  },

  // The same await as in 'await, done', to stand beside Node's of a bare thenable.
  async 'await, thenable'() {
    const future = getRunningLoop().createFuture();
    future.setResult(null);
    for (let i = 0; i < 100_000; i++) await future;
    return 100_000;
  },

  async 'await, pending'() {
    const loop = getRunningLoop();
    for (let i = 0; i < 50_000; i++) {
      const future = loop.createFuture();
      loop.callSoon(settle, future);
      await future;
    }
    return 50_000;
  },

  async 'await, async call'() {
    for (let i = 0; i < 100_000; i++) await nothing();
    return 100_000;
  },

  // Operation: a call of an empty function in a worker; the pool stays up, as that of one run() would.
  async 'thread round trip'() {
    const loop = getRunningLoop();
    pool ??= new ThreadPoolExecutor({ maxWorkers: 1 });
    for (let i = 0; i < 2_000; i++) await loop.runInExecutor(pool, nothing);
    return 2_000;
  },

  ...lockBatches,
};

// The pass of the loop after the cancelling is timed with it: some loops tidy up then.
async function timers() {
  const loop = getRunningLoop();
  const delays = randomDelays(TIMERS);
  const handles = new Array(TIMERS);
  const start = performance.now();
  for (let i = 0; i < TIMERS; i++) handles[i] = loop.callLater(delays[i], ignore);
  const armed = performance.now();
  for (let i = 0; i < TIMERS; i++) handles[i].cancel();
  await sleep(0);
  const cancelled = performance.now();
  return {
    'timers, arm 1M': { rate: TIMERS / (armed - start) },
    'timers, cancel 1M': { rate: TIMERS / (cancelled - armed) },
  };
}

await serve({ ...rates(batches), timers }, run);
