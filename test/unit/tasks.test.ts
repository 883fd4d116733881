/** Task: whose step it is, signals, timeouts and groups side by side. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import {
  CancelledError,
  createTask,
  currentSignal,
  currentTask,
  Event,
  Future,
  gather,
  iscancelled,
  run,
  sleep,
  type Task,
  TaskGroup,
  TimeoutError,
  timeout,
  wrapFuture,
} from 'aionode';
import { inLoop } from '../support/tasks.js';

describe('await using', () => {
  const boom = async () => {
    throw new TypeError('boom');
  };

  it(
    'cancels a task that is pending, without a word',
    inLoop(async () => {
      const never = new Future();
      {
        await using _task = createTask(async () => never);
        await sleep(0);
      }
      assert.equal(never.cancelled(), true);
    }),
  );

  it(
    'throws the error of a task that nobody was told',
    inLoop(async () => {
      const body = async () => {
        await using _task = createTask(boom);
        await sleep(0);
      };
      await assert.rejects(body, { name: 'TypeError', message: 'boom' });
    }),
  );

  it(
    'throws the error of a task that fails in its end',
    inLoop(async () => {
      const body = async () => {
        await using _task = createTask(() => new Event().wait().finally(boom));
        await sleep(0);
      };
      await assert.rejects(body, { name: 'TypeError', message: 'boom' });
    }),
  );

  it(
    'leaves the error of a task that the block has awaited to the block',
    inLoop(async () => {
      const body = async () => {
        await using task = createTask(boom);
        await task;
      };
      await assert.rejects(body, { name: 'TypeError', message: 'boom' });
    }),
  );
});

describe('a SuppressedError whose last error is a cancel', () => {
  // As the helpers of compiled code and Node itself make them.
  const suppressed = (error: unknown) =>
    Object.assign(new Error('two errors'), { name: 'SuppressedError', error });

  it(
    'is a cancel, of tasks, timeouts and groups',
    inLoop(async () => {
      const fails = async (): Promise<never> => {
        try {
          return await new Event().wait().then(() => assert.fail('nobody has set it'));
        } catch (error) {
          throw suppressed(suppressed(error));
        }
      };
      const task = createTask(fails);
      await sleep(0);
      task.cancel();
      await gather(task, { returnExceptions: true });
      assert.equal(task.cancelled(), true);
      await assert.rejects(timeout(0, fails), TimeoutError);
      const group = TaskGroup.run(async (group) => {
        group.createTask(fails);
        await sleep(0);
        group.cancel();
      });
      assert.equal(await group, undefined);
      assert.equal(iscancelled(suppressed(new CancelledError())), true);
      assert.equal(iscancelled(suppressed(new Error('disposal failed'))), false);
    }),
  );
});

describe('currentTask', () => {
  const ways: Record<string, () => unknown> = {
    'a native promise': () => Promise.resolve(),
    'a file': () => readFile(fileURLToPath(import.meta.url)),
    'timers/promises': () => delay(1),
    setImmediate: () => new Promise((resolve) => setImmediate(resolve)),
    'events.once': () => {
      const emitter = new EventEmitter();
      setImmediate(() => emitter.emit('x'));
      return once(emitter, 'x');
    },
    'a worker message': async () => {
      const worker = new Worker("require('node:worker_threads').parentPort.postMessage(1)", {
        eval: true,
      });
      await once(worker, 'message');
      await worker.terminate();
    },
    'Promise.all over futures': () => Promise.all([sleep(0), sleep(0.001), Promise.resolve()]),
    'Promise.race': () => Promise.race([sleep(0.001), delay(50, undefined, { ref: false })]),
    'Promise.any and allSettled': () =>
      Promise.allSettled([Promise.any([sleep(0)]), Promise.reject(new Error('x'))]),
    'another task': () => createTask(async () => sleep(0)),
    'an async generator': async () => {
      async function* numbers() {
        for (let i = 0; i < 3; i++) {
          await sleep(0);
          yield currentTask()?.getName();
        }
      }
      for await (const name of numbers()) assert.equal(name, currentTask()?.getName());
    },
    'then() of a future': () => sleep(0).then(() => currentTask()?.getName()),
  };
  for (const [way, wait] of Object.entries(ways)) {
    it(
      `is right after ${way}`,
      inLoop(async () => {
        const body = async () => {
          const before = currentTask();
          await wait();
          assert.equal(currentTask(), before);
          await sleep(0);
          assert.equal(currentTask(), before);
        };
        await gather(body, body, body);
      }),
    );
  }

  it('is null outside a task', async () => {
    assert.equal(currentTask(), null);
    await run(async () => {
      assert.notEqual(currentTask(), null);
      await new Promise<void>((resolve) => {
        currentTask()
          ?.getLoop()
          .callSoon(() => {
            assert.equal(currentTask(), null);
            resolve();
          });
      });
    });
    assert.equal(currentTask(), null);
  });
});

describe('signal', () => {
  it(
    'of a task is aborted by cancel(), with the CancelledError',
    inLoop(async () => {
      const task = createTask(async () => {
        await delay(100_000, undefined, { signal: currentSignal() });
      });
      await sleep(0);
      const { signal } = task;
      assert.equal(signal.aborted, false);
      task.cancel('enough');
      assert.ok(signal.reason instanceof CancelledError);
      await assert.rejects(async () => task, { name: 'CancelledError', message: 'enough' });
      assert.equal(task.cancelled(), true);
    }),
  );

  it(
    'is a fresh one once uncancel() has reached 0',
    inLoop(async () => {
      const task = currentTask() as Task;
      const first = task.signal;
      task.cancel();
      assert.equal(first.aborted, true);
      assert.equal(task.signal, first);
      await assert.rejects(async () => sleep(0), CancelledError);
      task.uncancel();
      assert.equal(task.signal.aborted, false);
    }),
  );

  it(
    'of a timeout is aborted at the deadline, and by the task’s cancel',
    inLoop(async () => {
      const body = timeout(0.001, ({ signal }) => delay(100_000, undefined, { signal }));
      await assert.rejects(body, TimeoutError);
      const task = createTask(() =>
        timeout(1000, ({ signal }) => {
          assert.equal(currentSignal(), signal);
          return delay(100_000, undefined, { signal });
        }),
      );
      await sleep(0);
      task.cancel();
      await assert.rejects(async () => task, CancelledError);
    }),
  );

  it('outside a task never aborts', () => {
    assert.equal(currentSignal().aborted, false);
    assert.equal(currentSignal(), currentSignal());
  });

  it(
    'given to createTask cancels the task, with its reason as the cause',
    inLoop(async () => {
      const controller = new AbortController();
      const task = createTask(async () => sleep(1000), { signal: controller.signal });
      await sleep(0);
      const reason = new Error('because');
      controller.abort(reason);
      await assert.rejects(async () => task, CancelledError);
      let began = false;
      const late = createTask(
        async () => {
          began = true;
        },
        { signal: controller.signal },
      );
      await assert.rejects(async () => late, CancelledError);
      assert.equal(began, false);
    }),
  );

  it(
    'keeps no listener of a task that has ended',
    inLoop(async () => {
      let listeners = 0;
      const { signal } = new AbortController();
      const { addEventListener, removeEventListener } = signal;
      signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
        listeners += 1;
        addEventListener.apply(signal, args);
      };
      signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
        listeners -= 1;
        removeEventListener.apply(signal, args);
      };
      const warnings: unknown[] = [];
      const onWarning = (warning: unknown) => warnings.push(warning);
      process.on('warning', onWarning);
      const outer = (currentTask() as Task).signal;
      for (let batch = 0; batch < 1000; batch++) {
        await gather(
          ...Array.from({ length: 100 }, () =>
            createTask(() => timeout(10, (scope) => void scope.signal), { signal }),
          ),
        );
        await timeout(10, async (scope) => void scope.signal);
      }
      await sleep(0);
      process.off('warning', onWarning);
      assert.equal(listeners, 0);
      assert.deepEqual(warnings, []);
      assert.equal(outer.aborted, false);
    }),
  );
});

describe('iscancelled', () => {
  it('knows a CancelledError and the AbortError made of one', async () => {
    assert.equal(iscancelled(new CancelledError()), true);
    const made = (reason: unknown) =>
      delay(1000, undefined, { signal: AbortSignal.abort(reason) }).catch((error) => error);
    assert.equal(iscancelled(await made(new CancelledError())), true);
    assert.equal(iscancelled(await made(new Error('other'))), false);
    assert.equal(iscancelled(await made(undefined)), false);
    for (const other of [undefined, null, 'x', new Error('x')]) {
      assert.equal(iscancelled(other), false);
    }
  });
});

describe('foreign promises', () => {
  it(
    'a cancel is delivered at the next await of a future',
    inLoop(async () => {
      const log: string[] = [];
      const task = createTask(async () => {
        await delay(2);
        log.push('not interrupted');
        await sleep(0);
        log.push('not reached');
      });
      await sleep(0);
      task.cancel();
      await assert.rejects(async () => task, CancelledError);
      assert.deepEqual(log, ['not interrupted']);
    }),
  );

  it(
    'wrapFuture() makes them a place to cancel, and aborts what it is told to',
    inLoop(async () => {
      const abort = new AbortController();
      const task = createTask(async () => wrapFuture(new Promise(() => {}), { abort }));
      await sleep(0);
      task.cancel();
      await assert.rejects(async () => task, CancelledError);
      await sleep(0);
      assert.ok(abort.signal.reason instanceof CancelledError);
    }),
  );

  it(
    'cancel interrupts every future of a Promise.all',
    inLoop(async () => {
      const futures = [new Future(), new Future(), new Future()];
      const task = createTask(async () => Promise.all(futures));
      await sleep(0);
      task.cancel();
      await assert.rejects(async () => task, CancelledError);
      assert.deepEqual(
        futures.map((future) => future.cancelled()),
        [true, true, true],
      );
    }),
  );

  it(
    'a timeout is on time over one, and its body is given up',
    inLoop(async () => {
      let release = () => {};
      let after: unknown;
      const never = new Promise<void>((resolve) => {
        release = resolve;
      });
      const body = timeout(0.001, async () => {
        await never;
        after = await sleep(0).catch((error) => error);
      });
      await assert.rejects(body, TimeoutError);
      assert.equal(currentTask()?.cancelling(), 0);
      release();
      await sleep(0);
      await sleep(0);
      assert.ok(after instanceof CancelledError);
    }),
  );
});

describe('scopes side by side in one task', () => {
  it(
    'a deadline interrupts its own body only',
    inLoop(async () => {
      const results = await Promise.allSettled([
        timeout(0.001, () => sleep(1000)),
        timeout(1000, async () => {
          await sleep(0.005);
          return 'kept';
        }),
        sleep(0.005, 'plain'),
      ]);
      assert.ok(results[0].status === 'rejected' && results[0].reason instanceof TimeoutError);
      assert.deepEqual(results.slice(1), [
        { status: 'fulfilled', value: 'kept' },
        { status: 'fulfilled', value: 'plain' },
      ]);
      assert.equal(currentTask()?.cancelling(), 0);
    }),
  );

  it(
    'a failing group interrupts its own body only',
    inLoop(async () => {
      const results = await Promise.allSettled([
        TaskGroup.run(async (group) => {
          group.createTask(async () => {
            throw new Error('child');
          });
          await new Event().wait();
        }),
        TaskGroup.run(async () => sleep(0.002, 'kept')),
        timeout(1000, async () => sleep(0.002, 'timed')),
      ]);
      assert.ok(results[0].status === 'rejected' && results[0].reason.name === 'ExceptionGroup');
      assert.deepEqual(results.slice(1), [
        { status: 'fulfilled', value: 'kept' },
        { status: 'fulfilled', value: 'timed' },
      ]);
      assert.equal(currentTask()?.cancelling(), 0);
    }),
  );

  it(
    'a cancel of the task interrupts all of them',
    inLoop(async () => {
      const ended: string[] = [];
      const body = (name: string) => async () => {
        try {
          await new Event().wait();
        } catch (error) {
          ended.push(name);
          throw error;
        }
      };
      const task = createTask(async () => {
        await Promise.all([
          timeout(1000, body('timeout')),
          TaskGroup.run(body('group')),
          body('plain')(),
        ]);
      });
      await sleep(0);
      task.cancel();
      await assert.rejects(async () => task, CancelledError);
      assert.deepEqual(ended.sort(), ['group', 'plain', 'timeout']);
    }),
  );
});

describe('a cycle of tasks that wait for each other', () => {
  it(
    'is ended by cancelling one of them',
    inLoop(async () => {
      const tasks: Task<unknown>[] = [];
      for (const other of [1, 2, 0]) tasks.push(createTask(async () => tasks[other]));
      await sleep(0);
      tasks[1]?.cancel();
      const results = await gather(...tasks, { returnExceptions: true });
      for (const result of results) assert.ok(result instanceof CancelledError);
    }),
  );
});

describe('a task cancelled by a signal', () => {
  it('gives the signal’s reason as cause, inside the task and to who awaits it', () =>
    run(async () => {
      const controller = new AbortController();
      const reason = new Error('no longer needed');
      let seen: unknown;
      const task = createTask(
        async () => {
          try {
            await sleep(10);
          } catch (error) {
            seen = (error as Error).cause;
            throw error;
          }
        },
        { signal: controller.signal },
      );
      await sleep(0);
      controller.abort(reason);
      await assert.rejects(task, (error: Error) => {
        assert.equal(error.name, 'CancelledError');
        assert.equal(error.cause, reason);
        return true;
      });
      assert.equal(seen, reason);
    }));
});
