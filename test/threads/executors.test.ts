/** ThreadPoolExecutor, and how loops use executors. Jobs are held by shared memory, so no test guesses at times. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CancelledError,
  createTask,
  type ExceptionContext,
  type Executor,
  Future,
  gather,
  getRunningLoop,
  newEventLoop,
  run,
  sleep,
  ThreadPoolExecutor,
  type ThreadPoolOptions,
  timeout,
  toThread,
} from 'aionode';
import { runModule } from '../lifecycle/child.js';

/** A test body with a pool, which must have shut down when it ends. */
function withPool(options: ThreadPoolOptions, body: (pool: ThreadPoolExecutor) => Promise<void>) {
  return () =>
    run(async () => {
      const pool = new ThreadPoolExecutor(options);
      try {
        await body(pool);
      } finally {
        await pool.shutdown();
      }
    });
}

/** `[how many began, open: 1, how many ended]` */
const newGate = () => new Int32Array(new SharedArrayBuffer(12));

/** Says that it has begun, and ends when the gate is opened. */
function pass<T>(gate: Int32Array, result: T): T {
  Atomics.add(gate, 0, 1);
  Atomics.notify(gate, 0);
  Atomics.wait(gate, 1, 0);
  Atomics.add(gate, 2, 1);
  return result;
}

function stuck(gate: Int32Array): void {
  Atomics.add(gate, 0, 1);
  for (;;);
}

async function begun(gate: Int32Array, count: number): Promise<void> {
  while (Atomics.load(gate, 0) < count) await sleep(0.001);
}

function open(gate: Int32Array): void {
  Atomics.store(gate, 1, 1);
  Atomics.notify(gate, 1);
}

/** A bare worker with `resourceLimits` takes the process with it there, in about one run of four. */
const MEMORY_LIMIT_ABORTS = Number.parseInt(process.versions.node, 10) >= 24;

const threadId = async () => (await import('node:worker_threads')).threadId;

