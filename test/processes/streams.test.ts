/** The streams of a child process, and communicate(). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import {
  CancelledError,
  createSubprocessExec,
  createSubprocessShell,
  createTask,
  DEVNULL,
  getRunningLoop,
  PIPE,
  Protocol,
  STDOUT,
  sleep,
  TimeoutError,
  waitFor,
} from 'aionode';
import { inLoop } from '../support/net.js';
import { makePipe } from '../support/pipes.js';
import { NEEDS_POSIX, NEEDS_PROC, outputOf, readyThen } from '../support/processes.js';

const sh = (command: string) =>
  createSubprocessExec('sh', ['-c', command], { stdin: PIPE, stdout: PIPE, stderr: PIPE });

describe('the streams of a process', NEEDS_POSIX, () => {
  it(
    'stdin is written to, stdout and stderr are read from',
    inLoop(async () => {
      const child = await sh('read line; echo "out $line"; echo "err $line" >&2');
      child.stdin.write('hello\n');
      await child.stdin.drain();
      assert.equal((await child.stdout.readline()).toString(), 'out hello\n');
      assert.equal((await child.stderr.readline()).toString(), 'err hello\n');
      assert.equal(await child.wait(), 0);
      assert.equal((await child.stdout.read()).length, 0);
    }),
  );

  it(
    'communicate() feeds and reads at once, more than the pipes hold',
    inLoop(async () => {
      const input = Buffer.alloc(3_000_000, 'x');
      const child = await createSubprocessExec('cat', [], { stdin: PIPE, stdout: PIPE });
      const [output, errors] = await child.communicate(input);
      assert.ok(output.equals(input));
      assert.equal(errors, null);
      assert.equal(child.returncode, 0);
    }),
  );

  it(
    'communicate() without input closes stdin, so that a reading child ends',
    inLoop(async () => {
      const child = await createSubprocessExec('cat', [], { stdin: PIPE });
      assert.deepEqual(await child.communicate(), [null, null]);
      assert.equal(child.returncode, 0);
    }),
  );

  it(
    'communicate() does not mind a child that reads nothing, or part of its input',
    inLoop(async () => {
      const input = Buffer.alloc(1_000_000);
      for (const script of ['exec true', 'head -c 10 >/dev/null; echo read']) {
        const child = await createSubprocessExec('sh', ['-c', script], {
          stdin: PIPE,
          stdout: PIPE,
        });
        const [output] = await child.communicate(input);
        assert.equal(output.toString(), script === 'exec true' ? '' : 'read\n');
        assert.equal(child.returncode, 0);
      }
    }),
  );

  it(
    'drain() on the stdin of a child that reads no more fails',
    inLoop(async () => {
      const child = await createSubprocessExec('true', [], { stdin: PIPE });
      await child.wait();
      await assert.rejects(
        async () => {
          for (;;) {
            child.stdin.write(Buffer.alloc(65536));
            await child.stdin.drain();
          }
        },
        { code: /EPIPE|ECONNRESET/ },
      );
    }),
  );

  it(
    'closing stdin is the end of input',
    inLoop(async () => {
      const child = await createSubprocessExec('cat', [], { stdin: PIPE, stdout: PIPE });
      child.stdin.write('last');
      child.stdin.close();
      await child.stdin.waitClosed();
      assert.equal((await child.stdout.read()).toString(), 'last');
      assert.equal(await child.wait(), 0);
    }),
  );

  it(
    'writeEof() is the end of input too',
    inLoop(async () => {
      const child = await createSubprocessExec('cat', [], { stdin: PIPE, stdout: PIPE });
      child.stdin.write('last');
      child.stdin.writeEof();
      assert.equal((await child.stdout.read()).toString(), 'last');
    }),
  );

  it(
    'a child that nobody reads is held back, and goes on when it is read',
    inLoop(async () => {
      const limit = 1024;
      const script = 'head -c 2000000 /dev/zero; echo done >&2';
      const child = await createSubprocessExec('sh', ['-c', script], {
        stdout: PIPE,
        stderr: PIPE,
        limit,
      });
      const ended = createTask(() => child.stderr.readline());
      while (child.stdout.buffered <= 2 * limit) await sleep(0);
      const held = child.stdout.buffered;
      for (let i = 0; i < 100; i++) await sleep(0.0005);
      assert.equal(child.stdout.buffered, held);
      assert.equal(ended.done(), false);
      assert.equal((await child.stdout.read()).length, 2_000_000);
      assert.equal((await ended).toString(), 'done\n');
      assert.equal(await child.wait(), 0);
    }),
  );

  it(
    'stderr: STDOUT joins the two in order',
    inLoop(async () => {
      const child = await createSubprocessShell('echo a; echo b >&2; echo c', {
        stdout: PIPE,
        stderr: STDOUT,
      });
      const [output, errors] = await child.communicate();
      assert.equal(output.toString(), 'a\nb\nc\n');
      assert.equal(errors, null);
      assert.equal(child.stderr, null);
    }),
  );

  it(
    'DEVNULL is empty to read and takes everything',
    inLoop(async () => {
      const child = await createSubprocessShell('cat; echo lost; echo lost >&2', {
        stdin: DEVNULL,
        stdout: DEVNULL,
        stderr: DEVNULL,
      });
      assert.deepEqual([child.stdin, child.stdout, child.stderr], [null, null, null]);
      assert.equal(await child.wait(), 0);
    }),
  );

  it(
    'a descriptor is lent to the child and stays ours',
    inLoop(async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'aionode-'));
      const file = path.join(folder, 'out');
      const fd = openSync(file, 'w+');
      try {
        for (const text of ['one', 'two']) {
          const child = await createSubprocessExec('echo', [text], { stdout: fd, stderr: STDOUT });
          assert.equal(await child.wait(), 0);
        }
        assert.equal(readFileSync(file, 'utf8'), 'one\ntwo\n');
      } finally {
        closeSync(fd);
        rmSync(folder, { recursive: true });
      }
    }),
  );

  it(
    'crossed standard descriptors reach the child as they were',
    inLoop(async () => {
      const child = await createSubprocessExec(process.execPath, ['-e', CROSSED], {
        stdout: PIPE,
        stderr: DEVNULL,
      });
      const [output] = await child.communicate();
      assert.equal(output.toString(), 'to stderr\n');
    }),
  );

  it(
    'the child has no descriptor of ours but its standard streams',
    { ...NEEDS_PROC },
    inLoop(async () => {
      const bystander = await createSubprocessExec('cat', [], { stdin: PIPE, stdout: PIPE });
      const args = ['/proc/self/fd'];
      const fds = await outputOf('ls', args, { stdin: DEVNULL });
      // What Node itself was started with may be inherited on old kernels; ls has the folder open too.
      const most = execFileSync('ls', args, { stdio: ['ignore', 'pipe', 2] }).toString();
      assert.ok(fds.startsWith('0\n1\n2\n'), fds);
      assert.deepEqual(
        fds.split('\n').filter((fd) => !most.split('\n').includes(fd)),
        [],
      );
      await bystander.communicate();
    }),
  );

  it(
    'leaves what a transport of ours lives on as it is: it would block the loop',
    { ...NEEDS_PROC },
    inLoop(async () => {
      const { readEnd, writeEnd } = await makePipe();
      const loop = getRunningLoop();
      const [reader] = await loop.connectReadPipe(() => new Protocol(), readEnd);
      const [writer] = await loop.connectWritePipe(() => new Protocol(), writeEnd);
      const child = await createSubprocessExec('true', [], { stdout: writeEnd });
      await child.wait();
      const info = readFileSync(`/proc/self/fdinfo/${writeEnd}`, 'utf8');
      const flags = Number.parseInt(/^flags:\s+(\d+)$/m.exec(info)?.[1] ?? '', 8);
      assert.notEqual(flags & constants.O_NONBLOCK, 0);
      writer.abort();
      reader.close();
      await sleep(0);
    }),
  );

  it(
    'its standard streams block, whatever ours do',
    inLoop(async () => {
      // dd ends with EAGAIN where its output does not block.
      const child = await createSubprocessExec(
        'dd',
        ['if=/dev/zero', 'bs=1000000', 'count=3', 'status=none'],
        { stdout: PIPE },
      );
      let total = 0;
      for await (const chunk of child.stdout.chunks()) total += chunk.length;
      assert.equal(total, 3_000_000);
      assert.equal(await child.wait(), 0);
    }),
  );
});

/** Runs sh with stdout and stderr exchanged. */
const CROSSED = `
const { createRequire } = require('node:module');
import(createRequire(process.cwd() + '/package.json').resolve('aionode')).then(async (aionode) => {
  const { createSubprocessExec, DEVNULL } = aionode;
  const child = await createSubprocessExec('sh', ['-c', 'echo to stdout; echo to stderr >&2'],
    { stdin: DEVNULL, stdout: 2, stderr: 1 });
  await child.wait();
});
`;

