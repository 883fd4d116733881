/** Event: who is woken, and when. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTask, Event, gather } from 'aionode';
import { inLoop, settle } from '../support/tasks.js';

describe('Event', () => {
  it(
    'wakes everyone who waits, in order, also when it is cleared at once',
    inLoop(async () => {
      const event = new Event();
      const log: string[] = [];
      const waiters = ['A', 'B', 'C'].map((name) =>
        createTask(async () => {
          assert.equal(await event.wait(), true);
          log.push(name);
        }),
      );
      await settle();
      event.set();
      event.clear();
      assert.equal(event.isSet(), false);
      await gather(...waiters);
      assert.deepEqual(log, ['A', 'B', 'C']);
    }),
  );

  it(
    'wait() goes on at once while it is set',
    inLoop(async () => {
      const event = new Event();
      event.set();
      event.set();
      let others = 0;
      const other = createTask(async () => {
        others += 1;
      });
      await event.wait();
      assert.equal(others, 0);
      await other;
    }),
  );

  it(
    'who comes after clear() waits for the next set()',
    inLoop(async () => {
      const event = new Event();
      const first = createTask(() => event.wait());
      await settle();
      event.set();
      event.clear();
      const second = createTask(() => event.wait());
      await settle();
      assert.equal(first.done(), true);
      assert.equal(second.done(), false);
      event.set();
      await second;
    }),
  );

  it(
    'a cancelled waiter leaves the others waiting',
    inLoop(async () => {
      const event = new Event();
      const first = createTask(() => event.wait());
      const second = createTask(() => event.wait());
      await settle();
      first.cancel();
      await settle();
      assert.equal(first.cancelled(), true);
      event.set();
      assert.equal(await second, true);
    }),
  );
});
