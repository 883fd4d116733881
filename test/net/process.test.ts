/** What of a server keeps the process alive. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';

/** Runs an ES module in a process of its own, which has to end by itself; gives what it printed. */
async function output(module: string): Promise<string> {
  const args = ['--input-type=module', '--eval', module];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: import.meta.dirname,
  });
  return stdout;
}

describe('an unreferenced server', () => {
  it('does not keep the process alive, also when it was unreferenced before it listened', async () => {
    const printed = await output(`
      import { startServer } from 'aionode';
      const server = await startServer(() => {}, '127.0.0.1', 0, { startServing: false });
      server.unref();
      await server.startServing();
      console.log(server.isServing());
    `);
    assert.equal(printed, 'true\n');
  });
});
