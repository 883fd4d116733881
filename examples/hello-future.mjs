// @ts-check
/**
 * A future handed to another coroutine.
 *
 * The loop's own createFuture() and createTask() are used: main makes the future, a task sleeps a
 * second and sets its result, and main waits for just that.
 *
 * Prints `hello ...` at once and `... world` a second later.
 */
import { getRunningLoop, run, sleep } from 'aionode';

/**
 * @param {import('aionode').Future<string>} future
 * @param {number} delay
 * @param {string} value
 */
async function setLater(future, delay, value) {
  await sleep(delay);
  future.setResult(value);
}

async function main() {
  const loop = getRunningLoop();
  /** @type {import('aionode').Future<string>} */
  const greeting = loop.createFuture();
  loop.createTask(() => setLater(greeting, 1, '... world'));
  console.log('hello ...');
  console.log(await greeting);
}

await run(main);
