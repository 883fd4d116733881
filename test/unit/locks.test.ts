/** Lock, Event, Condition, Semaphore, BoundedSemaphore, Barrier: fairness, cancellation, errors. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  Barrier,
  BoundedSemaphore,
  BrokenBarrierError,
  CancelledError,
  Condition,
  createTask,
  Event,
  gather,
  Lock,
  RuntimeError,
  run,
  Semaphore,
  sleep,
  type Task,
} from 'aionode';

/** Lets every other task run until it waits. */
async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await sleep(0);
}

const inLoop = (body: () => Promise<void>) => () => run(body);

/** Waiting for `acquire` in one loop makes waiting for it in another fail. */
async function checkLoopBinding(guard: Lock | Semaphore): Promise<void> {
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
      const wait = () => createTask(() => condition.with(() => condition.wait()));
      const first = wait();
      const second = wait();
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
      const wait = () => createTask(() => condition.with(() => condition.wait()));
      const first = wait();
      const second = wait();
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
      const waiter = createTask(() => condition.with(() => condition.wait()));
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
