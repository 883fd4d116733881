/** `aionode ps` and `aionode pstree`: the tasks of another process. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, it } from 'node:test';

const ROOT = path.dirname(createRequire(import.meta.url).resolve('aionode/package.json'));
const COMMAND = path.join(ROOT, 'dist', 'cli.js');
const FOLDER = `/tmp/aionode-${process.geteuid?.()}`;
const isUnix = process.platform !== 'win32';

async function output(child: ChildProcess) {
  const read = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      read[name] += text;
    });
  }
  const [code] = await once(child, 'close');
  return { code, ...read };
}

function command(...args: string[]) {
  return output(spawn(process.execPath, [COMMAND, ...args]));
}

/** Runs a module until `use` is done with it; the module says when it is ready by a line. */
async function withProcess(
  text: string,
  use: (pid: number) => Promise<void>,
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', text], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    await use(child.pid as number);
  } finally {
    child.kill('SIGKILL');
  }
}

const waiting = (body: string) => `
  import { createTask, Event, gather, run, sleep } from 'aionode';
  setInterval(() => {}, 1 << 30);
  const never = new Event();
  async function worker() { await never.wait(); }
  await run(async function main() {
    setTimeout(() => console.log('ready'), 0);
    ${body}
  });`;

describe('aionode ps', { skip: !isUnix }, () => {
  it('prints a table in which equal tasks share a row', async () => {
    const text = waiting('await gather(...Array(10000).fill(0).map(() => () => worker()));');
    await withProcess(text, async (pid) => {
      const { code, stdout, stderr } = await command('ps', String(pid));
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      const [heading, columns, ...rows] = stdout.trimEnd().split('\n');
      assert.equal(heading, `process ${pid}: 10001 tasks`);
      assert.match(columns ?? '', /^ *COUNT +TASKS +AWAITED BY +STACK/);
      assert.equal(rows.length, 2);
      assert.match(rows[0] ?? '', /^ +1 +Task-1 +- +async main\(\) > awaits a Gathering/);
      assert.match(rows[1] ?? '', /^ *10000 +Task-2, .* Task-10001 +Task-1 +async .*worker/);
    });
  });

  it('works on an idle process, again and again, and leaves no file', async () => {
    await withProcess(waiting('await worker();'), async (pid) => {
      for (let i = 0; i < 2; i++) {
        assert.match((await command('ps', String(pid))).stdout, /: 1 task\n/);
      }
      assert.equal((lstatSync(FOLDER).mode & 0o777).toString(8), '700');
      assert.deepEqual(
        readdirSync(FOLDER).filter((name) => name.startsWith(`${pid}.`)),
        [],
      );
    });
  });

  it('shows the lines of the awaits of a process in debug mode', async () => {
    await withProcess(
      waiting('await worker();'),
      async (pid) => {
        const { stdout } = await command('ps', String(pid));
        assert.match(stdout, /main \(.*:\d+:\d+\) > worker \(.*:\d+:\d+\) > awaits event wait/);
      },
      { AIONODE_DEBUG: '1' },
    );
  });

  it('names control characters in names by ?', async () => {
    const text = waiting("createTask(worker, { name: 'a\\u001b[31mb\\nc' }); await worker();");
    await withProcess(text, async (pid) => {
      assert.match((await command('ps', String(pid))).stdout, / a\?\[31mb\?c /);
    });
  });

  it('says when the process has switched it off, and does it no harm', async () => {
    await withProcess(
      waiting('await worker();'),
      async (pid) => {
        const { code, stderr } = await command('ps', String(pid));
        assert.equal(code, 1);
        assert.match(stderr, /AIONODE_INSPECT=0|did not answer/);
        assert.ok(process.kill(pid, 0));
      },
      { AIONODE_INSPECT: '0' },
    );
  });

  it('says when there is no such process, and how it is used', async () => {
    assert.match((await command('ps', '4194304')).stderr, /no process 4194304/);
    for (const args of [[], ['ps'], ['ps', 'x'], ['ps', '0'], ['top', '1'], ['ps', '1', '2']]) {
      const { code, stderr } = await command(...args);
      assert.equal(code, 2);
      assert.match(stderr, /^Usage: aionode ps PID/);
    }
    const help = await command('--help');
    assert.equal(help.code, 0);
    assert.match(help.stdout, /^Usage:/);
  });
});

describe('aionode pstree', { skip: !isUnix }, () => {
  it('prints who waits for whom', async () => {
    const text = waiting(`
      const leaf = createTask(worker, { name: 'leaf' });
      await gather(...['left', 'right'].map((name) => createTask(async function side() { await leaf; }, { name })));`);
    await withProcess(text, async (pid) => {
      const { code, stdout } = await command('pstree', String(pid));
      assert.equal(code, 0);
      assert.deepEqual(stdout.trimEnd().split('\n').slice(1), [
        '└── (T) Task-1: async main() > awaits a Gathering',
        '    └── (T) left, right (2 tasks): async side() > awaits a Task',
        '        └── (T) leaf: async worker() > awaits event wait',
      ]);
    });
  });

  it('refuses a cycle and names it', async () => {
    const text = waiting(`
      const tasks = [];
      tasks.push(createTask(async () => { await tasks[1]; }, { name: 'a' }));
      tasks.push(createTask(async () => { await tasks[0]; }, { name: 'b' }));
      await worker();`);
    await withProcess(text, async (pid) => {
      const tree = await command('pstree', String(pid));
      assert.deepEqual({ code: tree.code, stdout: tree.stdout }, { code: 1, stdout: '' });
      assert.match(tree.stderr, /cycle.*: (a -> b -> a|b -> a -> b)/);
      assert.match((await command('ps', String(pid))).stdout, /wait cycle: /);
    });
  });

  it('cuts a chain that is very long', async () => {
    const text = waiting(`
      let next = createTask(worker);
      for (let i = 0; i < 5000; i++) { const below = next; next = createTask(async () => { await below; }); }
      await next;`);
    await withProcess(text, async (pid) => {
      const { code, stdout } = await command('pstree', String(pid));
      assert.equal(code, 0);
      assert.match(stdout, /more tasks below\n$/);
      assert.ok(stdout.split('\n').length < 100);
    });
  });
});

describe('a process that can be asked', { skip: !isUnix }, () => {
  it('ends by itself and opens nothing', async () => {
    const text = `
      import 'aionode';
      // Files that the loader has read may still be closing.
      setTimeout(() => console.log(...process.getActiveResourcesInfo()), 1);`;
    const ended = (inspect: string) => {
      const env = { ...process.env, AIONODE_INSPECT: inspect };
      const args = ['--input-type=module', '--eval', text];
      const child = spawn(process.execPath, args, { cwd: ROOT, env });
      return output(child);
    };
    const asked = await ended('1');
    assert.equal(asked.code, 0);
    assert.deepEqual(asked, await ended('0'));
  });

  it('ignores the signal when nobody asks', async () => {
    await withProcess(waiting('await worker();'), async (pid) => {
      process.kill(pid, 'SIGURG');
      assert.match((await command('ps', String(pid))).stdout, /: 1 task\n/);
    });
  });
});