describe('cancelling communicate()', NEEDS_POSIX, () => {
  it(
    'leaves the child alive and what it wrote readable',
    inLoop(async () => {
      const child = await createSubprocessShell('echo first; read line; echo "second $line"', {
        stdin: PIPE,
        stdout: PIPE,
      });
      const talk = createTask(() => child.communicate('ignored by nobody'));
      while (child.stdout.buffered === 0) await sleep(0);
      talk.cancel();
      await assert.rejects(talk, CancelledError);
      assert.equal((await child.stdout.readline()).toString(), 'first\n');
      assert.equal((await child.stdout.readline()).toString(), 'second ignored by nobody\n');
      assert.equal(await child.wait(), 0);
    }),
  );

  it(
    'by a timeout; then the child can be asked again',
    inLoop(async () => {
      const child = await readyThen('read x; echo over');
      child.kill();
      assert.equal(await child.wait(), -9);
      const slow = await createSubprocessShell('echo one; read x; echo two', {
        stdin: PIPE,
        stdout: PIPE,
      });
      // Its stdin is closed by communicate(): hold it open by a child of its own.
      await slow.stdout.peek();
      await assert.rejects(
        waitFor(() => slow.wait(), 0.001),
        TimeoutError,
      );
      const [output] = await slow.communicate('x\n');
      assert.equal(output.toString(), 'one\ntwo\n');
    }),
  );
});
