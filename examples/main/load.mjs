// @ts-check
/** Server and clients in one process: a load for a few seconds, then the summary. */
import { createTask, gather, getRunningLoop } from 'aionode';
import { impatientClient, slowClient, steadyClient } from './clients.mjs';
import { showProgress } from './display.mjs';
import { Service } from './service.mjs';
import { summaryOf } from './summary.mjs';
import { Tally } from './tally.mjs';

/** One client in this many is slow, and one is impatient. */
const ODD_CLIENT_SHARE = 20;

/**
 * Those who end by themselves, and those who have to be stopped.
 *
 * @param {number} clients
 * @param {import('./clients.mjs').Target} target
 */
function startClients(clients, target) {
  const start = (/** @type {(target: any) => Promise<void>} */ client) =>
    target.tally.watch(createTask(() => client(target)));
  const few = Math.ceil(clients / ODD_CLIENT_SHARE);
  const slow = Array.from({ length: few }, () => start(slowClient));
  const impatient = Array.from({ length: few }, () => start(impatientClient));
  const steady = Array.from({ length: clients - 2 * few }, () => start(steadyClient));
  return { ending: [...impatient, ...steady], endless: slow };
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
  /** @type {import('aionode').Task[]} */
  const tasks = [];
  try {
    const port = await service.listen(host, 0);
    const title = `${clients} clients, ${workers} workers, ${host}:${port}`;
    if (!out.isTTY) out.write(`${title}\n`);
    const view = { title, seconds, tally, service };
    tasks.push(tally.watch(createTask(() => showProgress(view, out))));

    const start = loop.time();
    const { ending, endless } = startClients(clients, { host, port, end: start + seconds, tally });
    tasks.push(...ending, ...endless);
    await gather(...ending, { returnExceptions: true });
    const elapsed = loop.time() - start;

    await cancelAll(tasks);
    await service.finish();
    const unexplained = tally.drops - tally.timeouts;
    if (unexplained > 0) tally.errors.push(new Error(`${unexplained} connections were lost`));
    out.write(`${summaryOf(tally, elapsed).join('\n')}\n`);
  } finally {
    await cancelAll(tasks);
    await service.stop();
  }
  return tally.errors.length;
}
