// @ts-check
/** Server and clients in one process: a load for a few seconds, then the summary. */
import { createTask, gather, getRunningLoop, sleep } from 'aionode';
import { impatientClient, slowClient, steadyClient } from './clients.mjs';
import { showProgress } from './display.mjs';
import { Service } from './service.mjs';
import { summaryOf } from './summary.mjs';
import { Tally } from './tally.mjs';

/** One client in this many is slow, and one is impatient. */
const ODD_CLIENT_SHARE = 20;
const AT_A_TIME = 20;
const START_PAUSE = 0.001;

/**
 * Starts clients, a few at a time: the server accepts them meanwhile.
 *
 * @param {number} clients
 * @param {(target: import('./clients.mjs').Target) => Promise<void>} client
 * @param {import('./clients.mjs').Target} target
 * @param {import('aionode').Task[]} tasks  gets each client's task as soon as it is made
 */
async function startClients(clients, client, target, tasks) {
  for (let i = 1; i <= clients; i++) {
    tasks.push(target.tally.watch(createTask(() => client(target), { name: client.name })));
    if (i % AT_A_TIME === 0) await sleep(START_PAUSE);
  }
}

/** @param {import('aionode').Task[]} tasks */
async function cancelAll(tasks) {
  for (const task of tasks) task.cancel();
  await gather(...tasks, { returnExceptions: true });
}

/**
 * @param {import('./options.mjs').Options} options
 * @param {import('./display.mjs').Output} out
 * @returns {Promise<number>} how many failures there were
 */
export async function runLoad({ clients, workers, seconds, patience, host }, out) {
  const loop = getRunningLoop();
  const tally = new Tally();
  const service = new Service({ workers, patience }, tally);
  /** @type {import('aionode').Task[]} these end by themselves */
  const busy = [];
  /** @type {import('aionode').Task[]} these have to be stopped */
  const endless = [];
  try {
    const port = await service.listen(host, 0);
    const title = `${clients} clients, ${workers} workers, ${host}:${port}`;
    if (!out.isTTY) out.write(`${title}\n`);
    const view = { title, seconds, tally, service };
    endless.push(tally.watch(createTask(() => showProgress(view, out), { name: 'display' })));

    const start = loop.time();
    const target = { host, port, end: start + seconds, tally };
    const few = Math.ceil(clients / ODD_CLIENT_SHARE);
    await startClients(few, slowClient, target, endless);
    await startClients(few, impatientClient, target, busy);
    await startClients(clients - 2 * few, steadyClient, target, busy);
    await gather(...busy, { returnExceptions: true });
    const elapsed = loop.time() - start;

    await cancelAll(endless);
    await service.finish();
    const unexplained = tally.drops - tally.timeouts;
    if (unexplained > 0) tally.errors.push(new Error(`${unexplained} connections were lost`));
    out.write(`${summaryOf(tally, elapsed).join('\n')}\n`);
  } finally {
    await cancelAll([...busy, ...endless]);
    await service.stop();
  }
  return tally.errors.length;
}
