// @ts-check
/**
 * Cancelling a task.
 *
 * cancel() asks; the CancelledError is thrown at the await the task is suspended on, in its next
 * step. The task may clean up, awaits included, and lets the error go on. A task that is
 * cancelled before its first step never runs a line.
 *
 * Prints the order of request, clean-up and end.
 */
import { CancelledError, createTask, run, sleep } from 'aionode';

async function work() {
  console.log('work: starts');
  try {
    await sleep(3600);
  } catch (error) {
    if (error instanceof CancelledError) console.log(`work: cancelled, "${error.message}"`);
    throw error;
  } finally {
    await sleep(0);
    console.log('work: cleaned up');
  }
}

async function main() {
  const task = createTask(work);
  await sleep(0.05);

  console.log(`main: asks, ${task.cancel('enough')}`);
  console.log(`main: cancelled yet: ${task.cancelled()}`);
  try {
    await task;
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    console.log(`main: cancelled now: ${task.cancelled()}`);
  }
  console.log(`main: asks again, ${task.cancel()}`);

  const unborn = createTask(work);
  unborn.cancel();
  await sleep(0);
  console.log(`main: cancelled before its first step: ${unborn.cancelled()}`);
}

await run(main);
