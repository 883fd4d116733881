// @ts-check
/** The server alone, until a signal stops it. */
import { createTask, getRunningLoop, run } from 'aionode';
import { showProgress } from './display.mjs';
import { Service } from './service.mjs';
import { Tally } from './tally.mjs';

const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM']);

/**
 * @param {import('./options.mjs').Options} options
 * @param {import('./display.mjs').Output} out
 */
async function serveUntilCancelled(options, out) {
  const tally = new Tally();
  const service = new Service(options, tally);
  const port = await service.listen(options.host, options.port ?? 0);
  const { host } = options;
  const title = `serving on ${host}:${port}; talk to it by: nc ${host} ${port}; Ctrl-C stops`;
  if (out.isTTY) createTask(() => showProgress({ title, seconds: null, tally, service }, out));
  else out.write(`${title}\n`);
  try {
    await getRunningLoop().createFuture();
  } finally {
    await service.stop();
    out.write(`stopped after ${tally.connections} connections\n`);
  }
}

/**
 * @param {import('./options.mjs').Options} options
 * @param {import('./display.mjs').Output} out
 */
export async function serve(options, out) {
  try {
    await run(() => serveUntilCancelled(options, out), { signals: SIGNALS });
  } catch (error) {
    if (!SIGNALS.includes(/** @type {any} */ (error).code)) throw error;
  }
}
