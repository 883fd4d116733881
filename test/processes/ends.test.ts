/** How child processes end: by themselves, by signals, by cancellation. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import {
  CancelledError,
  createSubprocessExec,
  createSubprocessShell,
  createTask,
  gather,
  PIPE,
  sleep,
  TaskGroup,
  TimeoutError,
  waitFor,
} from 'aionode';
import { inLoop } from '../support/net.js';
import { forever, isGone, NEEDS_POSIX, readyThen, untilGone } from '../support/processes.js';

describe('the end of a process', NEEDS_POSIX, () => {
  it(
    'returncode is null, then the exit status',
    inLoop(async () => {
      const child = await createSubprocessExec('sh', ['-c', 'read x; exit 7'], { stdin: PIPE });
      assert.equal(child.returncode, null);
      assert.equal(isGone(child.pid), false);
      child.stdin.close();
      assert.equal(await child.wait(), 7);
      assert.equal(child.returncode, 7);
      assert.equal(isGone(child.pid), true, 'it was reaped');
    }),
  );

  it(
    'the return code of a child that a signal ended is -N',
    inLoop(async () => {
      for (const signal of ['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGPIPE'] as const) {
        const child = await forever();
        child.sendSignal(signal);
        assert.equal(await child.wait(), -constants.signals[signal]);
      }
    }),
  );

  it(
    'any number of tasks wait, also when it is over',
    inLoop(async () => {
      const child = await createSubprocessExec('sh', ['-c', 'read x; exit 3'], { stdin: PIPE });
      const waiting = gather(
        child.wait(),
        () => child.wait(),
        async () => child.wait(),
      );
      child.stdin.close();
      assert.deepEqual(await waiting, [3, 3, 3]);
      assert.equal(await child.wait(), 3);
    }),
  );

  it(
    'a child that ended before anybody asked is known',
    inLoop(async () => {
      const child = await createSubprocessExec('true');
      await untilGone(child.pid);
      assert.equal(await child.wait(), 0);
    }),
  );

  it(
    'wait() returns though a grandchild holds the pipe; its output is still read',
    inLoop(async () => {
      const child = await createSubprocessShell(
        'exec 3<&0; (read x <&3; echo "late $x") & exit 5',
        {
          stdin: PIPE,
          stdout: PIPE,
        },
      );
      assert.equal(await child.wait(), 5);
      assert.equal(child.stdout.atEof(), false);
      child.stdin.write('go\n');
      assert.equal((await child.stdout.read()).toString(), 'late go\n');
    }),
  );

  it(
    'output that was written before the end is not lost',
    inLoop(async () => {
      const child = await createSubprocessShell('head -c 50000 /dev/zero', { stdout: PIPE });
      assert.equal(await child.wait(), 0);
      assert.equal((await child.stdout.read()).length, 50_000);
    }),
  );

  it(
    'cancelling wait() leaves the child and other waiters alone',
    inLoop(async () => {
      const child = await forever();
      const first = createTask(() => child.wait());
      const second = createTask(() => child.wait());
      await assert.rejects(
        waitFor(() => child.wait(), 0.001),
        TimeoutError,
      );
      first.cancel();
      await assert.rejects(first, CancelledError);
      assert.equal(child.returncode, null);
      child.kill();
      assert.equal(await second, -9);
    }),
  );

  it(
    'await using kills the child and waits for it',
    inLoop(async () => {
      const child = await createSubprocessExec('cat', [], { stdin: PIPE, stdout: PIPE });
      await child[Symbol.asyncDispose]();
      assert.equal(child.returncode, -9);
      assert.equal(isGone(child.pid), true);
      const done = await createSubprocessExec('true');
      await done.wait();
      await done[Symbol.asyncDispose]();
      assert.equal(done.returncode, 0);
    }),
  );

  it(
    'is shown by console.log()',
    inLoop(async () => {
      const child = await createSubprocessExec('cat', [], { stdin: PIPE });
      assert.equal(inspect(child), `<Process ${child.pid} running>`);
      await child.communicate();
      assert.equal(inspect(child), `<Process ${child.pid} returncode=0>`);
    }),
  );
});

describe('signals', NEEDS_POSIX, () => {
  it(
    'terminate(), kill() and sendSignal() by name and number',
    inLoop(async () => {
      const child = await readyThen(
        'trap "echo usr1; exit 0" USR1; echo set; while :; do sleep 0.01; done',
      );
      await child.stdout.readline();
      child.sendSignal(constants.signals.SIGUSR1);
      assert.equal((await child.stdout.readline()).toString(), 'usr1\n');
      assert.equal(await child.wait(), 0);
    }),
  );

  it(
    'on a child that just ended do nothing; once all is over they throw ESRCH',
    inLoop(async () => {
      const child = await createSubprocessExec('true');
      await untilEnded(child.pid);
      child.kill();
      assert.equal(await child.wait(), 0);
      for (const call of [() => child.kill(), () => child.terminate(), () => child.sendSignal(0)]) {
        assert.throws(call, { code: 'ESRCH', syscall: 'kill' });
      }
    }),
  );

  it(
    'every end wins the race against kill()',
    inLoop(async () => {
      const ends = new Set<number>();
      for (let i = 0; i < 60; i++) {
        const child = await createSubprocessExec('true');
        for (let pass = 0; pass < i % 6; pass++) await sleep(0);
        try {
          child.kill();
        } catch (error) {
          assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
        }
        ends.add(await child.wait());
      }
      for (const end of ends) assert.ok(end === 0 || end === -9, `${end}`);
    }),
  );

  it(
    'a stopped child can be killed',
    inLoop(async () => {
      const child = await forever();
      child.sendSignal('SIGSTOP');
      child.kill();
      assert.equal(await child.wait(), -9);
    }),
  );

  it(
    'an unknown one is refused',
    inLoop(async () => {
      await using child = await forever();
      assert.throws(() => child.sendSignal('SIGNOPE' as never), { code: 'ERR_UNKNOWN_SIGNAL' });
      assert.throws(() => child.sendSignal(65), { code: 'ERR_OUT_OF_RANGE' });
      assert.throws(() => child.sendSignal(-1), { code: 'ERR_OUT_OF_RANGE' });
      assert.throws(() => child.sendSignal(1.5), { code: 'ERR_OUT_OF_RANGE' });
      assert.throws(() => child.sendSignal(null as never), { code: 'ERR_INVALID_ARG_TYPE' });
      child.sendSignal(0);
    }),
  );

  it(
    'an AbortSignal sends SIGTERM; an aborted one starts nothing',
    inLoop(async () => {
      const controller = new AbortController();
      const child = await createSubprocessExec('sleep', ['1000'], { signal: controller.signal });
      controller.abort();
      assert.equal(await child.wait(), -constants.signals.SIGTERM);
      await assert.rejects(createSubprocessExec('true', [], { signal: controller.signal }), {
        name: 'AbortError',
        code: 'ABORT_ERR',
      });
    }),
  );

  it(
    'one AbortSignal ends many children and keeps no listener',
    inLoop(async () => {
      const controller = new AbortController();
      const { signal } = controller;
      const over = await createSubprocessExec('true', [], { signal });
      await over.wait();
      assert.equal(getEventListeners(signal, 'abort').length, 0);
      const children = [];
      for (let i = 0; i < 5; i++) {
        children.push(await createSubprocessExec('sleep', ['1000'], { signal }));
      }
      assert.equal(getEventListeners(signal, 'abort').length, 1);
      controller.abort();
      assert.deepEqual(await gather(...children.map((child) => child.wait())), Array(5).fill(-15));
    }),
  );
});

/** The child has ended, though our loop may not know it yet. */
async function untilEnded(pid: number): Promise<void> {
  if (process.platform !== 'linux') return untilGone(pid);
  const state = () => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /s, '')[0];
    } catch {
      return 'gone';
    }
  };
  while (!['Z', 'X', 'gone'].includes(state() ?? '')) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

