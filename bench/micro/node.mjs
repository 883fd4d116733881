// What comes closest with Node's own means. A step that lets the loop turn is a setImmediate; the
// hand-overs and awaits are promises only, which let no I/O run in between.
import { Worker } from 'node:worker_threads';
import { randomDelays, rates, serve } from '../harness/serve.mjs';

const TIMERS = 1_000_000;

async function nothing() {}

function ignore() {}

const turn = () => new Promise(setImmediate);

async function sleeper(count) {
  for (let i = 0; i < count; i++) await turn();
}

/** An async function that begins in the next turn, as a task does. */
const task = (body) => new Promise((resolve) => setImmediate(() => resolve(body())));

function newDeferred() {
  const deferred = {};
  deferred.promise = new Promise((resolve) => {
    deferred.resolve = resolve;
  });
  return deferred;
}

let worker;
let answered;

function throughWorker() {
  if (worker === undefined) {
    const source = `const { parentPort } = require('node:worker_threads');
      parentPort.on('message', (message) => parentPort.postMessage(message));`;
    worker = new Worker(source, { eval: true });
    worker.on('message', (message) => answered(message));
  }
  return new Promise((resolve) => {
    answered = resolve;
    worker.postMessage(null);
  });
}

async function play(own, other, count) {
  for (let i = 0; i < count; i++) {
    await own.deferred.promise;
    own.deferred = newDeferred();
    other.deferred.resolve();
  }
}

const batches = {
  async 'sleep(0), 1 task'() {
    await sleeper(20_000);
    return 20_000;
  },

  async 'sleep(0), 1,000 tasks'() {
    const tasks = [];
    for (let i = 0; i < 1_000; i++) tasks.push(task(() => sleeper(100)));
    await Promise.all(tasks);
    return 100_000;
  },

  async 'callSoon chain'() {
    let left = 50_000;
    await new Promise((resolve) => {
      function next() {
        left--;
        if (left === 0) resolve();
        else setImmediate(next);
      }
      setImmediate(next);
    });
    return 50_000;
  },

  async 'create + await, 100k'() {
    for (let i = 0; i < 100_000; i++) await task(nothing);
    return 100_000;
  },

  async 'create 100k, await all'() {
    const tasks = [];
    for (let i = 0; i < 100_000; i++) tasks.push(task(nothing));
    for (const each of tasks) await each;
    return 100_000;
  },

  async 'gather 10k'() {
    const children = [];
    let ran = 0;
    for (let i = 0; i < 10_000; i++) {
      children.push(
        task(async () => {
          ran++;
        }),
      );
    }
    await Promise.all(children);
    return ran;
  },

  async 'futures to and fro'() {
    const first = { deferred: newDeferred() };
    const second = { deferred: newDeferred() };
    first.deferred.resolve();
    await Promise.all([play(first, second, 10_000), play(second, first, 10_000)]);
    return 20_000;
  },

  async 'await, done'() {
    const promise = Promise.resolve();
    for (let i = 0; i < 100_000; i++) await promise;
    return 100_000;
  },

  // The floor under 'await, done': V8's own price of awaiting what is no native promise.
  async 'await, thenable'() {
    const thenable = {
      then(resolve) {
        resolve(null);
      },
    };
    for (let i = 0; i < 100_000; i++) await thenable;
    return 100_000;
  },

  async 'await, pending'() {
    for (let i = 0; i < 50_000; i++) await new Promise(queueMicrotask);
    return 50_000;
  },

  // A message to a worker and back.
  async 'thread round trip'() {
    for (let i = 0; i < 2_000; i++) await throughWorker();
    return 2_000;
  },

  async 'await, async call'() {
    for (let i = 0; i < 100_000; i++) await nothing();
    return 100_000;
  },
};

async function timers() {
  const delays = randomDelays(TIMERS).map((seconds) => seconds * 1000);
  const handles = new Array(TIMERS);
  const start = performance.now();
  for (let i = 0; i < TIMERS; i++) handles[i] = setTimeout(ignore, delays[i]);
  const armed = performance.now();
  for (let i = 0; i < TIMERS; i++) clearTimeout(handles[i]);
  await turn();
  const cancelled = performance.now();
  return {
    'timers, arm 1M': { rate: TIMERS / (armed - start) },
    'timers, cancel 1M': { rate: TIMERS / (cancelled - armed) },
  };
}

await serve({ ...rates(batches), timers });
