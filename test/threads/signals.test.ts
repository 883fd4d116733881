/**
 * Signal handlers of loops. What may end the process is done in a process of its own. SIGALRM, since Node's test
 * runner listens to SIGUSR2 itself.
 */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import {
  coroutine,
  createTask,
  currentTask,
  type ExceptionContext,
  Future,
  getRunningLoop,
  newEventLoop,
  run,
  sleep,
} from 'aionode';
import { runModule } from '../lifecycle/child.js';

const isUnix = process.platform !== 'win32';

const raise = (signal: NodeJS.Signals) => process.kill(process.pid, signal);

describe('loop.addSignalHandler', { skip: !isUnix }, () => {
  it('runs the handler with its arguments as an entry of the loop, in the context it was added in', () =>
    run(async () => {
      const storage = new AsyncLocalStorage<string>();
      const loop = getRunningLoop();
      const seen = new Future<unknown[]>();
      storage.run('mine', () =>
        loop.addSignalHandler(
          'SIGALRM',
          (...args: unknown[]) =>
            seen.setResult([...args, storage.getStore(), getRunningLoop() === loop, currentTask()]),
          1,
          'two',
        ),
      );
      raise('SIGALRM');
      assert.deepEqual(await seen, [1, 'two', 'mine', true, null]);
      assert.equal(loop.removeSignalHandler('SIGALRM'), true);
      assert.equal(loop.removeSignalHandler('SIGALRM'), false);
      assert.equal(process.listenerCount('SIGALRM'), 0);
    }));

  it('runs it once for each signal, as long as it is there', () =>
    run(async () => {
      const loop = getRunningLoop();
      let came = new Future<void>();
      let calls = 0;
      loop.addSignalHandler('SIGALRM', () => {
        calls += 1;
        came.setResult();
      });
      for (let i = 1; i <= 3; i++) {
        raise('SIGALRM');
        await came;
        // Were there another call, it would be in this turn or the next.
        await sleep(0);
        await sleep(0);
        assert.equal(calls, i);
        came = new Future<void>();
      }
    }));

  it('replaces the handler that was there', () =>
    run(async () => {
      const loop = getRunningLoop();
      const seen = new Future<string>();
      loop.addSignalHandler('SIGALRM', () => assert.fail('replaced'));
      loop.addSignalHandler('SIGALRM', (word: string) => seen.setResult(word), 'second');
      raise('SIGALRM');
      assert.equal(await seen, 'second');
      assert.equal(process.listenerCount('SIGALRM'), 1);
    }));

  it('a handler that throws goes to the exception handler, and stays', () =>
    run(async () => {
      const loop = getRunningLoop();
      const failure = new Error('handler');
      let reported = new Future<ExceptionContext>();
      loop.setExceptionHandler((_loop, context) => reported.setResult(context));
      loop.addSignalHandler('SIGALRM', () => {
        throw failure;
      });
      for (let i = 0; i < 2; i++) {
        raise('SIGALRM');
        assert.equal((await reported).exception, failure);
        reported = new Future();
      }
    }));

  it('waiting for a signal is no deadlock', async () => {
    const { code, stdout, stderr } = await runModule(`
      import { spawn } from 'node:child_process';
      import { Event, getRunningLoop, run } from 'aionode';
      await run(async () => {
        const stop = new Event();
        getRunningLoop().addSignalHandler('SIGTERM', () => stop.set());
        spawn('kill', ['-TERM', String(process.pid)], { stdio: 'ignore' }).unref();
        await stop.wait();
        console.log('stopped');
      });
      console.log(process.listenerCount('SIGTERM'));`);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'stopped\n0\n', stderr: '' });
  });

  it("a handler of the thread's default loop does not keep the process alive", async () => {
    const { code, stdout } = await runModule(`
      import { getRunningLoop } from 'aionode';
      getRunningLoop().addSignalHandler('SIGTERM', () => {});
      console.log('done');`);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: 'done\n' });
  });

  it('the default disposition is back after the removal', async () => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      const { signal, stdout } = await runModule(`
        import { getRunningLoop, run, sleep } from 'aionode';
        await run(async () => {
          const loop = getRunningLoop();
          loop.addSignalHandler('${name}', () => {});
          console.log(loop.removeSignalHandler('${name}'));
          process.kill(process.pid, '${name}');
          await sleep(1000);
        });`);
      assert.deepEqual({ signal, stdout }, { signal: name, stdout: 'true\n' });
    }
  });

  it('takes SIGINT from run()', async () => {
    const { code, stdout } = await runModule(`
      import { Event, getRunningLoop, run } from 'aionode';
      await run(async () => {
        const stop = new Event();
        getRunningLoop().addSignalHandler('SIGINT', () => stop.set());
        process.kill(process.pid, 'SIGINT');
        await stop.wait();
        console.log('not cancelled');
      });
      console.log(process.listenerCount('SIGINT'));`);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: 'not cancelled\n0\n' });
  });

  it('closing the loop removes its handlers and leaves those of others', async () => {
    const [first, second] = [newEventLoop(), newEventLoop()];
    const came = second.createFuture<void>();
    first.addSignalHandler('SIGALRM', () => assert.fail('its loop is closed'));
    second.addSignalHandler('SIGALRM', () => came.setResult());
    first.close();
    assert.equal(first.removeSignalHandler('SIGALRM'), false);
    raise('SIGALRM');
    await second.runUntilComplete(came);
    second.close();
    assert.equal(process.listenerCount('SIGALRM'), 0);
  });

  it('a signal that comes while the loop rests is handled when it runs again', async () => {
    const loop = newEventLoop();
    let handled = false;
    loop.addSignalHandler('SIGALRM', () => {
      handled = true;
    });
    // Node's own listeners do not keep the process alive.
    const held = setInterval(() => {}, 60_000);
    const delivered = new Promise((resolve) => process.once('SIGALRM', resolve));
    raise('SIGALRM');
    await delivered;
    clearInterval(held);
    assert.equal(handled, false);
    await loop.runUntilComplete(async () => {});
    assert.equal(handled, true);
    loop.close();
  });

  it('refuses what cannot be', () =>
    run(async () => {
      const loop = getRunningLoop();
      for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
        assert.throws(() => loop.addSignalHandler(signal, () => {}), {
          name: 'RuntimeError',
          message: `${signal} cannot be caught`,
        });
        assert.equal(process.listenerCount(signal), 0);
        assert.equal(loop.removeSignalHandler(signal), false);
      }
      const handlers = [async () => {}, coroutine(async () => {}), coroutine(async () => {})()];
      for (const callback of [...handlers, null, 'stop']) {
        assert.throws(() => loop.addSignalHandler('SIGALRM', callback as never), {
          name: 'TypeError',
          code: 'ERR_INVALID_ARG_TYPE',
        });
        if (typeof callback === 'object' && callback !== null)
          (callback as { close(): void }).close();
      }
      for (const [signal, code] of [
        ['SIGFOO', 'ERR_UNKNOWN_SIGNAL'],
        ['toString', 'ERR_UNKNOWN_SIGNAL'],
        [2, 'ERR_INVALID_ARG_TYPE'],
        [undefined, 'ERR_INVALID_ARG_TYPE'],
      ] as const) {
        assert.throws(() => loop.addSignalHandler(signal as never, () => {}), { code });
        assert.throws(() => loop.removeSignalHandler(signal as never), { code });
      }
      const closed = newEventLoop();
      closed.close();
      assert.throws(() => closed.addSignalHandler('SIGALRM', () => {}), { name: 'RuntimeError' });
      assert.equal(process.listenerCount('SIGALRM'), 0);
    }));

  it('is refused in a worker thread', async () => {
    const worker = new Worker(
      `import(${JSON.stringify(import.meta.resolve('aionode'))}).then(({ getRunningLoop }) => {
        try { getRunningLoop().addSignalHandler('SIGALRM', () => {}); }
        catch (error) { require('node:worker_threads').parentPort.postMessage(error.name); }
      })`,
      { eval: true },
    );
    const name = await new Promise((resolve) => worker.once('message', resolve));
    assert.equal(name, 'RuntimeError');
    await worker.terminate();
  });

  it('may start a task', () =>
    run(async () => {
      const loop = getRunningLoop();
      const reloaded = new Future<string>();
      loop.addSignalHandler('SIGHUP', () => {
        createTask(async () => reloaded.setResult(currentTask()?.getName() ?? ''), {
          name: 'reload',
        });
      });
      raise('SIGHUP');
      assert.equal(await reloaded, 'reload');
    }));
});
