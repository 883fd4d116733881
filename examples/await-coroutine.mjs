// @ts-check
/**
 * A coroutine that awaits another coroutine.
 *
 * A function wrapped by coroutine() does nothing when it is called: it returns a coroutine, which
 * runs when it is awaited, inside the task of whoever awaits it. Results and errors come
 * back through the await.
 *
 * Prints the order in which the steps run.
 */
import { coroutine, run, sleep } from 'aionode';

const half = coroutine(
  /** @param {number} number */
  async (number) => {
    console.log(`half(${number}) starts`);
    await sleep(0.05);
    if (number % 2 !== 0) throw new RangeError(`${number} is odd`);
    return number / 2;
  },
);

const quarter = coroutine(
  /** @param {number} number */
  async (number) => {
    console.log(`quarter(${number}) starts`);
    const result = await half(await half(number));
    console.log(`quarter(${number}) ends`);
    return result;
  },
);

async function main() {
  const pending = quarter(12);
  console.log('called, but not started');
  console.log(`result: ${await pending}`);
  try {
    await quarter(6);
  } catch (error) {
    console.log(`error: ${/** @type {Error} */ (error).message}`);
  }
}

await run(main);
