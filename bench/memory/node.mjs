// What comes closest with Node's own means.
import { serve } from '../harness/serve.mjs';
import { benchmarksOf } from './common.mjs';

const FAR_MS = 3_600_000;

function ignore() {}

async function sleeper() {
  await new Promise((resolve) => setTimeout(resolve, FAR_MS));
}

async function startSleepers(count) {
  for (let i = 0; i < count; i++) sleeper();
}

const start = (body) => new Promise((resolve) => setImmediate(() => resolve(body())));

async function cancelTimers(delays, handles, count) {
  for (let i = 0; i < count; i++) handles[i] = setTimeout(ignore, delays[i] * 1000);
  for (let i = 0; i < count; i++) clearTimeout(handles[i]);
  handles.fill(null);
  await new Promise(setImmediate);
}

await serve(benchmarksOf({ start, startSleepers, cancelTimers }));
