/** Calls from a worker thread into a loop of this one: exposeThreadsafe() and ThreadsafeLoop. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import {
  allTasks,
  CancelledError,
  createTask,
  currentTask,
  Event,
  type ExceptionContext,
  Future,
  getRunningLoop,
  newEventLoop,
  run,
  sleep,
  ThreadsafeLoop,
  toThread,
  transfer,
} from 'aionode';
import { runModule } from '../lifecycle/child.js';

/** Runs lines in a worker, with `main`, the loop at the other end of the port, and aionode's exports. */
function inWorker(port: MessagePort, body: string): Worker {
  const program = `import(${JSON.stringify(import.meta.resolve('aionode'))}).then(async (aionode) => {
    const { parentPort, workerData } = require('node:worker_threads');
    const main = new aionode.ThreadsafeLoop(workerData);
    ${body}
  })`;
  return new Worker(program, { eval: true, workerData: port, transferList: [port] });
}

/** Both ends in this thread, where a test can look at them. */
function connected(
  functions: Parameters<ReturnType<typeof getRunningLoop>['exposeThreadsafe']>[0],
) {
  return new ThreadsafeLoop(getRunningLoop().exposeThreadsafe(functions));
}

it('a task factory that throws is told to the caller and to the exception handler', () =>
  run(async () => {
    const loop = getRunningLoop();
    const reported = new Future<ExceptionContext>();
    loop.setExceptionHandler((_loop, context) => reported.setResult(context));
    const main = connected({ add: async () => {} });
    const failure = new Error('no tasks today');
    loop.setTaskFactory(() => {
      throw failure;
    });
    const { message } = failure;
    await assert.rejects(async () => main.runCoroutineThreadsafe('add'), { message });
    loop.setTaskFactory(null);
    const context = await reported;
    assert.equal(context.exception, failure);
    assert.match(context.message, /runCoroutineThreadsafe\('add'\) of another thread failed/);
    main.close();
  }));

it('a closed loop refuses calls before this thread is told of its end', async () => {
  const loop = newEventLoop();
  const main = new ThreadsafeLoop(loop.exposeThreadsafe({ note: () => {} }));
  main.callSoonThreadsafe('note');
  loop.close();
  assert.throws(() => main.callSoonThreadsafe('note'), { name: 'RuntimeError', message: /closed/ });
  main.close();
});

describe('callSoonThreadsafe()', () => {
  it('runs functions on the loop, in the order of the calls', () =>
    run(async () => {
      const loop = getRunningLoop();
      const all: unknown[] = [];
      const last = new Future<void>();
      const port = loop.exposeThreadsafe({
        note: (...args: unknown[]) => all.push([...args, getRunningLoop() === loop, currentTask()]),
        end: () => last.setResult(),
      });
      const worker = inWorker(
        port,
        `for (let i = 0; i < 3; i++) main.callSoonThreadsafe('note', i, Buffer.from('b'));
         main.callSoonThreadsafe('end');`,
      );
      const exited = once(worker, 'exit');
      await last;
      const bytes = Buffer.from('b');
      assert.deepEqual(all, [
        [0, bytes, true, null],
        [1, bytes, true, null],
        [2, bytes, true, null],
      ]);
      await exited;
    }));

  it('tells the exception handler of the loop what cannot be called, and what throws', () =>
    run(async () => {
      const reports: ExceptionContext[] = [];
      const three = new Event();
      getRunningLoop().setExceptionHandler((_loop, context) => {
        if (reports.push(context) === 3) three.set();
      });
      const failure = new Error('thrown');
      const loop = connected({
        later: async () => {},
        fails: () => {
          throw failure;
        },
      });
      // With both ends here, no thread at the other end keeps the process alive.
      const held = setInterval(() => {}, 60_000);
      for (const name of ['toString', 'later', 'fails']) loop.callSoonThreadsafe(name);
      await three.wait();
      clearInterval(held);
      assert.deepEqual(
        reports.map(({ message, exception }) => [message, (exception as Error).message]),
        [
          [
            "callSoonThreadsafe('toString') of another thread failed",
            'The event loop exposes no function "toString"',
          ],
          [
            "callSoonThreadsafe('later') of another thread failed",
            'later() is asynchronous: use runCoroutineThreadsafe()',
          ],
          ['Exception in callback fails()', 'thrown'],
        ],
      );
    }));
});

