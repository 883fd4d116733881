/** Several timeouts and groups in one task at a time: none counts the cancels of another as its own. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createTask,
  currentTask,
  Event,
  sleep,
  type Task,
  TaskGroup,
  timeout,
  waitFor,
} from 'aionode';
import { inLoop } from '../support/tasks.js';

const never = () => new Event().wait();

/** Waits for good, and gives way several times before its cancel has its effect. */
async function slow(): Promise<unknown> {
  try {
    return await never();
  } finally {
    for (let i = 0; i < 20; i++) await sleep(0.001);
  }
}

/** How bodies that run side by side in one task end: by the names of their errors, or their results. */
async function endsOf(...bodies: Promise<unknown>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(bodies);
  return settled.map((end) => (end.status === 'fulfilled' ? end.value : end.reason.name));
}

const failing = (seconds: number) =>
  TaskGroup.run(async (group) => {
    group.createTask(async () => {
      await sleep(seconds);
      throw new Error('child');
    });
    await slow();
  });

describe('a group that cancels itself', () => {
  it(
    'leaves a cancel from outside to the code around it',
    inLoop(async () => {
      const cleaned = new Event();
      const log: string[] = [];
      const task = createTask(async () => {
        await TaskGroup.run((group) => {
          group.createTask(async () => {
            try {
              await never();
            } finally {
              await cleaned.wait();
            }
          });
          group.createTask(() => group.cancel());
        });
        log.push('went on');
      });
      for (let turn = 0; turn < 5; turn++) await sleep(0);
      task.cancel('outside');
      cleaned.set();
      await assert.rejects(task, { name: 'CancelledError', message: 'outside' });
      assert.deepEqual(log, []);
    }),
  );

  it(
    'cancels the eager task that does it in its first step',
    inLoop(async () => {
      let task: Task | undefined;
      await TaskGroup.run((group) => {
        const start = async () => {
          group.cancel();
          await never();
        };
        task = group.createTask(start, { eagerStart: true });
      });
      assert.equal(task?.cancelled(), true);
    }),
  );
});

describe('side by side in one task', () => {
  it(
    'every timeout whose deadline passes is a TimeoutError, at once or while others clean up',
    inLoop(async () => {
      assert.deepEqual(await endsOf(timeout(0.001, never), timeout(0.001, never)), [
        'TimeoutError',
        'TimeoutError',
      ]);
      assert.deepEqual(
        await endsOf(timeout(0, slow), timeout(0.004, slow), waitFor(slow, 0.008)),
        Array(3).fill('TimeoutError'),
      );
      assert.equal(currentTask()?.cancelling(), 0);
    }),
  );

  it(
    'groups that fail while another one ends leave the rest of the task alone',
    inLoop(async () => {
      const rest = async () => {
        for (let i = 0; i < 60; i++) await sleep(0.001);
        return 'kept';
      };
      assert.deepEqual(await endsOf(failing(0), failing(0.004), timeout(0.002, slow), rest()), [
        'ExceptionGroup',
        'ExceptionGroup',
        'TimeoutError',
        'kept',
      ]);
      await sleep(0);
      assert.equal(currentTask()?.cancelling(), 0);
    }),
  );

  it(
    'groups that are cancelled return, all of them',
    inLoop(async () => {
      const cancelled = () =>
        TaskGroup.run(async (group) => {
          group.createTask(slow);
          group.cancel();
          await slow();
        });
      assert.deepEqual(await endsOf(cancelled(), cancelled()), [undefined, undefined]);
    }),
  );

  it(
    'a cancel of the task is no TimeoutError, not even for one that has expired',
    inLoop(async () => {
      const task = createTask(() => endsOf(timeout(0, slow), timeout(1000, slow)));
      await sleep(0.004);
      task.cancel();
      assert.deepEqual(await task, ['CancelledError', 'CancelledError']);
      assert.equal(task.cancelling(), 1);
    }),
  );

  it(
    'cancelling() counts what concerns the code that asks, and everything from outside',
    inLoop(async () => {
      const counts: unknown[] = [];
      const task: Task<unknown> = createTask(() =>
        endsOf(
          timeout(0, async () => {
            try {
              await never();
            } finally {
              counts.push(task.cancelling());
              await sleep(0.004);
            }
          }),
          timeout(1000, async () => {
            await sleep(0.002);
            counts.push(task.cancelling());
          }),
        ),
      );
      await sleep(0.001);
      counts.push(task.cancelling());
      await task;
      assert.deepEqual(counts, [1, 1, 0]);
      assert.equal(task.cancelling(), 0);
    }),
  );
});
