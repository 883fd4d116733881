/** EHOSTUNREACH, in a network of its own: Linux alone lets a process make one, and not everywhere. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, it } from 'node:test';

const packageRoot = path.dirname(createRequire(import.meta.url).resolve('aionode/package.json'));
const NOBODY = '10.9.9.1';

/** Runs a command where packets to 10.9.9.x have nowhere to go. */
function inOwnNetwork(command: readonly string[]) {
  const network = 'ip link set lo up && ip route add unreachable 10.9.9.0/24 && exec "$@"';
  return spawnSync('unshare', ['-rn', 'sh', '-c', network, 'sh', ...command], {
    cwd: packageRoot,
    encoding: 'utf8',
  });
}

const UNABLE: string | false =
  inOwnNetwork(['true']).status !== 0 && 'this needs unshare and ip, and to be allowed to use them';

function printedBy(code: string): string {
  const body = `
    import { DatagramProtocol, getRunningLoop, openConnection, run } from 'aionode';
    const tell = ({ code, syscall, address, port }) => console.log(code, syscall, address, port);
    await run(async () => { ${code} });
  `;
  const { stdout, stderr } = inOwnNetwork([process.execPath, '--input-type=module', '-e', body]);
  assert.equal(stderr, '');
  return stdout;
}

describe('a host that cannot be reached', { skip: UNABLE }, () => {
  it('is told to who connects', () => {
    const printed = printedBy(`await openConnection('${NOBODY}', 80).catch(tell);`);
    assert.equal(printed, `EHOSTUNREACH connect ${NOBODY} 80\n`);
  });

  it('is told to a datagram endpoint, by errorReceived() when it is not connected', () => {
    const printed = printedBy(`
      const loop = getRunningLoop();
      const told = loop.createFuture();
      class Telling extends DatagramProtocol {
        errorReceived(error) {
          tell(error);
          told.setResult();
        }
      }
      const open = (options) => loop.createDatagramEndpoint(() => new Telling(), options);
      await open({ remoteAddr: ['${NOBODY}', 9] }).catch(tell);
      const [transport] = await open({ family: 4 });
      transport.sendto('x', ['${NOBODY}', 9]);
      await told;
      transport.close();
    `);
    const rest = `${NOBODY} 9\n`;
    assert.equal(printed, `EHOSTUNREACH connect ${rest}EHOSTUNREACH send ${rest}`);
  });
});
