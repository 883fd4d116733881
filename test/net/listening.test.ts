/** Where servers listen. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { getRunningLoop, openConnection, Protocol, type Server, startServer } from 'aionode';
import { inLoop, LOCALHOST, portOf, startNodeServer } from '../support/net.js';

const ignore = () => {};

describe('a server that does not serve yet', () => {
  it(
    'has its address, refuses connections, and serves from startServing() on',
    inLoop(async () => {
      const server = await startServer((_reader, writer) => writer.close(), LOCALHOST, 0, {
        startServing: false,
      });
      assert.equal(server.isServing(), false);
      assert.ok(portOf(server) > 0);
      await assert.rejects(openConnection(LOCALHOST, portOf(server)), { code: 'ECONNREFUSED' });
      await server.startServing();
      await server.startServing();
      const [reader, writer] = await openConnection(LOCALHOST, portOf(server));
      assert.equal((await reader.read()).length, 0);
      writer.close();
      await server.shutdown();
      assert.deepEqual(server.sockets, []);
    }),
  );

  it(
    'fails at once when the address is taken',
    inLoop(async () => {
      const { port, stop } = await startNodeServer(ignore);
      const options = { startServing: false };
      await assert.rejects(startServer(ignore, LOCALHOST, port, options), {
        code: 'EADDRINUSE',
        syscall: 'listen',
        address: LOCALHOST,
        port,
      });
      await stop();
    }),
  );
});

describe('reusePort', () => {
  it(
    'lets two servers listen on one address; without it the second fails',
    { skip: process.platform !== 'linux' && 'balances connections on Linux only' },
    inLoop(async () => {
      const factory = () => new Protocol();
      const loop = getRunningLoop();
      const one = await loop.createServer(factory, LOCALHOST, 0, { reusePort: true });
      const port = portOf(one);
      const two = await loop.createServer(factory, LOCALHOST, port, { reusePort: true });
      assert.equal(portOf(two), port);
      await assert.rejects(loop.createServer(factory, LOCALHOST, port), { code: 'EADDRINUSE' });
      one.close();
      two.close();
    }),
  );
});

describe('the arguments of createServer()', () => {
  for (const [what, args, name] of [
    ['a factory that is none', [5, LOCALHOST, 0], 'TypeError'],
    ['a port that is none', [ignore, LOCALHOST, 70_000], 'RangeError'],
    ['a host that is none', [ignore, 5, 0], 'TypeError'],
    ['a host in a list that is none', [ignore, [5], 0], 'TypeError'],
    ['a list of no host', [ignore, [], 0], 'RangeError'],
    ['a backlog below 0', [ignore, LOCALHOST, 0, { backlog: -1 }], 'RangeError'],
    ['a flag that is none', [ignore, LOCALHOST, 0, { reusePort: 1 }], 'TypeError'],
    ['a family that is none', [ignore, LOCALHOST, 0, { family: 5 }], 'RangeError'],
  ] as const) {
    it(
      `${what}: ${name}`,
      inLoop(async () => {
        const loop = getRunningLoop();
        await assert.rejects(
          loop.createServer(...(args as unknown as Parameters<typeof loop.createServer>)),
          {
            name,
          },
        );
      }),
    );
  }

  it(
    'port null lets the system choose',
    inLoop(async () => {
      const server: Server = await getRunningLoop().createServer(
        () => new Protocol(),
        LOCALHOST,
        null,
      );
      assert.ok(portOf(server) > 0);
      server.close();
    }),
  );
});

describe('a factory that throws', () => {
  it(
    'is reported, its connection closed, and the server goes on',
    inLoop(async (reports) => {
      const server = await getRunningLoop().createServer(
        () => {
          throw new Error('no protocol');
        },
        LOCALHOST,
        0,
      );
      for (let client = 0; client < 2; client++) {
        const socket = connect(portOf(server), LOCALHOST);
        socket.on('error', ignore);
        await once(socket, 'close');
        const [report] = reports.splice(0);
        assert.match(String(report?.message), /transport creation/);
        assert.match(String(report?.exception), /no protocol/);
      }
      server.close();
      await server.waitClosed();
    }),
  );
});
