// The benchmarks of the memory suite for aionode.
import { createTask, getRunningLoop, run, sleep } from 'aionode';
import { serve } from '../harness/serve.mjs';
import { benchmarksOf } from './common.mjs';

const FAR = 3_600;

function ignore() {}

async function startSleepers(count) {
  for (let i = 0; i < count; i++) {
    createTask(async () => {
      await sleep(FAR);
    });
  }
  await sleep(0);
}

async function cancelTimers(delays, handles, count) {
  const loop = getRunningLoop();
  for (let i = 0; i < count; i++) handles[i] = loop.callLater(delays[i], ignore);
  for (let i = 0; i < count; i++) handles[i].cancel();
  handles.fill(null);
  await sleep(0);
}

await serve(benchmarksOf({ start: createTask, startSleepers, cancelTimers }), run);
