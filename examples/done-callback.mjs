// @ts-check
/**
 * A done callback that gets its arguments by partial application.
 *
 * bind() puts the first argument in front; the loop adds the future as the last one. Callbacks
 * are called by the loop in its next pass, never from within setResult().
 *
 * Prints `the result is set` first, then the callback's line with the future, then `after`.
 */
import { getRunningLoop, run, sleep } from 'aionode';

async function main() {
  const future = getRunningLoop().createFuture();
  future.addDoneCallback(console.log.bind(console, 'Future:'));
  future.setResult('all done');
  console.log('the result is set');
  await sleep(0);
  console.log('after');
}

await run(main);
