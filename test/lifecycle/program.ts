/**
 * Ends in one of the ways of a lifecycle test; started with a Scenario as JSON.
 *
 * The thread that ends is a worker unless the scenario says 'main'. The main thread imports aionode
 * only where the scenario says so: an addon that a worker alone has loaded is unloaded with it.
 */
import { writeSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { EXIT_CODE, type Scenario } from './scenario.js';

const scenario: Scenario = isMainThread ? JSON.parse(process.argv[2] as string) : workerData;
// Written at once: process.exit() drops what process.stdout still holds.
const say = (line: string) => writeSync(1, `${line}\n`);

async function enter() {
  const states = await import('./states.js');
  return states.enter(scenario.state);
}

async function end(): Promise<void> {
  const held = await enter();
  switch (scenario.ending) {
    case 'return':
      await held.release();
      return;
    case 'process.exit':
      process.exit(EXIT_CODE);
      break;
    case 'uncaught throw':
      setImmediate(() => {
        throw new Error('boom');
      });
      return;
    case 'terminate':
      if (parentPort === null) process.kill(process.pid, 'SIGTERM');
      // The listener keeps the worker alive until it is terminated.
      parentPort?.on('message', () => {}).postMessage('ready');
  }
}

async function watchWorkerEnd(): Promise<void> {
  const held = scenario.place === 'main and worker' ? await enter() : undefined;
  const worker = new Worker(new URL(import.meta.url), { workerData: scenario });
  worker.on('message', () => worker.terminate());
  worker.on('error', (error) => say(`worker error: ${error.message}`));
  worker.on('exit', async (code) => {
    say(`worker exit: ${code}`);
    await held?.use();
    await held?.release();
  });
}

await (isMainThread && scenario.place !== 'main' ? watchWorkerEnd() : end());
