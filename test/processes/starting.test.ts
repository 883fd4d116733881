/** Starting child processes: what they are given, and why they may not start. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { createSubprocessExec, createSubprocessShell, DEVNULL, PIPE, STDOUT, sleep } from 'aionode';
import { inLoop } from '../support/net.js';
import { NEEDS_POSIX, NEEDS_PROC, openDescriptors, outputOf } from '../support/processes.js';

describe('what the child is given', NEEDS_POSIX, () => {
  it(
    'cwd',
    inLoop(async () => {
      const folder = realpathSync(tmpdir());
      assert.equal(await outputOf('pwd', ['-P'], { cwd: folder }), `${folder}\n`);
    }),
  );

  it(
    'env replaces the environment; without it ours is inherited',
    inLoop(async () => {
      assert.equal(
        await outputOf('/usr/bin/env', [], { env: { A: '1', B: undefined, C: 'x=y\nz' } }),
        'A=1\nC=x=y\nz\n',
      );
      process.env.AIONODE_TEST_INHERITED = 'yes ü';
      try {
        const inherited = await outputOf('sh', ['-c', 'echo "$AIONODE_TEST_INHERITED"']);
        assert.equal(inherited, 'yes ü\n');
      } finally {
        delete process.env.AIONODE_TEST_INHERITED;
      }
    }),
  );

  it(
    'the program is looked for in the PATH of its environment',
    inLoop(async () => {
      await assert.rejects(createSubprocessExec('ls', [], { env: { PATH: '/nowhere' } }), {
        code: 'ENOENT',
      });
      const child = await createSubprocessExec('true', [], {
        env: { PATH: '/nowhere::/usr/bin:/bin' },
      });
      assert.equal(await child.wait(), 0);
      const plain = await createSubprocessExec('true', [], { env: {} });
      assert.equal(await plain.wait(), 0);
    }),
  );

  it(
    'arguments as they are, empty ones and UTF-8 included',
    inLoop(async () => {
      const args = ['', 'a b', '"', '$HOME', 'ü€😀', '*'];
      const printed = await outputOf('sh', [
        '-c',
        'for a in "$@"; do echo "[$a]"; done',
        'sh',
        ...args,
      ]);
      assert.equal(printed, args.map((arg) => `[${arg}]\n`).join(''));
    }),
  );

  it(
    'a script without an interpreter line is run by sh',
    inLoop(async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'aionode-'));
      try {
        const script = path.join(folder, 'script');
        writeFileSync(script, 'echo "script $1"\n');
        chmodSync(script, 0o755);
        assert.equal(await outputOf(script, ['arg']), 'script arg\n');
        assert.equal(await outputOf('script', ['x'], { env: { PATH: folder } }), 'script x\n');
      } finally {
        rmSync(folder, { recursive: true });
      }
    }),
  );

  it(
    'detached: a session of its own; otherwise it stays in ours',
    { ...NEEDS_PROC },
    inLoop(async () => {
      const session = async (detached: boolean) => {
        const child = await createSubprocessExec('cat', ['/proc/self/stat'], {
          stdout: PIPE,
          detached,
        });
        const [output] = await child.communicate();
        const [, , group, id] = output.toString().replace(/.*\) /s, '').split(' ').map(Number);
        return { group: group === child.pid, session: id === child.pid };
      };
      assert.deepEqual(await session(true), { group: true, session: true });
      assert.deepEqual(await session(false), { group: false, session: false });
    }),
  );

  it(
    'no signal ignored or blocked, though Node ignores SIGPIPE',
    { ...NEEDS_PROC },
    inLoop(async () => {
      const status = await outputOf('cat', ['/proc/self/status']);
      const mask = (name: string) => new RegExp(`^${name}:\\s*(\\w+)`, 'm').exec(status)?.[1];
      assert.equal(mask('SigIgn'), '0000000000000000');
      assert.equal(mask('SigBlk'), '0000000000000000');
    }),
  );

  it(
    'uid and gid',
    process.getuid?.() === 0 ? {} : { skip: 'only root may change them' },
    inLoop(async () => {
      assert.equal(await outputOf('id', ['-u'], { uid: 12345, cwd: '/' }), '12345\n');
      assert.equal(await outputOf('id', ['-g'], { gid: 12346, cwd: '/' }), '12346\n');
    }),
  );

  it(
    'a command for the shell',
    inLoop(async () => {
      const child = await createSubprocessShell('echo "$0"; exit 4', { stdout: PIPE });
      assert.equal((await child.stdout.read()).toString().length > 0, true);
      assert.equal(await child.wait(), 4);
    }),
  );
});

describe('a process that cannot be started', NEEDS_POSIX, () => {
  const cases = [
    { what: 'no such program', program: 'aionode-no-such', args: ['a', 'b'], code: 'ENOENT' },
    { what: 'no such path', program: '/no/such', args: [], code: 'ENOENT' },
    { what: 'a file that is no program', program: '/etc/passwd', args: [], code: 'EACCES' },
    { what: 'a folder', program: '/tmp', args: [], code: 'EACCES' },
    { what: 'a path through a file', program: '/etc/passwd/x', args: [], code: 'ENOTDIR' },
    {
      what: 'no such cwd',
      program: 'true',
      args: [],
      code: 'ENOENT',
      cwd: '/no/such',
      blamed: '/no/such',
    },
    {
      what: 'a cwd that is a file',
      program: 'true',
      args: [],
      code: 'ENOTDIR',
      cwd: '/etc/passwd',
    },
    {
      what: 'too long a command line',
      program: 'true',
      args: ['x'.repeat(8 << 20)],
      code: 'E2BIG',
    },
    { what: 'a closed descriptor', program: 'true', args: [], code: 'EBADF', stdin: 9999 },
  ];
  for (const { what, program, args, code, blamed, ...options } of cases) {
    it(
      `${what}: ${code}, and nothing is left`,
      inLoop(async () => {
        const before = process.platform === 'linux' ? openDescriptors() : 0;
        await assert.rejects(
          createSubprocessExec(program, args, { stdout: PIPE, stderr: PIPE, ...options }),
          (error: NodeJS.ErrnoException & { spawnargs?: unknown }) => {
            assert.equal(error.code, code);
            assert.equal(error.syscall, `spawn ${program}`);
            const more = blamed === undefined ? '' : ` (the directory '${blamed}' does not exist)`;
            assert.equal(error.message, `spawn ${program} ${code}${more}`);
            assert.equal(error.path, blamed ?? program);
            assert.deepEqual(error.spawnargs, args);
            assert.ok((error.errno as number) < 0);
            return true;
          },
        );
        await sleep(0);
        if (process.platform === 'linux') assert.ok(openDescriptors() <= before);
      }),
    );
  }

  it(
    'a shell that does not find its command says 127',
    inLoop(async () => {
      const child = await createSubprocessShell('aionode-no-such', { stderr: DEVNULL });
      assert.equal(await child.wait(), 127);
    }),
  );
});

/** asyncio raises ValueError for all but a wrong type. */
const errorOf = (code: string) => ({
  name: code === 'ERR_INVALID_ARG_TYPE' ? 'TypeError' : 'RangeError',
  code,
});