describe('cancelling createSubprocessExec()', NEEDS_POSIX, () => {
  it(
    'kills and reaps what it started',
    inLoop(async () => {
      const reached: string[] = [];
      const task = createTask(async () => {
        await createSubprocessExec('sleep', ['1000'], { stdin: PIPE, stdout: PIPE });
        reached.push('started');
      });
      await sleep(0);
      const [pid] = childrenOfOurs();
      task.cancel();
      await assert.rejects(task, CancelledError);
      assert.deepEqual(reached, []);
      if (pid !== undefined) await untilGone(pid);
    }),
  );

  it(
    'by a timeout of 0 starts nothing or leaves nothing',
    inLoop(async () => {
      await waitFor(() => createSubprocessExec('sleep', ['1000']), 0).then(
        (child) => child[Symbol.asyncDispose](),
        (error) => assert.ok(error instanceof TimeoutError),
      );
    }),
  );

  it(
    'in a group: the children of a failing group are gone',
    inLoop(async () => {
      const pids: number[] = [];
      await assert.rejects(
        TaskGroup.run(async (group) => {
          for (let i = 0; i < 3; i++) {
            group.createTask(async () => {
              await using child = await forever();
              pids.push(child.pid);
              await child.wait();
            });
          }
          while (pids.length < 3) await sleep(0);
          throw new Error('over');
        }),
      );
      assert.equal(pids.length, 3);
      for (const pid of pids) assert.equal(isGone(pid), true);
    }),
  );
});

/** Children of this process that it has not reaped. */
function childrenOfOurs(): number[] {
  if (process.platform !== 'linux') return [];
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
    .split(' ')
    .filter((pid) => pid !== '')
    .map(Number);
}
