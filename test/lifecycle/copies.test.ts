/** Two copies of the package in one process. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import { ROOT } from '../support/example-process.js';
import { runModule } from './child.js';

it('warn of each other, once', async () => {
  const copy = mkdtempSync(path.join(tmpdir(), 'aionode-copy-'));
  try {
    for (const part of ['dist', 'package.json']) {
      cpSync(path.join(ROOT, part), path.join(copy, part), { recursive: true });
    }
    for (const part of ['build', 'prebuilds', 'node_modules']) {
      symlinkSync(path.join(ROOT, part), path.join(copy, part), 'junction');
    }
    const { code, stderr } = await runModule(`
      await import('aionode');
      await import(${JSON.stringify(path.join(copy, 'dist/index.js'))});`);
    assert.equal(code, 0);
    assert.equal(stderr.match(/AIONODE_TWO_COPIES/g)?.length, 1);
    assert.match(stderr, new RegExp(path.basename(copy)));
  } finally {
    rmSync(copy, { recursive: true });
  }
});
