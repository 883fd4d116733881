// @ts-check
/**
 * A task suspended on a future until the future is done.
 *
 * Everything else runs on meanwhile; the task goes on in the pass after the future got its
 * result, at the very await it stopped at.
 *
 * Prints the state of the task before and after.
 */
import { createTask, getRunningLoop, run, sleep } from 'aionode';

async function main() {
  /** @type {import('aionode').Future<number>} */
  const answer = getRunningLoop().createFuture();

  const task = createTask(async () => {
    console.log('task: waits');
    const number = await answer;
    console.log(`task: goes on with ${number}`);
    return number * 2;
  });

  for (let turn = 1; turn <= 3; turn++) {
    await sleep(0);
    console.log(`main: turn ${turn}, task done: ${task.done()}`);
  }

  answer.setResult(21);
  console.log(`main: the result is set, task done: ${task.done()}`);
  console.log(`main: the task returned ${await task}`);
}

await run(main);
