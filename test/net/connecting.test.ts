/** openConnection(): its errors, its arguments, and cancelling it. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  type ConnectOptions,
  createTask,
  currentTask,
  DatagramProtocol,
  getRunningLoop,
  openConnection,
  Protocol,
  sleep,
  startServer,
  TimeoutError,
  waitFor,
} from 'aionode';
import { resolvingTo } from '../support/names.js';
import {
  freePort,
  handleCount,
  inLoop,
  LOCALHOST,
  portOf,
  roundsUntil,
  startNodeServer,
  systemError,
  withServer,
} from '../support/net.js';

describe('openConnection()', () => {
  it(
    'that is refused rejects with Node’s system error',
    inLoop(async () => {
      const port = await freePort();
      await assert.rejects(openConnection(LOCALHOST, port), (error: NodeJS.ErrnoException) => {
        assert.equal(error.code, 'ECONNREFUSED');
        assert.equal(error.syscall, 'connect');
        assert.equal((error as { address?: string }).address, LOCALHOST);
        assert.equal((error as { port?: number }).port, port);
        assert.equal(error.message, `connect ECONNREFUSED ${LOCALHOST}:${port}`);
        assert.equal(typeof error.errno, 'number');
        return true;
      });
    }),
  );

  it(
    'that is refused by every address of a name has their common code',
    inLoop(async () => {
      const port = await freePort();
      await assert.rejects(openConnection('localhost', port), {
        code: 'ECONNREFUSED',
        syscall: 'connect',
      });
    }),
  );

  it(
    'to an unknown host rejects with the error of the look-up',
    inLoop(async () => {
      await assert.rejects(
        openConnection('no-such-host.invalid', 80),
        (error: NodeJS.ErrnoException & { hostname?: string }) => {
          assert.ok(['ENOTFOUND', 'EAI_AGAIN'].includes(error.code as string), error.code);
          assert.equal(error.syscall, 'getaddrinfo');
          assert.equal(error.hostname, 'no-such-host.invalid');
          return true;
        },
      );
    }),
  );

  it(
    'finds this machine by name, by null and by both families',
    inLoop(async () => {
      const server = await startServer(
        (_reader, writer) => writer.close(),
        ['127.0.0.1', '::1'],
        0,
      );
      for (const { address, port } of server.sockets) {
        const [, writer] = await openConnection(address, port as number);
        assert.equal(writer.getExtraInfo('peername')[0], address);
        writer.close();
      }
      for (const host of ['localhost', null, '']) {
        const [, writer] = await openConnection(host, portOf(server), { family: 4 });
        assert.equal(writer.getExtraInfo('peername')[0], '127.0.0.1');
        writer.close();
      }
      await server.shutdown();
    }),
  );

  it(
    'binds the local end that was asked for',
    inLoop(() =>
      withServer(
        () => {},
        async (port) => {
          const [, writer] = await openConnection(LOCALHOST, port, { localAddr: ['127.0.0.2', 0] });
          assert.equal(writer.getExtraInfo('sockname')[0], '127.0.0.2');
          writer.close();
        },
      ),
    ),
  );

  it(
    'whose local end is in use rejects, and says which one it was',
    inLoop(() =>
      withServer(
        () => {},
        async (port) => {
          await assert.rejects(openConnection(LOCALHOST, port, { localAddr: [LOCALHOST, port] }), {
            ...systemError('EADDRINUSE', 'bind'),
            address: LOCALHOST,
            port,
          });
        },
      ),
    ),
  );

  it(
    'shares its local end with no other connection, as in asyncio',
    { skip: process.platform === 'win32' && 'Windows tells of it when it connects' },
    inLoop(() =>
      withServer(
        () => {},
        async (port) => {
          const [, first] = await openConnection(LOCALHOST, port, { localAddr: [LOCALHOST, 0] });
          const localAddr = first.getExtraInfo('sockname');
          await assert.rejects(openConnection('127.0.0.2', port, { localAddr }), {
            ...systemError('EADDRINUSE', 'bind'),
            port: localAddr[1],
          });
          first.close();
          await first.waitClosed();
        },
      ),
    ),
  );

  it(
    'takes options',
    inLoop(() =>
      withServer(
        (_reader, writer) => {
          writer.write('x'.repeat(100));
        },
        async (port) => {
          const options = { noDelay: false, keepAlive: true, limit: 10, family: 4 } as const;
          const [reader, writer] = await openConnection(LOCALHOST, port, options);
          await assert.rejects(reader.readline(), RangeError);
          writer.close();
        },
      ),
    ),
  );
});

describe('a host with several addresses', () => {
  for (const [how, options] of [
    ['one after the other', {}],
    ['beside each other', { happyEyeballsDelay: 60 }],
  ] as const) {
    it(
      `is connected to by the first that answers: tried ${how}`,
      inLoop(async () => {
        const server = await startServer((_reader, writer) => writer.close(), '127.0.0.3', 0);
        await resolvingTo(['127.0.0.2', '127.0.0.3', '127.0.0.4'], async () => {
          const [, writer] = await openConnection('several', portOf(server), options);
          assert.equal(writer.getExtraInfo('peername')[0], '127.0.0.3');
          writer.close();
        });
        await server.shutdown();
      }),
    );

    it(
      `gives one error for all of them: tried ${how}`,
      inLoop(async () => {
        const port = await freePort();
        await resolvingTo(['127.0.0.2', '127.0.0.3'], async () => {
          await assert.rejects(openConnection('several', port, options), {
            name: 'AggregateError',
            code: 'ECONNREFUSED',
            syscall: 'connect',
            message:
              `Multiple exceptions: connect ECONNREFUSED 127.0.0.2:${port}, ` +
              `connect ECONNREFUSED 127.0.0.3:${port}`,
          });
        });
      }),
    );
  }

  it(
    'is tried family by family with interleave',
    inLoop(async () => {
      const port = await freePort();
      const addresses = ['127.0.0.2', '127.0.0.3', '::1'];
      const tried = async (options: ConnectOptions) => {
        const error = await openConnection('several', port, options).catch((reason) => reason);
        return (error as AggregateError).errors.map((one) => one.address);
      };
      await resolvingTo(addresses, async () => {
        assert.deepEqual(await tried({}), addresses);
        assert.deepEqual(await tried({ interleave: 1 }), ['127.0.0.2', '::1', '127.0.0.3']);
        assert.deepEqual(await tried({ interleave: 2 }), addresses);
        const both = { happyEyeballsDelay: 60 };
        assert.deepEqual(await tried(both), ['127.0.0.2', '::1', '127.0.0.3']);
        assert.deepEqual(await tried({ ...both, interleave: 0 }), addresses);
      });
    }),
  );
});

describe('loop.createConnection()', () => {
  it(
    'whose factory throws rejects with that, and closes the socket',
    inLoop(() =>
      withServer(
        (_reader, writer) => writer.close(),
        async (port) => {
          const factory = (): Protocol => {
            throw new Error('no protocol');
          };
          await assert.rejects(getRunningLoop().createConnection(factory, LOCALHOST, port), {
            message: 'no protocol',
          });
        },
      ),
    ),
  );

  it(
    'calls its factory as code of the task that awaits it',
    inLoop(() =>
      withServer(
        (_reader, writer) => writer.close(),
        async (port) => {
          const callers: unknown[] = [];
          const factory = () => {
            callers.push(currentTask());
            return new Protocol();
          };
          const [transport] = await getRunningLoop().createConnection(factory, LOCALHOST, port);
          transport.abort();
          assert.deepEqual(callers, [currentTask()]);
        },
      ),
    ),
  );

  it(
    'that is cancelled leaves no socket, wherever it was',
    inLoop(() =>
      withServer(
        (_reader, writer) => writer.close(),
        async (port) => {
          const loop = getRunningLoop();
          for (let passes = 0; passes < 12; passes++) {
            const task = createTask(() =>
              loop.createConnection(() => new Protocol(), 'localhost', port),
            );
            for (let pass = 0; pass < passes; pass++) await sleep(0);
            task.cancel();
            try {
              (await task)[0].abort();
            } catch (error) {
              assert.equal((error as Error).name, 'CancelledError');
            }
          }
        },
      ),
    ),
  );

  it(
    'leaves no descriptor open',
    { skip: process.platform !== 'linux' && 'counts the entries of /proc/self/fd' },
    inLoop(() =>
      withServer(
        (_reader, writer) => writer.close(),
        async (port) => {
          const open = () => readdirSync('/proc/self/fd').length;
          const before = open();
          for (let time = 0; time < 20; time++) {
            const [transport] = await getRunningLoop().createConnection(
              () => new Protocol(),
              LOCALHOST,
              port,
            );
            transport.abort();
          }
          await roundsUntil(() => open() <= before, 'descriptors are left open');
        },
      ),
    ),
  );
});

describe('getaddrinfo() and getnameinfo()', () => {
  it(
    'give the address and the port where there are no names',
    inLoop(async (): Promise<void> => {
      // For documentation only (RFC 5737): nobody has given it a name.
      const nameless = ['192.0.2.1', 65_000] as [string, number];
      try {
        const names = await getRunningLoop().getnameinfo(nameless);
        assert.deepEqual(names, ['192.0.2.1', '65000']);
      } catch (error) {
        // A machine without a name server.
        assert.equal((error as NodeJS.ErrnoException).code, 'EAI_AGAIN');
      }
    }),
  );

  it(
    'find addresses, services and names',
    inLoop(async () => {
      const loop = getRunningLoop();
      assert.deepEqual(await loop.getaddrinfo('127.0.0.1', 80), [
        { family: 4, address: '127.0.0.1', port: 80 },
      ]);
      assert.deepEqual(await loop.getaddrinfo('::1', '8080', { family: 6 }), [
        { family: 6, address: '::1', port: 8080 },
      ]);
      assert.ok((await loop.getaddrinfo(null, null, { family: 4 })).length > 0);
      await assert.rejects(loop.getaddrinfo('::1', 'no-such-service'), { code: 'EAI_SERVICE' });
      await assert.rejects(loop.getaddrinfo('127.0.0.1', 70_000), RangeError);
      for (const [host, family] of [
        ['127.0.0.1', 6],
        ['::1', 4],
        ['', 0],
      ] as const) {
        await assert.rejects(loop.getaddrinfo(host, 80, { family }), { code: 'ENOTFOUND' });
      }
      const [host, service] = await loop.getnameinfo(['127.0.0.1', 65_000]);
      assert.equal(typeof host, 'string');
      assert.equal(service, '65000');
      await assert.rejects(loop.getnameinfo(['not numeric', 80]), RangeError);
    }),
  );
});

describe('a cancelled openConnection()', () => {
  it(
    'leaves no socket, wherever it was',
    inLoop(() =>
      withServer(
        (_reader, writer) => writer.close(),
        async (port) => {
          for (const host of [LOCALHOST, 'localhost']) {
            for (let passes = 0; passes < 12; passes++) {
              const task = createTask(async () => (await openConnection(host, port))[1]);
              for (let pass = 0; pass < passes; pass++) await sleep(0);
              task.cancel();
              try {
                (await task).abort();
              } catch (error) {
                assert.equal((error as Error).name, 'CancelledError');
              }
            }
          }
        },
      ),
    ),
  );

  it(
    'leaves no socket when it is cancelled as it succeeds',
    inLoop(() =>
      withServer(
        () => {},
        async (port, server) => {
          const before = handleCount();
          const task = createTask(async () => (await openConnection(LOCALHOST, port))[1]);
          await sleep(0);
          // The server's side is there, so the connection stands; the task has not been told yet.
          while (handleCount() < before + 2) await sleep(0);
          task.cancel();
          await task.then(
            (writer) => writer.abort(),
            (error) => assert.equal(error.name, 'CancelledError'),
          );
          server.abortClients();
        },
      ),
    ),
  );

  for (const [how, connect] of Object.entries({
    'as a function': (port: number) => () => openConnection(LOCALHOST, port),
    'as a promise': (port: number) => openConnection(LOCALHOST, port),
  })) {
    it(
      `leaves no socket when waitFor() is given it ${how} and gives up`,
      inLoop(async () => {
        const server = await startNodeServer(() => {});
        const before = handleCount();
        await assert.rejects(waitFor(connect(server.port), 0), TimeoutError);
        await roundsUntil(() => handleCount() === before, 'a socket is left');
        await server.stop();
      }),
    );
  }
});

describe('the arguments of openConnection()', () => {
  const typeErrors: Record<string, readonly unknown[]> = {
    'a number as host': [5, 80],
    'no host': [undefined, 80],
    'no port': [LOCALHOST],
    'null as port': [LOCALHOST, null],
    'a string as port': [LOCALHOST, '80'],
    'null as options': [LOCALHOST, 80, null],
    'a string as options': [LOCALHOST, 80, '4'],
    'a string as family': [LOCALHOST, 80, { family: '4' }],
    'a string as localAddr': [LOCALHOST, 80, { localAddr: LOCALHOST }],
    'localAddr without a port': [LOCALHOST, 80, { localAddr: [LOCALHOST] }],
    'a string as limit': [LOCALHOST, 80, { limit: '4' }],
    'a number as noDelay': [LOCALHOST, 80, { noDelay: 1 }],
    'a number as keepAlive': [LOCALHOST, 80, { keepAlive: 1 }],
  };
  it('a zero byte in the host, which the system would cut it at: refused', async () => {
    const cut = `${LOCALHOST}\0.example.com`;
    const loop = getRunningLoop();
    const refused = { code: 'ERR_INVALID_ARG_VALUE', message: /without null bytes/ };
    await assert.rejects(openConnection(cut, 80), refused);
    await assert.rejects(
      startServer(() => {}, [cut], 0),
      refused,
    );
    await assert.rejects(loop.getaddrinfo(cut, 80), refused);
    const [transport] = await loop.createDatagramEndpoint(() => new DatagramProtocol(), {
      localAddr: [LOCALHOST, 0],
    });
    assert.throws(() => transport.sendto('x', [cut, 9]), refused);
    transport.close();
  });

  for (const [what, args] of Object.entries(typeErrors)) {
    it(`${what}: TypeError`, async () => {
      await assert.rejects((openConnection as (...args: unknown[]) => Promise<unknown>)(...args), {
        name: 'TypeError',
        code: 'ERR_INVALID_ARG_TYPE',
      });
    });
  }

  const rangeErrors: Record<string, readonly unknown[]> = {
    'port -1': [LOCALHOST, -1],
    'port 65536': [LOCALHOST, 65536],
    'port 1.5': [LOCALHOST, 1.5],
    'family 5': [LOCALHOST, 80, { family: 5 }],
    'limit 0': [LOCALHOST, 80, { limit: 0 }],
    'localAddr with port 70000': [LOCALHOST, 80, { localAddr: [LOCALHOST, 70000] }],
  };
  for (const [what, args] of Object.entries(rangeErrors)) {
    it(`${what}: RangeError`, async () => {
      await assert.rejects(
        (openConnection as (...args: unknown[]) => Promise<unknown>)(...args),
        RangeError,
      );
    });
  }
});
