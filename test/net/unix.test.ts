/** Unix sockets, and sockets that come as file descriptors. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, lstatSync, renameSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  createTask,
  gather,
  getRunningLoop,
  newEventLoop,
  openConnection,
  openUnixConnection,
  Protocol,
  type ServerOptions,
  type StreamReader,
  type StreamWriter,
  sleep,
  startServer,
  startUnixServer,
  type Transport,
  type UnixPath,
} from 'aionode';
import { AUTHORITY, identity } from '../support/certificates.js';
import { descriptorOf, withDescriptor } from '../support/descriptors.js';
import { handleCount, inLoop, LOCALHOST, patternBytes, roundsUntil } from '../support/net.js';
import { descriptorCount, inFolder } from '../support/pipes.js';

const NO_UNIX: string | false =
  process.platform === 'win32' && 'Windows has named pipes, not files of sockets';
const NOT_LINUX: string | false = process.platform !== 'linux' && 'only Linux has abstract names';

async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const chunk of reader.chunks()) {
    writer.write(chunk);
    await writer.drain();
  }
  writer.close();
}

/** A test with the path of a socket that is not there yet; nothing may be left open. */
function withPath(body: (place: string, folder: string) => Promise<void>): () => Promise<void> {
  return inLoop(() =>
    inFolder(async (folder) => {
      const before = descriptorCount();
      await body(path.join(folder, 'socket'), folder);
      await roundsUntil(() => descriptorCount() === before, 'descriptors are left');
    }),
  );
}

async function checkEcho(place: UnixPath, words = 'hello'): Promise<void> {
  const [reader, writer] = await openUnixConnection(place);
  writer.write(words);
  writer.writeEof();
  assert.equal((await reader.read()).toString(), words);
  writer.close();
  await writer.waitClosed();
}

/** A socket file whose server is gone. */
async function makeStale(place: string): Promise<void> {
  const server = await startUnixServer(echo, place, { cleanupSocket: false });
  await server.shutdown();
  assert.ok(lstatSync(place).isSocket());
}

describe('Unix sockets', { skip: NO_UNIX }, () => {
  it(
    'carry streams both ways',
    withPath(async (place) => {
      const server = await startUnixServer(echo, place);
      assert.deepEqual(server.sockets, [{ address: place }]);
      const [reader, writer] = await openUnixConnection(place);
      const bytes = patternBytes(3 << 20);
      const receiving = createTask(() => reader.readexactly(bytes.length));
      writer.write(bytes);
      await writer.drain();
      assert.ok((await receiving).equals(bytes));
      writer.close();
      await server.shutdown(1);
    }),
  );

  it(
    'carry protocols',
    withPath(async (place) => {
      const loop = getRunningLoop();
      const events: string[] = [];
      const lost = loop.createFuture<void>();
      class Upper extends Protocol {
        #transport!: Transport;
        override connectionMade(transport: Transport): void {
          this.#transport = transport;
          events.push('server made');
        }
        override dataReceived(data: Buffer): void {
          this.#transport.write(data.toString().toUpperCase());
        }
        override eofReceived(): void {
          events.push('server eof');
        }
      }
      class Client extends Protocol {
        override connectionMade(transport: Transport): void {
          events.push('client made');
          transport.write('hello');
          transport.writeEof();
        }
        override dataReceived(data: Buffer): void {
          events.push(`client ${data}`);
        }
        override connectionLost(error: unknown): void {
          events.push(`client lost ${error}`);
          lost.setResult();
        }
      }
      const server = await loop.createUnixServer(() => new Upper(), place);
      const [, protocol] = await loop.createUnixConnection(() => new Client(), place);
      assert.ok(protocol instanceof Client);
      await lost;
      assert.deepEqual(events.sort(), [
        'client HELLO',
        'client lost null',
        'client made',
        'server eof',
        'server made',
      ]);
      await server.shutdown();
    }),
  );

  it(
    'have paths for addresses',
    withPath(async (place) => {
      const facts = getRunningLoop().createFuture<unknown[]>();
      const server = await startUnixServer((_, writer) => {
        facts.setResult(['sockname', 'peername'].map((name) => writer.getExtraInfo(name)));
        writer.close();
      }, place);
      const [reader, writer] = await openUnixConnection(place);
      assert.deepEqual(await facts, [place, '']);
      assert.equal(writer.getExtraInfo('peername'), place);
      assert.equal(writer.getExtraInfo('sockname'), '');
      assert.equal(writer.getExtraInfo('socket').getpeername(), place);
      assert.ok(writer.getExtraInfo('socket').fileno() > 2);
      await reader.read();
      writer.close();
      await writer.waitClosed();
      assert.equal(writer.getExtraInfo('peername'), place);
      await server.shutdown();
    }),
  );

  it(
    'take a path as Buffer and URL, and a relative one',
    withPath(async (place) => {
      for (const form of [
        Buffer.from(place),
        pathToFileURL(place),
        path.relative(process.cwd(), place),
      ]) {
        const server = await startUnixServer(echo, form);
        await checkEcho(form);
        await server.shutdown();
        assert.equal(existsSync(place), false);
      }
    }),
  );

  it(
    'have abstract names',
    { skip: NOT_LINUX },
    withPath(async (place) => {
      const name = `\0${place}`;
      const server = await startUnixServer(echo, name);
      assert.equal(server.sockets[0]?.address, name);
      assert.equal(existsSync(place), false);
      await checkEcho(name);
      await assert.rejects(startUnixServer(echo, name), { code: 'EADDRINUSE', address: name });
      await server.shutdown();
    }),
  );

  it(
    'are encrypted where that is asked for',
    withPath(async (place) => {
      const server = await startUnixServer(echo, place, { ssl: identity('server') });
      const ssl = { ca: AUTHORITY };
      await assert.rejects(async () => openUnixConnection(place, { ssl }), {
        code: 'ERR_INVALID_ARG_VALUE',
      });
      const [reader, writer] = await openUnixConnection(place, {
        ssl,
        serverHostname: 'localhost',
      });
      writer.write('secret\n');
      assert.equal((await reader.readline()).toString(), 'secret\n');
      assert.equal(writer.getExtraInfo('cipher') === null, false);
      writer.close();
      await server.shutdown(1);
    }),
  );

  it(
    'talk to those of Node',
    withPath(async (place) => {
      const server = await startUnixServer(echo, place);
      const client = connect(place);
      client.end('from Node');
      assert.equal(await text(client), 'from Node');
      await server.shutdown();
      const nodeServer = createServer((socket) => socket.pipe(socket)).listen(place);
      await once(nodeServer, 'listening');
      await checkEcho(place);
      nodeServer.close();
      await once(nodeServer, 'close');
    }),
  );
});

