/** What console.log() shows: the state, as asyncio's repr() does. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import {
  Barrier,
  BoundedSemaphore,
  Condition,
  createTask,
  Event,
  Future,
  getRunningLoop,
  LifoQueue,
  Lock,
  newEventLoop,
  Queue,
  Semaphore,
  sleep,
  TaskGroup,
  type Timeout,
  timeout,
} from 'aionode';
import { inLoop, settle } from '../support/tasks.js';

describe('console.log()', () => {
  it(
    'shows whether a lock is held, and how many wait',
    inLoop(async () => {
      for (const [guard, name] of [
        [new Lock(), 'Lock'],
        [new Condition(), 'Condition'],
      ] as const) {
        assert.equal(inspect(guard), `<${name} unlocked>`);
        await guard.acquire();
        assert.equal(inspect(guard), `<${name} locked>`);
      }
      const lock = new Lock();
      await lock.acquire();
      const waiters = [createTask(lock.acquire()), createTask(lock.acquire())];
      await sleep(0);
      assert.equal(inspect(lock), '<Lock locked waiters=2>');
      for (const waiter of waiters) waiter.cancel();
      assert.equal(inspect(lock), '<Lock locked>');
    }),
  );

  it(
    'shows an event, semaphores and a barrier',
    inLoop(async () => {
      const event = new Event();
      const waiter = createTask(event.wait());
      await sleep(0);
      assert.equal(inspect(event), '<Event unset waiters=1>');
      event.set();
      await waiter;
      assert.equal(inspect(event), '<Event set>');
      const semaphore = new Semaphore(2);
      assert.equal(inspect(semaphore), '<Semaphore unlocked value=2>');
      await semaphore.acquire();
      await semaphore.acquire();
      assert.equal(inspect(semaphore), '<Semaphore locked>');
      assert.equal(inspect(new BoundedSemaphore()), '<BoundedSemaphore unlocked value=1>');
      const barrier = new Barrier(2);
      const early = createTask(barrier.wait());
      await settle();
      assert.equal(inspect(barrier), '<Barrier filling waiters=1/2>');
      await barrier.abort();
      assert.equal(inspect(barrier), '<Barrier broken waiters=0/2>');
      await early.catch(() => {});
    }),
  );

  it(
    'shows how full a queue is',
    inLoop(async () => {
      const queue = new Queue<number>(1);
      queue.putNowait(1);
      const putter = createTask(queue.put(2));
      await sleep(0);
      assert.equal(inspect(queue), '<Queue open size=1 maxsize=1 unfinished=1 putters=1>');
      const shut = new LifoQueue();
      shut.shutdown();
      assert.equal(inspect(shut), '<LifoQueue shut down size=0>');
      putter.cancel();
    }),
  );

  it(
    'shows futures, and tasks that are asked to stop',
    inLoop(async () => {
      const task = createTask(() => sleep(1000), { name: 'sleeper' });
      assert.equal(inspect(task), '<Task sleeper pending>');
      task.cancel();
      assert.equal(inspect(task), '<Task sleeper cancelling>');
      await assert.rejects(async () => task);
      assert.equal(inspect(task), '<Task sleeper cancelled>');
      const future = new Future<number>();
      assert.equal(inspect(future), '<Future pending>');
      future.setResult(42);
      assert.equal(inspect(future), '<Future finished result=42>');
    }),
  );

  it(
    'shows groups and timeouts in each of their states',
    inLoop(async () => {
      let left: TaskGroup | undefined;
      await TaskGroup.run(async (group) => {
        left = group;
        group.createTask(() => sleep(0));
        assert.equal(inspect(group), '<TaskGroup entered tasks=1>');
        group.cancel();
        assert.equal(inspect(group), '<TaskGroup cancelling tasks=1>');
      });
      assert.equal(inspect(left), '<TaskGroup finished tasks=0>');
      let scope: Timeout | undefined;
      const never = timeout(null, async (active) => {
        scope = active;
        assert.equal(inspect(active), '<Timeout active when=null>');
        active.reschedule(getRunningLoop().time() + 1000);
        assert.match(inspect(active), /^<Timeout active when=[\d.]+>$/);
      });
      await never;
      assert.equal(inspect(scope), '<Timeout finished>');
      const expired = timeout(0, (active) => {
        scope = active;
        return sleep(1);
      });
      await assert.rejects(expired);
      assert.equal(inspect(scope), '<Timeout expired>');
    }),
  );

  it('shows loops and what they are to call', () => {
    const loop = newEventLoop();
    const handle = loop.callSoon(function soon() {});
    assert.equal(inspect(handle), '<Handle soon()>');
    handle.cancel();
    assert.equal(inspect(handle), '<Handle cancelled>');
    const timer = loop.callAt(1e9, function later() {});
    assert.equal(inspect(timer), '<TimerHandle later() when=1000000000>');
    assert.equal(inspect(loop), '<EventLoop stopped>');
    loop.close();
    assert.equal(inspect(loop), '<EventLoop closed>');
  });
});
