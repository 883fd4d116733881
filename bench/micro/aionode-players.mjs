// Pairs and crowds of tasks that several of aionode's benchmarks are made of.
import { createTask, sleep } from 'aionode';

/** Each of two tasks runs `play(own, other, count)`; together they make 2 x count moves. */
export async function twoPlayers(play, first, second, count) {
  const tasks = [
    createTask(() => play(first, second, count)),
    createTask(() => play(second, first, count)),
  ];
  for (const task of tasks) await task;
  return 2 * count;
}

/** 100 tasks that each take and give back `guard` 100 times, with a pass of the loop in between. */
export async function contend(guard) {
  const tasks = [];
  for (let i = 0; i < 100; i++) {
    tasks.push(
      createTask(async () => {
        for (let j = 0; j < 100; j++) {
          await guard.acquire();
          try {
            await sleep(0);
          } finally {
            guard.release();
          }
        }
      }),
    );
  }
  for (const task of tasks) await task;
  return 10_000;
}
