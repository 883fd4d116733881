/** What the tests of tasks, and of what tasks wait for, share. */
import assert from 'node:assert/strict';
import { createTask, type Lock, RuntimeError, run, type Semaphore, sleep } from 'aionode';

/** Lets every other task run until it waits. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await sleep(0);
}

/** A test body that runs as the main task of a loop. */
export const inLoop = (body: () => Promise<void>) => () => run(body);

/** Waiting for `acquire` in one loop makes waiting for it in another fail. */
export async function checkLoopBinding(guard: Lock | Semaphore): Promise<void> {
  await run(async () => {
    const waiter = createTask(() => guard.acquire());
    await settle();
    guard.release();
    await waiter;
  });
  await run(() =>
    assert.rejects(
      guard.acquire(),
      (error) => error instanceof RuntimeError && /different event loop/.test(error.message),
    ),
  );
}