describe('the arguments of createSubprocessExec()', () => {
  const invalid = [
    { what: 'program', call: () => createSubprocessExec(1 as never), code: 'ERR_INVALID_ARG_TYPE' },
    {
      what: 'an empty program',
      call: () => createSubprocessExec(''),
      code: 'ERR_INVALID_ARG_VALUE',
    },
    {
      what: 'a null byte',
      call: () => createSubprocessExec('a\0b'),
      code: 'ERR_INVALID_ARG_VALUE',
    },
    {
      what: 'args',
      call: () => createSubprocessExec('a', 'b' as never),
      code: 'ERR_INVALID_ARG_TYPE',
    },
    {
      what: 'an argument',
      call: () => createSubprocessExec('a', [1 as never]),
      code: 'ERR_INVALID_ARG_TYPE',
    },
    {
      what: 'a null byte in an argument',
      call: () => createSubprocessExec('a', ['\0']),
      code: 'ERR_INVALID_ARG_VALUE',
    },
    {
      what: 'options',
      call: () => createSubprocessExec('a', [], null as never),
      code: 'ERR_INVALID_ARG_TYPE',
    },
    {
      what: 'a null byte in a command',
      call: () => createSubprocessShell('\0'),
      code: 'ERR_INVALID_ARG_VALUE',
    },
    {
      what: 'a command',
      call: () => createSubprocessShell({} as never),
      code: 'ERR_INVALID_ARG_TYPE',
    },
  ];
  const options: [Record<string, unknown>, string][] = [
    [{ stdin: 'pipe' }, 'ERR_INVALID_ARG_TYPE'],
    [{ stdin: STDOUT }, 'ERR_INVALID_ARG_TYPE'],
    [{ stdout: STDOUT }, 'ERR_INVALID_ARG_TYPE'],
    [{ stdout: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ stdout: 1.5 }, 'ERR_OUT_OF_RANGE'],
    [{ cwd: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ cwd: 'a\0' }, 'ERR_INVALID_ARG_VALUE'],
    [{ env: 'A=1' }, 'ERR_INVALID_ARG_TYPE'],
    [{ env: { A: '\0' } }, 'ERR_INVALID_ARG_VALUE'],
    [{ uid: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ gid: 'root' }, 'ERR_INVALID_ARG_TYPE'],
    [{ detached: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ signal: {} }, 'ERR_INVALID_ARG_TYPE'],
    [{ limit: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ stdio: 'pipe' }, 'ERR_INVALID_ARG_VALUE'],
    [{ shell: true }, 'ERR_INVALID_ARG_VALUE'],
    [{ encoding: 'utf8' }, 'ERR_INVALID_ARG_VALUE'],
    [{ text: true }, 'ERR_INVALID_ARG_VALUE'],
    [{ universalNewlines: true }, 'ERR_INVALID_ARG_VALUE'],
    [{ errors: 'replace' }, 'ERR_INVALID_ARG_VALUE'],
    [{ bufsize: 1 }, 'ERR_INVALID_ARG_VALUE'],
  ];
  for (const { what, call, code } of invalid) {
    it(
      `${what} is checked`,
      inLoop(() => assert.rejects(async () => call(), errorOf(code))),
    );
  }
  for (const [option, code] of options) {
    it(
      `options.${Object.keys(option)[0]} is checked: ${String(Object.values(option)[0])}`,
      inLoop(() =>
        assert.rejects(async () => createSubprocessExec('true', [], option), errorOf(code)),
      ),
    );
  }

  it(
    'communicate() checks its input',
    NEEDS_POSIX,
    inLoop(async () => {
      await using child = await createSubprocessExec('cat', [], { stdin: PIPE });
      assert.throws(() => child.communicate(1 as never), { code: 'ERR_INVALID_ARG_TYPE' });
    }),
  );
});
