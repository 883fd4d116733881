// @ts-check
/**
 * gather() over coroutines, functions, tasks and futures.
 *
 * Everything runs side by side; the results stand in the order of the arguments, whatever the
 * order of arrival. The first error is thrown and the others run on, unless returnExceptions puts
 * the errors among the results. Cancelling a gather cancels all of it.
 *
 * Prints arrivals and results.
 */
import { CancelledError, coroutine, createTask, gather, getRunningLoop, run, sleep } from 'aionode';

const arrive = coroutine(
  /**
   * @param {string} name
   * @param {number} delay
   */
  async (name, delay) => {
    await sleep(delay);
    console.log(`${name} arrives`);
    return name;
  },
);

const fail = coroutine(
  /** @param {number} delay */
  async (delay) => {
    await sleep(delay);
    throw new RangeError('no such thing');
  },
);

async function main() {
  const loop = getRunningLoop();

  /** @type {import('aionode').Future<string>} */
  const future = loop.createFuture();
  loop.callLater(0.05, () => future.setResult('future'));
  const task = createTask(arrive('task', 0.1));
  const all = await gather(arrive('coroutine', 0.2), task, future, () => arrive('function', 0.15));
  console.log(`results: ${all.join(', ')}`);

  const mixed = await gather(arrive('first', 0), fail(0), { returnExceptions: true });
  const texts = mixed.map((one) => (one instanceof Error ? one.message : one));
  console.log(`with errors: ${texts.join(', ')}`);

  const survivor = createTask(arrive('survivor', 0.05));
  try {
    await gather(survivor, fail(0));
  } catch (error) {
    console.log(`error: ${/** @type {Error} */ (error).message}`);
  }
  await survivor;

  const children = [createTask(arrive('never', 3600)), createTask(arrive('nor this', 3600))];
  const both = gather(...children);
  await sleep(0);
  both.cancel();
  try {
    await both;
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    console.log(`cancelled: ${children.map((child) => child.cancelled()).join(', ')}`);
  }
}

await run(main);
