/**
 * Nothing that is passed to the package ends the process, and what is wrong is told by an error of the package's
 * own. Random calls with junk of everything that the API report declares, in processes of their own.
 *
 * AIONODE_JUNK_SEED and AIONODE_JUNK_CALLS are for other and longer runs.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as aionode from 'aionode';
import { publicSurface } from '../support/junk/surface.js';

const PROGRAM = fileURLToPath(new URL('../support/junk/program.js', import.meta.url));
const SEED = process.env.AIONODE_JUNK_SEED ?? '1';
const CALLS = Number(process.env.AIONODE_JUNK_CALLS ?? 2000);
/** For a process that hangs; far above what its calls need on the slowest machine. */
const HANG_MS = 240_000;
const SHOWN_LINES = 12;

/** Names of what was called. Fails when the process did not end as it should, or told of a bug. */
async function callWithJunk(mode: string): Promise<string[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'aionode-junk-'));
  try {
    // Files, since numbers may be taken for descriptors: the package takes no files for pipes or sockets.
    const log = path.join(folder, 'log');
    const [output, input, errors] = [
      openSync(log, 'a'),
      openSync(log, 'r'),
      openSync(path.join(folder, 'errors'), 'a'),
    ];
    const child = spawn(process.execPath, [PROGRAM, mode, SEED, String(CALLS)], {
      cwd: folder,
      stdio: [input, output, errors],
      timeout: HANG_MS,
      killSignal: 'SIGKILL',
    });
    for (const fd of [output, input, errors]) closeSync(fd);
    const [code, signal] = await once(child, 'close');
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    const again = `AIONODE_JUNK_SEED=${SEED} AIONODE_JUNK_CALLS=${CALLS}`;
    const bugs = lines.filter((line) => line.startsWith('!')).slice(0, SHOWN_LINES);
    assert.deepEqual(bugs, [], `no check came before the engine's (${again}):\n${bugs.join('\n')}`);
    const last = lines.slice(-SHOWN_LINES).join('\n');
    assert.equal(code, 0, `ended by ${signal ?? code} (${again}) after\n${last}`);
    return JSON.parse(lines.at(-1)?.slice(2) ?? '[]');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('junk', () => {
  it('passed to functions, constructors and members is refused', async () => {
    const called = new Set(await callWithJunk('members'));
    const { types } = publicSurface();
    const functions = Object.entries(aionode)
      .filter(([name, value]) => typeof value === 'function' && types[name] === undefined)
      .map(([name]) => name);
    const classes = Object.entries(types)
      .filter(([name, type]) => type.hasMethods && name in aionode)
      .map(([name]) => name);
    const missed = [...functions, ...classes].filter((name) => !called.has(name));
    assert.deepEqual(
      missed,
      [],
      'the package has what was not called: see support/junk/specimens.ts',
    );
  });

  it('as `this` ends no process', async () => {
    await callWithJunk('borrowed');
  });
});
