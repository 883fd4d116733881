/** What asyncio refuses is refused here, in words that say what to do. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  asCompleted,
  Condition,
  captureCallGraph,
  createTask,
  currentTask,
  ExceptionGroup,
  ensureFuture,
  Future,
  gather,
  getRunningLoop,
  IncompleteReadError,
  newEventLoop,
  Protocol,
  Runner,
  RuntimeError,
  run,
  StreamReader,
  sleep,
  TaskGroup,
  type Timeout,
  timeout,
  wrapFuture,
} from 'aionode';
import { inLoop } from '../support/tasks.js';

describe('futures of another loop', () => {
  it(
    'are refused by gather(), whose first future decides, and by asCompleted()',
    inLoop(async () => {
      const other = newEventLoop();
      const foreign = other.createFuture();
      const ours = new Future();
      assert.throws(() => gather(ours, foreign), RangeError);
      assert.throws(() => gather(foreign, ours), RangeError);
      assert.throws(() => asCompleted([ours, foreign]), RangeError);
      other.close();
    }),
  );

  it(
    'are made by the option loop, which has to be one; without it they are of the running loop',
    inLoop(async () => {
      for (const options of [{}, { loop: undefined }, { loop: null }]) {
        assert.equal(new Future(options).getLoop(), getRunningLoop());
      }
      assert.throws(() => new Future({ loop: 5 }), { code: 'ERR_INVALID_ARG_TYPE' });
    }),
  );
});

describe('a result that leads back to its own future', () => {
  it(
    'is refused: an await of it would never end',
    inLoop(async () => {
      const [first, second] = [new Future<unknown>(), new Future<unknown>()];
      const refused = { name: 'RangeError', code: 'ERR_INVALID_ARG_VALUE' };
      assert.throws(() => first.setResult(first), refused);
      first.setResult(second);
      assert.throws(() => second.setResult(first), refused);
      second.setResult('end');
      assert.equal(await first, 'end');
    }),
  );
});

describe('arguments of the wrong type', () => {
  // As a program in JavaScript passes them.
  const wrong = (value: unknown) => value as never;
  const calls: Record<string, () => unknown> = {
    'new Future(executor)': () => new Future(wrong((resolve: () => void) => resolve())),
    'gather(fn, { returnException: true })': () =>
      gather(async () => {}, wrong({ returnException: true })),
    'new Future(42)': () => new Future(wrong(42)),
    "createTask(fn, 'name')": () => createTask(async () => {}, wrong('name')),
    'createTask(fn, null)': () => createTask(async () => {}, wrong(null)),
    'wrapFuture(promise, { abort: signal })': () =>
      wrapFuture(Promise.resolve(), { abort: wrong(AbortSignal.abort()) }),
    'new StreamReader(null)': () => new StreamReader(wrong(null)),
    'new ExceptionGroup(5)': () => new ExceptionGroup(wrong(5)),
    "new ExceptionGroup('text')": () => new ExceptionGroup('text'),
    'new ExceptionGroup([1], 5)': () => new ExceptionGroup([1], wrong(5)),
    'createTask(fn, { context: 5 })': () => createTask(async () => {}, { context: wrong(5) }),
    'future.addDoneCallback(fn, { context: 5 })': () =>
      new Future().addDoneCallback(() => {}, { context: wrong(5) }),
    'new IncompleteReadError(undefined)': () => new IncompleteReadError(wrong(undefined), 1),
    'captureCallGraph(null, null)': () => captureCallGraph(null, wrong(null)),
    'ensureFuture(fn, { loop: 5 })': () => ensureFuture(async () => {}, { loop: 5 }),
    'loop.defaultExceptionHandler()': () =>
      getRunningLoop().defaultExceptionHandler(wrong(undefined)),
  };
  for (const [name, call] of Object.entries(calls)) {
    it(
      name,
      inLoop(async () => {
        assert.throws(call, { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
      }),
    );
  }

  it('options of run() and of Runner.run()', async () => {
    const main = async () => {};
    const error = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
    await assert.rejects(run(main, wrong(null)), error);
    await assert.rejects(run(main, { signals: wrong('SIGINT') }), error);
    await assert.rejects(run(main, { signals: wrong(5) }), error);
    await assert.rejects(run(main, { signals: wrong(['SIGFOO']) }), { code: 'ERR_UNKNOWN_SIGNAL' });
    await assert.rejects(run(main, { loopFactory: wrong(() => 5) }), error);
    const runner = new Runner();
    await assert.rejects(runner.run(main, wrong(null)), error);
    await assert.rejects(runner.run(main, { signals: wrong({}) }), error);
    await runner.close();
  });

  it(
    'null is taken as None is',
    inLoop(async () => {
      const future = new Future(wrong(null));
      future.cancel(wrong(null));
      assert.throws(() => future.result(), { name: 'CancelledError', message: '' });
      assert.equal(currentTask(null), currentTask());
      await createTask(async () => {}, { signal: wrong(null) });
    }),
  );

  it(
    'a future where something else is wanted is called one',
    inLoop(async () => {
      assert.throws(() => createTask(new Future()), /Received an instance of Future/);
    }),
  );

  it(
    'a predicate that gives a promise, which would always be true',
    inLoop(async () => {
      const condition = new Condition();
      await condition.with(async () => {
        await assert.rejects(
          condition.waitFor(async () => false),
          /not a promise/,
        );
      });
    }),
  );

  it(
    'a class as a factory of protocols',
    inLoop(async () => {
      const loop = getRunningLoop();
      const refused = { code: 'ERR_INVALID_ARG_TYPE', message: /\(\) => new Protocol\(\)/ };
      await assert.rejects(loop.createServer(wrong(Protocol), '127.0.0.1', 0), refused);
      await assert.rejects(loop.createConnection(wrong(Protocol), '127.0.0.1', 80), refused);
      await assert.rejects(loop.subprocessExec(wrong(Protocol), 'true'), refused);
    }),
  );

  it(
    'what a task factory returns',
    inLoop(async () => {
      const loop = getRunningLoop();
      loop.setTaskFactory(wrong(() => 5));
      assert.throws(() => createTask(async () => {}), { code: 'ERR_INVALID_ARG_TYPE' });
      loop.setTaskFactory(null);
    }),
  );
});

describe('what only looks like a promise', () => {
  const lookalikes: Record<string, () => Promise<unknown>> = {
    'inherits from one': () => Object.create(Promise.prototype),
    'is a Proxy of one': () => new Proxy(Promise.resolve(), {}),
    'is a Proxy of a rejected one': () => {
      const rejected = Promise.reject(new Error('never seen'));
      rejected.catch(() => {});
      return new Proxy(rejected, {});
    },
  };
  for (const [name, make] of Object.entries(lookalikes)) {
    it(
      `fails a task as it fails an await: ${name}`,
      inLoop(async () => {
        await assert.rejects(createTask(make), TypeError);
        await assert.rejects(async () => await make(), TypeError);
      }),
    );
  }
});

it('a TaskGroup is not made by new', () => {
  const Constructor = TaskGroup as unknown as new () => TaskGroup;
  assert.throws(() => new Constructor(), /TaskGroup\.run/);
});

it(
  'a timeout that is over cannot be rescheduled',
  inLoop(async () => {
    let finished: Timeout | undefined;
    await timeout(1000, async (scope) => {
      finished = scope;
    });
    assert.throws(() => finished?.reschedule(null), RuntimeError);
    const expires = timeout(0, async (scope) => {
      try {
        await sleep(1000);
      } finally {
        assert.throws(() => scope.reschedule(null), /expiring: reschedule\(\) it while/);
      }
    });
    await assert.rejects(expires, { name: 'TimeoutError' });
  }),
);

it(
  'the name of a task is a text, whatever it was given as',
  inLoop(async () => {
    const task = createTask(async () => {}, { name: 5 as unknown as string });
    assert.equal(task.getName(), '5');
    await task;
  }),
);
