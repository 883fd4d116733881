/** The fuzz, short: `npm run fuzz` is the long one. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';

const ROUNDS = 150;
const root = path.dirname(createRequire(import.meta.url).resolve('aionode/package.json'));

it(`${ROUNDS} rounds of random connections lose nothing and leave nothing over`, async () => {
  const program = path.join(root, 'test/fuzz/fuzz.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [
    program,
    '--rounds',
    String(ROUNDS),
  ]);
  assert.match(stdout, /nothing left over\n$/);
});
