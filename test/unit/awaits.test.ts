/** An await of a Future, whatever V8 makes of it: who is woken when, who is cancelled, what is reported. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import {
  CancelledError,
  createTask,
  Future,
  gather,
  getRunningLoop,
  iscancelled,
  Queue,
  run,
  sleep,
  timeout,
} from 'aionode';
import { runModule } from '../lifecycle/child.js';
import { inLoop } from '../support/tasks.js';

/** Whether Node found a rejection that nobody handled, until its queue of them was looked through. */
async function rejectionsDuring(body: () => Promise<void>): Promise<unknown[]> {
  const found: unknown[] = [];
  const note = (reason: unknown) => found.push(reason);
  process.on('unhandledRejection', note);
  try {
    await body();
    await new Promise(setImmediate);
  } finally {
    process.off('unhandledRejection', note);
  }
  return found;
}

describe('Promise.prototype.then on a Future', () => {
  for (const reads of [0, 1, 2]) {
    it(
      `gives a native promise after ${reads} looks at its constructor`,
      inLoop(async () => {
        const future = new Future<number>();
        for (const awaited of [sleep(0.001, 7), future]) {
          for (let i = 0; i < reads; i++) assert.equal(typeof awaited.constructor, 'function');
          const derived = Promise.prototype.then.call(awaited, (value) => value * 2);
          assert.ok(derived instanceof Promise);
          if (!future.done() && awaited === future) future.setResult(7);
          assert.equal(await derived, 14);
        }
      }),
    );
  }
});

it('a library that replaces global Promise changes nothing for tasks', async () => {
  const { stdout } = await runModule(`
    const Native = Promise;
    globalThis.Promise = class Other { constructor(executor) { this.p = new Native(executor); } };
    const { createTask, run, sleep, timeout } = await import('aionode');
    const result = await run(async () => {
      const task = createTask(async () => { await sleep(0.001); return 1; });
      const late = await timeout(0.001, () => sleep(60)).catch((error) => error.code);
      return [await task, late];
    });
    console.log(...result);`);
  assert.equal(stdout, '1 ERR_TIMEOUT\n');
});

describe('an await of a Future', () => {
  it(
    'gives the result any number of times, also of a future that a cancelled task awaited first',
    inLoop(async () => {
      const future = new Future<number>();
      const first = createTask(async () => await future);
      await sleep(0);
      future.setResult(7);
      first.cancel();
      await assert.rejects(async () => await first, CancelledError);
      assert.equal(await future, 7);
      assert.equal(await future, 7);
    }),
  );

  it(
    'wakes each task in an entry of its own, with callbacks between them in the order of their coming',
    inLoop(async () => {
      const seen: string[] = [];
      const future = new Future<void>();
      const waiting = (name: string) =>
        createTask(async () => {
          await future;
          seen.push(name);
          await null;
          seen.push(`${name}, the same step`);
        });
      const tasks = [waiting('first')];
      await sleep(0);
      future.addDoneCallback(() => seen.push('callback'));
      tasks.push(waiting('second'));
      await sleep(0);
      future.setResult();
      await gather(...tasks);
      assert.deepEqual(seen, [
        'first',
        'first, the same step',
        'callback',
        'second',
        'second, the same step',
      ]);
    }),
  );

  it(
    'throws the exception, a new CancelledError for each await of a cancelled one',
    inLoop(async () => {
      const failed = new Future<void>();
      failed.setException(new RangeError('out'));
      await assert.rejects(async () => await failed, /out/);
      await assert.rejects(async () => await failed, /out/);
      const cancelled = new Future<void>();
      cancelled.cancel('over');
      await assert.rejects(async () => await cancelled, {
        name: 'CancelledError',
        message: 'over',
      });
      await assert.rejects(async () => await cancelled, {
        name: 'CancelledError',
        message: 'over',
      });
    }),
  );

  it(
    'of one whose result is a promise gives what that gives',
    inLoop(async () => {
      const future = new Future<unknown>();
      future.setResult(Promise.reject(new Error('inner')));
      await assert.rejects(async () => await future, /inner/);
      await assert.rejects(async () => await future, /inner/);
    }),
  );

  it(
    'is cancelled with its task, for everybody who waits',
    inLoop(async () => {
      const future = new Future<void>();
      const ended: string[] = [];
      const waiting = (name: string) =>
        createTask(async () => {
          try {
            await future;
          } catch (error) {
            if (iscancelled(error)) ended.push(name);
          }
        });
      const [first, second] = [waiting('first'), waiting('second')];
      await sleep(0);
      first.cancel();
      await gather(first, second);
      assert.ok(future.cancelled());
      assert.deepEqual(ended, ['first', 'second']);
    }),
  );

  it(
    'inside Promise.all is one that a cancel of the task reaches',
    inLoop(async () => {
      const futures = [new Future<number>(), new Future<number>()];
      const waiting = createTask(async () => await Promise.all(futures));
      await sleep(0);
      futures[0]?.setResult(1);
      await sleep(0);
      waiting.cancel();
      await assert.rejects(async () => await waiting, CancelledError);
      assert.ok(futures[1]?.cancelled());
    }),
  );

  it(
    'in a body that its timeout has given up is an error, even of a future that is done',
    inLoop(async () => {
      const done = new Future<string>();
      done.setResult('late');
      let release!: () => void;
      const foreign = new Promise<void>((resolve) => {
        release = resolve;
      });
      const outcome = new Future<unknown>();
      await assert.rejects(
        timeout(0.001, async () => {
          await foreign;
          try {
            outcome.setResult(await done);
          } catch (error) {
            outcome.setResult(error);
          }
        }),
        { name: 'TimeoutError' },
      );
      release();
      assert.ok((await outcome) instanceof CancelledError);
      assert.equal(await done, 'late');
    }),
  );
});

