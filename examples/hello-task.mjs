// @ts-check
/**
 * A future handed to another coroutine by createTask().
 *
 * A task is a future as well, done when its function has returned: both can be looked at and
 * awaited in the same way.
 *
 * Prints `hello ...`, a second later `... world`, and that future and task are done.
 */
import { createTask, getRunningLoop, run, sleep } from 'aionode';

async function main() {
  /** @type {import('aionode').Future<string>} */
  const greeting = getRunningLoop().createFuture();
  const task = createTask(async () => {
    await sleep(1);
    greeting.setResult('... world');
  });
  console.log('hello ...');
  console.log(await greeting);
  await task;
  console.log(`future done: ${greeting.done()}, task done: ${task.done()}`);
}

await run(main);
