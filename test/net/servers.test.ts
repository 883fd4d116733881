/** The life of a Server. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import {
  createTask,
  getRunningLoop,
  openConnection,
  RuntimeError,
  sleep,
  startServer,
  wait,
} from 'aionode';
import { freePort, inLoop, LOCALHOST, portOf, roundsUntil, withServer } from '../support/net.js';

const ignore = () => {};

describe('startServer()', () => {
  it(
    'on port 0 of all interfaces has a socket of each family, with ports of their own',
    inLoop(async () => {
      const server = await startServer(ignore, null, 0);
      assert.deepEqual(
        server.sockets.map(({ address, family }) => [address, family]),
        [
          ['0.0.0.0', 4],
          ['::', 6],
        ],
      );
      const ports = server.sockets.map(({ port }) => port);
      assert.ok(ports.every((port) => (port as number) > 0));
      assert.notEqual(ports[0], ports[1]);
      server.close();
    }),
  );

  it(
    'on a port of all interfaces has it for both families',
    inLoop(async () => {
      const port = await freePort();
      const server = await startServer(ignore, '', port);
      assert.deepEqual(
        server.sockets.map((socket) => socket.port),
        [port, port],
      );
      server.close();
    }),
  );

  it(
    'of one family has its sockets only',
    inLoop(async () => {
      for (const family of [4, 6] as const) {
        const server = await startServer(ignore, null, 0, { family });
        assert.deepEqual(
          server.sockets.map((socket) => socket.family),
          [family],
        );
        server.close();
      }
    }),
  );

  it(
    'on several hosts serves each, one named twice once',
    inLoop(async () => {
      const server = await startServer(
        (_reader, writer) => writer.close(),
        [LOCALHOST, '::1', LOCALHOST],
        0,
      );
      assert.equal(server.sockets.length, 2);
      for (const { address, port } of server.sockets) {
        const [reader, writer] = await openConnection(address, port as number);
        await reader.read();
        writer.close();
      }
      await server.shutdown();
    }),
  );

  it(
    'on a port in use rejects with Node’s system error, and listens nowhere',
    inLoop(() =>
      withServer(ignore, async (port) => {
        await assert.rejects(startServer(ignore, ['::1', LOCALHOST], port), {
          code: 'EADDRINUSE',
          syscall: 'listen',
          address: LOCALHOST,
          port,
          message: `listen EADDRINUSE: address already in use ${LOCALHOST}:${port}`,
        });
        await assert.rejects(openConnection('::1', port), { code: 'ECONNREFUSED' });
      }),
    ),
  );

  it(
    'on several addresses, some of which are not ours, serves the others',
    inLoop(async () => {
      const server = await startServer(ignore, ['192.0.2.1', LOCALHOST], 0);
      assert.deepEqual(
        server.sockets.map(({ address }) => address),
        [LOCALHOST],
      );
      server.close();
    }),
  );

  it(
    'on an address that is not ours rejects',
    inLoop(async () => {
      await assert.rejects(startServer(ignore, '192.0.2.1', 0), {
        code: 'EADDRNOTAVAIL',
        address: '192.0.2.1',
      });
    }),
  );

  it(
    'on an unknown host rejects with the error of the look-up',
    inLoop(async () => {
      await assert.rejects(
        startServer(ignore, 'no-such-host.invalid', 0),
        (error: NodeJS.ErrnoException) => {
          assert.equal(error.syscall, 'getaddrinfo');
          return true;
        },
      );
    }),
  );

  it(
    'may be started later',
    inLoop(async () => {
      const server = await startServer((_reader, writer) => writer.close(), LOCALHOST, 0, {
        startServing: false,
      });
      assert.equal(server.isServing(), false);
      await server.startServing();
      await server.startServing();
      assert.equal(server.isServing(), true);
      const [, writer] = await openConnection(LOCALHOST, portOf(server));
      writer.close();
      await server.shutdown();
    }),
  );

  it(
    'lets what is ready run before it goes on, as in asyncio',
    inLoop(async () => {
      const order: string[] = [];
      const after = async (what: string, start: () => Promise<unknown>) => {
        getRunningLoop().callSoon(() => order.push('ready'));
        await start();
        order.push(what);
      };
      const server = await startServer(ignore, LOCALHOST, 0, { startServing: false });
      await after('serves', () => server.startServing());
      await after('serves already', () => server.startServing());
      assert.deepEqual(order, ['ready', 'serves', 'ready', 'serves already']);
      server.close();
    }),
  );

  it(
    'leaves nothing open when it is cancelled meanwhile',
    inLoop(async () => {
      let cancelled = 0;
      for (let turns = 0; turns < 8; turns++) {
        const starting = createTask(() => startServer(ignore, LOCALHOST, 0));
        for (let turn = 0; turn < turns; turn++) await sleep(0);
        starting.cancel();
        await wait([starting]);
        if (starting.cancelled()) cancelled += 1;
        else starting.result().close();
      }
      assert.ok(cancelled > 1);
    }),
  );
});

describe('a closed server', () => {
  it(
    'accepts no more, and its connections go on',
    inLoop(async () => {
      const server = await startServer(
        async (reader, writer) => {
          for await (const line of reader) writer.write(line);
          writer.close();
        },
        LOCALHOST,
        0,
      );
      const port = portOf(server);
      const [reader, writer] = await openConnection(LOCALHOST, port);
      writer.write('before\n');
      assert.equal((await reader.readline()).toString(), 'before\n');
      server.close();
      server.close();
      assert.equal(server.isServing(), false);
      assert.deepEqual(server.sockets, []);
      await assert.rejects(openConnection(LOCALHOST, port), { code: 'ECONNREFUSED' });
      writer.write('after\n');
      assert.equal((await reader.readline()).toString(), 'after\n');
      writer.close();
      await server.waitClosed();
    }),
  );

  it(
    'cannot be started again',
    inLoop(async () => {
      const server = await startServer(ignore, LOCALHOST, 0);
      server.close();
      await assert.rejects(server.startServing(), RuntimeError);
      await assert.rejects(server.serveForever(), RuntimeError);
    }),
  );

  it(
    'that was never started is closed at once',
    inLoop(async () => {
      const server = await startServer(ignore, LOCALHOST, 0, { startServing: false });
      server.close();
      await server.waitClosed();
    }),
  );
});

describe('waitClosed()', () => {
  it(
    'waits for close() and for the last connection',
    inLoop(async () => {
      const server = await startServer(ignore, LOCALHOST, 0);
      const [, writer] = await openConnection(LOCALHOST, portOf(server));
      const waiting = createTask(() => server.waitClosed());
      const cancelled = createTask(() => server.waitClosed());
      await sleep(0);
      assert.equal(waiting.done(), false);
      server.close();
      await roundsUntil(() => true, '');
      assert.equal(waiting.done(), false);
      cancelled.cancel();
      await assert.rejects(cancelled, { name: 'CancelledError' });
      server.closeClients();
      await waiting;
      await server.waitClosed();
      writer.close();
    }),
  );
});

describe('closeClients() and abortClients()', () => {
  it(
    'closeClients() sends what was written first',
    inLoop(() =>
      withServer(
        (_reader, writer) => writer.write('x'.repeat(8 << 20)),
        async (port, server) => {
          const [reader, writer] = await openConnection(LOCALHOST, port);
          await reader.readexactly(1);
          server.closeClients();
          assert.equal(server.isServing(), true);
          assert.equal((await reader.read()).length, (8 << 20) - 1);
          writer.close();
        },
      ),
    ),
  );

  it(
    'abortClients() does not wait for a peer that never reads',
    inLoop(async () => {
      const server = await startServer(
        (_reader, writer) => writer.write(Buffer.alloc(64 << 20)),
        LOCALHOST,
        0,
      );
      const [reader, writer] = await openConnection(LOCALHOST, portOf(server));
      await reader.readexactly(1);
      server.close();
      server.abortClients();
      await server.waitClosed();
      writer.abort();
    }),
  );
});

describe('serveForever()', () => {
  it(
    'cancelled closes the server and its connections, and passes the cancel on',
    inLoop(async () => {
      const server = await startServer(async (reader) => void (await reader.read()), LOCALHOST, 0, {
        startServing: false,
      });
      const serving = createTask(() => server.serveForever());
      await sleep(0);
      assert.equal(server.isServing(), true);
      const [reader, writer] = await openConnection(LOCALHOST, portOf(server));
      while (server.handlers.size === 0) await sleep(0);
      serving.cancel();
      await assert.rejects(serving, { name: 'CancelledError' });
      assert.equal(server.isServing(), false);
      assert.equal((await reader.read()).length, 0);
      writer.close();
    }),
  );

  it(
    'is run by one task at a time',
    inLoop(async () => {
      const server = await startServer(ignore, LOCALHOST, 0);
      const serving = createTask(() => server.serveForever());
      await sleep(0);
      await assert.rejects(server.serveForever(), RuntimeError);
      serving.cancel();
      await assert.rejects(serving, { name: 'CancelledError' });
    }),
  );

  it(
    'ends when the server is closed',
    inLoop(async () => {
      const server = await startServer(ignore, LOCALHOST, 0);
      const serving = createTask(() => server.serveForever());
      await sleep(0);
      server.close();
      await assert.rejects(serving, { name: 'CancelledError' });
    }),
  );
});

describe('shutdown()', () => {
  it(
    'waits for clients that end within the grace time',
    inLoop(async () => {
      const server = await startServer(
        async (reader, writer) => {
          const line = await reader.readline();
          writer.write(`${line}answered`);
          writer.close();
        },
        LOCALHOST,
        0,
      );
      const [reader, writer] = await openConnection(LOCALHOST, portOf(server));
      while (server.handlers.size === 0) await sleep(0);
      const shutdown = createTask(() => server.shutdown(60));
      await sleep(0);
      writer.write('asked\n');
      assert.equal((await reader.read()).toString(), 'asked\nanswered');
      writer.close();
      await shutdown;
    }),
  );

  it(
    'lets handlers end what they do after their connection',
    inLoop(async () => {
      const events: string[] = [];
      const server = await startServer(
        async (reader, writer) => {
          await reader.readline();
          writer.close();
          await writer.waitClosed();
          for (let passes = 0; passes < 10; passes++) await sleep(0);
          events.push('written down');
        },
        LOCALHOST,
        0,
      );
      const [reader, writer] = await openConnection(LOCALHOST, portOf(server));
      while (server.handlers.size === 0) await sleep(0);
      const [handler] = [...server.handlers];
      writer.write('asked\n');
      await server.shutdown(3600);
      assert.deepEqual([events, handler?.cancelled()], [['written down'], false]);
      assert.equal((await reader.read()).length, 0);
      writer.close();
    }),
  );

  it(
    'after the grace time cancels the handlers, whose finally blocks run, and aborts the clients',
    inLoop(async () => {
      const events: string[] = [];
      const server = await startServer(
        async (reader) => {
          try {
            await reader.read();
          } catch (error) {
            events.push((error as Error).name);
          } finally {
            await sleep(0);
            events.push('cleaned up');
          }
        },
        LOCALHOST,
        0,
      );
      const [reader, writer] = await openConnection(LOCALHOST, portOf(server));
      while (server.handlers.size === 0) await sleep(0);
      await server.shutdown(0.01);
      while (server.handlers.size > 0) await sleep(0);
      assert.deepEqual(events, ['CancelledError', 'cleaned up']);
      assert.equal((await reader.read()).length, 0);
      writer.close();
    }),
  );

  it(
    'does not wait for a handler that refuses to end',
    inLoop(async () => {
      const release = getRunningLoop().createFuture<void>();
      const server = await startServer(
        async (reader) => {
          try {
            await reader.read();
          } catch {
            await release;
          }
        },
        LOCALHOST,
        0,
      );
      const [, writer] = await openConnection(LOCALHOST, portOf(server));
      while (server.handlers.size === 0) await sleep(0);
      await server.shutdown();
      assert.equal(server.handlers.size, 1);
      release.setResult();
      while (server.handlers.size > 0) await sleep(0);
      writer.close();
    }),
  );

  it(
    'leaves no connection, also when no handler runs any more',
    inLoop(async () => {
      const server = await startServer(ignore, LOCALHOST, 0);
      const [reader, writer] = await openConnection(LOCALHOST, portOf(server));
      writer.write('x');
      await server.shutdown();
      const ended = createTask(() => server.waitClosed());
      await sleep(0);
      assert.equal(ended.done(), true);
      await reader.read().catch(ignore);
      writer.close();
    }),
  );

  it(
    'cancelled within the grace time ends it',
    inLoop(async () => {
      const server = await startServer(async (reader) => void (await reader.read()), LOCALHOST, 0);
      const [reader, writer] = await openConnection(LOCALHOST, portOf(server));
      const shutdown = createTask(() => server.shutdown(3600));
      await sleep(0);
      await sleep(0);
      shutdown.cancel();
      await assert.rejects(shutdown, { name: 'CancelledError' });
      await server.waitClosed();
      assert.equal((await reader.read()).length, 0);
      writer.close();
    }),
  );

  it('checks its argument', async () => {
    const server = await startServer(ignore, LOCALHOST, 0);
    assert.throws(() => server.shutdown('1' as never), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => server.shutdown(Number.NaN), RangeError);
    server.close();
  });
});

describe('await using of a server', () => {
  it(
    'closes it and waits for its connections',
    inLoop(async () => {
      const server = await startServer((_reader, writer) => writer.close(), LOCALHOST, 0);
      const [, writer] = await openConnection(LOCALHOST, portOf(server));
      writer.close();
      await server[Symbol.asyncDispose]();
      assert.equal(server.isServing(), false);
    }),
  );
});

describe('the arguments of startServer()', () => {
  const typeErrors: Record<string, readonly unknown[]> = {
    'no callback': [undefined, LOCALHOST, 0],
    'no host': [ignore, undefined, 0],
    'a number as host': [ignore, 5, 0],
    'a number among the hosts': [ignore, [LOCALHOST, 5], 0],
    'no port': [ignore, LOCALHOST],
    'a string as port': [ignore, LOCALHOST, '0'],
    'null as options': [ignore, LOCALHOST, 0, null],
    'a string as backlog': [ignore, LOCALHOST, 0, { backlog: '5' }],
    'a string as limit': [ignore, LOCALHOST, 0, { limit: '5' }],
    'a string as family': [ignore, null, 0, { family: '4' }],
    'a number as startServing': [ignore, LOCALHOST, 0, { startServing: 0 }],
    'a number as keepAlive': [ignore, LOCALHOST, 0, { keepAlive: 1 }],
  };
  for (const [what, args] of Object.entries(typeErrors)) {
    it(`${what}: TypeError`, async () => {
      await assert.rejects((startServer as (...args: unknown[]) => Promise<unknown>)(...args), {
        name: 'TypeError',
        code: 'ERR_INVALID_ARG_TYPE',
      });
    });
  }

  const rangeErrors: Record<string, readonly unknown[]> = {
    'port 65536': [ignore, LOCALHOST, 65536],
    'port -1': [ignore, LOCALHOST, -1],
    'neither host nor port': [ignore, null, null],
    'backlog -1': [ignore, LOCALHOST, 0, { backlog: -1 }],
    'backlog 1.5': [ignore, LOCALHOST, 0, { backlog: 1.5 }],
    'limit 0': [ignore, LOCALHOST, 0, { limit: 0 }],
    'family 5': [ignore, null, 0, { family: 5 }],
  };
  for (const [what, args] of Object.entries(rangeErrors)) {
    it(`${what}: RangeError`, async () => {
      await assert.rejects(
        (startServer as (...args: unknown[]) => Promise<unknown>)(...args),
        RangeError,
      );
    });
  }
});

describe('the end of run()', () => {
  it('closes the sockets that are left, so that the process can end', () => {
    const program = `
      import { openConnection, run, startServer } from 'aionode';
      await run(async () => {
        const server = await startServer(async (reader) => { await reader.read(); }, '127.0.0.1', 0);
        await openConnection('127.0.0.1', server.sockets[0].port);
      });
      console.log('ended');
    `;
    const { stdout, signal } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', program],
      { encoding: 'utf8', timeout: 60_000 },
    );
    assert.equal(signal, null);
    assert.equal(stdout, 'ended\n');
  });
});
