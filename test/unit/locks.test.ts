/** Lock: fairness, cancellation, errors. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CancelledError,
  createTask,
  gather,
  Lock,
  RuntimeError,
  run,
  sleep,
  type Task,
} from 'aionode';
import { checkLoopBinding, inLoop, settle } from '../support/tasks.js';

describe('Lock', () => {
  it(
    'lets one task in at a time, in the order of their arrival',
    inLoop(async () => {
      const lock = new Lock();
      const log: string[] = [];
      const enter = (name: string) =>
        createTask(async () => {
          await lock.acquire();
          log.push(`${name}+`);
          await settle();
          log.push(`${name}-`);
          lock.release();
        });
      await gather(enter('A'), enter('B'), enter('C'));
      assert.deepEqual(log, ['A+', 'A-', 'B+', 'B-', 'C+', 'C-']);
      assert.equal(lock.locked(), false);
    }),
  );

  it(
    'is free after release() until the woken task runs, but a newcomer queues behind it',
    inLoop(async () => {
      const lock = new Lock();
      const log: string[] = [];
      await lock.acquire();
      const take = (name: string) =>
        createTask(async () => {
          await lock.acquire();
          log.push(name);
          lock.release();
        });
      const first = take('first');
      await settle();
      lock.release();
      assert.equal(lock.locked(), false);
      await lock.acquire();
      log.push('main');
      lock.release();
      await first;
      assert.deepEqual(log, ['first', 'main']);
    }),
  );

  it(
    'a newcomer takes a free lock when all who wait are cancelled',
    inLoop(async () => {
      const lock = new Lock();
      await lock.acquire();
      const waiter = createTask(() => lock.acquire());
      await settle();
      waiter.cancel();
      lock.release();
      let passes = 0;
      const counter = createTask(async () => {
        passes += 1;
      });
      await lock.acquire();
      assert.equal(passes, 0);
      await counter;
      assert.equal(waiter.cancelled(), true);
      assert.equal(lock.locked(), true);
    }),
  );

  it(
    'a cancelled task that was woken wakes the next',
    inLoop(async () => {
      const lock = new Lock();
      await lock.acquire();
      const first = createTask(() => lock.acquire());
      const second = createTask(() => lock.acquire());
      await settle();
      lock.release();
      first.cancel();
      await second;
      assert.equal(first.cancelled(), true);
      assert.equal(lock.locked(), true);
    }),
  );

  it(
    'ten thousand cancelled waiters leave at once',
    inLoop(async () => {
      const lock = new Lock();
      await lock.acquire();
      const waiters: Task<Disposable>[] = [];
      for (let i = 0; i < 10_000; i++) waiters.push(createTask(() => lock.acquire()));
      await sleep(0);
      for (const waiter of waiters) waiter.cancel();
      lock.release();
      for (let i = 0; i < 10_000; i++) {
        await lock.acquire();
        lock.release();
      }
      await settle();
      assert.equal(
        waiters.every((waiter) => waiter.cancelled()),
        true,
      );
    }),
  );

  it('release() of a free lock says what to do', () => {
    assert.throws(
      () => new Lock().release(),
      (error) => error instanceof RuntimeError && /lock\.with\(\)/.test(error.message),
    );
  });

  it(
    'acquire() gives a Disposable that releases once',
    inLoop(async () => {
      const lock = new Lock();
      {
        using held = await lock.acquire();
        assert.equal(lock.locked(), true);
        assert.ok(held);
      }
      assert.equal(lock.locked(), false);
      const held = await lock.acquire();
      held[Symbol.dispose]();
      await lock.acquire();
      held[Symbol.dispose]();
      assert.equal(lock.locked(), true);
    }),
  );

  it(
    'a Disposable of acquire() leaves the next holder alone after a release() by hand',
    inLoop(async () => {
      const lock = new Lock();
      const first = await lock.acquire();
      lock.release();
      const second = await lock.acquire();
      first[Symbol.dispose]();
      assert.equal(lock.locked(), true);
      second[Symbol.dispose]();
      assert.equal(lock.locked(), false);
    }),
  );

  it(
    'with() waits for its body, returns its value, and releases in all cases',
    inLoop(async () => {
      const lock = new Lock();
      const value = await lock.with(async () => {
        await sleep(0);
        assert.equal(lock.locked(), true);
        return 7;
      });
      assert.equal(value, 7);
      assert.equal(lock.locked(), false);
      assert.equal(await lock.with(() => 'at once'), 'at once');
      const failure = new Error('body');
      await assert.rejects(
        lock.with(() => {
          throw failure;
        }),
        failure,
      );
      assert.equal(lock.locked(), false);
      const task = createTask(() => lock.with(() => sleep(1000)));
      await settle();
      task.cancel();
      await assert.rejects(task, CancelledError);
      assert.equal(lock.locked(), false);
      await assert.rejects(lock.with(1 as never), { name: 'TypeError', message: /"body"/ });
      assert.equal(lock.locked(), false);
    }),
  );

  it('belongs to the loop in which it was first waited for', async () => {
    const lock = new Lock();
    await run(async () => {
      await lock.acquire();
    });
    await checkLoopBinding(lock);
  });
});
