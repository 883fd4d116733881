// Whose await it is: an inline coroutine that several tasks, or nobody, read `then` of.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import {
  CancelledError,
  createTask,
  Event,
  Future,
  getRunningLoop,
  Lock,
  Queue,
  QueueShutDown,
  run,
  sleep,
  Task,
  TaskGroup,
  timeout,
} from 'aionode';

test('who only looks at `then` is not taken for who awaits', () =>
  run(async () => {
    const event = new Event();
    const wait = event.wait();
    const looker = createTask(async () => {
      assert.equal(typeof wait.then, 'function');
      await event.wait();
      return 'looked';
    });
    await sleep(0);
    const waiter = createTask(async () => {
      await wait;
      return 'waited';
    });
    await sleep(0);
    waiter.cancel();
    await assert.rejects(waiter, CancelledError);
    assert.equal(looker.done(), false);
    event.set();
    assert.equal(await looker, 'looked');
  }));

test('a cancel of who only looked leaves the await of another alone', () =>
  run(async () => {
    const queue = new Queue<number>();
    const item = queue.get();
    const looker = createTask(async () => {
      assert.equal(typeof item.then, 'function');
      await sleep(3600);
    });
    await sleep(0);
    const getter = createTask(async () => item);
    await sleep(0);
    looker.cancel();
    await assert.rejects(looker, CancelledError);
    queue.putNowait(7);
    assert.equal(await getter, 7);
  }));

test('two scopes of a task may await one object', () =>
  run(async () => {
    const event = new Event();
    const wait = event.wait();
    const told: string[] = [];
    const outer = (async () => {
      await wait;
      told.push('outer');
    })();
    const inner = timeout(3600, () => wait.then(() => told.push('inner')));
    await sleep(0);
    assert.deepEqual(told, []);
    event.set();
    await inner;
    await outer;
    assert.deepEqual(told.sort(), ['inner', 'outer']);
  }));

test('showing it by console.log() begins nothing', () =>
  run(async () => {
    const queue = new Queue<number>();
    queue.putNowait(1);
    const get = queue.get();
    assert.match(inspect(get), /Future pending/);
    await sleep(0);
    assert.equal(queue.qsize(), 1);
    assert.equal(await get, 1);
  }));

test('what only Promise.resolve() saw is interrupted for nobody, and rejects for nobody', () =>
  run(async () => {
    const queue = new Queue<number>();
    let unhandled = 0;
    const count = () => unhandled++;
    process.on('unhandledRejection', count);
    const task = createTask(async () => {
      Promise.resolve(queue.get());
      await new Promise((resolve) => setTimeout(resolve, 1));
      await sleep(3600);
    });
    await sleep(0);
    task.cancel();
    await assert.rejects(async () => await task, CancelledError);
    queue.shutdown();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', count);
    assert.equal(unhandled, 0);
  }));

test('in Promise.all() it ends in the pass in which it would end alone, and fails by its reject', () =>
  run(async () => {
    const queues = [new Queue<number>(), new Queue<number>()];
    const both = Promise.all(queues.map((queue) => queue.get()));
    await sleep(0);
    for (const queue of queues) queue.putNowait(1);
    let ended = false;
    void both.then(() => {
      ended = true;
    });
    await sleep(0);
    assert.equal(ended, true);
    const failing = Promise.all(queues.map((queue) => queue.get()));
    await sleep(0);
    queues[1]?.shutdown();
    await assert.rejects(failing, QueueShutDown);
  }));

test('many awaits side by side in one task, all interrupted by its cancel', () =>
  run(async () => {
    const ended: number[] = [];
    const task = createTask(() =>
      Promise.allSettled(
        Array.from({ length: 5 }, async (_, index) => {
          try {
            await (index === 2 ? sleep(0) : sleep(3600));
          } finally {
            ended.push(index);
          }
        }),
      ),
    );
    await sleep(0);
    await sleep(0);
    assert.deepEqual(ended, [2]);
    task.cancel();
    await task;
    assert.deepEqual(ended, [2, 0, 1, 3, 4]);
  }));

test('createTask() runs what a coroutine method returned', () =>
  run(async () => {
    const queue = new Queue<number>();
    const lock = new Lock();
    const getter = createTask(queue.get(), { name: 'getter' });
    assert.equal(getter.getName(), 'getter');
    const cancelled = createTask(queue.get());
    await sleep(0);
    cancelled.cancel();
    await assert.rejects(cancelled, CancelledError);
    queue.putNowait(1);
    queue.putNowait(2);
    assert.equal(await getter, 1);
    assert.equal(await getRunningLoop().createTask(queue.get()), 2);
    assert.equal(await new Task(sleep(0, 'slept')), 'slept');
    await TaskGroup.run((group) => group.createTask(lock.acquire()));
    assert.equal(lock.locked(), true);
  }));

test('a task factory is given it as a function', () =>
  run(async () => {
    const loop = getRunningLoop();
    loop.setTaskFactory((on, coro, options) => {
      assert.equal(typeof coro, 'function');
      return new Task(coro, { ...options, loop: on });
    });
    assert.equal(await createTask(sleep(0, 'slept')), 'slept');
  }));

test('createTask() refuses futures that are no coroutine, or were awaited already', () =>
  run(async () => {
    const refused = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
    const future = new Future<void>();
    assert.throws(() => createTask(future), refused);
    assert.throws(() => createTask(createTask(() => {})), refused);
    const wait = new Event().wait();
    const waiter = createTask(wait);
    await sleep(0);
    assert.throws(() => createTask(wait), refused);
    waiter.cancel();
    await assert.rejects(waiter, CancelledError);
  }));
