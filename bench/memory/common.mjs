// What the Node programs of the memory suite share.
import { heldPer } from '../harness/heap.mjs';
import { randomDelays } from '../harness/serve.mjs';

const AT_ONCE = 1_000;

async function nothing() {}

/**
 * The benchmarks; each is run once per process. `start` starts a task, `startSleepers` that many which
 * sleep for long, `cancelTimers` arms that many timers, in `handles`, and cancels them.
 */
export function benchmarksOf({ start, startSleepers, cancelTimers }) {
  async function finishTasks(count) {
    const tasks = new Array(AT_ONCE);
    for (let done = 0; done < count; done += AT_ONCE) {
      for (let i = 0; i < AT_ONCE; i++) tasks[i] = start(nothing);
      for (const task of tasks) await task;
    }
  }

  return {
    'per sleeping task': () => heldPer('per sleeping task', 100_000, startSleepers),

    async 'per finished task'() {
      await finishTasks(50_000);
      return heldPer('per finished task', 1_000_000, finishTasks);
    },

    async 'per cancelled timer'() {
      const delays = randomDelays(1_000_000);
      const handles = new Array(delays.length).fill(null);
      await cancelTimers(delays, handles, 10_000);
      return heldPer('per cancelled timer', delays.length, (count) =>
        cancelTimers(delays, handles, count),
      );
    },
  };
}
