/** Condition: notification, and what a cancelled wait leaves behind. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CancelledError, Condition, createTask, gather, Lock, RuntimeError } from 'aionode';
import { inLoop, settle } from '../support/tasks.js';

const waiterOf = (condition: Condition) => createTask(() => condition.with(() => condition.wait()));

describe('Condition', () => {
  it(
    'notify() wakes as many as it says, in the order of their arrival',
    inLoop(async () => {
      const condition = new Condition();
      const log: string[] = [];
      const waiters = ['A', 'B', 'C', 'D'].map((name) =>
        createTask(() =>
          condition.with(async () => {
            assert.equal(await condition.wait(), true);
            assert.equal(condition.locked(), true);
            log.push(name);
          }),
        ),
      );
      await settle();
      await condition.with(() => condition.notify());
      await settle();
      assert.deepEqual(log, ['A']);
      await condition.with(() => condition.notify(2));
      await settle();
      assert.deepEqual(log, ['A', 'B', 'C']);
      await condition.with(() => condition.notifyAll());
      await gather(...waiters);
      assert.deepEqual(log, ['A', 'B', 'C', 'D']);
    }),
  );

  for (const way of ['wait', 'waitFor', 'cancelled'] as const) {
    it(
      `a Disposable of acquire() releases the lock after ${way === 'cancelled' ? 'a wait() that was cancelled' : `${way}()`}`,
      inLoop(async () => {
        const condition = new Condition();
        let ready = false;
        const task = createTask(async () => {
          using _held = await condition.acquire();
          await (way === 'waitFor' ? condition.waitFor(() => ready) : condition.wait());
          assert.equal(condition.locked(), true);
        });
        await settle();
        ready = true;
        if (way === 'cancelled') task.cancel();
        else await condition.with(() => condition.notifyAll());
        await gather(task, { returnExceptions: true });
        assert.equal(task.cancelled(), way === 'cancelled');
        assert.equal(condition.locked(), false);
      }),
    );
  }

  it(
    'waitFor() looks again after each wake-up and returns what the predicate gave',
    inLoop(async () => {
      const condition = new Condition();
      const items: string[] = [];
      let looks = 0;
      const waiter = createTask(() =>
        condition.with(() =>
          condition.waitFor(() => {
            looks += 1;
            return items[0];
          }),
        ),
      );
      await settle();
      await condition.with(() => condition.notify());
      await settle();
      items.push('here');
      await condition.with(() => condition.notify());
      assert.equal(await waiter, 'here');
      assert.equal(looks, 3);
    }),
  );

  it(
    'a predicate that throws leaves the lock held',
    inLoop(async () => {
      const condition = new Condition();
      await condition.acquire();
      const failure = new Error('predicate');
      await assert.rejects(
        condition.waitFor(() => {
          throw failure;
        }),
        failure,
      );
      assert.equal(condition.locked(), true);
      condition.release();
    }),
  );

  it(
    'needs its lock',
    inLoop(async () => {
      const condition = new Condition();
      const isUnlocked = (error: unknown) =>
        error instanceof RuntimeError && /condition\.with\(\)/.test(error.message);
      await assert.rejects(condition.wait(), isUnlocked);
      assert.throws(() => condition.notify(), isUnlocked);
      assert.throws(() => condition.notifyAll(), isUnlocked);
      assert.throws(() => condition.release(), RuntimeError);
      assert.throws(() => new Condition({} as never), { name: 'TypeError', message: /"lock"/ });
      assert.throws(() => condition.notify(0.5), { name: 'RangeError', message: /"n"/ });
      await assert.rejects(condition.waitFor(true as never), TypeError);
    }),
  );

  it(
    'shares a lock with other conditions',
    inLoop(async () => {
      const lock = new Lock();
      const left = new Condition(lock);
      const right = new Condition(lock);
      const log: string[] = [];
      const wait = (condition: Condition, name: string) =>
        createTask(() =>
          condition.with(async () => {
            await condition.wait();
            log.push(name);
          }),
        );
      const waiters = [wait(left, 'left'), wait(right, 'right')];
      await settle();
      await lock.with(() => right.notify());
      await settle();
      assert.deepEqual(log, ['right']);
      await lock.with(() => left.notify());
      await gather(...waiters);
    }),
  );

  it(
    'a cancelled wait() takes the lock again first, however often it is cancelled',
    inLoop(async () => {
      const condition = new Condition();
      let heldInFinally = false;
      const waiter = createTask(async () => {
        await condition.acquire();
        try {
          await condition.wait();
        } finally {
          heldInFinally = condition.locked();
          condition.release();
        }
      });
      await settle();
      await condition.acquire();
      waiter.cancel('first');
      await settle();
      waiter.cancel('second');
      await settle();
      waiter.cancel('third');
      await settle();
      assert.equal(waiter.done(), false);
      condition.release();
      await assert.rejects(waiter, { code: 'ERR_CANCELLED', message: 'third' });
      assert.equal(heldInFinally, true);
      assert.equal(condition.locked(), false);
    }),
  );

  it(
    'a cancelled wait() that was notified notifies another',
    inLoop(async () => {
      const condition = new Condition();
      const first = waiterOf(condition);
      const second = waiterOf(condition);
      await settle();
      await condition.with(() => {
        condition.notify();
        first.cancel();
      });
      assert.equal(await second, true);
      assert.equal(first.cancelled(), true);
    }),
  );

  it(
    'a wait() cancelled while it queues for the lock notifies another',
    inLoop(async () => {
      const condition = new Condition();
      const first = waiterOf(condition);
      const second = waiterOf(condition);
      await settle();
      await condition.acquire();
      condition.notify();
      await settle();
      first.cancel();
      await settle();
      condition.release();
      assert.equal(await second, true);
      assert.equal(first.cancelled(), true);
      assert.equal(condition.locked(), false);
    }),
  );

  it(
    'a wait() that leaves the line of the lock wakes the next there',
    inLoop(async () => {
      const condition = new Condition();
      const waiter = waiterOf(condition);
      await settle();
      await condition.acquire();
      condition.notify();
      await settle();
      const next = createTask(() => condition.with(() => 'next'));
      await settle();
      condition.release();
      waiter.cancel();
      assert.equal(await next, 'next');
      await assert.rejects(waiter, CancelledError);
      assert.equal(condition.locked(), false);
    }),
  );
});
