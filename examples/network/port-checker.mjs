// @ts-check
/**
 * Tells which TCP ports of a host are open.
 *
 *   node examples/network/port-checker.mjs [host] [first-last] [at a time] [seconds each]
 *   node examples/network/port-checker.mjs localhost 1-1024 200 0.5
 *
 * One task for each port; a semaphore bounds how many connect at a time, a timeout how long one may
 * take. A port that refuses is closed; one that does not answer counts as filtered.
 */
import {
  gather,
  iscancelled,
  openConnection,
  run,
  Semaphore,
  TimeoutError,
  timeout,
} from 'aionode';

const [host = '127.0.0.1', range = '1-1024', atATime = '200', seconds = '1'] =
  process.argv.slice(2);

/** @param {number} port @returns {Promise<'open' | 'closed' | 'filtered'>} */
async function check(port) {
  try {
    const [, writer] = await timeout(Number(seconds), () => openConnection(host, port));
    writer.abort();
    return 'open';
  } catch (error) {
    if (iscancelled(error)) throw error;
    return error instanceof TimeoutError ? 'filtered' : 'closed';
  }
}

async function main() {
  const [first, last = first] = range.split('-').map(Number);
  if (!first || !last || last < first || last > 65535) throw new RangeError(`no ports: ${range}`);
  const slots = new Semaphore(Number(atATime));
  const ports = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const states = await gather(...ports.map((port) => () => slots.with(() => check(port))));

  const count = (/** @type {string} */ state) => states.filter((one) => one === state).length;
  ports.forEach((port, i) => {
    if (states[i] !== 'closed') console.log(`${host}:${port} ${states[i]}`);
  });
  console.log(`${count('open')} open, ${count('closed')} closed, ${count('filtered')} filtered`);
}

await run(main).catch((error) => {
  if (error.code !== 'SIGINT') throw error;
  process.exitCode = 130;
});