describe('the file of a Unix socket', { skip: NO_UNIX }, () => {
  it(
    'is removed with the server, and when the loop is closed',
    withPath(async (place) => {
      const server = await startUnixServer(echo, place);
      assert.ok(lstatSync(place).isSocket());
      server.close();
      assert.equal(existsSync(place), false);
      await server.waitClosed();
      const loop = newEventLoop();
      // Nobody runs it: the server exists, and that is all.
      const made = loop.createUnixServer(() => new Protocol(), place);
      await made;
      loop.close();
      assert.equal(existsSync(place), false);
    }),
  );

  it(
    'stays when that is wanted',
    withPath(async (place) => {
      await makeStale(place);
    }),
  );

  it(
    'stays when it is another server’s by now',
    withPath(async (place) => {
      const first = await startUnixServer(echo, place);
      renameSync(place, `${place}.old`);
      const second = await startUnixServer(echo, place);
      first.close();
      assert.ok(lstatSync(place).isSocket());
      await checkEcho(place);
      await first.shutdown();
      await second.shutdown();
      assert.equal(existsSync(place), false);
    }),
  );

  it(
    'is replaced when nobody listens on it any more',
    withPath(async (place) => {
      await makeStale(place);
      await assert.rejects(async () => openUnixConnection(place), { code: 'ECONNREFUSED' });
      const server = await startUnixServer(echo, place);
      await checkEcho(place);
      await server.shutdown();
    }),
  );

  it(
    'is left alone when somebody does, who learns nothing of it',
    withPath(async (place) => {
      let clients = 0;
      const server = await startUnixServer((_, writer) => {
        clients += 1;
        writer.close();
      }, place);
      await assert.rejects(startUnixServer(echo, place), {
        code: 'EADDRINUSE',
        syscall: 'listen',
        address: place,
      });
      const [reader, writer] = await openUnixConnection(place);
      await reader.read();
      writer.close();
      await server.shutdown(1);
      assert.equal(clients, 1);
    }),
  );

  it(
    'is not made in place of a file of another kind',
    withPath(async (place) => {
      writeFileSync(place, 'precious');
      await assert.rejects(startUnixServer(echo, place), { code: 'EADDRINUSE' });
      assert.ok(lstatSync(place).isFile());
    }),
  );

  it(
    'is there before the server serves',
    withPath(async (place) => {
      const server = await startUnixServer(echo, place, { startServing: false });
      assert.ok(lstatSync(place).isSocket());
      await assert.rejects(async () => openUnixConnection(place), { code: 'ECONNREFUSED' });
      await server.startServing();
      await checkEcho(place);
      await server.shutdown();
    }),
  );
});

