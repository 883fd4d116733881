/** README.md and docs/: every program in them compiles, runs and prints what they say; no link is dead. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { finished } from 'node:stream/promises';
import { after, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import * as aionode from 'aionode';
import {
  blocksOf,
  compileAll,
  type DocProgram,
  documentsIn,
  matches,
} from './support/doc-blocks.js';

const ROOT = path.dirname(createRequire(import.meta.url).resolve('aionode/package.json'));
/** Inside the package, so that its programs import 'aionode' by name. */
const FOLDER = path.join(ROOT, 'build', 'docs');
/** A program that hangs is ended; far above what any needs on the slowest machine. */
const HANG_MS = 60_000;

const documents = documentsIn(ROOT);
const read = (document: string) => readFileSync(path.join(ROOT, document), 'utf8');
const { programs, errors } = compileAll(ROOT, documents, FOLDER);

/** What a program does that a worker may not, or does differently. Workers start in half the time. */
const NEEDS_PROCESS = /process\.(kill|exit)|node:(test|worker_threads)|\.pem'/;
/** Windows has neither these commands, nor signals that a process sends to itself, nor descriptors to hand on. */
const NEEDS_UNIX =
  /'(sh|echo|sleep|sort|expr)'|createSubprocessShell|process\.kill\(process\.pid|\.fileno\(\)/;
/** Where programs that read certificates find some. */
const CERTIFICATES = path.join(ROOT, 'test', 'support', 'certificates');

/** Ends what is left when the test file ends early. */
const endings = new Set<() => void>();
after(() => {
  for (const end of endings) end();
});

async function runProgram(file: string) {
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, AIONODE_DEBUG: ___, ...env } = process.env;
  const inProcess = NEEDS_PROCESS.test(readFileSync(file, 'utf8'));
  const program = inProcess
    ? spawn(process.execPath, [file], { env, cwd: CERTIFICATES, stdio: ['ignore', 'pipe', 'pipe'] })
    : new Worker(file, { env, execArgv: [], stdout: true, stderr: true });
  const end = () =>
    void (program instanceof Worker ? program.terminate() : program.kill('SIGKILL'));
  const hung = setTimeout(end, HANG_MS);
  endings.add(end);
  let stdout = '';
  let stderr = '';
  program.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  program.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  program.on('error', (error: Error) => (stderr += error.stack));
  const closed = [program.stdout, program.stderr].map((stream) => finished(stream));
  const [[code]] = await Promise.all([once(program, 'exit'), ...closed]);
  clearTimeout(hung);
  endings.delete(end);
  return { code, stdout, stderr };
}

/** On a machine that is busy debug mode finds slow steps where there are none otherwise. */
const withoutSlowSteps = (text: string): string =>
  text.replaceAll(/^aionode: Executing .* took [\d.]+ seconds\n/gm, '');

async function check({ file, stdout, stderr }: DocProgram): Promise<void> {
  const result = await runProgram(file);
  const report = JSON.stringify(result, null, 2);
  assert.equal(result.code, 0, report);
  assert.ok(
    matches(stderr ?? '', withoutSlowSteps(result.stderr)),
    `stderr differs:\n${stderr ?? ''}\n\n${report}`,
  );
  if (stdout === undefined) return;
  assert.ok(matches(stdout, result.stdout), `stdout differs:\n${stdout}\n\n${report}`);
}

describe('programs in README.md and docs/', { concurrency: 4 }, () => {
  it('compile in strict TypeScript', () => assert.deepEqual(errors, []));

  it('are found', () => assert.ok(programs.length > 30));

  for (const program of programs) {
    if (program.isModule) continue;
    it(program.place, (t) => {
      const needsUnix = NEEDS_UNIX.test(readFileSync(program.file, 'utf8'));
      if (process.platform === 'win32' && needsUnix) return t.skip('it is for Unix');
      return check(program);
    });
  }
});

/**
 * Prints the public names of asyncio and of its classes. Child watchers are gone from Python 3.14: what
 * methods they had is of no interest.
 */
const NAMES_OF_ASYNCIO = `
import asyncio, asyncio.subprocess, sys, warnings
warnings.simplefilter('ignore')
if sys.version_info < (3, 11): sys.exit(1)
things = [(name, getattr(asyncio, name)) for name in asyncio.__all__ if name[0] != '_']
for name, thing in [*things, ('Process', asyncio.subprocess.Process)]:
    print(name)
    if isinstance(thing, type) and not issubclass(thing, BaseException) and 'Watcher' not in name:
        for method in dir(thing):
            if method[0] != '_': print(f'{name}.{method}')
`;

/** GitHub's anchor of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');

const anchorsOf = (document: string) =>
  [...read(document).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));

describe('README.md and docs/', () => {
  it('link to files and headings that exist', () => {
    const dead: string[] = [];
    for (const document of documents) {
      for (const [, target = ''] of read(document).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        const [file = '', anchor] = target.split('#');
        const linked = file === '' ? document : path.posix.join(path.posix.dirname(document), file);
        const alive =
          existsSync(path.join(ROOT, linked)) &&
          (anchor === undefined || anchorsOf(linked).includes(anchor));
        if (!alive) dead.push(`${document}: ${target}`);
      }
    }
    assert.deepEqual(dead, []);
  });

  it('name npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = documents
      .flatMap((document) => [...read(document).matchAll(/\bnpm run ([\w:-]+)/g)])
      .map(([, script = '']) => script);
    assert.deepEqual(
      named.filter((script) => scripts[script] === undefined),
      [],
    );
  });

  it('README.md gives the two commands first', () => {
    const shell = blocksOf(read('README.md')).filter(({ info }) => info === 'sh');
    assert.equal(shell[0]?.text, 'npm install && npm start\nnpm install && npm test');
  });

  it('README.md shows the chart that is drawn from the committed results', async (t) => {
    const results = path.join(ROOT, 'bench', 'results.json');
    if (!existsSync(results)) return t.skip('no results are committed');
    const module = pathToFileURL(path.join(ROOT, 'bench', 'chart.mjs')).href;
    const { chartOf } = (await import(module)) as { chartOf(results: unknown): string };
    const [, chart = ''] = /<img src="([^"]+)"/.exec(read('README.md')) ?? [];
    const drawn = chartOf(JSON.parse(readFileSync(results, 'utf8')));
    assert.equal(read(chart).replaceAll('\r\n', '\n'), drawn, 'npm run bench:chart');
  });

  it('docs/asyncio.md has every name of the installed asyncio, or docs/differences.md says why not', (t) => {
    const { status, stdout } = spawnSync('python3', ['-c', NAMES_OF_ASYNCIO], { encoding: 'utf8' });
    if (status !== 0) return t.skip('no Python 3.11');
    const [, notThere = ''] = read('docs/differences.md').split('\n## Not there\n');
    const words = new Set(`${read('docs/asyncio.md')}${notThere}`.match(/\w+/g));
    const names = stdout.trim().split('\n');
    assert.deepEqual(
      names.filter((name) => !words.has(name.split('.').at(-1) ?? '')),
      [],
    );
  });

  it('docs/asyncio.md names everything that the package exports', () => {
    const text = read('docs/asyncio.md');
    const unnamed = Object.keys(aionode).filter((name) => !new RegExp(`\\b${name}\\b`).test(text));
    assert.deepEqual(unnamed, []);
  });
});
