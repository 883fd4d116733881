// @ts-check
/**
 * CPU work spread over threads while the loop stays free.
 *
 * Counts the primes below a limit: the range is cut into pieces, each is a call in a pool of threads, and a
 * task prints how far it is. Ctrl-C cancels what has not begun.
 *
 *     node examples/threads/count-primes.mjs [--limit 5000000] [--threads 4]
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { asCompleted, run, sleep, TaskGroup, ThreadPoolExecutor } from 'aionode';

const { values } = parseArgs({
  options: {
    limit: { type: 'string', default: '5000000' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});
const limit = Number(values.limit);
/** Many more than threads: then all have work until the end, though later pieces take longer. */
const PIECES = 64;

/**
 * Sent to a thread by its source: it uses nothing but its arguments.
 * @param {number} from
 * @param {number} to
 */
function countPrimes(from, to) {
  let count = 0;
  for (let n = Math.max(from, 2); n < to; n++) {
    let divisor = 2;
    while (divisor * divisor <= n && n % divisor !== 0) divisor++;
    if (divisor * divisor > n) count++;
  }
  return count;
}

await run(async () => {
  const pool = new ThreadPoolExecutor({ maxWorkers: Number(values.threads) });
  const started = performance.now();
  let [done, primes] = [0, 0];
  try {
    await TaskGroup.run(async (group) => {
      const progress = group.createTask(async () => {
        for (;;) {
          await sleep(0.5);
          console.log(`${Math.round((100 * done) / PIECES)} %`);
        }
      });
      const size = Math.ceil(limit / PIECES);
      const calls = Array.from({ length: PIECES }, (_, i) =>
        pool.submit(countPrimes, [i * size, Math.min((i + 1) * size, limit)]),
      );
      for await (const call of asCompleted(calls)) {
        primes += call.result();
        done += 1;
      }
      progress.cancel();
    });
  } finally {
    await pool.shutdown(true, { cancelFutures: true });
  }
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${primes} primes below ${limit}, ${values.threads} threads, ${seconds.toFixed(2)} s`,
  );
});