describe('errors of Unix sockets', { skip: NO_UNIX }, () => {
  it(
    'are Node’s',
    withPath(async (place, folder) => {
      const tooLong = path.join(folder, 'x'.repeat(200));
      const cases: [() => PromiseLike<unknown>, object][] = [
        [
          () => openUnixConnection(place),
          {
            code: 'ENOENT',
            syscall: 'connect',
            address: place,
            message: `connect ENOENT ${place}`,
          },
        ],
        [() => openUnixConnection(tooLong), { code: 'EINVAL', address: tooLong }],
        [() => openUnixConnection(''), { code: 'EINVAL' }],
        [() => openUnixConnection(`${place}\0x`), { code: 'EINVAL' }],
        [() => startUnixServer(echo, tooLong), { code: 'EINVAL', syscall: 'listen' }],
        [() => startUnixServer(echo, ''), { code: 'EINVAL' }],
        [() => startUnixServer(echo, `${place}\0x`), { code: 'EINVAL' }],
        [() => startUnixServer(echo, path.join(place, 'x')), { code: 'ENOENT' }],
        [() => openUnixConnection(5 as never), { code: 'ERR_INVALID_ARG_TYPE' }],
        [() => openUnixConnection(null), { code: 'ERR_INVALID_ARG_TYPE' }],
        [() => openUnixConnection(place, 5 as never), { code: 'ERR_INVALID_ARG_TYPE' }],
        [() => startUnixServer(echo, {} as never), { code: 'ERR_INVALID_ARG_TYPE' }],
        [() => startUnixServer(5 as never, place), { code: 'ERR_INVALID_ARG_TYPE' }],
        [() => startUnixServer(echo, place, { backlog: -1 }), { code: 'ERR_OUT_OF_RANGE' }],
        [
          () => startUnixServer(echo, place, { cleanupSocket: 1 as never }),
          { code: 'ERR_INVALID_ARG_TYPE' },
        ],
      ];
      for (const [call, expected] of cases) await assert.rejects(async () => call(), expected);
    }),
  );

  it(
    'do not come from a full backlog: connecting waits',
    withPath(async (place) => {
      const server = await startUnixServer(echo, place, { backlog: 0 });
      await gather(...Array.from({ length: 20 }, (_, i) => () => checkEcho(place, `client ${i}`)));
      await server.shutdown(1);
    }),
  );

  it(
    'leave nothing when connecting is cancelled',
    withPath(async (place) => {
      const server = await startUnixServer(echo, place, { backlog: 1 });
      for (let turns = 0; turns < 8; turns++) {
        const tasks = Array.from({ length: 6 }, () => createTask(() => openUnixConnection(place)));
        for (let i = 0; i < turns; i++) await sleep(0);
        for (const task of tasks) task.cancel();
        for (const outcome of await gather(...tasks, { returnExceptions: true })) {
          if (!(outcome instanceof Error)) (outcome as [unknown, StreamWriter])[1].abort();
        }
      }
      await server.shutdown();
      await roundsUntil(() => handleCount() === 0, 'handles are left');
    }),
  );
});

