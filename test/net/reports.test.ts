/** What is reported of protocols that throw or take long: the method is named. */
import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import {
  getRunningLoop,
  openConnection,
  Protocol,
  SubprocessProtocol,
  type Transport,
} from 'aionode';
import { inLoop, LOCALHOST, portOf, roundsUntil } from '../support/net.js';

/** What `console.warn` is told while `body` runs in debug mode, the times left out. */
async function slowOnes(body: (spin: () => void) => Promise<void>): Promise<Set<string>> {
  const loop = getRunningLoop();
  const warn = mock.method(console, 'warn', () => {});
  loop.setDebug(true);
  loop.slowCallbackDuration = 0.02;
  try {
    await body(() => {
      for (const end = loop.time() + 0.03; loop.time() < end; );
    });
  } finally {
    loop.setDebug(false);
    warn.mock.restore();
  }
  const lines = warn.mock.calls.map((call) => String(call.arguments.at(0)));
  return new Set(lines.map((line) => line.replace(/^aionode: Executing | took .*/g, '')));
}

describe('a protocol that', () => {
  it(
    'throws is reported with the method that threw',
    inLoop(async (reports) => {
      class Throws extends Protocol {
        override connectionMade(): void {
          throw new Error('boom');
        }
        override connectionLost(): void {
          throw new Error('boom');
        }
      }
      const server = await getRunningLoop().createServer(() => new Throws(), LOCALHOST, 0);
      const [, writer] = await openConnection(LOCALHOST, portOf(server));
      writer.close();
      await roundsUntil(() => reports.length === 2, 'reports are missing');
      assert.deepEqual(
        reports.splice(0).map(({ message }) => message),
        ['Exception in callback connectionMade()', 'Exception in callback connectionLost()'],
      );
      await server.shutdown();
    }),
  );

  it(
    'takes long is named in debug mode, and so is the making of one',
    inLoop(async () => {
      const slow = await slowOnes(async (spin) => {
        class Slow extends Protocol {
          override dataReceived(): void {
            spin();
          }
          override connectionMade(transport: Transport): void {
            spin();
            transport.write('x');
          }
          override connectionLost(): void {
            spin();
          }
        }
        const make = () => {
          spin();
          return new Slow();
        };
        const server = await getRunningLoop().createServer(make, LOCALHOST, 0);
        const [reader, writer] = await openConnection(LOCALHOST, portOf(server));
        await reader.readexactly(1);
        writer.write('x');
        writer.close();
        server.close();
        await server.waitClosed();
      });
      for (const named of [
        'callback that makes a protocol',
        'callback connectionMade()',
        'callback of the protocol Slow',
        'callback connectionLost()',
      ]) {
        assert.ok(slow.has(named), `${named} is not in ${[...slow]}`);
      }
    }),
  );

  it(
    'belongs to a process is named too',
    inLoop(async () => {
      const slow = await slowOnes(async (spin) => {
        const loop = getRunningLoop();
        const ended = loop.createFuture<void>();
        class Slow extends SubprocessProtocol {
          override processExited(): void {
            spin();
          }
          override connectionLost(): void {
            ended.setResult();
          }
        }
        await loop.subprocessExec(() => new Slow(), process.execPath, ['-e', '']);
        await ended;
      });
      assert.ok(slow.has('callback processExited()'), [...slow].join());
    }),
  );
});
