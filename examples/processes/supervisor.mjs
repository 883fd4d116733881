// @ts-check
/**
 * Keeps a program running: starts it again when it crashes, after a pause that doubles from crash to crash.
 *
 * A child that ran long enough is trusted again: the next pause is short. One that ends with 0 is done. On
 * SIGTERM or SIGINT the child is asked to end, and killed when it does not within the grace period.
 *
 *     node examples/processes/supervisor.mjs [--pause 0.5] [--longest 30] [--grace 5] -- node server.mjs
 */
import { parseArgs } from 'node:util';
import {
  createSubprocessExec,
  Event,
  FIRST_COMPLETED,
  getRunningLoop,
  run,
  TimeoutError,
  wait,
  waitFor,
} from 'aionode';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pause: { type: 'string', default: '0.5' },
    longest: { type: 'string', default: '30' },
    grace: { type: 'string', default: '5' },
  },
});
const [program, ...args] = positionals;
if (program === undefined) throw new Error('usage: supervisor.mjs [options] -- program [args...]');

const [shortest, longest, grace] = [values.pause, values.longest, values.grace].map(Number);
const stop = new Event();

/**
 * True when `stop` is set within that time.
 * @param {number} seconds
 */
async function stopsWithin(seconds) {
  try {
    await waitFor(stop.wait(), seconds);
    return true;
  } catch (error) {
    if (error instanceof TimeoutError) return false;
    throw error;
  }
}

/**
 * Asks the child to end; kills it when it takes too long.
 * @param {import('aionode').Process} child
 */
async function end(child) {
  child.terminate();
  try {
    await waitFor(child.wait(), grace);
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    console.log(`process ${child.pid} did not end within ${grace} s: killed`);
    child.kill();
    await child.wait();
  }
}

/** One life of the child; its return code, or null when it was stopped. */
async function runOnce() {
  // A session of its own: Ctrl+C reaches the supervisor alone, which ends the child in order.
  const child = await createSubprocessExec(/** @type {string} */ (program), args, {
    detached: true,
  });
  console.log(`started process ${child.pid}`);
  const ended = child.wait();
  const loop = getRunningLoop();
  const stopped = loop.createTask(() => stop.wait());
  try {
    await wait([ended, stopped], { returnWhen: FIRST_COMPLETED });
    if (ended.done()) return child.returncode;
    await end(child);
    return null;
  } finally {
    stopped.cancel();
    await child[Symbol.asyncDispose]();
  }
}

await run(async () => {
  const loop = getRunningLoop();
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    loop.addSignalHandler(signal, () => stop.set());
  }
  let pause = shortest;
  while (!stop.isSet()) {
    const started = loop.time();
    const code = await runOnce();
    if (code === null || code === 0) break;
    if (loop.time() - started > longest) pause = shortest;
    console.log(`it ended with ${code}: again in ${pause} s`);
    if (await stopsWithin(pause)) break;
    pause = Math.min(pause * 2, longest);
  }
  console.log('done');
});
