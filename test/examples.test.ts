/** The programs of examples/ print what asyncio's print, and the main job keeps its promises. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import path from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createTask, gather, run } from 'aionode';
import { LineClient } from './support/example-line-client.js';
import { EXAMPLES, Program, ROOT } from './support/example-process.js';

const TWINS = path.join(ROOT, 'test', 'support', 'example-twins');
const REGENERATE = path.join(TWINS, 'regenerate.py');

/** The names of a folder's files that end so, without that ending. */
function namesIn(folder: string, ending: string, except: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(ending))
    .map((file) => path.basename(file, ending))
    .filter((name) => name !== except)
    .sort();
}

/** What may differ between two runs, or between the two languages' ways to print a future. */
function normalised(output: string): string {
  return output
    .replaceAll(/\d+\.\d+ s\b/g, '<time> s')
    .replaceAll(/^Future: .*'all done'.*$/gm, 'Future: <all done>');
}

const examples = namesIn(EXAMPLES, '.mjs', 'main');

describe('reference programs', { concurrency: 4 }, () => {
  for (const name of examples) {
    it(`${name} prints what its asyncio twin prints`, async () => {
      const expected = readFileSync(path.join(EXAMPLES, 'expected', `${name}.txt`), 'utf8');
      const { code, signal, stdout, stderr } = await Program.example(name).ended;
      assert.equal(normalised(stdout), normalised(expected));
      assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
    });
  }

  it('each has an expected output and a twin', () => {
    assert.deepEqual(namesIn(path.join(EXAMPLES, 'expected'), '.txt', ''), examples);
    assert.deepEqual(namesIn(TWINS, '.py', 'regenerate'), examples);
  });

  it('the expected outputs are what the installed asyncio prints', async (t) => {
    const required = 'import sys; sys.exit(sys.version_info < (3, 11))';
    if (spawnSync('python3', ['-c', required]).status !== 0) return t.skip('no Python 3.11');
    const { code, stderr } = await new Program('python3', REGENERATE, '--check').ended;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  });

  it('types are right', async () => {
    const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    const { code, stdout } = await new Program(process.execPath, tsc, '-p', EXAMPLES).ended;
    assert.deepEqual({ code, stdout }, { code: 0, stdout: '' });
  });
});

/** Reads a number as the summary prints it: '12,345'. */
function numberIn(text: string, pattern: RegExp): number {
  const match = pattern.exec(text);
  assert.ok(match?.[1], `${pattern} not found in:\n${text}`);
  return Number(match[1].replaceAll(',', ''));
}

describe('main, the load', () => {
  it('ends with a summary that adds up', async () => {
    const [clients, workers] = [40, 8];
    const { code, stdout, stderr } = await Program.example(
      'main',
      ...['--clients', String(clients), '--workers', String(workers)],
      ...['--seconds', '1', '--patience', '0.2'],
    ).ended;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, stdout);
    assert.ok(!stdout.includes('\x1b'), 'escape sequences only on a terminal');
    assert.match(stdout, /^\d\.\d s {2}[\d,]+ requests .* timeouts$/m, 'progress in plain lines');

    const summary = stdout.slice(stdout.indexOf('summary'));
    const requests = numberIn(summary, /requests +([\d,]+)/);
    const rate = numberIn(summary, /throughput +([\d,]+) req\/s/);
    const elapsed = numberIn(summary, /req\/s over ([\d.]+) s/);
    assert.ok(requests > 0);
    assert.ok(elapsed >= 1);
    // The time is printed with one digit after the point.
    assert.ok(rate <= requests / (elapsed - 0.05) + 1 && rate >= requests / (elapsed + 0.05) - 1);

    const latencies = ['p50', 'p95', 'p99', 'max'].map((name) =>
      numberIn(summary, new RegExp(`${name} ([\\d.]+) ms`)),
    );
    assert.deepEqual(
      latencies,
      latencies.toSorted((a, b) => a - b),
    );
    assert.ok((latencies[0] as number) > 0);

    const connections = numberIn(summary, /connections +([\d,]+) served/);
    const tasks = numberIn(summary, /tasks +([\d,]+) run/);
    const cancelled = numberIn(summary, /run, ([\d,]+) cancelled/);
    const slowClients = clients / 20;
    assert.equal(numberIn(summary, /served, ([\d,]+) open/), 0);
    assert.ok(tasks >= clients + workers + connections);
    assert.ok(cancelled >= workers + slowClients, 'workers and slow clients at the end');
    assert.ok(cancelled < tasks);
    assert.ok(numberIn(summary, /timeouts +([\d,]+)/) >= slowClients);
    assert.equal(numberIn(summary, /failures +([\d,]+)/), 0);
  });

  it('redraws one block on a terminal, never wider than it', async () => {
    const { showProgress } = await import(
      pathToFileURL(path.join(EXAMPLES, 'main', 'display.mjs')).href
    );
    const { Tally } = await import(pathToFileURL(path.join(EXAMPLES, 'main', 'tally.mjs')).href);
    const service = { waitingJobs: 1, queueSize: 2, busyWorkers: 3, workers: 4 };
    const view = { title: 'x'.repeat(100), seconds: 4, tally: new Tally(), service };
    const frames: string[] = [];
    await run(async () => {
      const task = createTask(() => showProgress(view, out));
      const out = {
        isTTY: true,
        columns: 60,
        write: (text: string) => frames.push(text) === 3 && task.cancel(),
      };
      await gather(task, { returnExceptions: true });
    });
    assert.equal(frames.length, 4, 'three and the last one');
    const [first, ...others] = frames as [string, ...string[]];
    const height = first.trimEnd().split('\n').length;
    assert.ok(!first.includes('\x1b'));
    for (const frame of others) assert.ok(frame.startsWith(`\x1b[${height}F\x1b[J`));
    for (const line of first.split('\n')) assert.ok(line.length < 60, line);
  });

  const mistakes = [
    ['--clients', 'many'],
    ['--clients', '0'],
    ['--workers=-1'],
    ['--seconds', '0'],
    ['--seconds', '1e9'],
    ['--patience', 'NaN'],
    ['--serve', '65536'],
    ['--serve'],
    ['--unknown'],
    ['stray'],
  ];
  it('answers a wrong command line with the usage and exit code 2', async () => {
    const outcomes = mistakes.map((args) => Program.example('main', ...args).ended);
    for (const [i, { code, stdout, stderr }] of (await Promise.all(outcomes)).entries()) {
      assert.equal(code, 2, `${mistakes[i]}`);
      assert.equal(stdout, '');
      assert.match(stderr, /^usage: npm start/m);
      assert.doesNotMatch(stderr.split('\n')[0] ?? '', /^usage/, 'the reason comes first');
    }
  });

  it('--help prints the usage', async () => {
    const { code, stdout, stderr } = await Program.example('main', '--help').ended;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /^usage: npm start/);
  });

  it('Ctrl-C ends it', async () => {
    const main = Program.example('main', '--clients', '10', '--seconds', '600');
    await main.printed(/requests/);
    main.kill('SIGINT');
    const { code, stderr } = await main.ended;
    assert.deepEqual({ code, stderr }, { code: 130, stderr: 'interrupted\n' });
  });
});