describe('ThreadPoolExecutor', () => {
  it(
    'runs as many calls at a time as it has threads',
    withPool({ maxWorkers: 2 }, async (pool) => {
      // Begun, open, running, and the most that ran at a time.
      const gate = new Int32Array(new SharedArrayBuffer(16));
      const counted = (counts: Int32Array, result: number) => {
        const running = Atomics.add(counts, 2, 1) + 1;
        if (running > Atomics.load(counts, 3)) Atomics.store(counts, 3, running);
        Atomics.add(counts, 0, 1);
        Atomics.wait(counts, 1, 0);
        Atomics.sub(counts, 2, 1);
        return result;
      };
      const calls = [0, 1, 2, 3, 4].map((n) => pool.submit(counted, [gate, n]));
      await begun(gate, 2);
      open(gate);
      assert.deepEqual(await gather(...calls), [0, 1, 2, 3, 4]);
      assert.equal(Atomics.load(gate, 3), 2);
    }),
  );

  it(
    'takes calls in their order',
    withPool({ maxWorkers: 1 }, async (pool) => {
      const gate = newGate();
      open(gate);
      const order = [0, 1, 2, 3, 4].map((n) =>
        pool.submit((array: Int32Array, _n: number) => Atomics.add(array, 0, 1), [gate, n]),
      );
      assert.deepEqual(await gather(...order), [0, 1, 2, 3, 4]);
    }),
  );

  it(
    'starts a thread only when none is free, and uses the last one again',
    withPool({ maxWorkers: 4 }, async (pool) => {
      const first = await pool.submit(threadId, []);
      for (let i = 0; i < 5; i++) assert.equal(await pool.submit(threadId, []), first);
      const gate = newGate();
      const held = pool.submit(pass<string>, [gate, 'held']);
      assert.notEqual(await pool.submit(threadId, []), first);
      open(gate);
      assert.equal(await held, 'held');
    }),
  );

  it(
    'a call that is cancelled in line never runs',
    withPool({ maxWorkers: 1 }, async (pool) => {
      const gate = newGate();
      const other = newGate();
      const held = pool.submit(pass<number>, [gate, 1]);
      await begun(gate, 1);
      const cancelled = pool.submit(pass<number>, [other, 2]);
      const last = pool.submit((n: number) => n, [3]);
      assert.equal(cancelled.cancel('not this'), true);
      assert.equal(cancelled.cancel(), false);
      open(gate);
      assert.deepEqual(await gather(held, last), [1, 3]);
      assert.equal(Atomics.load(other, 0), 0);
      await assert.rejects(cancelled, { name: 'CancelledError', message: 'not this' });
    }),
  );

  it(
    'a call that is cancelled while it runs goes on, its result is dropped',
    withPool({ maxWorkers: 1 }, async (pool) => {
      const gate = newGate();
      const thread = await pool.submit(threadId, []);
      const task = createTask(() => pool.submit(pass<number>, [gate, 1]));
      await begun(gate, 1);
      task.cancel('enough');
      await assert.rejects(task, { name: 'CancelledError', message: 'enough' });
      const next = pool.submit(threadId, []);
      open(gate);
      assert.equal(await next, thread);
      assert.equal(Atomics.load(gate, 2), 1);
    }),
  );

  it(
    'terminate: true ends the thread of a cancelled call, and the next call gets a new one',
    withPool({ maxWorkers: 1, terminate: true }, async (pool) => {
      const gate = newGate();
      const thread = await pool.submit(threadId, []);
      const call = pool.submit(stuck, [gate]);
      const waiting = pool.submit(threadId, []);
      await begun(gate, 1);
      await assert.rejects(
        timeout(0.001, () => call),
        { name: 'TimeoutError' },
      );
      assert.notEqual(await waiting, thread);
    }),
  );

  it(
    'terminate: seconds gives a cancelled call that long',
    withPool({ maxWorkers: 2, terminate: 0.01 }, async (pool) => {
      const gate = newGate();
      const call = pool.submit(stuck, [gate]);
      await begun(gate, 1);
      const start = performance.now();
      call.cancel();
      await pool.shutdown();
      assert.ok(performance.now() - start > 9, 'the thread was ended before');
    }),
  );

  it(
    'terminate: seconds leaves a thread alone that ends its call in time',
    withPool({ maxWorkers: 1, terminate: 3600 }, async (pool) => {
      const gate = newGate();
      const thread = await pool.submit(threadId, []);
      const call = pool.submit(pass<number>, [gate, 1]);
      await begun(gate, 1);
      call.cancel();
      open(gate);
      assert.equal(await pool.submit(threadId, []), thread);
    }),
  );

  it(
    'a thread that ends while it works fails its call and is replaced',
    withPool({ maxWorkers: 1 }, async (pool) => {
      const thread = await pool.submit(threadId, []);
      const calls = [
        pool.submit(() => process.exit(3), []),
        pool.submit(async () => {
          setImmediate(() => {
            throw new RangeError('nobody catches it');
          });
          await new Promise(() => {});
        }, []),
        pool.submit(async () => {
          Promise.reject(new RangeError('nobody handles it'));
          await new Promise((resolve) => setTimeout(resolve, 60_000));
        }, []),
        pool.submit(threadId, []),
      ] as const;
      await assert.rejects(calls[0], {
        name: 'RuntimeError',
        code: 'ERR_WORKER_ENDED',
        message: 'the worker thread ended with exit code 3',
      });
      await assert.rejects(calls[1], { name: 'RangeError', message: 'nobody catches it' });
      await assert.rejects(calls[2], { name: 'RangeError', message: 'nobody handles it' });
      assert.notEqual(await calls[3], thread);
    }),
  );

  it(
    'a thread that runs out of memory fails its call, and nothing else',
    { skip: MEMORY_LIMIT_ABORTS && 'from Node 24 on Node itself may abort at the limit' },
    withPool({ maxWorkers: 1, maxMemoryMb: 16 }, async (pool) => {
      const call = pool.submit(() => {
        const all: unknown[] = [];
        for (;;) all.push(new Array(1000).fill(0));
      }, []);
      await assert.rejects(call, { code: 'ERR_WORKER_OUT_OF_MEMORY' });
      assert.equal(await pool.submit((n: number) => n, [1]), 1);
    }),
  );

  it('an error in a thread without work is reported', async () => {
    const { code, stdout, stderr } = await runModule(`
      import { getRunningLoop, run, sleep, ThreadPoolExecutor } from 'aionode';
      getRunningLoop().setExceptionHandler((loop, { message, exception }) => {
        console.log(message, exception.message);
        reported();
      });
      let reported;
      const told = new Promise((resolve) => { reported = resolve; });
      const pool = new ThreadPoolExecutor();
      await pool.submit((ms) => void setTimeout(() => { throw new Error('left behind'); }, ms), [50]);
      const held = setInterval(() => {}, 1000);
      await told;
      clearInterval(held);
      console.log(await pool.submit((n) => n, [5]));`);
    assert.deepEqual(
      { code, stdout, stderr },
      {
        code: 0,
        stdout: 'Unhandled error in a worker thread that had no job left behind\n5\n',
        stderr: '',
      },
    );
  });

  it('fails the calls when no thread can be started', async () => {
    const program = `
      import { ThreadPoolExecutor, run } from 'aionode';
      await run(async () => {
        const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
        const calls = [1, 2].map((n) => pool.submit((n) => n, [n]));
        for (const call of calls) await call.catch((error) => console.log(error.message));
        await pool.shutdown();
      });`;
    // What is preloaded is preloaded in workers, too.
    const preloaded = `
      import { isMainThread } from 'node:worker_threads';
      if (!isMainThread) throw new Error('no threads here');`;
    const { code, stdout } = await runModule(`
      import { spawnSync } from 'node:child_process';
      const { status } = spawnSync(process.execPath, [
        '--import', 'data:text/javascript,' + encodeURIComponent(${JSON.stringify(preloaded)}),
        '--input-type=module', '--eval', ${JSON.stringify(program)},
      ], { stdio: 'inherit' });
      process.exitCode = status;`);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: 'no threads here\n'.repeat(2) });
  });

  it('checks its options and arguments', () => {
    const wrong: [unknown, string][] = [
      [null, 'ERR_INVALID_ARG_TYPE'],
      [{ maxWorkers: 0 }, 'ERR_OUT_OF_RANGE'],
      [{ maxWorkers: 1.5 }, 'ERR_OUT_OF_RANGE'],
      [{ maxWorkers: '2' }, 'ERR_INVALID_ARG_TYPE'],
      [{ threadNamePrefix: 1 }, 'ERR_INVALID_ARG_TYPE'],
      [{ terminate: 'soon' }, 'ERR_INVALID_ARG_TYPE'],
      [{ terminate: Number.NaN }, 'ERR_OUT_OF_RANGE'],
      [{ maxMemoryMb: '16' }, 'ERR_INVALID_ARG_TYPE'],
      [{ maxMemoryMb: 15 }, 'ERR_OUT_OF_RANGE'],
    ];
    for (const [options, code] of wrong) {
      assert.throws(() => new ThreadPoolExecutor(options as never), { code });
    }
    const pool = new ThreadPoolExecutor();
    assert.throws(() => pool.submit(threadId, 5 as never), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => pool.shutdown(true, null as never), { code: 'ERR_INVALID_ARG_TYPE' });
  });

  it(
    'names its threads',
    withPool({ threadNamePrefix: 'mine' }, async (pool) => {
      // Node shows the name of a worker to inspectors only, from version 24 on also to the thread.
      const name = await pool.submit(async () => {
        const threads = (await import('node:worker_threads')) as { threadName?: string };
        return threads.threadName;
      }, []);
      assert.ok(name === undefined || name === 'mine_0', name);
    }),
  );
});

