/** Coroutine methods of several awaits, in the hands of others than the task that calls them. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, it } from 'node:test';
import {
  Barrier,
  CancelledError,
  Condition,
  coroutine,
  createTask,
  currentTask,
  gather,
  run,
  type Server,
  sleep,
  startServer,
  type Task,
  TimeoutError,
  timeout,
  wait,
  waitFor,
} from 'aionode';
import { inLoop, settle } from '../support/tasks.js';

const SOON = 0.001;

async function withListening(body: (server: Server) => Promise<void>): Promise<void> {
  const server = await startServer(() => {}, '127.0.0.1', 0);
  try {
    await body(server);
  } finally {
    server.close();
  }
}

describe('barrier.wait()', () => {
  it(
    'given up by waitFor() leaves the barrier',
    inLoop(async () => {
      const barrier = new Barrier(2);
      await assert.rejects(waitFor(barrier.wait(), SOON), TimeoutError);
      assert.equal(barrier.nWaiting, 0);
      assert.deepEqual(await gather(barrier.wait(), barrier.wait()), [0, 1]);
    }),
  );

  it(
    'is a Future: in gather() and wait(), cancelled there, awaited twice',
    inLoop(async () => {
      const barrier = new Barrier(3);
      const all = gather(barrier.wait(), barrier.wait());
      await settle();
      assert.equal(barrier.nWaiting, 2);
      all.cancel();
      await assert.rejects(async () => all, CancelledError);
      assert.equal(barrier.nWaiting, 0);

      const one = barrier.wait();
      const [done] = await wait([one, createTask(barrier.wait()), createTask(barrier.wait())]);
      assert.deepEqual([...done].map((future) => future.result()).sort(), [0, 1, 2]);
      assert.equal(await one, one.result());
    }),
  );

  it(
    'that nobody’s task awaits runs on its own, and can be cancelled',
    inLoop(async () => {
      const barrier = new Barrier(2);
      const left = barrier.wait();
      left.addDoneCallback(() => {});
      await settle();
      assert.equal(barrier.nWaiting, 1);
      assert.equal(left.cancel(), true);
      await assert.rejects(async () => left, CancelledError);
      assert.equal(barrier.nWaiting, 0);
      const never = barrier.wait();
      assert.equal(never.cancel(), true);
      await assert.rejects(async () => never, CancelledError);
    }),
  );
});

describe('condition.waitFor()', () => {
  it(
    'given up by waitFor() holds the lock again and takes no later notification',
    inLoop(async () => {
      const condition = new Condition();
      let ready = false;
      await condition.acquire();
      await assert.rejects(
        waitFor(
          condition.waitFor(() => ready),
          SOON,
        ),
        TimeoutError,
      );
      assert.equal(condition.locked(), true);
      condition.release();
      const other = createTask(() => condition.with(() => condition.waitFor(() => ready)));
      await settle();
      ready = true;
      await condition.with(() => condition.notify());
      assert.equal(await other, true);
    }),
  );

  it(
    'fails with what its predicate throws, the lock held',
    inLoop(async () => {
      const condition = new Condition();
      await condition.with(async () => {
        const failing = condition.waitFor(() => {
          throw new Error('in the predicate');
        });
        await assert.rejects(failing, { message: 'in the predicate' });
        assert.equal(condition.locked(), true);
      });
    }),
  );

  it(
    'calls its predicate as code of the task, in the context of the caller',
    inLoop(async () => {
      const condition = new Condition();
      const storage = new AsyncLocalStorage<string>();
      const seen: unknown[] = [];
      const task: Task<boolean> = createTask(() =>
        storage.run('stored', () =>
          condition.with(() =>
            condition.waitFor(() => {
              seen.push(currentTask() === task, storage.getStore());
              return seen.length > 2;
            }),
          ),
        ),
      );
      await settle();
      await condition.with(() => condition.notify());
      await task;
      assert.deepEqual(seen, [true, 'stored', true, 'stored']);
    }),
  );

  it(
    'is cancelled by a predicate that cancels the task, at its next wait',
    inLoop(async () => {
      const condition = new Condition();
      let calls = 0;
      const task = createTask(() =>
        condition.with(() =>
          condition.waitFor(() => {
            calls += 1;
            if (calls === 2) currentTask()?.cancel();
            return calls > 2;
          }),
        ),
      );
      await settle();
      await condition.with(() => condition.notify());
      await assert.rejects(task, CancelledError);
      assert.deepEqual([calls, condition.locked()], [2, false]);
    }),
  );
});

describe('server.serveForever()', () => {
  it(
    'given up by waitFor() has closed the server',
    inLoop(() =>
      withListening(async (server) => {
        await assert.rejects(waitFor(server.serveForever(), SOON), TimeoutError);
        assert.equal(server.isServing(), false);
      }),
    ),
  );

  it(
    'runs as a task, which ends it',
    inLoop(() =>
      withListening(async (server) => {
        const serving = createTask(server.serveForever());
        await sleep(0);
        await assert.rejects(async () => server.serveForever(), { code: 'ERR_RUNTIME' });
        serving.cancel();
        await assert.rejects(serving, CancelledError);
        assert.equal(server.isServing(), false);
      }),
    ),
  );

  it('is awaited outside any task', async () => {
    const server = await run(() => startServer(() => {}, '127.0.0.1', 0, { startServing: false }));
    await assert.rejects(async () => server.serveForever(), { code: 'ERR_RUNTIME' });
  });
});

describe('a Coroutine', () => {
  const cleaning = coroutine(async (log: unknown[]) => {
    try {
      await sleep(1000);
    } finally {
      await sleep(0);
      log.push(currentTask());
    }
  });

  it(
    'that waitFor() or the body of a timeout() gives is cancelled at the deadline, and waited for',
    inLoop(async () => {
      const log: unknown[] = [];
      await assert.rejects(waitFor(cleaning(log), SOON), TimeoutError);
      await assert.rejects(
        timeout(SOON, () => cleaning(log)),
        TimeoutError,
      );
      assert.deepEqual(log, [currentTask(), currentTask()]);
    }),
  );
});
