// @ts-check
/**
 * createTask() and ensureFuture().
 *
 * Coroutines that are awaited one after the other take the sum of their times; tasks run side by
 * side and take as long as the longest. ensureFuture() makes a task of a coroutine and returns a
 * future or task that it is given as it is.
 *
 * Prints who speaks when, and how long each way took.
 */
import { coroutine, createTask, ensureFuture, getRunningLoop, run, sleep, Task } from 'aionode';

const speak = coroutine(
  /**
   * @param {number} delay
   * @param {string} word
   */
  async (delay, word) => {
    await sleep(delay);
    console.log(word);
    return word.length;
  },
);

/**
 * @param {string} title
 * @param {() => Promise<void>} body
 */
async function timed(title, body) {
  const loop = getRunningLoop();
  const start = loop.time();
  await body();
  console.log(`${title}: ${(loop.time() - start).toFixed(1)} s`);
}

async function main() {
  await timed('one after the other', async () => {
    await speak(0.2, 'slow');
    await speak(0.1, 'quick');
  });

  await timed('side by side', async () => {
    const slow = createTask(speak(0.2, 'slow'));
    const quick = createTask(speak(0.1, 'quick'), { name: 'the quick one' });
    console.log(`started: ${quick.getName()}`);
    await slow;
    await quick;
  });

  const future = ensureFuture(speak(0.1, 'ensured'));
  console.log(`a task: ${future instanceof Task}`);
  console.log(`the same again: ${ensureFuture(future) === future}`);
  console.log(`result: ${await future}`);
}

await run(main);
