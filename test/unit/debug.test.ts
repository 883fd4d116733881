/** Debug mode, Task.getStack() and Task.printStack(). */
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import {
  coroutine,
  createTask,
  currentTask,
  type EventLoop,
  type ExceptionContext,
  Future,
  gather,
  getRunningLoop,
  newEventLoop,
  Queue,
  run,
  sleep,
  timeout,
} from 'aionode';
import { runModule } from '../lifecycle/child.js';
import { inLoop } from '../support/tasks.js';

const inDebug = (body: () => Promise<void>) => () => run(body, { debug: true });

async function innermost(): Promise<void> {
  await new Future<void>();
}

async function outermost(): Promise<void> {
  await innermost();
}

/** The contexts that the exception handler of a loop in debug mode is told, until the loop is closed. */
async function reportsOf(body: (loop: EventLoop) => void | Promise<void>) {
  const contexts: ExceptionContext[] = [];
  await run(
    async () => {
      const loop = getRunningLoop();
      loop.setExceptionHandler((_loop, context) => contexts.push(context));
      await body(loop);
      await sleep(0);
      await sleep(0);
    },
    { debug: true },
  );
  return contexts;
}

const here = /debug\.test\.[jt]s:\d+:\d+/;

describe('getStack', () => {
  it(
    'of a suspended task is what it runs and what it awaits',
    inLoop(async () => {
      const task = createTask(outermost);
      assert.deepEqual(task.getStack(), ['async outermost()']);
      await sleep(0);
      assert.deepEqual(task.getStack(), ['async outermost()', 'awaits a Future']);
      assert.deepEqual(task.getStack({ limit: 1 }), ['awaits a Future']);
      assert.deepEqual(task.getStack({ limit: 0 }), []);
      task.cancel();
      await sleep(0);
      assert.deepEqual(task.getStack(), []);
    }),
  );

  it(
    'has every await of several at once',
    inLoop(async () => {
      const other = createTask(() => sleep(0.001), { name: 'other' });
      const task = createTask(async function both() {
        await Promise.all([other, sleep(0.001)]);
      });
      await sleep(0);
      const [runs, ...awaits] = task.getStack();
      assert.equal(runs, 'async both()');
      assert.deepEqual(awaits.sort(), ['awaits sleep', 'awaits task other']);
      await task;
    }),
  );

  it(
    'of the running task is its frames',
    inLoop(async () => {
      const frames = currentTask()?.getStack() ?? [];
      assert.match(frames.at(-1) ?? '', here);
    }),
  );

  it(
    'in debug mode has each level with its line, and where the task was created',
    inDebug(async () => {
      const task = createTask(outermost);
      await sleep(0);
      const [created, outer, inner, awaits, ...more] = task.getStack();
      assert.match(created ?? '', /^created at .*debug\.test/);
      assert.match(outer ?? '', /^(async )?outermost \(.*debug\.test/);
      assert.match(inner ?? '', /^innermost \(.*debug\.test/);
      assert.equal(awaits, 'awaits a Future');
      assert.deepEqual(more, []);
      task.cancel();
      await sleep(0);
    }),
  );

  it(
    'of a failed task is the frames of its error',
    inLoop(async () => {
      const task = createTask(async function failing() {
        throw new RangeError('no');
      });
      await assert.rejects(async () => task);
      assert.match(task.getStack().at(-1) ?? '', /failing.*debug\.test/);
      assert.equal(task.getStack({ limit: 0 }).length, 0);
    }),
  );

  it(
    'is printed by printStack()',
    inLoop(async () => {
      let text = '';
      const file = new Writable({
        write(chunk, _encoding, done) {
          text += chunk;
          done();
        },
      });
      const printed = (task: { printStack(options: object): void }) => {
        text = '';
        task.printStack({ file });
        return text;
      };
      const task = createTask(outermost, { name: 'it' });
      await sleep(0);
      assert.equal(
        printed(task),
        'Stack for task it (most recent call last):\n  async outermost()\n  awaits a Future\n',
      );
      task.cancel();
      await sleep(0);
      assert.equal(printed(task), 'No stack for task it\n');
      const failed = createTask(async () => Promise.reject(new RangeError('no')), { name: 'bad' });
      await assert.rejects(async () => failed);
      assert.match(printed(failed), /^Traceback for task bad .*\n( {2}.*\n)+RangeError: no\n$/);
    }),
  );
});

describe('debug mode', () => {
  it('is asked for by setDebug, run({ debug }) and AIONODE_DEBUG', async () => {
    const loop = newEventLoop();
    assert.equal(loop.getDebug(), false);
    loop.setDebug(true);
    assert.equal(loop.getDebug(), true);
    loop.setDebug(false);
    assert.equal(loop.getDebug(), false);
    loop.close();
    const { stdout } = await runModule(`
      import { getEventLoop, newEventLoop } from 'aionode';
      const shown = [];
      for (const value of ['1', '0', '']) {
        process.env.AIONODE_DEBUG = value;
        shown.push(newEventLoop().getDebug());
      }
      console.log(...shown);`);
    assert.equal(stdout, 'true false false\n');
  });

  it(
    'says where a timeout that expired was called',
    inDebug(async () => {
      const impatient = async () => timeout(0, () => sleep(1000));
      const error = await impatient().then(
        () => assert.fail('in time'),
        (thrown: Error) => thrown,
      );
      const [first = '', second = ''] = error.stack?.split('\n') ?? [];
      assert.equal(first, 'TimeoutError');
      assert.match(second, /^ {4}at impatient \(/);
      assert.match(second, here);
    }),
  );

  it('says where a callback that throws was scheduled', async () => {
    const [context] = await reportsOf((loop) => {
      loop.callSoon(() => {
        throw new Error('callback');
      });
    });
    assert.match(context?.sourceTraceback?.at(-1) ?? '', here);
  });

  it('says where a future and a task that nobody awaited were created', async () => {
    const contexts = await reportsOf(async () => {
      createTask(async function fails() {
        throw new Error('task');
      });
      new Future().setException(new Error('future'));
    });
    assert.deepEqual(contexts.map(({ message }) => message).sort(), [
      'Future exception was never retrieved',
      'Task exception was never retrieved',
    ]);
    for (const { sourceTraceback } of contexts) assert.match(sourceTraceback?.at(-1) ?? '', here);
  });

  it('says where a task that is destroyed pending was created', async () => {
    const loop = newEventLoop();
    loop.setDebug(true);
    let context: ExceptionContext | undefined;
    loop.setExceptionHandler((_loop, told) => {
      context = told;
    });
    const task = loop.createTask(async () => {});
    loop.close();
    assert.equal(context?.task, task);
    assert.match(context?.sourceTraceback?.at(-1) ?? '', here);
  });

  it('says which coroutine object nobody awaited, and where it was made', async () => {
    const fetchAll = coroutine(async function fetchAll() {});
    const contexts = await reportsOf(async () => {
      fetchAll();
      fetchAll().close();
      await fetchAll();
      await createTask(fetchAll());
    });
    assert.deepEqual(
      contexts.map(({ message }) => message),
      ["coroutine 'fetchAll' was never awaited"],
    );
    assert.match(contexts[0]?.sourceTraceback?.at(-1) ?? '', here);
  });

  it('says which call of ours nobody awaited', async () => {
    const contexts = await reportsOf(async () => {
      const queue = new Queue();
      queue.put('lost');
      await queue.put('kept');
      await createTask(queue.get());
      await gather(queue.put('kept'), sleep(0));
    });
    assert.deepEqual(
      contexts.map(({ message }) => message),
      ["'queue put' was never awaited"],
    );
    assert.match(contexts[0]?.sourceTraceback?.at(-1) ?? '', here);
  });

  it('says it of a collected one at once', async () => {
    const { stdout } = await runModule(`
      process.env.AIONODE_DEBUG = '1';
      const { coroutine, getEventLoop, sleep } = await import('aionode');
      const { setFlagsFromString } = await import('node:v8');
      const { runInNewContext } = await import('node:vm');
      setFlagsFromString('--expose-gc');
      let told = false;
      getEventLoop().setExceptionHandler((loop, { message }) => { told = true; console.log(message); });
      const lazy = coroutine(async function lazy() {});
      (() => void lazy())();
      for (let i = 0; i < 100 && !told; i++) { await sleep(0.001); runInNewContext('gc')(); }`);
    assert.equal(stdout, "coroutine 'lazy' was never awaited\n");
  });

  it('prints what the default handler is told, with the stacks', async () => {
    const { stderr } = await runModule(`
      import { getRunningLoop, run, sleep } from 'aionode';
      await run(async function main() {
        const loop = getRunningLoop();
        loop.callSoon(function thrower() { throw new Error('thrown'); });
        loop.callSoon(() => loop.callExceptionHandler({ message: 'mine' }));
        await sleep(0);
      }, { debug: true });`);
    assert.match(stderr, /Exception in callback thrower\(\)/);
    assert.match(stderr, /handle: <Handle thrower\(\)>/);
    assert.match(stderr, /object created at \(most recent call last\):\n +main \(/);
    assert.match(stderr, /mine\n +handle created at \(most recent call last\):\n +main \(/);
  });

  it('reports slow callbacks and steps', async () => {
    const { stderr } = await runModule(`
      import { getRunningLoop, run, sleep } from 'aionode';
      await run(async () => {
        const loop = getRunningLoop();
        loop.slowCallbackDuration = 0.005;
        const spin = () => { for (const end = loop.time() + 0.01; loop.time() < end; ); };
        loop.callSoon(function slow() { spin(); });
        await sleep(0);
        await sleep(0);
        spin();
        await sleep(0);
        loop.slowCallbackDuration = 1000;
        spin();
      }, { debug: true });`);
    const lines = stderr.trimEnd().split('\n');
    // On a busy machine the first step of main may be slow too.
    const callback = lines.findIndex((line) => /Executing callback slow\(\) took \d/.test(line));
    const steps = lines.slice(callback + 1);
    assert.notEqual(callback, -1);
    assert.match(steps.at(-1) ?? '', /Executing a step of task Task-1 took \d/);
    assert.ok(lines.length <= 4, stderr);
  });

  it('reports slow steps that foreign promises resume, of its own tasks only', async () => {
    const { stderr } = await runModule(`
      import { setTimeout as pause } from 'node:timers/promises';
      import { createTask, getRunningLoop, newEventLoop, run, sleep } from 'aionode';
      const spin = () => { for (const end = performance.now() + 10; performance.now() < end; ); };
      const foreign = (name) => createTask(async () => { await pause(1); spin(); }, { name });
      const quiet = newEventLoop();
      quiet.setDebug(false);
      await quiet.runUntilComplete(() => foreign('quiet'));
      await run(async () => {
        const loop = getRunningLoop();
        loop.slowCallbackDuration = 0.005;
        setTimeout(spin, 1);
        await foreign('told');
        await sleep(0.01);
        loop.slowCallbackDuration = 1000;
        await foreign('quick');
        loop.slowCallbackDuration = 0.005;
        loop.setDebug(false);
        await foreign('late');
      }, { debug: true });`);
    assert.match(stderr, /Executing a step of task told took \d/);
    assert.doesNotMatch(stderr, /quiet|quick|late/);
  });

  it('tells of a cancelled task that sits in a foreign promise, and of the remedies', async () => {
    const { stderr, stdout } = await runModule(`
      import { createTask, run, sleep } from 'aionode';
      await run(async () => {
        let release;
        const task = createTask(async () => { await new Promise((resolve) => { release = resolve; }); }, { name: 'stuck' });
        const fine = createTask(async () => { await sleep(1000); });
        await sleep(0);
        const told = new Promise((resolve) => {
          const { warn } = console;
          console.warn = (text) => { warn(text); resolve(); };
        });
        const alive = setInterval(() => {}, 1000);
        task.cancel();
        fine.cancel();
        await told;
        clearInterval(alive);
        release();
        await task.catch((error) => console.log(error.name));
      }, { debug: true });`);
    assert.match(
      stderr,
      /^aionode: task stuck was cancelled, .*currentTask\(\)\.signal.*wrapFuture\(promise\).*\n$/,
    );
    assert.equal(stdout, 'CancelledError\n');
  });

  it(
    'refuses async functions as callbacks',
    inDebug(async () => {
      const loop = getRunningLoop();
      assert.throws(() => loop.callSoon(async () => {}), { code: 'ERR_INVALID_ARG_TYPE' });
      loop.setDebug(false);
      loop.callSoon(async () => {}).cancel();
    }),
  );

  it(
    'records nothing for loops that are not in it',
    inLoop(async () => {
      const task = createTask(outermost);
      await sleep(0);
      assert.deepEqual(task.getStack(), ['async outermost()', 'awaits a Future']);
      assert.match(inspect(getRunningLoop().callSoon(function named() {})), /^<Handle named\(\)>$/);
      task.cancel();
      await sleep(0);
    }),
  );
});