describe('main, --serve', () => {
  /** Serves on a free port while the body runs, then stops by the signal. */
  async function served(
    signal: NodeJS.Signals,
    args: string[],
    body: (port: number) => Promise<void>,
  ): Promise<string> {
    const main = Program.example('main', '--serve', '0', ...args);
    const [, port] = await main.printed(/serving on 127\.0\.0\.1:(\d+)/);
    try {
      await body(Number(port));
    } finally {
      main.kill(signal);
    }
    const { code, stdout, stderr } = await main.ended;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    return stdout;
  }

  it('answers lines, says how to go on, ends on quit', async () => {
    const stdout = await served('SIGINT', [], async (port) => {
      const client = await LineClient.connect(port);
      assert.match((await client.receive()) ?? '', /help/);
      assert.equal(await client.ask('360'), '360 = 2 2 2 3 3 5');
      assert.equal(await client.ask('999999937\r'), '999999937 = 999999937');
      for (const wrong of ['', '1', '-5', '2.5', '1000000001', 'abc', '\xff\xfe']) {
        assert.match((await client.ask(wrong)) ?? '', /^error: not a whole number/);
      }
      assert.match((await client.ask('stats')) ?? '', /^1 connections, 1 open/);
      assert.match((await client.ask('help')) ?? '', /^Send a line/);
      for (let i = 0; i < 4; i++) assert.match((await client.receive()) ?? '', /^ {2}\S/);
      assert.equal(await client.ask('quit'), null);
    });
    assert.match(stdout, /stopped after 1 connections/);
  });

  it('takes lines in any pieces, and many at once', async () => {
    await served('SIGTERM', [], async (port) => {
      const client = await LineClient.connect(port);
      await client.receive();
      for (const piece of ['1', '2', '\n']) client.send(piece);
      assert.equal(await client.receive(), '12 = 2 2 3');
      client.send('4\n6\n8\nquit\n');
      const answers = [];
      for (let line = await client.receive(); line !== null; line = await client.receive()) {
        answers.push(line);
      }
      assert.deepEqual(answers, ['4 = 2 2', '6 = 2 3', '8 = 2 2 2']);
    });
  });

  it('drops who says too little or too much, and serves on', async () => {
    await served('SIGINT', ['--patience', '0.1'], async (port) => {
      const slow = await LineClient.connect(port);
      await slow.receive();
      slow.send('12');
      assert.match((await slow.receive()) ?? '', /^error: no line for too long/);
      assert.equal(await slow.receive(), null);

      const rude = await LineClient.connect(port);
      rude.close();

      const wordy = await LineClient.connect(port);
      await wordy.receive();
      assert.match((await wordy.ask('1'.repeat(2000))) ?? '', /^error: a line of more than 1024/);
      assert.equal(await wordy.receive(), null);

      const client = await LineClient.connect(port);
      await client.receive();
      assert.equal(await client.ask('7'), '7 = 7');
      client.close();
    });
  });

  it('says good-bye to who is connected when it is stopped', async () => {
    let client: LineClient | undefined;
    await served('SIGINT', [], async (port) => {
      client = await LineClient.connect(port);
      await client.receive();
    });
    assert.equal(await client?.receive(), 'the server stops');
    assert.equal(await client?.receive(), null);
  });

  it('a port in use is said in one line, with exit code 1', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => occupant.once('listening', resolve));
    const { port } = occupant.address() as { port: number };
    const { code, stdout, stderr } = await Program.example('main', '--serve', `${port}`).ended;
    occupant.close();
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
    assert.match(stderr, /^[^\n]*EADDRINUSE[^\n]*\n$/);
  });
});
