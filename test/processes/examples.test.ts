/** The examples of child processes do what they say. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Program } from '../support/example-process.js';
import { isGone, NEEDS_POSIX } from '../support/processes.js';

describe('run-all', NEEDS_POSIX, () => {
  const runAll = (...args: string[]) => Program.example('processes/run-all', ...args);

  it('shows what the commands print, and tells the failures', async () => {
    const { code, stdout, stderr } = await runAll('echo a', 'echo b >&2', 'exit 3', 'kill -9 $$')
      .ended;
    assert.equal(code, 1);
    assert.deepEqual(stdout.split('\n').sort(), [
      '',
      '[0] a',
      'exit 3: ended with 3',
      'kill -9 $$: ended with -9',
    ]);
    assert.equal(stderr, '[1] b\n');
  });

  it('ends with 0 when all succeed, and shows output while a command runs', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'aionode-'));
    try {
      const fifo = path.join(folder, 'fifo');
      // Each command waits for the other: both must run at once.
      const program = runAll(
        `mkfifo ${fifo}; echo made; cat ${fifo}`,
        `until [ -p ${fifo} ]; do :; done; echo hello > ${fifo}`,
      );
      await program.printed(/^\[0\] made$/m);
      const { code, stdout } = await program.ended;
      assert.deepEqual({ code, stdout }, { code: 0, stdout: '[0] made\n[0] hello\n' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('no more at once than it is told', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'aionode-'));
    try {
      const alone = `mkdir ${folder}/lock && sleep 0.05 && rmdir ${folder}/lock`;
      const { code, stdout } = await runAll('--jobs', '1', alone, alone, alone).ended;
      assert.deepEqual({ code, stdout }, { code: 0, stdout: '' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('--fail-fast ends the others', async () => {
    const program = runAll('--fail-fast', 'sleep 1000; true', 'exit 1');
    const { code, stdout } = await program.ended;
    assert.equal(code, 1);
    assert.match(stdout, /sleep 1000; true: was not finished/);
  });

  it('SIGINT ends all of them', async () => {
    const program = runAll('echo $$; sleep 1000; true', 'sleep 1000; true');
    const [, pid = ''] = await program.printed(/^\[0\] (\d+)$/m);
    program.kill('SIGINT');
    await program.ended;
    assert.equal(isGone(Number(pid)), true);
  });
});

describe('supervisor', NEEDS_POSIX, () => {
  const supervise = (options: string[], command: string) =>
    Program.example('processes/supervisor', ...options, '--', 'sh', '-c', command);

  it('starts a crashing child again, with longer and longer pauses', async () => {
    const program = supervise(['--pause', '0.01', '--longest', '1000'], 'exit 5');
    await program.printed(/it ended with 5: again in 0.08 s/);
    program.kill('SIGTERM');
    const { code, stdout } = await program.ended;
    assert.equal(code, 0);
    assert.match(stdout, /again in 0.01 s.*again in 0.02 s.*again in 0.04 s.*done\n$/s);
  });

  it('is done when the child is', async () => {
    const { code, stdout } = await supervise([], 'echo working').ended;
    assert.equal(code, 0);
    assert.match(stdout, /^working$/m);
    assert.match(stdout, /^done\n$/m);
  });

  it('asks the child to end on SIGTERM, and kills it when it does not', async () => {
    for (const [script, expected] of [
      ['trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.01; done', /bye\ndone\n$/],
      ['trap "" TERM; echo up; while :; do sleep 0.01; done', /: killed\ndone\n$/],
    ] as const) {
      const program = supervise(['--grace', '0.2'], script);
      const [, pid = ''] = await program.printed(/started process (\d+)/);
      await program.printed(/^up$/m);
      program.kill('SIGTERM');
      const { code, stdout } = await program.ended;
      assert.equal(code, 0);
      assert.match(stdout, expected);
      assert.equal(isGone(Number(pid)), true);
    }
  });
});
