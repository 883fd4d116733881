/** Eager tasks: eagerStart, eagerTaskFactory, createEagerTaskFactory, setTaskFactory. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, it } from 'node:test';
import {
  allTasks,
  coroutine,
  createEagerTaskFactory,
  createTask,
  currentTask,
  Event,
  eagerTaskFactory,
  Future,
  gather,
  getRunningLoop,
  Queue,
  Semaphore,
  sleep,
  Task,
  TaskGroup,
  type TaskOptions,
} from 'aionode';
import { inLoop } from '../support/tasks.js';

describe('what an eager task awaits in its first step', () => {
  it(
    'is awaited before the caller goes on, through promises and combinators too',
    inLoop(async () => {
      const queue = new Queue<number>();
      const log: string[] = [];
      const nested = async (name: string) => log.push(`${name} ${await queue.get()}`);
      const tasks = [
        createTask(() => nested('nested'), { eagerStart: true }),
        createTask(() => Promise.all([queue.get(), nested('in all')]), { eagerStart: true }),
        createTask(() => queue.get().then((item) => log.push(`then ${item}`)), {
          eagerStart: true,
        }),
      ];
      for (const item of [1, 2, 3, 4]) queue.putNowait(item);
      await gather(...tasks);
      assert.deepEqual(log.sort(), ['in all 2', 'nested 1', 'then 4']);
      assert.equal(((await tasks[1]) as number[])[0], 3);
    }),
  );

  it(
    'is cancelled with the task, before V8 has told that it is awaited',
    inLoop(async () => {
      const future = new Future();
      const task = createTask(async () => future, { eagerStart: true });
      assert.equal(task.cancel('stop'), true);
      assert.equal(future.cancelled(), true);
      await assert.rejects(task, { name: 'CancelledError', message: 'stop' });
    }),
  );

  it(
    'is not awaited when its then was only looked at',
    inLoop(async () => {
      const looked = new Future();
      const awaited = new Event();
      const task = createTask(
        async () => {
          assert.equal(typeof looked.then, 'function');
          assert.equal(typeof looked.then, 'function');
          await awaited.wait();
          await sleep(60);
        },
        { eagerStart: true },
      );
      await sleep(0);
      awaited.set();
      await sleep(0);
      task.cancel();
      await assert.rejects(task, { name: 'CancelledError' });
      assert.equal(looked.done(), false);
    }),
  );

  it(
    'is given up when its then was only looked at: it takes nothing',
    inLoop(async () => {
      const queue = new Queue<string>();
      const looked = new Future();
      const get = queue.get();
      const awaited = new Future();
      const task = createTask(
        async () => {
          assert.equal(typeof get.then, 'function');
          assert.equal(typeof looked.then, 'function');
          await awaited;
        },
        { eagerStart: true },
      );
      await sleep(0);
      task.cancel();
      queue.putNowait('item');
      await assert.rejects(task, { name: 'CancelledError' });
      assert.equal(looked.done(), false);
      assert.equal(queue.qsize(), 1);
      assert.equal(await get, 'item');
    }),
  );

  it(
    'is given up when its then was only looked at: a semaphore keeps its units',
    inLoop(async () => {
      const semaphore = new Semaphore(1);
      const held = await semaphore.acquire();
      await createTask(async () => typeof semaphore.acquire().then, { eagerStart: true });
      await sleep(0);
      held[Symbol.dispose]();
      await semaphore.acquire();
      assert.equal(semaphore.locked(), true);
    }),
  );

  it(
    'begins there when it is a coroutine object, once',
    inLoop(async () => {
      const log: string[] = [];
      const awaited = new Future();
      const inner = coroutine(async () => {
        log.push('inner');
        await awaited;
      });
      const task = createTask(
        async () => {
          const object = inner();
          await assert.rejects(async () => await object, { name: 'CancelledError' });
          await object;
        },
        { eagerStart: true },
      );
      log.push('created');
      task.cancel();
      assert.equal(awaited.cancelled(), true);
      await assert.rejects(task, { name: 'RuntimeError', message: /cannot reuse the coroutine/ });
      assert.deepEqual(log, ['inner', 'created']);
    }),
  );

  it(
    'may be awaited again by the function that was read',
    inLoop(async () => {
      const future = new Future<number>();
      const log: number[] = [];
      const task = createTask(
        async () => {
          const then = future.then.bind(future);
          await Promise.all([then((v) => log.push(v)), then((v) => log.push(v * 2)), future]);
        },
        { eagerStart: true },
      );
      future.setResult(21);
      await task;
      assert.deepEqual(log, [21, 42]);
    }),
  );
});

describe('eagerStart', () => {
  it(
    'runs the first step inside createTask(), as the new task',
    inLoop(async () => {
      const main = currentTask();
      const log: string[] = [];
      const task = createTask(
        async () => {
          log.push(currentTask()?.getName() ?? 'no task');
          await sleep(0);
          log.push('after');
        },
        { eagerStart: true, name: 'eager' },
      );
      assert.deepEqual(log, ['eager']);
      assert.equal(currentTask(), main);
      assert.ok(allTasks().has(task));
      await task;
      assert.deepEqual(log, ['eager', 'after']);
    }),
  );

  it(
    'a function that does not wait is done at once, and is among the tasks until then',
    inLoop(async () => {
      let seen = new Set<Task>();
      const task = createTask(
        async () => {
          seen = allTasks();
          return 1;
        },
        { eagerStart: true },
      );
      assert.equal(task.done(), true);
      assert.equal(task.result(), 1);
      assert.equal(task.getCoro(), null);
      assert.equal(seen.has(task), true);
      assert.equal(allTasks().has(task), false);
    }),
  );

  it(
    'can be cancelled by its first step, which finds it among the tasks',
    inLoop(async () => {
      const task = createTask(
        async () => {
          for (const one of allTasks()) if (one.getName() === 'itself') one.cancel('by itself');
          await sleep(0);
        },
        { eagerStart: true, name: 'itself' },
      );
      await assert.rejects(task, { name: 'CancelledError', message: 'by itself' });
    }),
  );

  it(
    'a failure is the task’s, not the caller’s',
    inLoop(async () => {
      const error = new Error('failed');
      const task = createTask(
        async () => {
          throw error;
        },
        { eagerStart: true },
      );
      assert.equal(task.exception(), error);
    }),
  );

  it(
    'does not begin when its signal is aborted already',
    inLoop(async () => {
      let began = false;
      const task = createTask(
        async () => {
          began = true;
        },
        { eagerStart: true, signal: AbortSignal.abort() },
      );
      await assert.rejects(async () => task, { name: 'CancelledError' });
      assert.equal(began, false);
    }),
  );

  it(
    'sees the AsyncLocalStorage of its caller and leaves the caller its own',
    inLoop(async () => {
      const storage = new AsyncLocalStorage<string>();
      await storage.run('caller', async () => {
        const task = createTask(
          async () => {
            const before = storage.getStore();
            storage.enterWith('task');
            await sleep(0);
            return [before, storage.getStore()];
          },
          { eagerStart: true },
        );
        assert.equal(storage.getStore(), 'caller');
        assert.deepEqual(await task, ['caller', 'task']);
      });
    }),
  );

  it(
    'children of a group that fail eagerly are reported by the group',
    inLoop(async () => {
      const body = TaskGroup.run(async (group) => {
        group.createTask(
          async () => {
            throw new Error('eager child');
          },
          { eagerStart: true },
        );
        await new Event().wait();
      });
      await assert.rejects(body, { name: 'ExceptionGroup' });
    }),
  );
});

describe('task factories', () => {
  it(
    'eagerTaskFactory starts tasks eagerly unless told otherwise',
    inLoop(async () => {
      const loop = getRunningLoop();
      loop.setTaskFactory(eagerTaskFactory);
      assert.equal(loop.getTaskFactory(), eagerTaskFactory);
      assert.equal(createTask(async () => 1).done(), true);
      const lazy = createTask(async () => 2, { eagerStart: false });
      assert.equal(lazy.done(), false);
      assert.equal(await lazy, 2);
      loop.setTaskFactory(null);
      assert.equal(createTask(async () => 3).done(), false);
    }),
  );

  it(
    'are handed every option, unknown ones too',
    inLoop(async () => {
      const loop = getRunningLoop();
      const context = AsyncLocalStorage.snapshot();
      let seen: unknown;
      loop.setTaskFactory((inner, coro, options) => {
        seen = options;
        return new Task(coro, { ...options, loop: inner });
      });
      const { signal } = new AbortController();
      const options = { name: 'n', context, eagerStart: false, signal, priority: 3 };
      const task = createTask(async () => {}, options as TaskOptions);
      assert.deepEqual(seen, options);
      assert.equal(task.getName(), 'n');
    }),
  );

  it(
    'createEagerTaskFactory gives the maker the options, eagerStart among them',
    inLoop(async () => {
      class Named extends Task {}
      const seen: (TaskOptions | undefined)[] = [];
      const factory = createEagerTaskFactory((loop, coro, options) => {
        seen.push(options);
        return new Named(coro as never, { ...options, loop }) as never;
      });
      const task = factory(getRunningLoop(), async () => 1, { name: 'x' });
      assert.ok(task instanceof Named);
      assert.equal(task.done(), true);
      assert.deepEqual(seen, [{ name: 'x', eagerStart: true }]);
    }),
  );

  it('are functions', () => {
    assert.throws(() => createEagerTaskFactory(1 as never), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => getRunningLoop().setTaskFactory({} as never), {
      code: 'ERR_INVALID_ARG_TYPE',
    });
  });
});