describe('shutdown()', () => {
  it(
    'lets what was submitted end, takes nothing more, and may be called again',
    withPool({ maxWorkers: 1 }, async (pool) => {
      const gate = newGate();
      const calls = [1, 2].map((n) => pool.submit(pass<number>, [gate, n]));
      const ended = pool.shutdown();
      assert.throws(() => pool.submit(threadId, []), {
        name: 'RuntimeError',
        message: 'cannot schedule new futures after shutdown',
      });
      assert.equal(pool.shutdown(false).done(), true);
      await begun(gate, 1);
      assert.equal(ended.done(), false);
      open(gate);
      assert.deepEqual(await gather(...calls), [1, 2]);
      await ended;
      await pool.shutdown();
    }),
  );

  it(
    'cancelFutures cancels what waits in line',
    withPool({ maxWorkers: 1 }, async (pool) => {
      const gate = newGate();
      const [running, waiting] = [1, 2].map((n) => pool.submit(pass<number>, [gate, n]));
      await begun(gate, 1);
      pool.shutdown(false, { cancelFutures: true });
      assert.equal(waiting?.cancelled(), true);
      open(gate);
      assert.equal(await running, 1);
    }),
  );

  it(
    'waits for threads, also those that start or were told to end',
    withPool({}, async (pool) => {
      pool.submit(threadId, []).cancel();
      await pool.shutdown();
    }),
  );

  it('of an unused pool is done at once', () =>
    run(async () => {
      assert.equal(new ThreadPoolExecutor().shutdown().done(), true);
    }));

  it(
    'cancelling it stops waiting, and nothing else',
    withPool({}, async (pool) => {
      const gate = newGate();
      const call = pool.submit(pass<number>, [gate, 1]);
      await begun(gate, 1);
      const waiting = createTask(() => pool.shutdown());
      await sleep(0);
      waiting.cancel();
      await assert.rejects(waiting, CancelledError);
      open(gate);
      assert.equal(await call, 1);
    }),
  );

  it(
    'terminate() ends stuck threads and fails their calls',
    withPool({ maxWorkers: 1 }, async (pool) => {
      const gate = newGate();
      const running = pool.submit(stuck, [gate]);
      const waiting = pool.submit(stuck, [gate]);
      await begun(gate, 1);
      await pool.terminate();
      await assert.rejects(running, {
        name: 'RuntimeError',
        code: 'ERR_WORKER_ENDED',
        message: 'the worker thread was terminated',
      });
      assert.equal(waiting.cancelled(), true);
      await pool.terminate();
    }),
  );

  it('loses nothing that the threads have printed', async () => {
    const lines = 5000;
    const { code, stdout } = await runModule(`
      import { run, toThread } from 'aionode';
      await run(() => toThread((lines) => {
        for (let i = 0; i < lines; i++) console.log('line ' + i);
      }, ${lines}));`);
    const expected = Array.from({ length: lines }, (_, i) => `line ${i}\n`).join('');
    assert.deepEqual({ code, stdout }, { code: 0, stdout: expected });
  });

  it('is what `await using` does', () =>
    run(async () => {
      const pool = new ThreadPoolExecutor();
      const call = pool.submit((n: number) => n, [1]);
      await pool[Symbol.asyncDispose]();
      assert.equal(call.result(), 1);
    }));
});

