/** Semaphore and BoundedSemaphore: fairness, cancellation, errors. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BoundedSemaphore, createTask, gather, Semaphore, sleep, type Task } from 'aionode';
import { checkLoopBinding, inLoop, settle } from '../support/tasks.js';

describe('Semaphore', () => {
  it(
    'lets as many in as it counts',
    inLoop(async () => {
      const semaphore = new Semaphore(3);
      let inside = 0;
      let most = 0;
      const visits = Array.from({ length: 20 }, () => async () => {
        await semaphore.with(async () => {
          inside += 1;
          most = Math.max(most, inside);
          await sleep(0);
          inside -= 1;
        });
      });
      await gather(...visits);
      assert.equal(most, 3);
      assert.equal(semaphore.locked(), false);
    }),
  );

  it(
    'serves in the order of arrival, and newcomers queue behind the woken',
    inLoop(async () => {
      const semaphore = new Semaphore(0);
      const log: string[] = [];
      const take = (name: string) =>
        createTask(async () => {
          await semaphore.acquire();
          log.push(name);
        });
      const first = [take('A'), take('B')];
      await settle();
      semaphore.release();
      semaphore.release();
      semaphore.release();
      assert.equal(semaphore.locked(), true);
      const late = take('C');
      await gather(...first, late);
      assert.deepEqual(log, ['A', 'B', 'C']);
      assert.equal(semaphore.locked(), true);
    }),
  );

  it(
    'a cancelled task that was granted a unit gives it to the next',
    inLoop(async () => {
      const semaphore = new Semaphore(0);
      const first = createTask(() => semaphore.acquire());
      const second = createTask(() => semaphore.acquire());
      await settle();
      semaphore.release();
      first.cancel();
      await second;
      assert.equal(first.cancelled(), true);
      assert.equal(semaphore.locked(), true);
      semaphore.release();
      assert.equal(semaphore.locked(), false);
    }),
  );

  it(
    'keeps its count through any order of cancels and releases',
    inLoop(async () => {
      for (let pattern = 0; pattern < 64; pattern++) {
        const semaphore = new Semaphore(0);
        const takers: Task<Disposable>[] = [];
        for (let i = 0; i < 3; i++) takers.push(createTask(() => semaphore.acquire()));
        await settle();
        let released = 0;
        for (let bit = 0; bit < 6; bit++) {
          if (pattern & (1 << bit)) takers[bit % 3]?.cancel();
          else {
            semaphore.release();
            released += 1;
          }
          if (bit === 2) await sleep(0);
        }
        await settle();
        let left = released - takers.filter((task) => task.done() && !task.cancelled()).length;
        for (const task of takers) task.cancel();
        await settle();
        for (; left > 0; left--) {
          assert.equal(semaphore.locked(), false, `pattern ${pattern}`);
          await semaphore.acquire();
        }
        assert.equal(semaphore.locked(), true, `pattern ${pattern}`);
      }
    }),
  );

  it(
    'releases a thousand waiters at once',
    inLoop(async () => {
      const semaphore = new Semaphore(0);
      const takers = Array.from({ length: 1000 }, () => createTask(() => semaphore.acquire()));
      await settle();
      for (let i = 0; i < 1000; i++) semaphore.release();
      await gather(...takers);
      assert.equal(semaphore.locked(), true);
    }),
  );

  it('refuses a value that is negative or no integer', () => {
    assert.throws(() => new Semaphore(-1), { name: 'RangeError', message: /"value"/ });
    assert.throws(() => new Semaphore(0.5), RangeError);
    assert.throws(() => new BoundedSemaphore('2' as never), TypeError);
  });

  it(
    'acquire() gives a Disposable that releases once',
    inLoop(async () => {
      const semaphore = new BoundedSemaphore(1);
      const held = await semaphore.acquire();
      assert.equal(semaphore.locked(), true);
      held[Symbol.dispose]();
      held[Symbol.dispose]();
      assert.equal(semaphore.locked(), false);
    }),
  );

  it(
    'BoundedSemaphore cannot be released above its bound',
    inLoop(async () => {
      const semaphore = new BoundedSemaphore(2);
      await semaphore.acquire();
      semaphore.release();
      assert.throws(() => semaphore.release(), { name: 'RangeError', message: /too many times/ });
    }),
  );

  it('belongs to the loop in which it was first waited for', () =>
    checkLoopBinding(new Semaphore(0)));
});
