import { setImmediate as turn } from 'node:timers/promises';

/** What is held after garbage collection; finalizers may free more, hence several rounds. */
async function held() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await turn();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

/** The memory that `body` leaves behind, per one of `count`. */
export async function heldPer(line, count, body) {
  const before = await held();
  await body(count);
  const after = await held();
  return {
    [line]: {
      heap: (after.heap - before.heap) / count,
      rss: (after.rss - before.rss) / count,
    },
  };
}
