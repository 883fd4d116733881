/** The signals of tasks, timeouts and groups: a cancel comes once, whether by our await or by the call's error. */
import assert from 'node:assert/strict';
import { EventEmitter, on, once } from 'node:events';
import { describe, it } from 'node:test';
import { setTimeout as delay, setInterval as ticks } from 'node:timers/promises';
import {
  CancelledError,
  createTask,
  currentSignal,
  currentTask,
  Event,
  Future,
  iscancelled,
  sleep,
  type Task,
  TaskGroup,
  TimeoutError,
  timeout,
} from 'aionode';
import { inLoop } from '../support/tasks.js';

const kLong = 1_000_000;

const kPolls = 'a loop that asks the signal';

/** Calls that end when their signal is aborted. */
const calls: Record<string, (signal: AbortSignal) => Promise<unknown>> = {
  'a timer of Node’s': (signal) => delay(kLong, undefined, { signal }),
  'an event': (signal) => once(new EventEmitter(), 'x', { signal }),
  'an iterator of events': async (signal) => {
    for await (const _ of on(new EventEmitter(), 'x', { signal }));
  },
  'an iterator of ticks': async (signal) => {
    for await (const _ of ticks(kLong, undefined, { signal }));
  },
  'a call of the user’s': (signal) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    }),
  [kPolls]: async (signal) => {
    for (;;) {
      await delay(1);
      signal.throwIfAborted();
    }
  },
};

async function started(task: Task<unknown>): Promise<void> {
  await sleep(0);
  await delay(2);
  assert.equal(task.done(), false);
}

for (const [name, call] of Object.entries(calls)) {
  describe(`${name} that was given currentSignal()`, () => {
    it(
      'ends the task cancelled, and its clean-up may await',
      inLoop(async () => {
        let cleaned = false;
        const task = createTask(async () => {
          try {
            await call(currentSignal());
          } finally {
            await sleep(0);
            await sleep(0.001);
            cleaned = true;
          }
        });
        await started(task);
        task.cancel();
        await assert.rejects(async () => task);
        assert.deepEqual([task.cancelled(), cleaned], [true, true]);
      }),
    );

    it(
      'lets the task go on that catches its error, until it is cancelled again',
      inLoop(async () => {
        const task = createTask(async () => {
          try {
            await call(currentSignal());
          } catch (error) {
            assert.ok(iscancelled(error));
          }
          await new Event().wait();
        });
        await started(task);
        task.cancel();
        await delay(5);
        assert.equal(task.done(), false);
        task.cancel('again');
        await assert.rejects(async () => task, /again/);
      }),
    );

    it(
      'lets the body of a timeout clean up',
      { skip: name === kPolls && 'no deadline waits for a call that does not end at once' },
      inLoop(async () => {
        let cleaned = false;
        const body = async () => {
          try {
            await call(currentSignal());
          } finally {
            await sleep(0.005);
            cleaned = true;
          }
        };
        await assert.rejects(timeout(0.001, body), TimeoutError);
        assert.equal(cleaned, true);
      }),
    );
  });
}

describe('a signal that nobody ends by', () => {
  it(
    'leaves the cancel to the next await, though somebody has looked at its reason',
    inLoop(async () => {
      const seen: unknown[] = [];
      const task = createTask(async () => {
        const signal = currentSignal();
        signal.addEventListener('abort', () => seen.push(signal.reason));
        await delay(5);
        await sleep(0);
      });
      await sleep(0);
      task.cancel('stop');
      assert.equal((task.signal.reason as Error).message, 'stop');
      await assert.rejects(async () => task, CancelledError);
      assert.equal((seen[0] as Error).message, 'stop');
    }),
  );

  it(
    'does not keep a task from being cancelled that cancels itself, or has not begun',
    inLoop(async () => {
      const self = createTask(async () => {
        const { signal } = currentTask() as Task;
        signal.addEventListener('abort', () => signal.reason);
        currentTask()?.cancel();
        assert.ok(signal.reason instanceof CancelledError);
        await sleep(0);
      });
      await assert.rejects(async () => self, CancelledError);
      let began = false;
      const early = createTask(async () => {
        began = true;
      });
      early.signal.addEventListener('abort', () => early.signal.reason);
      early.cancel();
      await assert.rejects(async () => early, CancelledError);
      assert.equal(began, false);
    }),
  );
});

describe('a signal', () => {
  it(
    'may be listened to by any number of waits',
    inLoop(async () => {
      const warned = new Promise((resolve) => process.once('warning', resolve));
      const task = createTask(async () => {
        const { signal } = currentTask() as Task;
        await Promise.all(
          Array.from({ length: 20 }, () => once(new EventEmitter(), 'x', { signal })),
        );
      });
      await started(task);
      task.cancel();
      await assert.rejects(async () => task);
      const nothing = new Promise((resolve) => setImmediate(resolve, 'nothing'));
      assert.equal(await Promise.race([warned, nothing]), 'nothing');
    }),
  );

  it(
    'of a task stays the same over timeouts that expire in it',
    inLoop(async () => {
      const task = createTask(async () => {
        const { signal } = currentTask() as Task;
        await assert.rejects(
          timeout(0, () => sleep(1000)),
          TimeoutError,
        );
        await delay(kLong, undefined, { signal });
      });
      await started(task);
      task.cancel();
      await assert.rejects(async () => task);
      assert.equal(task.cancelled(), true);
    }),
  );

  it(
    'that is asked for after the cancel is aborted with the message',
    inLoop(async () => {
      const task = createTask(() => new Future());
      await sleep(0);
      task.cancel('late');
      assert.equal((task.signal.reason as Error).message, 'late');
      await assert.rejects(async () => task);
    }),
  );

  it(
    'of a timeout that is asked for after the deadline is aborted, that of the task is not',
    inLoop(async () => {
      const aborted: boolean[] = [];
      const expires = timeout(0, async (outer) => {
        await timeout(1000, async (inner) => {
          try {
            await sleep(1000);
          } finally {
            aborted.push(inner.signal.aborted, outer.signal.aborted);
            aborted.push((currentTask() as Task).signal.aborted);
          }
        });
      });
      await assert.rejects(expires, TimeoutError);
      assert.deepEqual(aborted, [true, true, false]);
    }),
  );

  it(
    'in the body of a group is aborted when a child fails',
    inLoop(async () => {
      const group = TaskGroup.run(async (tasks) => {
        tasks.createTask(async () => {
          throw new Error('child');
        });
        await delay(kLong, undefined, { signal: currentSignal() });
      });
      await assert.rejects(group, { name: 'ExceptionGroup' });
      assert.equal((currentTask() as Task).signal.aborted, false);
    }),
  );

  it(
    'for createTask() has to be one',
    inLoop(async () => {
      for (const signal of [5, {}, 'x', new EventTarget()]) {
        assert.throws(() => createTask(async () => {}, { signal: signal as AbortSignal }), {
          code: 'ERR_INVALID_ARG_TYPE',
        });
      }
    }),
  );
});
