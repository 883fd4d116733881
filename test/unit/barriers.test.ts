/** Barrier: rounds, cancellation, breaking. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Barrier, BrokenBarrierError, createTask, gather } from 'aionode';
import { inLoop, settle } from '../support/tasks.js';

describe('Barrier', () => {
  it(
    'lets tasks go on together, each with a number of its own, again and again',
    inLoop(async () => {
      const barrier = new Barrier(3);
      assert.equal(barrier.parties, 3);
      for (let round = 0; round < 3; round++) {
        const first = [createTask(() => barrier.wait()), createTask(() => barrier.wait())];
        await settle();
        assert.equal(barrier.nWaiting, 2);
        const last = await barrier.wait();
        const places = [...(await gather(...first)), last];
        assert.deepEqual(places, [0, 1, 2]);
        await settle();
        assert.equal(barrier.nWaiting, 0);
      }
    }),
  );

  it(
    'who comes while it empties waits for the next round',
    inLoop(async () => {
      const barrier = new Barrier(2);
      const tasks = Array.from({ length: 4 }, () => createTask(() => barrier.wait()));
      const places = await gather(...tasks);
      assert.deepEqual([...places].sort(), [0, 0, 1, 1]);
    }),
  );

  it(
    'a cancelled task leaves without breaking it',
    inLoop(async () => {
      const barrier = new Barrier(2);
      const leaver = createTask(() => barrier.wait());
      await settle();
      leaver.cancel();
      await settle();
      assert.equal(leaver.cancelled(), true);
      assert.equal(barrier.broken, false);
      assert.equal(barrier.nWaiting, 0);
      const [a, b] = await gather(
        () => barrier.wait(),
        () => barrier.wait(),
      );
      assert.deepEqual([a, b], [0, 1]);
    }),
  );

  it(
    'reset() sends who waits away, and it can be used again',
    inLoop(async () => {
      const barrier = new Barrier(2);
      const waiter = createTask(() => barrier.wait());
      await settle();
      await barrier.reset();
      await assert.rejects(waiter, BrokenBarrierError);
      assert.equal(barrier.broken, false);
      await gather(
        () => barrier.wait(),
        () => barrier.wait(),
      );
    }),
  );

  it(
    'abort() breaks it until reset()',
    inLoop(async () => {
      const barrier = new Barrier(2);
      const waiter = createTask(() => barrier.wait());
      await settle();
      await barrier.abort();
      assert.equal(barrier.broken, true);
      await assert.rejects(waiter, BrokenBarrierError);
      await assert.rejects(barrier.wait(), BrokenBarrierError);
      await barrier.reset();
      assert.equal(barrier.broken, false);
    }),
  );

  it('refuses fewer than one party', () => {
    assert.throws(() => new Barrier(0), { name: 'RangeError', message: /"parties"/ });
    assert.throws(() => new Barrier(undefined as never), TypeError);
  });
});