describe('the life of the process', () => {
  it('is not prolonged by threads without work', async () => {
    const { code, stdout } = await runModule(`
      import { toThread } from 'aionode';
      console.log(await toThread(() => 5));`);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: '5\n' });
  });

  it('lasts until the pending calls are done', async () => {
    const { code, stdout } = await runModule(`
      import { ThreadPoolExecutor } from 'aionode';
      const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      for (const n of [1, 2]) {
        pool.submit(async (n) => {
          await new Promise((resolve) => setTimeout(resolve, 50));
          return n;
        }, [n]).then(console.log);
      }`);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: '1\n2\n' });
  });

  it('lasts, at the end of run(), until the threads have done what they were given', async () => {
    const { code, stdout, stderr } = await runModule(`
      import { createTask, run, sleep, toThread } from 'aionode';
      await run(async () => {
        const state = new Int32Array(new SharedArrayBuffer(4));
        createTask(() => toThread((state) => {
          Atomics.store(state, 0, 1);
          const end = performance.now() + 100;
          while (performance.now() < end);
          console.log('done');
        }, state));
        while (Atomics.load(state, 0) === 0) await sleep(0.001);
      });
      console.log('end of run');`);
    assert.deepEqual(
      { code, stdout, stderr },
      { code: 0, stdout: 'done\nend of run\n', stderr: '' },
    );
  });

  it('is not prolonged by stuck threads that shutdownDefaultExecutor() gave up', async () => {
    const { code, stdout, stderr } = await runModule(`
      import { getRunningLoop, run, sleep, toThread } from 'aionode';
      await run(async () => {
        const state = new Int32Array(new SharedArrayBuffer(4));
        const call = toThread((state) => { Atomics.store(state, 0, 1); for (;;); }, state);
        while (Atomics.load(state, 0) === 0) await sleep(0.001);
        call.cancel();
        await getRunningLoop().shutdownDefaultExecutor(0.01);
        console.log('given up');
      }).catch(console.log);
      process.exitCode = 0;`);
    assert.equal(stdout, 'given up\n', stderr);
    assert.equal(code, 0);
    assert.match(
      stderr,
      /RuntimeWarning: The executor did not finish joining its threads within 0.01 seconds/,
    );
  });
});

