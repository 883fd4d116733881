/** run() and Runner. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, it } from 'node:test';
import {
  CancelledError,
  createTask,
  currentTask,
  type EventLoop,
  type ExceptionContext,
  Future,
  getRunningLoop,
  newEventLoop,
  Runner,
  RuntimeError,
  run,
  sleep,
} from 'aionode';
import { runModule } from '../lifecycle/child.js';

const isUnix = process.platform !== 'win32';

describe('run', () => {
  it('gives the outcome of main', async () => {
    assert.equal(await run(async () => 1), 1);
    await assert.rejects(
      run(async () => {
        throw new TypeError('main');
      }),
      { name: 'TypeError', message: 'main' },
    );
    await assert.rejects(
      run(async () => {
        throw new CancelledError('by itself');
      }),
      { name: 'CancelledError', message: 'by itself' },
    );
  });

  it('takes any awaitable, and nothing else', async () => {
    assert.equal(await run(Promise.resolve(2)), 2);
    for (const main of [undefined, null, 3, {}]) {
      await assert.rejects(run(main as never), { code: 'ERR_INVALID_ARG_TYPE' });
    }
  });

  it('warns of run(main()), whose function is no part of the task', async () => {
    const { stdout, stderr } = await runModule(`
      import { currentTask, run, sleep } from 'aionode';
      const main = async () => { await sleep(0); return currentTask()?.getName(); };
      console.log(await run(main()), await run(main));`);
    assert.equal(stdout, 'undefined Task-2\n');
    assert.match(stderr, /AIONODE_RUN_PROMISE.*Pass the function: run\(main\)/);
    assert.equal(stderr.match(/AIONODE_RUN_PROMISE/g)?.length, 1);
  });

  it('makes a loop of its own and closes it', async () => {
    let loop: EventLoop | undefined;
    await run(async () => {
      loop = getRunningLoop();
      assert.equal(loop.isRunning(), true);
    });
    assert.equal(loop?.isClosed(), true);
    assert.equal(loop?.isRunning(), false);
    let made: EventLoop | undefined;
    const loopFactory = () => {
      made = newEventLoop();
      return made;
    };
    await run(async () => assert.equal(getRunningLoop(), made), { loopFactory, debug: true });
    assert.equal(made?.isClosed(), true);
    assert.equal(made?.getDebug(), true);
    await assert.rejects(
      run(async () => {}, { loopFactory: 1 as never }),
      {
        code: 'ERR_INVALID_ARG_TYPE',
      },
    );
  });

  it('cannot be nested', async () => {
    await run(async () => {
      await assert.rejects(
        run(async () => {}),
        RuntimeError,
      );
      await assert.rejects(
        new Runner().run(async () => {}),
        RuntimeError,
      );
    });
  });

  it('two may go on side by side', async () => {
    const log: string[] = [];
    const side = (name: string) =>
      run(async () => {
        for (let i = 0; i < 2; i++) {
          log.push(name);
          await sleep(0.001);
        }
        return getRunningLoop();
      });
    const [left, right] = await Promise.all([side('left'), side('right')]);
    assert.notEqual(left, right);
    assert.equal(log.length, 4);
  });

  it('cancels what is left when main ends, waits for it, and reports its errors', async () => {
    const log: unknown[] = [];
    const handler = (_loop: EventLoop, context: ExceptionContext) => {
      log.push([context.message, (context.exception as Error).message, context.task?.getName()]);
    };
    const result = await run(async () => {
      getRunningLoop().setExceptionHandler(handler);
      createTask(async () => {
        try {
          await new Future();
        } finally {
          await sleep(0);
          log.push('cleaned up');
        }
      });
      createTask(
        async () => {
          try {
            await new Future();
          } catch {
            throw new Error('while cleaning up');
          }
        },
        { name: 'bad' },
      );
      await sleep(0);
      return 'main';
    });
    assert.equal(result, 'main');
    assert.deepEqual(log, [
      'cleaned up',
      ['unhandled exception during asyncio.run() shutdown', 'while cleaning up', 'bad'],
    ]);
  });

  it('reports once what nobody awaited, at its end', async () => {
    const reports: ExceptionContext[] = [];
    await run(async () => {
      getRunningLoop().setExceptionHandler((_loop, context) => reports.push(context));
      createTask(
        async () => {
          throw new Error('lost');
        },
        { name: 'loser' },
      );
      await sleep(0);
      assert.deepEqual(reports, []);
    });
    assert.deepEqual(
      reports.map(({ message, exception }) => [message, (exception as Error).message]),
      [['Task exception was never retrieved', 'lost']],
    );
  });

  it('tells of tasks that its end leaves pending', async () => {
    const reports: ExceptionContext[] = [];
    await run(async () => {
      getRunningLoop().setExceptionHandler((_loop, context) => reports.push(context));
      createTask(async () => {
        try {
          await new Future();
        } finally {
          createTask(() => new Future<void>(), { name: 'late' });
        }
      });
      await sleep(0);
    });
    assert.deepEqual(
      reports.map(({ message, task }) => [message, task?.getName()]),
      [['Task was destroyed but it is pending!', 'late']],
    );
  });

  it('rejects with a report when nothing can wake main', async () => {
    const { code, stdout } = await runModule(`
      import { createTask, Future, run } from 'aionode';
      const error = await run(async () => {
        createTask(() => new Future(), { name: 'other' });
        try { await new Future(); } finally { console.log('finally'); }
      }).catch((error) => error);
      console.log(error.name, error.code);
      console.log(error.message);`);
    assert.equal(code, 0);
    assert.match(stdout, /^finally\nRuntimeError ERR_DEADLOCK\ndeadlock: nothing can wake/);
    assert.match(stdout, /task Task-1 awaits a Future\n {2}task other awaits a Future/);
  });

  it('names the cycle of a deadlock, and cancels its tasks', async () => {
    const { code, stdout } = await runModule(`
      import { createTask, gather, run } from 'aionode';
      const tasks = [];
      const task = (name, body) => tasks.push(createTask(async () => {
        try { await body(); } finally { console.log(name, 'ends'); }
      }, { name }));
      await run(async () => {
        task('a', () => tasks[1]);
        task('b', () => gather(tasks[0]));
        await tasks[0];
      }).catch((error) => console.log(error.message));`);
    assert.equal(code, 0);
    assert.match(stdout, /a ends/);
    assert.match(stdout, /b ends/);
    assert.match(stdout, /wait cycle: (a -> b -> a|b -> a -> b)/);
  });
});

describe('SIGINT during run()', { skip: !isUnix }, () => {
  it('cancels main, and run() rejects with its name', async () => {
    const { code, stdout } = await runModule(`
      import { run, sleep } from 'aionode';
      const error = await run(async () => {
        process.kill(process.pid, 'SIGINT');
        try { await sleep(1000); } catch (error) { console.log(error.name); throw error; }
      }).catch((error) => error);
      console.log(error.code, process.listenerCount('SIGINT'));`);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: 'CancelledError\nSIGINT 0\n' });
  });

  it('cancels what a task factory made of main, a task or not', async () => {
    const { stdout } = await runModule(`
      import { Future, newEventLoop, run, sleep } from 'aionode';
      const loopFactory = () => {
        const loop = newEventLoop();
        loop.setTaskFactory((loop) => new Future({ loop }));
        return loop;
      };
      setImmediate(() => process.kill(process.pid, 'SIGINT'));
      const running = setInterval(() => {}, 1000);
      const error = await run(() => {}, { loopFactory }).catch((error) => error);
      clearInterval(running);
      console.log(error.name);`);
    assert.equal(stdout, 'CancelledError\n');
  });

  it('is taken back by a main that goes on', async () => {
    const { stdout } = await runModule(`
      import { run, sleep } from 'aionode';
      console.log(await run(async () => {
        process.kill(process.pid, 'SIGINT');
        try { await sleep(1000); } catch { return 'went on'; }
      }));`);
    assert.equal(stdout, 'went on\n');
  });

  it('a second one ends the process', async () => {
    const { signal, stdout } = await runModule(`
      import { run, sleep } from 'aionode';
      await run(async () => {
        process.kill(process.pid, 'SIGINT');
        try { await sleep(1000); } catch { console.log('first'); }
        process.kill(process.pid, 'SIGINT');
        await sleep(1000);
      });`);
    assert.deepEqual({ signal, stdout }, { signal: 'SIGINT', stdout: 'first\n' });
  });

  it('is left to a program that listens itself', async () => {
    const { stdout } = await runModule(`
      import { run, sleep, Event } from 'aionode';
      await run(async () => {
        const event = new Event();
        process.once('SIGINT', () => { console.log('mine'); event.set(); });
        const inner = event.wait();
        process.kill(process.pid, 'SIGINT');
        const timer = setInterval(() => {}, 1000);
        await inner;
        clearInterval(timer);
      }, { signals: [] });`);
    assert.equal(stdout, 'mine\n');
  });

  it('cancels the main of every run() there is, and of those that are left', async () => {
    const { stdout } = await runModule(`
      import { run, sleep } from 'aionode';
      const main = (seconds) => run(async () => { await sleep(seconds); }).catch(({ code }) => code);
      const short = main(0.01);
      const long = main(1000);
      await short;
      process.kill(process.pid, 'SIGINT');
      console.log(await long);
      const both = Promise.all([main(1000), main(1000)]);
      setImmediate(() => process.kill(process.pid, 'SIGINT'));
      console.log(...await both);`);
    assert.equal(stdout, 'SIGINT\nSIGINT SIGINT\n');
  });

  it('that cannot be caught is refused: main does not run, and nobody listens', async () => {
    const before = process.listenerCount('SIGINT');
    const ran: string[] = [];
    const runner = new Runner();
    const refused = runner.run(() => ran.push('refused'), { signals: ['SIGINT', 'SIGKILL'] });
    await assert.rejects(refused, /SIGKILL cannot be caught/);
    assert.equal(process.listenerCount('SIGINT'), before);
    await runner.run(() => ran.push('next'));
    await runner.close();
    assert.deepEqual(ran, ['next']);
  });

  it('that is named twice cancels main once', async () => {
    const { stdout } = await runModule(`
      import { run, sleep } from 'aionode';
      const main = async () => {
        process.kill(process.pid, 'SIGTERM');
        try { await sleep(1000); } finally { await sleep(0); console.log('cleaned up'); }
      };
      const error = await run(main, { signals: ['SIGTERM', 'SIGTERM'] }).catch((error) => error);
      console.log(error.code);`);
    assert.equal(stdout, 'cleaned up\nSIGTERM\n');
  });

  it('may be another signal', async () => {
    const { stdout } = await runModule(`
      import { run, sleep } from 'aionode';
      const main = async () => { process.kill(process.pid, 'SIGTERM'); await sleep(1000); };
      const error = await run(main, { signals: ['SIGTERM'] }).catch((error) => error);
      console.log(error.code, error.cause.name);`);
    assert.equal(stdout, 'SIGTERM CancelledError\n');
  });
});

describe('Runner', () => {
  it('runs several mains on one loop', async () => {
    const loops = new Set<EventLoop>();
    const runner = new Runner();
    const main = async () => {
      loops.add(getRunningLoop());
      return currentTask()?.getName();
    };
    assert.match((await runner.run(main)) ?? '', /^Task-/);
    await runner.run(main);
    assert.deepEqual([...loops], [runner.getLoop()]);
    await runner.close();
    assert.equal([...loops][0]?.isClosed(), true);
  });

  it('leaves tasks pending between two mains', async () => {
    const runner = new Runner();
    const event = new Future<number>({ loop: runner.getLoop() });
    let waiter: Promise<number> | undefined;
    await runner.run(async () => {
      waiter = createTask(async () => event);
    });
    event.setResult(3);
    assert.equal(await runner.run(async () => waiter), 3);
    await runner.close();
  });

  it('runs every main in the context of its first use, or the one that is said', async () => {
    const storage = new AsyncLocalStorage<string>();
    const runner = new Runner();
    const main = async () => storage.getStore();
    const contexts = ['first', 'second'].map((name) =>
      storage.run(name, () => AsyncLocalStorage.snapshot()),
    );
    const [first, second] = contexts as [(typeof contexts)[number], (typeof contexts)[number]];
    assert.equal(await storage.run('first', () => runner.run(main)), 'first');
    assert.equal(await storage.run('second', () => runner.run(main)), 'first');
    assert.equal(await runner.run(main, { context: second }), 'second');
    assert.equal(await first(() => runner.run(main, { context: first })), 'first');
    await runner.close();
  });

  it('is closed once, and refuses work then', async () => {
    const runner = new Runner();
    await runner.run(async () => {});
    await runner.close();
    await runner.close();
    assert.throws(() => runner.getLoop(), RuntimeError);
    await assert.rejects(
      runner.run(async () => {}),
      { name: 'RuntimeError', message: 'Runner is closed' },
    );
  });

  it('is not closed by a close() before its first use', async () => {
    const runner = new Runner();
    await runner.close();
    assert.equal(await runner.run(async () => 1), 1);
    await runner.close();
  });

  it('cannot be closed or run again while it runs', async () => {
    const runner = new Runner();
    const future = new Future<void>({ loop: runner.getLoop() });
    const running = runner.run(async () => future);
    await assert.rejects(runner.close(), RuntimeError);
    await assert.rejects(
      runner.run(async () => {}),
      RuntimeError,
    );
    future.setResult();
    await running;
    await runner.close();
  });

  it('is disposable', async () => {
    const runner = new Runner({ debug: true });
    const loop = runner.getLoop();
    assert.equal(loop.getDebug(), true);
    await runner[Symbol.asyncDispose]();
    assert.equal(loop.isClosed(), true);
  });
});
