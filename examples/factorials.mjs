// @ts-check
/**
 * Three factorials that interleave.
 *
 * Each computes a step, then sleeps; the loop goes round among them.
 *
 * Prints the steps, in turn, and the results in the order of the arguments.
 */
import { coroutine, gather, run, sleep } from 'aionode';

const factorial = coroutine(
  /**
   * @param {string} name
   * @param {number} number
   */
  async (name, number) => {
    let product = 1;
    for (let factor = 2; factor <= number; factor++) {
      console.log(`${name}: ${product} x ${factor}`);
      await sleep(0.1);
      product *= factor;
    }
    console.log(`${name}: ${number}! = ${product}`);
    return product;
  },
);

async function main() {
  const results = await gather(factorial('A', 2), factorial('B', 3), factorial('C', 4));
  console.log(`results: ${results.join(', ')}`);
}

await run(main);