it('a call that outlasts shutdownDefaultExecutor() is no deadlock', async () => {
  const { code, stdout } = await runModule(`
    import { getRunningLoop, run, toThread } from 'aionode';
    await run(async () => {
      const gate = new Int32Array(new SharedArrayBuffer(4));
      const call = toThread((shared) => { Atomics.wait(shared, 0, 0); return 'gone on'; }, gate);
      await getRunningLoop().shutdownDefaultExecutor(0.01);
      setTimeout(() => { Atomics.store(gate, 0, 1); Atomics.notify(gate, 0); }, 20).unref();
      console.log(await call);
    });`);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: 'gone on\n' });
});

describe('loop.runInExecutor()', () => {
  it('runs in a pool of the loop, or in the executor that is said', () =>
    run(async () => {
      const loop = getRunningLoop();
      const own = await loop.runInExecutor(null, threadId);
      assert.equal(await toThread(threadId), own);
      const pool = new ThreadPoolExecutor();
      assert.notEqual(await loop.runInExecutor(pool, threadId), own);
      assert.equal(await loop.runInExecutor(pool, (a: number, b: number) => a + b, 20, 22), 42);
      await pool.shutdown();
    }));

  it('gives Futures of its loop, whoever calls it', async () => {
    const loop = newEventLoop();
    const future = loop.runInExecutor(null, () => 7);
    assert.equal(future.getLoop(), loop);
    assert.equal(await loop.runUntilComplete(future), 7);
    await loop.runUntilComplete(() => loop.shutdownDefaultExecutor());
    loop.close();
  });

  it('takes any Executor', () =>
    run(async () => {
      const loop = getRunningLoop();
      const promised: Future<never> = new Future();
      const failure = new Error('there');
      const executor: Executor = {
        submit: async (fn, args) => (await fn(...args)) as never,
        shutdown: async () => {},
      };
      const sum = loop.runInExecutor(executor, (a: number, b: number) => a + b, 1, 2);
      assert.ok(sum instanceof Future);
      assert.equal(await sum, 3);
      const failing = loop.runInExecutor(executor, () => {
        throw failure;
      });
      await assert.rejects(failing, failure);
      const pending = loop.runInExecutor({ ...executor, submit: () => promised }, () => {});
      pending.cancel();
      await assert.rejects(promised, CancelledError);
      const foreign = newEventLoop();
      const inOther: Future<never> = new Future({ loop: foreign });
      const adopted = loop.runInExecutor({ ...executor, submit: () => inOther }, () => {});
      assert.equal(adopted.getLoop(), loop);
      adopted.cancel();
      await sleep(0);
      await assert.rejects(adopted, CancelledError);
      assert.equal(inOther.cancelled(), true);
      foreign.close();
      for (const wrong of [undefined, 5, {}, { submit() {} }]) {
        assert.throws(() => loop.runInExecutor(wrong as never, () => {}), {
          code: 'ERR_INVALID_ARG_TYPE',
        });
      }
      assert.throws(() => loop.runInExecutor(executor, 5 as never), {
        code: 'ERR_INVALID_ARG_TYPE',
      });
    }));

  it('uses the default executor that was set, and run() shuts that down', async () => {
    const shutdowns: unknown[] = [];
    await run(async () => {
      const loop = getRunningLoop();
      loop.setDefaultExecutor({
        submit: async (fn, args) => ['mine', fn(...args)] as never,
        shutdown: async (wait) => void shutdowns.push(wait),
      });
      assert.deepEqual(await toThread((n: number) => n, 1), ['mine', 1]);
      for (const wrong of [null, undefined, {}]) {
        assert.throws(() => loop.setDefaultExecutor(wrong as never), {
          code: 'ERR_INVALID_ARG_TYPE',
        });
      }
    });
    assert.deepEqual(shutdowns, [true, false], 'once by run(), once by close()');
  });

  it('refuses work after the shutdown and on a closed loop', () =>
    run(async () => {
      const loop = getRunningLoop();
      assert.equal(await toThread(() => 1), 1);
      await loop.shutdownDefaultExecutor();
      const refused = { name: 'RuntimeError', message: 'Executor shutdown has been called' };
      assert.throws(() => toThread(() => 1), refused);
      assert.throws(() => loop.runInExecutor(null, () => 1), refused);
      assert.throws(() => loop.setDefaultExecutor(new ThreadPoolExecutor()), refused);
      await loop.shutdownDefaultExecutor(1);
      await assert.rejects(loop.shutdownDefaultExecutor('1' as never), {
        code: 'ERR_INVALID_ARG_TYPE',
      });
      const closed = newEventLoop();
      closed.close();
      const pool = new ThreadPoolExecutor();
      assert.throws(() => closed.runInExecutor(pool, () => 1), /Event loop is closed/);
      await pool.shutdown();
    }));

  it('a failing shutdown of an executor is passed on', () =>
    run(async () => {
      const loop = newEventLoop();
      const failure = Object.assign(new Error('will not'), { code: 'ERR_TIMEOUT' });
      let shutdowns = 0;
      loop.setDefaultExecutor({
        submit: async (fn, args) => (await fn(...args)) as never,
        shutdown: async () => {
          shutdowns += 1;
          if (shutdowns === 1) throw failure;
        },
      });
      await assert.rejects(loop.shutdownDefaultExecutor(5), failure);
      loop.close();
    }));

  it('a failing shutdown hides no error of main, and is told to the exception handler', async () => {
    const reports: ExceptionContext[] = [];
    const failure = new Error('will not');
    const main = async () => {
      const loop = getRunningLoop();
      loop.setExceptionHandler((_loop, context) => reports.push(context));
      loop.setDefaultExecutor({
        submit: async (fn, args) => (await fn(...args)) as never,
        shutdown: async () => {
          throw failure;
        },
      });
      throw new Error('main failed');
    };
    await assert.rejects(run(main), { message: 'main failed' });
    await sleep(0);
    assert.deepEqual(reports.map(({ message, exception }) => [message, exception]).sort(), [
      ['run() could not close its loop after main had failed', failure],
      ['shutdown() of the executor failed', failure],
    ]);
  });

  it('failures that nobody looked at reach the exception handler', async () => {
    const reports: ExceptionContext[] = [];
    await run(async () => {
      getRunningLoop().setExceptionHandler((_loop, context) => reports.push(context));
      toThread(() => {
        throw new Error('unseen');
      });
    });
    assert.deepEqual(
      reports.map(({ message, exception }) => [message, (exception as Error).message]),
      [['Future exception was never retrieved', 'unseen']],
    );
  });
});
