/**
 * Many workers with aionode in every state, each ending in another way at another moment, while the
 * main thread runs tasks too; started with the seed of the moments and the name of the last act.
 */

import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { EXIT_CODE, STATES } from './scenario.js';
import { enter } from './states.js';

const ENDINGS = ['release', 'process.exit', 'terminate when ready', 'terminate at once'] as const;

interface Member {
  state: (typeof STATES)[number];
  ending: (typeof ENDINGS)[number];
}

async function live({ state, ending }: Member): Promise<void> {
  const held = await enter(state);
  parentPort?.postMessage('ready');
  if (ending === 'process.exit') process.exit(EXIT_CODE);
  if (ending === 'release') await held.release();
  // The listener keeps the worker alive until it is terminated.
  else parentPort?.on('message', () => {});
}

async function launch(member: Member, turns: number): Promise<string> {
  const worker = new Worker(new URL(import.meta.url), { workerData: member });
  const exited = once(worker, 'exit');
  if (member.ending === 'terminate at once') {
    await once(worker, 'online');
    // Turns and no time; in powers of two, so that on any machine some fall into the imports and some
    // into the state that the worker has entered.
    for (let turn = 0; turn < turns; turn++) await setImmediate();
    worker.terminate();
  } else {
    await once(worker, 'message');
    if (member.ending === 'terminate when ready') worker.terminate();
  }
  const [code] = await exited;
  return `${member.state}, ${member.ending}: ${code}`;
}

async function main(seed: number, lastAct: string): Promise<void> {
  const held = await enter('busy tasks');
  const members = STATES.flatMap((state) => ENDINGS.map((ending) => ({ state, ending })));
  const ends = members.map((member, index) => launch(member, 2 ** ((seed * 5 + index) % 13)));
  if (lastAct === 'exit') {
    await Promise.race(ends);
    process.exit(EXIT_CODE);
  }
  const lines = await Promise.all(ends);
  await held.use();
  await held.release();
  writeSync(1, `${lines.join('\n')}\n`);
}

await (isMainThread
  ? main(Number(process.argv[2]), process.argv[3] as string)
  : live(workerData as Member));
