/** What of a server keeps the process alive, and what the end of the process leaves behind. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { getRunningLoop, run, startServer } from 'aionode';
import { portOf } from '../support/net.js';
import { SERVER } from '../support/tls.js';

/** Runs an ES module in a process of its own, which has to end by itself; gives what it printed. */
async function output(module: string): Promise<string> {
  const args = ['--input-type=module', '--eval', module];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: import.meta.dirname,
  });
  return stdout;
}

describe('process.exit()', () => {
  for (const [over, options] of [
    ['TCP', '{}'],
    // The session tickets of TLS 1.3, which nobody has read, have the system reset the connection.
    ['TLS', "{ ssl: { rejectUnauthorized: false, maxVersion: 'TLSv1.2' }, serverHostname: '' }"],
  ] as const) {
    it(`loses nothing that was written over ${over}, as in asyncio`, () =>
      run(async () => {
        const received = getRunningLoop().createFuture<string>();
        const server = await startServer(
          async (reader) => received.setResult(String(await reader.readexactly(9))),
          '127.0.0.1',
          0,
          over === 'TLS' ? SERVER : {},
        );
        await output(`
          import { openConnection, run } from 'aionode';
          await run(async () => {
            const [, writer] = await openConnection('127.0.0.1', ${portOf(server)}, ${options});
            writer.write('last word');
            process.exit(0);
          });
        `);
        assert.equal(await received, 'last word');
        await server.shutdown();
      }));
  }
});

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
