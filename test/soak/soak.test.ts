/** The soak, short: `npm run soak` is the long one. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';

const REQUESTS = 20_000;
const root = path.dirname(createRequire(import.meta.url).resolve('aionode/package.json'));

it(`${REQUESTS} requests with cancellations and resets leave nothing over`, async () => {
  const program = path.join(root, 'test/soak/soak.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    program,
    '--requests',
    String(REQUESTS),
  ]);
  assert.match(stdout, /nothing left over\n$/);
});
