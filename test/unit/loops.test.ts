/** EventLoop: its life, callbacks, exception handlers, contexts. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, it } from 'node:test';
import {
  createTask,
  currentTask,
  type EventLoop,
  type ExceptionContext,
  ensureFuture,
  Future,
  gather,
  getEventLoop,
  getRunningLoop,
  newEventLoop,
  Protocol,
  RuntimeError,
  run,
  sleep,
  startServer,
} from 'aionode';
import { runModule } from '../lifecycle/child.js';
import { inLoop } from '../support/tasks.js';

describe('runUntilComplete', () => {
  it('runs until the awaitable is done, several times', async () => {
    const loop = newEventLoop();
    assert.equal(await loop.runUntilComplete(async () => 1), 1);
    assert.equal(await loop.runUntilComplete(loop.createTask(async () => 2)), 2);
    await assert.rejects(
      loop.runUntilComplete(async () => {
        throw new Error('failed');
      }),
      { message: 'failed' },
    );
    assert.equal(loop.isRunning(), false);
    loop.close();
  });

  it('fails when the loop is stopped before', async () => {
    const loop = newEventLoop();
    const future = loop.createFuture<void>();
    loop.callSoon(() => loop.stop());
    await assert.rejects(loop.runUntilComplete(future), {
      name: 'RuntimeError',
      message: 'Event loop stopped before Future completed.',
    });
    future.setResult();
    await loop.runUntilComplete(future);
    loop.close();
  });

  it('tells by its error alone of the task that it made and could not end', async () => {
    const loop = newEventLoop();
    const reports: unknown[] = [];
    loop.setExceptionHandler((_loop, { task }) => reports.push(task));
    const other = loop.createTask(() => sleep(1));
    await assert.rejects(
      loop.runUntilComplete(async () => {
        loop.stop();
        await sleep(0);
      }),
      RuntimeError,
    );
    loop.close();
    assert.deepEqual(reports, [other]);
  });

  it('refuses the future of another loop', async () => {
    const loop = newEventLoop();
    const other = newEventLoop();
    await assert.rejects(loop.runUntilComplete(other.createFuture()), RangeError);
    assert.equal(loop.isRunning(), false);
    for (const each of [loop, other]) each.close();
  });

  it('takes a promise as a future of its own loop', async () => {
    const loop = newEventLoop();
    const adopted = ensureFuture(Promise.resolve(1), { loop });
    assert.equal(adopted.getLoop(), loop);
    assert.equal(await loop.runUntilComplete(adopted), 1);
    assert.equal(await loop.runUntilComplete(Promise.resolve(2)), 2);
    loop.close();
  });

  it('is refused on a running loop, and inside a task', async () => {
    const loop = newEventLoop();
    const other = newEventLoop();
    await loop.runUntilComplete(async () => {
      await assert.rejects(
        loop.runUntilComplete(async () => {}),
        RuntimeError,
      );
      await assert.rejects(
        other.runUntilComplete(async () => {}),
        RuntimeError,
      );
    });
    await assert.rejects(
      getRunningLoop().runUntilComplete(async () => {}),
      RuntimeError,
    );
    for (const each of [loop, other]) each.close();
  });
});

describe('callAt()', () => {
  it('never fires for Infinity, and keeps the process waiting, as in asyncio', async () => {
    const { code, stdout, stderr } = await runModule(`
      import { run, sleep } from 'aionode';
      setTimeout(() => { console.log('waiting'); process.exit(); }, 20).unref();
      await run(() => sleep(Infinity));`);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'waiting\n', stderr: '' });
  });

  it('fires at once for a time that is past, whatever it is, and wherever it is called', async () => {
    const loop = getRunningLoop();
    for (const when of [-1, 0, loop.time()]) {
      await new Promise<void>((resolve) => setImmediate(() => loop.callAt(when, resolve)));
    }
  });
});

describe('runForever and stop', () => {
  it('finish the current turn only', async () => {
    const loop = newEventLoop();
    const log: string[] = [];
    loop.callSoon(() => {
      log.push('1');
      loop.stop();
      loop.callSoon(() => {
        log.push('3');
        loop.stop();
      });
    });
    loop.callSoon(() => log.push('2'));
    await loop.runForever();
    assert.deepEqual(log, ['1', '2']);
    await loop.runForever();
    assert.deepEqual(log, ['1', '2', '3']);
    loop.close();
  });

  it('stop() before the run lets what is ready run once', async () => {
    const loop = newEventLoop();
    const log: string[] = [];
    loop.callSoon(() => {
      log.push('ready');
      loop.callSoon(() => log.push('later'));
    });
    loop.stop();
    await loop.runForever();
    assert.deepEqual(log, ['ready']);
    loop.stop();
    await loop.runForever();
    assert.deepEqual(log, ['ready', 'later']);
    loop.close();
  });

  it('what is scheduled on a stopped loop keeps its order, wherever that is done', async () => {
    const log: string[] = [];
    const stopped = newEventLoop();
    class Scheduling extends Protocol {
      override connectionMade(): void {
        stopped.callSoon(() => log.push('from within an event'));
      }

      override eofReceived(): void {
        stopped.callSoon(() => log.push('from within an event'));
      }
    }
    await run(async () => {
      const server = await startServer((_reader, writer) => writer.close(), '127.0.0.1', 0);
      const factory = () => new Scheduling();
      const port = server.sockets[0]?.port as number;
      const [transport] = await getRunningLoop().createConnection(factory, '127.0.0.1', port);
      while (!transport.isClosing()) await sleep(0);
      await server.shutdown(0);
    });
    stopped.callSoon(() => log.push('from without'));
    stopped.callSoon(() => stopped.stop());
    await stopped.runForever();
    stopped.close();
    assert.deepEqual(log, ['from within an event', 'from within an event', 'from without']);
  });

  it('nothing runs while the loop does not', async () => {
    const loop = newEventLoop();
    let ran = false;
    loop.callSoon(() => {
      ran = true;
    });
    await run(async () => {
      for (let i = 0; i < 5; i++) await sleep(0);
    });
    assert.equal(ran, false);
    loop.stop();
    await loop.runForever();
    assert.equal(ran, true);
    loop.close();
  });

  it('the default loop runs as long as Node and cannot be stopped', async () => {
    const loop = getEventLoop();
    assert.equal(loop, getRunningLoop());
    assert.equal(loop.isRunning(), true);
    assert.throws(() => loop.stop(), RuntimeError);
    assert.throws(() => loop.close(), RuntimeError);
    await assert.rejects(loop.runForever(), RuntimeError);
  });
});

describe('close', () => {
  it('drops what is scheduled and refuses further use', async () => {
    const loop = newEventLoop();
    loop.callSoon(() => assert.fail());
    loop.callLater(0, () => assert.fail());
    loop.close();
    loop.close();
    assert.equal(loop.isClosed(), true);
    const uses: (() => unknown)[] = [
      () => loop.callSoon(() => {}),
      () => loop.callLater(1, () => {}),
      () => loop.callAt(1, () => {}),
      () => loop.createTask(async () => {}),
    ];
    for (const use of uses) assert.throws(use, { name: 'RuntimeError', message: /closed/ });
    await assert.rejects(loop.runForever(), RuntimeError);
    await assert.rejects(
      loop.runUntilComplete(async () => {}),
      RuntimeError,
    );
  });

  it('is refused while the loop runs', async () => {
    const loop = newEventLoop();
    await loop.runUntilComplete(async () => {
      assert.throws(() => loop.close(), RuntimeError);
    });
    loop.close();
  });

  it('tells of the tasks that it destroys', () => {
    const loop = newEventLoop();
    const reports: ExceptionContext[] = [];
    loop.setExceptionHandler((_loop, context) => reports.push(context));
    const task = loop.createTask(async () => {});
    loop.close();
    assert.deepEqual(reports, [{ message: 'Task was destroyed but it is pending!', task }]);
  });
});

describe('the exception handler', () => {
  async function contextsOf(body: () => Promise<void> | void): Promise<ExceptionContext[]> {
    const contexts: ExceptionContext[] = [];
    await run(async () => {
      getRunningLoop().setExceptionHandler((_loop, context) => contexts.push(context));
      await body();
      await sleep(0);
      await sleep(0);
    });
    return contexts;
  }

  it('is told of a callback that throws, and the turn goes on', async () => {
    const error = new Error('callback');
    let ran = false;
    const [context, ...more] = await contextsOf(() => {
      const loop = getRunningLoop();
      loop.callSoon(function thrower() {
        throw error;
      });
      loop.callSoon(() => {
        ran = true;
      });
    });
    assert.equal(ran, true);
    assert.deepEqual(more, []);
    assert.deepEqual(Object.keys(context ?? {}).sort(), ['exception', 'handle', 'message']);
    assert.equal(context?.message, 'Exception in callback thrower()');
    assert.equal(context?.exception, error);
  });

  it('is not told a name of ours for a callback that has cancelled itself', async () => {
    const [context] = await contextsOf(() => {
      const handle = getRunningLoop().callSoon(() => {
        handle.cancel();
        throw new Error('after that');
      });
    });
    assert.equal(context?.message, 'Exception in callback that has cancelled itself');
  });

  it('is told of values that are not Errors', async () => {
    const [context] = await contextsOf(() => {
      new Future().addDoneCallback(() => {});
      getRunningLoop().callSoon(() => {
        throw undefined;
      });
    });
    assert.ok(context && 'exception' in context);
    assert.equal(context.exception, undefined);
  });

  it('runs in the context of the handle or task', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    await run(async () => {
      const loop = getRunningLoop();
      loop.setExceptionHandler(() => seen.push(storage.getStore()));
      storage.run('handle', () =>
        loop.callSoon(() => {
          throw new Error('x');
        }),
      );
      await sleep(0);
      const task = storage.run('task', () => createTask(async () => sleep(0)));
      storage.run('caller', () => loop.callExceptionHandler({ message: 'm', task }));
      storage.run('caller', () => loop.callExceptionHandler({ message: 'm' }));
      await task;
    });
    assert.deepEqual(seen, ['handle', 'task', 'caller']);
  });

  it('that throws is reported by the default one', async () => {
    const { code, stderr } = await runModule(`
      import { getEventLoop } from 'aionode';
      const loop = getEventLoop();
      loop.setExceptionHandler(() => { throw new Error('in the handler'); });
      loop.callExceptionHandler({ message: 'first' });`);
    assert.equal(code, 0);
    assert.match(stderr, /Unhandled error in exception handler/);
    assert.match(stderr, /in the handler/);
    assert.match(stderr, /first/);
  });

  it('may throw with the default one too: the turn goes on', async () => {
    const { code, stdout, stderr } = await runModule(`
      import { getEventLoop } from 'aionode';
      const loop = getEventLoop();
      loop.setExceptionHandler(() => { throw new Error('in the handler'); });
      loop.defaultExceptionHandler = () => { throw new Error('in the default one'); };
      loop.callSoon(() => { throw new Error('in the callback'); });
      loop.callSoon(() => console.log('the next callback'));`);
    assert.equal(code, 0);
    assert.equal(stdout, 'the next callback\n');
    assert.match(stderr, /Exception in default exception handler: Error: in the default one/);
    assert.match(stderr, /Unhandled error in exception handler/);
  });

  it('is a function or null', () => {
    const loop = getEventLoop();
    assert.equal(loop.getExceptionHandler(), null);
    assert.throws(() => loop.setExceptionHandler('x' as never), { code: 'ERR_INVALID_ARG_TYPE' });
    const handler = () => {};
    loop.setExceptionHandler(handler);
    assert.equal(loop.getExceptionHandler(), handler);
    loop.setExceptionHandler(null);
  });
});

describe('failures that nobody awaited', () => {
  const lost = `
    import { createTask, Future, getEventLoop, sleep } from 'aionode';
    const fail = async () => { throw new Error('lost'); };`;

  it('are reported once, when the object is collected', async () => {
    const { stdout, stderr } = await runModule(`${lost}
      import { setFlagsFromString } from 'node:v8';
      import { runInNewContext } from 'node:vm';
      setFlagsFromString('--expose-gc');
      const gc = runInNewContext('gc');
      let reports = 0;
      getEventLoop().setExceptionHandler((loop, { message }) => { reports += 1; console.log(message); });
      (() => void createTask(fail))();
      for (let i = 0; i < 100 && reports === 0; i++) {
        await sleep(0.001);
        gc();
      }
      await sleep(0.001);
      console.log(reports);`);
    assert.deepEqual(
      { stdout, stderr },
      { stdout: 'Task exception was never retrieved\n1\n', stderr: '' },
    );
  });

  it('are reported in the context of their task, also when that is collected', async () => {
    const { stdout } = await runModule(`${lost}
      import { AsyncLocalStorage } from 'node:async_hooks';
      import { setFlagsFromString } from 'node:v8';
      import { runInNewContext } from 'node:vm';
      setFlagsFromString('--expose-gc');
      const gc = runInNewContext('gc');
      const storage = new AsyncLocalStorage();
      let report;
      getEventLoop().setExceptionHandler((loop, { future }) => { report = [future, storage.getStore()]; });
      storage.run('of the task', () => void createTask(fail));
      for (let i = 0; i < 100 && report === undefined; i++) {
        await sleep(0.001);
        gc();
      }
      console.log(...report);`);
    assert.equal(stdout, 'undefined of the task\n');
  });

  it('are reported once, when the process exits', async () => {
    for (const end of ['', 'await sleep(0.001); process.exit(0);']) {
      const { code, stderr } = await runModule(`${lost}
        globalThis.kept = [createTask(fail), new Future()];
        kept[1].setException(new Error('lost'));
        ${end}`);
      assert.equal(code, 0);
      assert.equal(stderr.match(/was never retrieved/g)?.length, 2);
      assert.match(stderr, /Task exception was never retrieved/);
      assert.match(stderr, /Future exception was never retrieved/);
    }
  });

  it('are not reported before a late await', async () => {
    const { code, stdout, stderr } = await runModule(`${lost}
      import { setFlagsFromString } from 'node:v8';
      import { runInNewContext } from 'node:vm';
      setFlagsFromString('--expose-gc');
      const task = createTask(fail);
      for (let i = 0; i < 5; i++) { await sleep(0.001); runInNewContext('gc')(); }
      try { await task; } catch (error) { console.log(error.message); }`);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'lost\n', stderr: '' });
  });
});

describe('AsyncLocalStorage', () => {
  const storage = new AsyncLocalStorage<string>();

  it(
    'flows into callbacks, timers and done callbacks from their caller',
    inLoop(async () => {
      const loop = getRunningLoop();
      const seen: unknown[] = [];
      const note = () => seen.push(storage.getStore());
      const future = new Future<void>();
      storage.run('soon', () => loop.callSoon(note));
      storage.run('later', () => loop.callLater(0, note));
      storage.run('done', () => future.addDoneCallback(note));
      loop.callSoon(note);
      storage.run('setter', () => future.setResult());
      await sleep(0.002);
      assert.deepEqual(seen.sort(), ['done', 'later', 'soon', undefined].sort());
      assert.equal(storage.getStore(), undefined);
    }),
  );

  it(
    'flows into tasks, is kept by every await, and stays apart',
    inLoop(async () => {
      const follow = async () => {
        const seen = [storage.getStore()];
        for (const wait of [
          () => sleep(0),
          () => sleep(0.001),
          () => Promise.resolve(),
          () => new Promise((resolve) => setImmediate(resolve)),
          () => gather(async () => sleep(0)),
          () => createTask(async () => sleep(0)),
        ]) {
          await wait();
          seen.push(storage.getStore());
        }
        return new Set(seen);
      };
      const results = await gather(
        ...['a', 'b'].map((name) => storage.run(name, () => createTask(follow))),
        createTask(follow),
      );
      assert.deepEqual(results, [new Set(['a']), new Set(['b']), new Set([undefined])]);
    }),
  );

  it(
    'is the one of the context option',
    inLoop(async () => {
      const context = storage.run('given', () => AsyncLocalStorage.snapshot());
      const task = createTask(() => sleep(0).then(() => storage.getStore()), { context });
      assert.equal(await task, 'given');
      assert.equal(
        task.getContext()(() => storage.getStore()),
        'given',
      );
    }),
  );
});

describe('getRunningLoop', () => {
  it('is the loop of the running task, else the default one', async () => {
    const loop: EventLoop = newEventLoop();
    assert.equal(await loop.runUntilComplete(async () => getRunningLoop()), loop);
    assert.equal(await loop.runUntilComplete(() => sleep(0).then(getEventLoop)), loop);
    assert.equal(currentTask(loop), null);
    assert.notEqual(getRunningLoop(), loop);
    loop.close();
  });
});