describe('sockets as file descriptors', { skip: NO_UNIX }, () => {
  const startServerOn = (where: string | number, options: ServerOptions = {}) =>
    typeof where === 'string'
      ? startUnixServer(echo, where, options)
      : startServer(echo, LOCALHOST, where, options);

  /** Connects once the other process listens. */
  async function connectedTo(address: string, port?: number) {
    for (;;) {
      try {
        return await (port === undefined
          ? openUnixConnection(address)
          : openConnection(address, port));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
        await sleep(0.01);
      }
    }
  }

  const serving = (start: string) => `
    import { ${start} } from 'aionode';
    const server = await ${start}(async (reader, writer) => {
      writer.write(await reader.readline());
      writer.close();
      server.close();
    }, ${start === 'startServer' ? 'null, null' : 'null'}, { fd: 3 });
    console.log(JSON.stringify(server.sockets));
  `;

  it(
    'are served on, of either kind',
    withPath(async (place) => {
      for (const where of [place, 0]) {
        // Bound, but not listening: all that is left is for the other process to do.
        const server = await startServerOn(where, { startServing: false });
        const start = where === 0 ? 'startServer' : 'startUnixServer';
        const [to] = server.sockets;
        assert.ok(to);
        const output = createTask(() => withDescriptor(to.fileno(), serving(start)));
        const [reader, writer] = await connectedTo(to.address, to.port);
        writer.write('line\n');
        assert.equal((await reader.readline()).toString(), 'line\n');
        writer.close();
        await writer.waitClosed();
        assert.deepEqual(JSON.parse(await output), [to]);
        // The file of a Unix socket goes with the server that was given it, as in asyncio.
        if (where === place) assert.equal(existsSync(place), false);
        server.close();
        assert.equal(to.fileno(), -1);
      }
    }),
  );

  it(
    'are connections, of either kind',
    withPath(async (place) => {
      for (const where of [place, 0]) {
        // Node accepts and does not read: the other process does.
        const server = createServer({ pauseOnConnect: true });
        const accepted = once(server, 'connection');
        server.listen(typeof where === 'string' ? { path: where } : { port: 0, host: LOCALHOST });
        await once(server, 'listening');
        const address = server.address();
        const [reader, writer] = await (typeof address === 'string'
          ? openUnixConnection(address)
          : openConnection(LOCALHOST, address?.port ?? 0));
        const [socket] = await accepted;
        const open =
          typeof where === 'string' ? 'openUnixConnection(null' : 'openConnection(null, null';
        const output = createTask(() =>
          withDescriptor(
            descriptorOf(socket),
            `
              import { getRunningLoop, openConnection, openUnixConnection, Protocol } from 'aionode';
              const [reader, writer] = await ${open}, { fd: 3 });
              writer.write(await reader.readline());
              console.log(writer.getExtraInfo('sockname'));
              const again = () => getRunningLoop().connectAcceptedSocket(() => new Protocol(), 3);
              await again().catch((error) => console.log(error.code));
              writer.close();
              await writer.waitClosed();
              await again().catch((error) => console.log(error.code));
            `,
          ),
        );
        writer.write('line\n');
        assert.equal((await reader.readline()).toString(), 'line\n');
        const name = typeof address === 'string' ? address : `[ '${LOCALHOST}', ${address?.port} ]`;
        assert.equal(await output, `${name}\nERR_RUNTIME\nEBADF\n`);
        socket.destroy();
        writer.close();
        await writer.waitClosed();
        server.close();
        await once(server, 'close');
      }
    }),
  );

  it(
    'are refused when they are something else',
    withPath(async (place) => {
      const loop = getRunningLoop();
      const server = await startUnixServer(echo, place);
      const [, writer] = await openUnixConnection(place);
      const own = writer.getExtraInfo('socket').fileno() as number;
      const tcpServer = await startServer(echo, LOCALHOST, 0);
      const tcp = tcpServer.sockets[0]?.fileno() as number;
      const factory = () => new Protocol();
      const cases: [() => PromiseLike<unknown>, object][] = [
        [() => loop.connectAcceptedSocket(factory, own), { code: 'ERR_RUNTIME' }],
        [() => loop.connectAcceptedSocket(factory, 1 << 20), { code: 'EBADF' }],
        [() => loop.connectAcceptedSocket(factory, -1), { code: 'ERR_OUT_OF_RANGE' }],
        [() => loop.connectAcceptedSocket(factory, '3' as never), { code: 'ERR_INVALID_ARG_TYPE' }],
        [() => loop.connectAcceptedSocket(5 as never, own), { code: 'ERR_INVALID_ARG_TYPE' }],
        [() => openConnection(LOCALHOST, 1, { fd: own }), { code: 'ERR_OUT_OF_RANGE' }],
        [() => openUnixConnection(place, { fd: own }), { code: 'ERR_OUT_OF_RANGE' }],
        [() => startServer(echo, null, 1, { fd: own }), { code: 'ERR_OUT_OF_RANGE' }],
        [() => startServer(echo, null, null, { fd: 1 << 20 }), { code: 'EBADF' }],
        [() => startUnixServer(echo, place, { fd: own }), { code: 'ERR_OUT_OF_RANGE' }],
        [() => startUnixServer(echo, null, { fd: own }), { code: 'ERR_RUNTIME' }],
        [() => startUnixServer(echo, null, { fd: tcp }), { code: 'ERR_OUT_OF_RANGE' }],
        [() => openUnixConnection(null, { fd: tcp }), { code: 'ERR_OUT_OF_RANGE' }],
      ];
      for (const [call, expected] of cases) await assert.rejects(async () => call(), expected);
      writer.close();
      await writer.waitClosed();
      await tcpServer.shutdown();
      await server.shutdown();
    }),
  );
});
