/** Where servers listen, and what happens when the process runs out of descriptors. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { getRunningLoop, openConnection, Protocol, type Server, startServer } from 'aionode';
import { inLoop, LOCALHOST, portOf, startNodeServer } from '../support/net.js';

const ignore = () => {};

/** Runs an ES module in a process that may open few files; gives what it printed. */
async function outputWithFewFiles(module: string): Promise<string> {
  const command = 'ulimit -n 256; exec "$0" --input-type=module --eval "$1"';
  const { stdout } = await promisify(execFile)('sh', ['-c', command, process.execPath, module], {
    cwd: import.meta.dirname,
  });
  return stdout;
}

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
    ['a backlog of 0', [ignore, LOCALHOST, 0, { backlog: 0 }], 'RangeError'],
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

describe('a server that runs out of descriptors', () => {
  it('says so once, keeps serving, lets new clients wait, and accepts them when some are free', {
    skip: process.platform === 'win32' && 'descriptors are not limited there',
  }, async () => {
    const printed = await outputWithFewFiles(`
        import { spawn } from 'node:child_process';
        import { once } from 'node:events';
        import { closeSync, openSync } from 'node:fs';
        import { getRunningLoop, run, startServer } from 'aionode';

        const client = \`
          const { connect } = require('node:net');
          const sockets = [];
          process.on('message', ({ port, text }) => {
            const socket = connect(port, '127.0.0.1', () => socket.write(text));
            socket.on('data', (data) => process.send(String(data)));
            socket.on('close', () => process.send('closed'));
          });
        \`;
        await run(async () => {
          const reports = [];
          getRunningLoop().setExceptionHandler((_loop, context) => reports.push(context));
          const server = await startServer(async (reader, writer) => {
            for (;;) {
              const data = await reader.read(100);
              if (data.length === 0) break;
              writer.write(data);
            }
            writer.close();
          }, '127.0.0.1', 0);
          const { port } = server.sockets[0];
          const child = spawn(process.execPath, ['-e', client], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
          const answer = async (text) => {
            child.send({ port, text });
            return (await once(child, 'message'))[0];
          };
          console.log(await answer('first'));
          const taken = [];
          try {
            for (;;) taken.push(openSync('/dev/null'));
          } catch (error) {
            console.log(error.code);
          }
          const waiting = answer('waited');
          while (reports.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
          console.log(reports[0].exception.code, reports[0].exception.syscall, reports[0].socket.port === port);
          const accepted = await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 1500, 'waits'))]);
          console.log(accepted);
          for (const fd of taken) closeSync(fd);
          console.log(await waiting);
          console.log(await answer('last'), reports.length);
          child.kill();
          await server.shutdown();
        });
      `);
    assert.deepEqual(printed.trim().split('\n'), [
      'first',
      'EMFILE',
      'EMFILE accept true',
      'waits',
      'waited',
      'last 1',
    ]);
  });
});
