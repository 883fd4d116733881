// Wake-ups from other threads, with real workers.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Future, getRunningLoop, run, sleep, Waker, wake } from 'aionode';

/** A worker that adds to a shared counter and wakes the waker after each step. */
const countingWorker = `
  import { workerData } from 'node:worker_threads';
  import { wake } from 'aionode';
  const counter = new Int32Array(workerData.shared);
  for (let i = 0; i < workerData.steps; i++) {
    Atomics.add(counter, 0, 1);
    wake(workerData.id);
  }
`;

function startWorker(source: string, workerData: unknown): Worker {
  const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  return new Worker(
    `import(${JSON.stringify(import.meta.resolve('aionode'))}).then(() => import(${JSON.stringify(url.href)}))`,
    { eval: true, workerData },
  );
}

describe('Waker', () => {
  it('runs its callback on the loop when other threads wake it, and misses nothing', () =>
    run(async () => {
      const loop = getRunningLoop();
      const shared = new SharedArrayBuffer(4);
      const counter = new Int32Array(shared);
      const workers = 4;
      const steps = 1000;
      const all = new Future<void>();
      using waker = new Waker(() => {
        assert.equal(getRunningLoop(), loop);
        if (Atomics.load(counter, 0) === workers * steps && !all.done()) all.setResult();
      });
      const source = countingWorker.replace(
        "'aionode'",
        JSON.stringify(import.meta.resolve('aionode')),
      );
      const threads = Array.from({ length: workers }, () =>
        startWorker(source, { shared, steps, id: waker.id }),
      );
      await all;
      await Promise.all(threads.map((thread) => thread.terminate()));
    }));

  it('counts wake-ups before the callback as one', () =>
    run(async () => {
      let calls = 0;
      const called = new Future<void>();
      using waker = new Waker(() => {
        calls += 1;
        if (!called.done()) called.setResult();
      });
      for (let i = 0; i < 10; i++) assert.equal(wake(waker.id), true);
      await called;
      await sleep(0);
      assert.equal(calls, 1);
    }));

  it('is not found after close()', () =>
    run(async () => {
      const waker = new Waker(() => assert.fail('woken'));
      assert.equal(wake(waker.id), true);
      waker.close();
      waker.close();
      assert.equal(wake(waker.id), false);
      await sleep(0);
    }));

  it('takes a function and a whole number', () => {
    assert.throws(() => new Waker(1 as never), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => wake('1' as never), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => wake(-1), { code: 'ERR_OUT_OF_RANGE' });
    assert.equal(wake(2 ** 31 - 1), false);
  });

  it('keeps the process alive until unref()', () => {
    const program = `
      import { Waker } from 'aionode';
      const waker = new Waker(() => {});
      setTimeout(() => { console.log('still here'); waker.unref(); }, 5);
    `;
    const { stdout, status } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', program],
      { encoding: 'utf8', timeout: 60_000 },
    );
    assert.equal(status, 0);
    assert.equal(stdout, 'still here\n');
  });
});
