/** What asyncio refuses is refused here, in words that say what to do. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  asCompleted,
  createTask,
  Future,
  gather,
  getRunningLoop,
  newEventLoop,
  RuntimeError,
  sleep,
  TaskGroup,
  type Timeout,
  timeout,
} from 'aionode';
import { inLoop } from '../support/tasks.js';

describe('futures of another loop', () => {
  it(
    'are refused by gather(), whose first future decides, and by asCompleted()',
    inLoop(async () => {
      const other = newEventLoop();
      const foreign = other.createFuture();
      const ours = new Future();
      assert.throws(() => gather(ours, foreign), RangeError);
      assert.throws(() => gather(foreign, ours), RangeError);
      assert.throws(() => asCompleted([ours, foreign]), RangeError);
      other.close();
    }),
  );

  it(
    'are made by the option loop, which has to be one; without it they are of the running loop',
    inLoop(async () => {
      for (const options of [{}, { loop: undefined }, { loop: null }]) {
        assert.equal(new Future(options).getLoop(), getRunningLoop());
      }
      assert.throws(() => new Future({ loop: 5 }), { code: 'ERR_INVALID_ARG_TYPE' });
    }),
  );
});

it('a TaskGroup is not made by new', () => {
  const Constructor = TaskGroup as unknown as new () => TaskGroup;
  assert.throws(() => new Constructor(), /TaskGroup\.run/);
});

it(
  'a timeout that is over cannot be rescheduled',
  inLoop(async () => {
    let finished: Timeout | undefined;
    await timeout(1000, async (scope) => {
      finished = scope;
    });
    assert.throws(() => finished?.reschedule(null), RuntimeError);
    const expires = timeout(0, async (scope) => {
      try {
        await sleep(1000);
      } finally {
        assert.throws(() => scope.reschedule(null), /expiring: reschedule\(\) it while/);
      }
    });
    await assert.rejects(expires, { name: 'TimeoutError' });
  }),
);

it(
  'the name of a task is a text, whatever it was given as',
  inLoop(async () => {
    const task = createTask(async () => {}, { name: 5 as unknown as string });
    assert.equal(task.getName(), '5');
    await task;
  }),
);
