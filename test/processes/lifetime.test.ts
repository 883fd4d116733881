/** No child outlives its loop, no descriptor or zombie is left, and Node's own children are not disturbed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import {
  createSubprocessExec,
  createSubprocessShell,
  createTask,
  gather,
  PIPE,
  run,
  Semaphore,
  sleep,
  TaskGroup,
} from 'aionode';
import { Program, ROOT } from '../support/example-process.js';
import { inLoop } from '../support/net.js';
import {
  forever,
  isGone,
  NEEDS_POSIX,
  NEEDS_PROC,
  openDescriptors,
  untilGone,
} from '../support/processes.js';

const PROGRAM = path.join(ROOT, 'build/tests/processes/program.js');

describe('a child that runs on', NEEDS_POSIX, () => {
  for (const how of [
    'run() returns',
    'the loop is closed',
    'process.exit()',
    'an uncaught error',
    'a worker is terminated',
  ]) {
    it(`is killed when ${how}`, async () => {
      const { stdout } = await new Program(process.execPath, PROGRAM, how).ended;
      const pid = Number(stdout);
      assert.ok(pid > 0, stdout);
      // The child shares stdout, whose end was seen. Whom the dying process cannot reap, init does.
      if (!how.startsWith('process.exit') && how !== 'an uncaught error') {
        assert.equal(isGone(pid), true);
      }
    });
  }

  it('cannot be signalled when its loop is closed, and nobody else is in its place', async () => {
    const left = await run(forever);
    assert.throws(() => left.kill(), { code: 'ESRCH' });
    await run(async () => {
      const child = await createSubprocessExec('cat', [], { stdin: PIPE });
      assert.throws(() => left.kill(), { code: 'ESRCH' });
      child.stdin.writeEof();
      assert.equal(await child.wait(), 0);
    });
  });

  it('that is detached is no zombie when it ends after its loop', NEEDS_PROC, async () => {
    const { pid } = await run(() => createSubprocessExec('sleep', ['0.01'], { detached: true }));
    await run(() => untilGone(pid));
  });

  it('is not killed when it is detached', async () => {
    const program = new Program(process.execPath, PROGRAM, 'process.exit(), detached');
    const [, pid = ''] = await program.printed(/^(\d+)$/m);
    assert.equal(isGone(Number(pid)), false);
    process.kill(Number(pid), 'SIGKILL');
    await program.ended;
  });
});

it(
  'wait() and communicate() may be given to createTask(), as coroutines in asyncio',
  NEEDS_POSIX,
  inLoop(async () => {
    const child = await createSubprocessExec('cat', [], { stdin: PIPE, stdout: PIPE });
    const waiting = createTask(child.wait());
    const [output] = await createTask(child.communicate('input'));
    assert.equal(output?.toString(), 'input');
    assert.equal(await waiting, 0);
  }),
);

describe('many children', NEEDS_POSIX, () => {
  it(
    '1,000 one after the other leave no descriptor and no zombie',
    NEEDS_PROC,
    inLoop(async () => {
      const warm = await createSubprocessExec('true', [], { stdin: PIPE, stdout: PIPE });
      await warm.communicate();
      for (let round = 0; round < 3; round++) await sleep(0.001);
      const before = openDescriptors();
      const pids: number[] = [];
      for (let i = 0; i < 1000; i++) {
        // A third each: with pipes, without, never asked.
        const piped = i % 3 === 0;
        const child = await createSubprocessExec(
          'true',
          [],
          piped ? { stdin: PIPE, stdout: PIPE } : {},
        );
        pids.push(child.pid);
        if (piped) await child.communicate();
        else if (i % 3 === 1) await child.wait();
      }
      while (!pids.every(isGone)) await sleep(0.001);
      while (openDescriptors() > before) await sleep(0.001);
    }),
  );

  it(
    '200 at once that queue on a semaphore',
    inLoop(async () => {
      const places = new Semaphore(8);
      let most = 0;
      let now = 0;
      const codes = await gather(
        ...Array.from(
          { length: 200 },
          (_, i) => () =>
            places.with(async () => {
              now += 1;
              most = Math.max(most, now);
              const child = await createSubprocessShell(`exit ${i % 7}`);
              const code = await child.wait();
              now -= 1;
              return code;
            }),
        ),
      );
      assert.deepEqual(
        codes,
        Array.from({ length: 200 }, (_, i) => i % 7),
      );
      assert.equal(most, 8);
    }),
  );

  it(
    'a hundred that run at once, killed by the end of their group',
    inLoop(async () => {
      const pids: number[] = [];
      await TaskGroup.run(async (group) => {
        for (let i = 0; i < 100; i++) {
          group.createTask(async () => {
            await using child = await createSubprocessExec('sleep', ['1000']);
            pids.push(child.pid);
            await child.wait();
          });
        }
        while (pids.length < 100) await sleep(0);
        group.cancel();
      });
      assert.equal(pids.length, 100);
      assert.equal(pids.every(isGone), true);
    }),
  );

  it(
    'memory stays constant while 256 MiB pass through',
    inLoop(async () => {
      const size = 256 << 20;
      const child = await createSubprocessExec('head', ['-c', `${size}`, '/dev/zero'], {
        stdout: PIPE,
      });
      const peak = (rss: number) => Math.max(rss, process.memoryUsage.rss());
      let total = 0;
      let highest = 0;
      let early = 0;
      for (;;) {
        const chunk = await child.stdout.read(1 << 16);
        if (chunk.length === 0) break;
        total += chunk.length;
        if (total < size / 8) early = peak(early);
        else highest = peak(highest);
      }
      assert.equal(total, size);
      assert.equal(await child.wait(), 0);
      assert.ok(highest < early + (96 << 20), `${early >> 20} MiB, then ${highest >> 20} MiB`);
    }),
  );
});

describe('beside node:child_process', NEEDS_POSIX, () => {
  it('neither takes the exit status of the other', async () => {
    const codes = await run(async () => {
      const theirs = async (code: number) =>
        (await once(spawn('sh', ['-c', `exit ${code}`]), 'exit'))[0];
      const ours = async (code: number) => (await createSubprocessShell(`exit ${code}`)).wait();
      return gather(
        ...Array.from({ length: 40 }, (_, i) => async () => [await theirs(i), await ours(i + 100)]),
      );
    });
    assert.deepEqual(
      codes,
      Array.from({ length: 40 }, (_, i) => [i, i + 100]),
    );
  });
});

/** Runs in threads and processes of their own. */
const SMOKE = `
const { createRequire } = require('node:module');
module.exports = import(createRequire(process.cwd() + '/package.json').resolve('aionode')).then(
  async ({ createSubprocessExec, createSubprocessShell, PIPE, run }) => run(async () => {
    process.env.SMOKE = 'inherited';
    const child = await createSubprocessShell('read x; echo "$SMOKE $x"; exit 3', { stdin: PIPE, stdout: PIPE });
    const [output] = await child.communicate('input\\n');
    const killed = await createSubprocessExec('sleep', ['1000']);
    killed.kill();
    const failure = await createSubprocessExec('aionode-no-such').catch((error) => error);
    return [output.toString(), child.returncode, await killed.wait(), failure.code].join();
  }));
`;
const SMOKE_RESULT = 'inherited input\n,3,-9,ENOENT';

describe('children elsewhere', NEEDS_POSIX, () => {
  it('in a worker thread', async () => {
    const worker = new Worker(
      `${SMOKE} module.exports.then((result) => require('node:worker_threads').parentPort.postMessage(result));`,
      { eval: true },
    );
    const [[result]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
    assert.equal(result, SMOKE_RESULT);
  });

  it('where the system has no pidfds', async () => {
    const child = spawn(
      process.execPath,
      ['-e', `${SMOKE} module.exports.then((result) => process.stdout.write(result));`],
      {
        cwd: ROOT,
        env: { ...process.env, AIONODE_DISABLE_PIDFD: '1' },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    await once(child, 'close');
    assert.equal(output, SMOKE_RESULT);
  });
});
