/** Many workers at once and one after the other, each with its own environment in the addon. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runModule, runProgram } from './child.js';
import { EXIT_CODE, STATES } from './scenario.js';

describe('workers', { concurrency: 2 }, () => {
  for (const seed of [1, 2]) {
    it(`twenty at once end in any way at any moment (seed ${seed})`, async () => {
      const ended = await runProgram('crowd.js', String(seed), 'return');
      const codes = { release: 0, 'process.exit': EXIT_CODE, 'terminate when ready': 1 };
      assert.equal(ended.stderr, '');
      assert.deepEqual({ code: ended.code, signal: ended.signal }, { code: 0, signal: null });
      for (const state of STATES) {
        for (const [ending, code] of Object.entries(codes)) {
          assert.ok(ended.stdout.includes(`${state}, ${ending}: ${code}\n`), ended.stdout);
        }
        // It may have been faster than the request to end.
        assert.match(ended.stdout, new RegExp(`^${state}, terminate at once: [01]$`, 'm'));
      }
    });
  }

  it('twenty at once do not hold up process.exit() of the main thread', async () => {
    const ended = await runProgram('crowd.js', '3', 'exit');
    assert.deepEqual(ended, { code: EXIT_CODE, signal: null, stdout: '', stderr: '' });
  });

  it('load the addon one after the other, when nothing else keeps it loaded', async () => {
    const ended = await runModule(`
      import { once } from 'node:events';
      import { Worker } from 'node:worker_threads';
      const text = "const { run, sleep } = require('aionode'); run(() => sleep(0.001))" +
        ".then(() => require('node:worker_threads').parentPort.postMessage('slept'))";
      for (let i = 0; i < 10; i++) {
        const worker = new Worker(text, { eval: true, execArgv: [] });
        const [[message], [code]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
        console.log(message, code);
      }`);
    const stdout = 'slept 0\n'.repeat(10);
    assert.deepEqual(ended, { code: 0, signal: null, stdout, stderr: '' });
  });

  it('end when they are terminated, though a timer of theirs is always due', async () => {
    const ended = await runModule(`
      import { once } from 'node:events';
      import { Worker } from 'node:worker_threads';
      const text = "const { run, sleep } = require('aionode'); run(async () => {" +
        " require('node:worker_threads').parentPort.postMessage(0); for (;;) await sleep(0.001); })";
      for (let i = 0; i < 20; i++) {
        const worker = new Worker(text, { eval: true, execArgv: [] });
        await once(worker, 'message');
        await new Promise((resolve) => setTimeout(resolve, 5));
        await worker.terminate();
      }
      console.log('all');`);
    assert.deepEqual(ended, { code: 0, signal: null, stdout: 'all\n', stderr: '' });
  });
});