describe('runCoroutineThreadsafe()', () => {
  it('runs a task on the loop and gives its outcome', () =>
    run(async () => {
      const names: (string | undefined)[] = [];
      const port = getRunningLoop().exposeThreadsafe({
        async add(a: number, b: number) {
          await sleep(0);
          names.push(currentTask()?.getName());
          return a + b;
        },
        plain: () => Buffer.from('plain'),
        async fails() {
          throw Object.assign(new RangeError('there'), { code: 'E_THERE' });
        },
        uncloneable: () => () => {},
        cancelled: () => currentTask()?.cancel('by itself'),
      });
      const worker = inWorker(
        port,
        `const outcome = (...args) => main.runCoroutineThreadsafe(...args).then(
           (value) => Buffer.isBuffer(value) ? 'Buffer ' + value : value,
           (error) => [error.constructor === aionode.CancelledError, error.name, error.message, error.code]);
         const all = [];
         for (const name of ['plain', 'fails', 'uncloneable', 'nothing']) all.push(await outcome(name));
         all.push(await outcome('add', 20, 22));
         all.push(await Promise.all([1, 2, 3].map((n) => outcome('add', n, n))));
         parentPort.postMessage(all);`,
      );
      // Both from the beginning: the last message may be delivered in the same turn as the end.
      const [[all]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
      assert.deepEqual(all, [
        'Buffer plain',
        [false, 'RangeError', 'there', 'E_THERE'],
        [
          false,
          'TypeError',
          'What uncloneable() returned cannot be sent to another thread: () => () => {} could not be cloned.'.replace(
            '() => () => {}',
            '() => { }',
          ),
          undefined,
        ],
        [false, 'TypeError', 'The event loop exposes no function "nothing"', undefined],
        42,
        [2, 4, 6],
      ]);
      assert.equal(names.length, 4);
    }));

  it('cancels the task there when the Future is cancelled', () =>
    run(async () => {
      const started = new Event();
      const ended = new Future<string>();
      const loop = connected({
        async wait() {
          started.set();
          try {
            await sleep(3600);
          } catch (error) {
            ended.setResult((error as Error).message);
            throw error;
          }
        },
      });
      const task = createTask(() => loop.runCoroutineThreadsafe('wait'));
      await started.wait();
      task.cancel('enough');
      await assert.rejects(task, CancelledError);
      assert.equal(await ended, 'enough');
    }));

  it('is cancelled when the task there is', () =>
    run(async () => {
      const loop = connected({
        async cancelled() {
          currentTask()?.cancel('by itself');
          await sleep(3600);
        },
      });
      const call = loop.runCoroutineThreadsafe('cancelled');
      await assert.rejects(call, { name: 'CancelledError', message: 'by itself' });
      assert.equal(call.cancelled(), true);
    }));

  it('moves what is marked', () =>
    run(async () => {
      const loop = connected({ make: (bytes: Uint8Array) => transfer(bytes) });
      const bytes = new Uint8Array([1, 2]);
      const back = (await loop.runCoroutineThreadsafe('make', transfer(bytes))) as Uint8Array;
      assert.deepEqual([bytes.length, [...back]], [0, [1, 2]]);
    }));

  it('fails when the loop is closed before', async () => {
    const loop = newEventLoop();
    const port = loop.exposeThreadsafe({ f: () => 5 });
    const remote = new ThreadsafeLoop(port);
    const call = remote.runCoroutineThreadsafe('f');
    loop.close();
    await assert.rejects(call, {
      name: 'RuntimeError',
      message: 'The event loop was closed before the call was done',
    });
    const closed = {
      name: 'RuntimeError',
      message: 'The event loop of the other thread is closed',
    };
    assert.throws(() => remote.runCoroutineThreadsafe('f'), closed);
    assert.throws(() => remote.callSoonThreadsafe('f'), closed);
    remote.close();
    assert.throws(() => loop.exposeThreadsafe({}), { name: 'RuntimeError' });
  });

  it('gives the outcome of a task that the end of run() cancels', async () => {
    let call: Future<unknown> | undefined;
    await run(async () => {
      const started = new Event();
      const remote = connected({
        async wait() {
          started.set();
          await sleep(3600);
        },
      });
      call = remote.runCoroutineThreadsafe('wait');
      await started.wait();
    });
    while (call?.done() === false) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(call?.cancelled(), true);
  });

  it('close() fails what is waited for, and leaves the task there alone', () =>
    run(async () => {
      const started = new Event();
      const ended = new Event();
      const loop = connected({
        async work() {
          started.set();
          await sleep(0.01);
          ended.set();
        },
      });
      const call = loop.runCoroutineThreadsafe('work');
      await started.wait();
      loop[Symbol.dispose]();
      await assert.rejects(call, { name: 'RuntimeError' });
      await ended.wait();
    }));
});

describe('the two ends', () => {
  it('check their arguments', () =>
    run(async () => {
      const loop = getRunningLoop();
      for (const wrong of [null, 5, { f: 5 }]) {
        assert.throws(() => loop.exposeThreadsafe(wrong as never), {
          code: 'ERR_INVALID_ARG_TYPE',
        });
      }
      for (const wrong of [undefined, {}, new MessageChannel()]) {
        assert.throws(() => new ThreadsafeLoop(wrong as never), { code: 'ERR_INVALID_ARG_TYPE' });
      }
      const remote = connected({ f: () => {} });
      assert.throws(() => remote.callSoonThreadsafe(5 as never), { code: 'ERR_INVALID_ARG_TYPE' });
      for (const method of ['callSoonThreadsafe', 'runCoroutineThreadsafe'] as const) {
        assert.throws(() => remote[method]('f', () => {}), {
          name: 'TypeError',
          message: /^An argument of f\(\) cannot be sent to another thread: /,
        });
      }
      assert.equal(allTasks().size, 1);
    }));

  it('work from a pool', () =>
    run(async () => {
      const seen: number[] = [];
      const port = getRunningLoop().exposeThreadsafe({
        progress: (percent: number) => seen.push(percent),
        double: async (n: number) => 2 * n,
      });
      const result = await toThread(async (port) => {
        const { ThreadsafeLoop } = await import('aionode');
        const main = new ThreadsafeLoop(port);
        main.callSoonThreadsafe('progress', 50);
        main.callSoonThreadsafe('progress', 100);
        return main.runCoroutineThreadsafe('double', 21);
      }, transfer(port));
      assert.deepEqual([result, seen], [42, [50, 100]]);
    }));

  it('keep nothing alive, but for calls that are waited for', async () => {
    const { code, stdout } = await runModule(`
      import { Worker } from 'node:worker_threads';
      import { getRunningLoop } from 'aionode';
      const port = getRunningLoop().exposeThreadsafe({
        slow: () => new Promise((resolve) => setTimeout(resolve, 50, 'answered')),
      });
      new Worker(\`import(\${JSON.stringify(import.meta.resolve('aionode'))}).then(async ({ ThreadsafeLoop }) => {
        const main = new ThreadsafeLoop(require('node:worker_threads').workerData);
        console.log(await main.runCoroutineThreadsafe('slow'));
      })\`, { eval: true, workerData: port, transferList: [port], execArgv: [] });
      getRunningLoop().exposeThreadsafe({});`);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: 'answered\n' });
  });
});