describe('a Future that is only looked at', () => {
  it(
    'is not what its task waits for, and no cancel of the task reaches it',
    inLoop(async () => {
      const future = new Future<void>();
      const looking = createTask(async () => {
        assert.match(inspect(future), /Future pending/);
        assert.equal(typeof future.constructor, 'function');
        await sleep(3600);
      });
      await sleep(0);
      looking.cancel();
      await assert.rejects(async () => await looking, CancelledError);
      assert.equal(future.done(), false);
      future.setResult();
      await future;
    }),
  );

  it('leaves no rejection behind, and its failure is reported', async () => {
    const reported: unknown[] = [];
    const found = await rejectionsDuring(() =>
      run(async () => {
        getRunningLoop().setExceptionHandler((_loop, { exception }) => reported.push(exception));
        const failed = new Future<void>();
        const cancelled = new Future<void>();
        for (const future of [failed, cancelled])
          assert.equal(typeof future.constructor, 'function');
        failed.setException('nobody asked');
        cancelled.cancel();
        await sleep(0);
        await assert.rejects(async () => await cancelled, CancelledError);
      }),
    );
    assert.deepEqual(found, []);
    assert.deepEqual(reported, ['nobody asked']);
  });
});

describe('a result that is a promise which fails', () => {
  const failing = () => {
    const promise = Promise.reject(new Error('expected'));
    promise.catch(() => {});
    return promise;
  };
  const combinations = {
    all: (one: PromiseLike<unknown>) => Promise.all([one]),
    race: (one: PromiseLike<unknown>) => Promise.race([one, new Future()]),
    'then()': (one: PromiseLike<unknown>) => one.then(),
    await: async (one: PromiseLike<unknown>) => await one,
  };
  for (const [name, combine] of Object.entries(combinations)) {
    for (const later of [false, true]) {
      it(`fails ${name} and nothing else, ${later ? 'later' : 'at once'}`, () =>
        run(async () => {
          const found = await rejectionsDuring(async () => {
            const queue = new Queue<unknown>();
            const future = new Future();
            const settle = () => {
              queue.putNowait(failing());
              future.setResult(failing());
            };
            if (later) getRunningLoop().callSoon(settle);
            else settle();
            const outcomes = [combine(queue.get()), combine(future)];
            const refusals = outcomes.map((one) =>
              assert.rejects(async () => await one, /expected/),
            );
            await Promise.all(refusals);
          });
          assert.deepEqual(found, []);
        }));
    }
  }

  it('is not heard of by who only reads the constructor', () =>
    run(async () => {
      const found = await rejectionsDuring(async () => {
        const queue = new Queue<unknown>();
        const futures = [queue.get(), new Future()];
        for (const future of futures) void future.constructor;
        await sleep(0);
        queue.putNowait(failing());
        futures[1]?.setResult(failing());
        await sleep(0);
        await sleep(0);
      });
      assert.deepEqual(found, []);
    }));
});
