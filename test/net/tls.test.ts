/** TLS: clients, servers, startTls() on both sides, and everything that can go wrong in a handshake. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect as netConnect, type Socket } from 'node:net';
import { constants } from 'node:os';
import { describe, it } from 'node:test';
import tls, { type TLSSocket } from 'node:tls';
import {
  createTask,
  fromDuplex,
  getRunningLoop,
  IncompleteReadError,
  openConnection,
  Protocol,
  type Server,
  type ServerOptions,
  type StreamOptions,
  type StreamReader,
  type StreamWriter,
  sleep,
  startServer,
  TimeoutError,
  type Transport,
  timeout,
} from 'aionode';
import { AUTHORITY, certificateFile, identity } from '../support/certificates.js';
import {
  connectNodeSocket,
  type Handler,
  handleCount,
  inLoop,
  LOCALHOST,
  native,
  type Pair,
  patternBytes,
  portOf,
  roundsUntil,
  startNodeServer,
  withServer,
} from '../support/net.js';

const MIB = 1 << 20;
const TRUST = { ca: AUTHORITY };
const CLIENT = { ssl: TRUST, serverHostname: 'localhost' };
const SERVER = { ssl: identity('server') };

const echo: Handler = async (reader, writer) => {
  for await (const chunk of reader.chunks()) {
    writer.write(chunk);
    await writer.drain();
  }
  writer.close();
};

/** Runs `body` with both ends of one encrypted connection. */
async function withTlsPair<T>(
  body: (client: Pair, peer: Pair) => Promise<T>,
  options: StreamOptions = {},
): Promise<T> {
  const accepted = getRunningLoop().createFuture<Pair>();
  return withServer(
    (reader, writer) => accepted.setResult({ reader, writer }),
    async (port) => {
      const [reader, writer] = await openConnection(LOCALHOST, port, { ...CLIENT, ...options });
      try {
        return await body({ reader, writer }, await accepted);
      } finally {
        writer.abort();
      }
    },
    { ...SERVER, ...options },
  );
}

/** A server of node:tls; `stop` ends it with its connections. */
async function startNodeTlsServer(
  options: tls.TlsOptions,
  onConnection: (socket: TLSSocket) => void,
): Promise<{ port: number; errors: unknown[]; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const errors: unknown[] = [];
  const server = tls.createServer(options, onConnection);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('secureConnection', (socket) => socket.on('error', () => {}));
  server.on('tlsClientError', (error) => errors.push(error));
  server.listen(0, LOCALHOST);
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    errors,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Until the other side has ended the connection, in whatever way. */
function endOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('end', resolve);
    socket.once('close', () => resolve());
  });
}

async function connectNodeTls(port: number, options: tls.ConnectionOptions = {}) {
  const socket = tls.connect({ host: LOCALHOST, port, ...TRUST, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

describe('an encrypted connection', () => {
  it(
    'carries bytes both ways and ends in order',
    inLoop(() =>
      withTlsPair(async (client, peer) => {
        client.writer.write('question\n');
        assert.equal((await peer.reader.readline()).toString(), 'question\n');
        peer.writer.write('answer');
        peer.writer.close();
        assert.equal((await client.reader.read()).toString(), 'answer');
        await Promise.all([client.writer.waitClosed(), peer.writer.waitClosed()]);
        assert.equal(client.writer.isClosing(), true);
      }),
    ),
  );

  it(
    'tells about itself, also when it is closed',
    inLoop(() =>
      withTlsPair(async (client, peer) => {
        const { writer } = client;
        const socket = writer.getExtraInfo('ssl_object');
        assert.ok(socket instanceof tls.TLSSocket);
        assert.equal(socket.authorized, true);
        assert.match(writer.getExtraInfo('cipher').version, /^TLSv1\.[23]$/);
        assert.equal(writer.getExtraInfo('peercert').subject.CN, 'localhost');
        assert.equal(writer.getExtraInfo('compression'), null);
        assert.equal(writer.getExtraInfo('sslcontext'), TRUST);
        assert.equal(writer.getExtraInfo('something', 'else'), 'else');
        assert.equal(peer.writer.getExtraInfo('peercert', 'none'), 'none');
        const name = writer.getExtraInfo('sockname');
        assert.equal(name[0], LOCALHOST);
        assert.deepEqual(peer.writer.getExtraInfo('peername'), name);
        writer.close();
        peer.writer.close();
        await writer.waitClosed();
        assert.deepEqual(writer.getExtraInfo('sockname'), name);
      }),
    ),
  );

  it(
    'has no half-open state',
    inLoop(() =>
      withTlsPair(async (client) => {
        assert.equal(client.writer.canWriteEof(), false);
        assert.throws(() => client.writer.writeEof(), { code: 'ERR_RUNTIME' });
      }),
    ),
  );

  it(
    'close() sends everything first',
    inLoop(() =>
      withTlsPair(async (client, peer) => {
        const bytes = patternBytes(8 * MIB);
        client.writer.write(bytes);
        client.writer.close();
        client.writer.write('after close() nothing is sent');
        assert.ok((await peer.reader.read()).equals(bytes));
        await client.writer.waitClosed();
      }),
    ),
  );

  it(
    'abort() drops what was not sent',
    inLoop(() =>
      withTlsPair(async (client, peer) => {
        client.writer.write(Buffer.alloc(32 * MIB));
        client.writer.abort();
        await client.writer.waitClosed();
        await assert.rejects(peer.reader.readexactly(32 * MIB), (error: NodeJS.ErrnoException) => {
          return error instanceof IncompleteReadError || error.code === 'ECONNRESET';
        });
      }),
    ),
  );

  it(
    'what was written is the caller’s again',
    inLoop(() =>
      withTlsPair(async (client, peer) => {
        const data = Buffer.alloc(1000, 'a');
        const total = 100_000;
        for (let sent = 0; sent < total; sent += data.length) {
          data.fill('a');
          client.writer.write(data);
          data.fill('x');
        }
        assert.equal((await peer.reader.readexactly(total)).indexOf('x'), -1);
      }),
    ),
  );

  it(
    'holds both sides back: memory stays bounded over 256 MiB',
    inLoop(() =>
      withTlsPair(async (client, peer) => {
        const chunk = patternBytes(MIB);
        const total = 256;
        let most = 0;
        const writing = createTask(async () => {
          for (let sent = 0; sent < total; sent++) {
            client.writer.write(chunk);
            most = Math.max(most, client.writer.transport.getWriteBufferSize());
            await client.writer.drain();
          }
          client.writer.close();
        });
        await roundsUntil(
          () => !(peer.writer.transport as Transport).isReading(),
          'reading is not paused',
        );
        let received = 0;
        for await (const part of peer.reader.chunks(MIB)) {
          const at = received % MIB;
          const whole = at + part.length <= MIB;
          assert.ok(whole ? part.equals(chunk.subarray(at, at + part.length)) : part.length > 0);
          received += part.length;
          assert.ok(peer.reader.buffered < 2 * MIB);
        }
        await writing;
        assert.equal(received, total * MIB);
        assert.ok(most < 3 * MIB, `${most} bytes were buffered`);
      }),
    ),
  );

  it(
    'a cancelled read takes no byte',
    inLoop(() =>
      withTlsPair(async (client, peer) => {
        const reading = createTask(() => client.reader.readexactly(4));
        await sleep(0);
        peer.writer.write('ab');
        await roundsUntil(() => client.reader.buffered === 2, 'bytes are missing');
        reading.cancel();
        await assert.rejects(reading, { name: 'CancelledError' });
        peer.writer.write('cd');
        assert.equal((await client.reader.readexactly(4)).toString(), 'abcd');
      }),
    ),
  );

  it(
    'a reset is ECONNRESET',
    inLoop(() =>
      withServer(
        async (reader, writer) => {
          await assert.rejects(reader.read(1), { code: 'ECONNRESET' });
          await assert.rejects(writer.drain(), { code: 'ECONNRESET' });
        },
        async (port, server) => {
          const raw = await connectNodeSocket(port);
          const socket = tls.connect({ socket: raw, host: 'localhost', ...TRUST });
          socket.on('error', () => {});
          await once(socket, 'secureConnect');
          await roundsUntil(() => server.handlers.size === 1, 'no handler');
          raw.resetAndDestroy();
          await roundsUntil(() => server.handlers.size === 0, 'the handler goes on');
        },
        SERVER,
      ),
    ),
  );
});

describe('beside node:tls', () => {
  it(
    'our client, its server',
    inLoop(async () => {
      const server = await startNodeTlsServer(identity('server'), (socket) => socket.pipe(socket));
      const [reader, writer] = await openConnection('localhost', server.port, {
        ssl: TRUST,
        family: 4,
      });
      const bytes = patternBytes(4 * MIB);
      const writing = createTask(async () => {
        for (let at = 0; at < bytes.length; at += 70_000) {
          writer.write(bytes.subarray(at, at + 70_000));
          await writer.drain();
        }
      });
      assert.ok((await reader.readexactly(bytes.length)).equals(bytes));
      await writing;
      writer.close();
      await writer.waitClosed();
      await server.stop();
    }),
  );

  it(
    'its client, our server',
    inLoop(() =>
      withServer(
        echo,
        async (port) => {
          const socket = await connectNodeTls(port);
          const bytes = patternBytes(4 * MIB);
          socket.write(bytes);
          const parts: Buffer[] = [];
          let received = 0;
          socket.on('data', (part) => {
            parts.push(part);
            received += part.length;
            if (received === bytes.length) socket.end();
          });
          await once(socket, 'close');
          assert.ok(Buffer.concat(parts).equals(bytes));
        },
        SERVER,
      ),
    ),
  );

  it(
    'ALPN is agreed on',
    inLoop(() =>
      withServer(
        (_reader, writer) => {
          writer.write(String(writer.getExtraInfo('ssl_object').alpnProtocol));
          writer.close();
        },
        async (port) => {
          const ssl = { ...TRUST, ALPNProtocols: ['b', 'a'] };
          const [reader, writer] = await openConnection(LOCALHOST, port, { ...CLIENT, ssl });
          assert.equal((await reader.read()).toString(), 'a');
          assert.equal(writer.getExtraInfo('ssl_object').alpnProtocol, 'a');
        },
        { ssl: { ...identity('server'), ALPNProtocols: ['a', 'c'] } },
      ),
    ),
  );

  it(
    'SNI chooses the certificate',
    inLoop(async () => {
      const names: string[] = [];
      const ssl: tls.TlsOptions = {
        ...identity('server'),
        SNICallback(name, done) {
          names.push(name);
          done(null, tls.createSecureContext(identity('other')));
        },
      };
      await withServer(
        echo,
        async (port) => {
          const options = { ssl: TRUST, serverHostname: 'other.example' };
          const [, writer] = await openConnection(LOCALHOST, port, options);
          assert.equal(writer.getExtraInfo('peercert').subject.CN, 'other.example');
          writer.close();
          await writer.waitClosed();
        },
        { ssl },
      );
      assert.deepEqual(names, ['other.example']);
    }),
  );

  it(
    'an address as name is checked, and not sent as SNI',
    inLoop(() =>
      withServer(
        (_reader, writer) => {
          writer.write(String(writer.getExtraInfo('ssl_object').servername));
          writer.close();
        },
        async (port) => {
          const [reader] = await openConnection(LOCALHOST, port, { ssl: TRUST });
          assert.equal((await reader.read()).toString(), 'false');
        },
        SERVER,
      ),
    ),
  );

  const mutual = { ...identity('server'), ca: AUTHORITY, requestCert: true };

  it(
    'a client certificate is asked for and seen',
    inLoop(() =>
      withServer(
        (_reader, writer) => {
          writer.write(writer.getExtraInfo('peercert').subject.CN);
          writer.close();
        },
        async (port) => {
          const ssl = { ...TRUST, ...identity('client') };
          const [reader] = await openConnection(LOCALHOST, port, { ...CLIENT, ssl });
          assert.equal((await reader.read()).toString(), 'client');
        },
        { ssl: mutual },
      ),
    ),
  );

  it(
    'a client without the certificate that is required is dropped',
    inLoop(() =>
      withServer(
        () => assert.fail('the handler is not called'),
        async (port) => {
          const reading = async () => {
            const [reader] = await openConnection(LOCALHOST, port, CLIENT);
            await reader.read();
          };
          await assert.rejects(reading, (error: NodeJS.ErrnoException) => {
            assert.match(error.code ?? '', /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|ECONNRESET/);
            return true;
          });
        },
        { ssl: mutual },
      ),
    ),
  );

  it(
    'a client with a certificate of an unknown authority is dropped',
    inLoop(() =>
      withServer(
        () => assert.fail('the handler is not called'),
        async (port) => {
          const ssl = { ...TRUST, ...identity('self-signed') };
          const reading = async () => {
            const [reader] = await openConnection(LOCALHOST, port, { ...CLIENT, ssl });
            assert.equal((await reader.read()).length, 0);
            throw new Error('ended');
          };
          await assert.rejects(reading);
        },
        { ssl: mutual },
      ),
    ),
  );
});

describe('what a client refuses, as Node reports it', () => {
  const cases: [string, ServerOptions['ssl'], object, string][] = [
    ['an unknown authority', identity('server'), { ssl: true }, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    [
      'a self-signed certificate',
      identity('self-signed'),
      { ssl: true },
      'DEPTH_ZERO_SELF_SIGNED_CERT',
    ],
    ['an expired certificate', identity('expired'), {}, 'CERT_HAS_EXPIRED'],
    ['a certificate for another name', identity('other'), {}, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    [
      'a wrong name asked for',
      identity('server'),
      { serverHostname: 'example.org' },
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ],
  ];
  for (const [what, ssl, options, code] of cases) {
    it(
      what,
      inLoop(() =>
        withServer(
          echo,
          async (port) => {
            await assert.rejects(openConnection(LOCALHOST, port, { ...CLIENT, ...options }), {
              code,
            });
          },
          { ssl: ssl as tls.TlsOptions },
        ),
      ),
    );
  }

  it(
    'unless it is told not to look',
    inLoop(() =>
      withServer(
        echo,
        async (port) => {
          const ssl = { rejectUnauthorized: false };
          const [reader, writer] = await openConnection(LOCALHOST, port, { ssl });
          assert.equal(writer.getExtraInfo('ssl_object').authorized, false);
          writer.write('x');
          assert.equal((await reader.readexactly(1)).toString(), 'x');
        },
        { ssl: identity('self-signed') },
      ),
    ),
  );
});

describe('a handshake that does not come to its end', () => {
  it(
    'with a server that speaks plain text',
    inLoop(async () => {
      const server = await startNodeServer((socket) => socket.end('220 hello\r\n'));
      await assert.rejects(openConnection(LOCALHOST, server.port, CLIENT), {
        code: 'ERR_SSL_WRONG_VERSION_NUMBER',
      });
      await server.stop();
    }),
  );

  it(
    'with a server that ends, and one that resets',
    inLoop(async () => {
      const ends = await startNodeServer((socket) => socket.end());
      await assert.rejects(openConnection(LOCALHOST, ends.port, CLIENT), { code: 'ECONNRESET' });
      await ends.stop();
      const resets = await startNodeServer((socket) => {
        socket.once('data', () => socket.resetAndDestroy());
      });
      await assert.rejects(openConnection(LOCALHOST, resets.port, CLIENT), { code: 'ECONNRESET' });
      await resets.stop();
    }),
  );

  it(
    'with a server that hangs: TimeoutError',
    inLoop(async () => {
      const gone: Promise<unknown>[] = [];
      const server = await startNodeServer((socket) => {
        socket.resume();
        gone.push(endOf(socket));
      });
      const options = { ...CLIENT, sslHandshakeTimeout: 0.05 };
      await assert.rejects(openConnection(LOCALHOST, server.port, options), (error: Error) => {
        assert.ok(error instanceof TimeoutError);
        assert.match(error.message, /handshake is taking longer than 0\.05 seconds/);
        return true;
      });
      await Promise.all(gone);
      await server.stop();
    }),
  );

  it(
    'cancelled: no socket is left',
    inLoop(async () => {
      let gone: Promise<unknown> | undefined;
      const server = await startNodeServer((socket) => {
        socket.resume();
        gone = endOf(socket);
      });
      const connecting = createTask(() => openConnection(LOCALHOST, server.port, CLIENT));
      await roundsUntil(() => gone !== undefined, 'nobody connected');
      for (let round = 0; round < 5; round++) await sleep(0);
      connecting.cancel();
      await assert.rejects(connecting, { name: 'CancelledError' });
      await gone;
      await server.stop();
    }),
  );

  it(
    'cancelled at any moment: no socket is left',
    inLoop(() =>
      withServer(
        // A reset is what a client that gives up may cause.
        (reader, writer) => Promise.resolve(echo(reader, writer)).catch(() => {}),
        async (port, server) => {
          for (let rounds = 0; rounds < 40; rounds++) {
            const connecting = createTask(() => openConnection(LOCALHOST, port, CLIENT));
            for (let round = 0; round < rounds; round++) {
              await new Promise((resolve) => setImmediate(resolve));
            }
            if (connecting.cancel()) await assert.rejects(connecting, { name: 'CancelledError' });
            else (await connecting)[1].abort();
          }
          server.close();
          await timeout(10, () => server.waitClosed());
        },
        SERVER,
      ),
    ),
  );

  it(
    'given up by a timeout',
    inLoop(async () => {
      const server = await startNodeServer((socket) => socket.resume());
      await assert.rejects(
        timeout(0.02, () => openConnection(LOCALHOST, server.port, CLIENT)),
        TimeoutError,
      );
      await server.stop();
    }),
  );

  it(
    'a server drops clients that hang, speak plain text, end or reset, and serves the next',
    inLoop(() =>
      withServer(
        echo,
        async (port, server) => {
          const hangs = await connectNodeSocket(port);
          const hung = endOf(hangs.resume());
          const plain = await connectNodeSocket(port);
          plain.resume().write('GET / HTTP/1.0\r\n\r\n');
          await once(plain, 'end');
          plain.destroy();
          (await connectNodeSocket(port)).end().resume();
          (await connectNodeSocket(port)).resetAndDestroy();
          const [reader, writer] = await openConnection(LOCALHOST, port, CLIENT);
          writer.write('served');
          assert.equal((await reader.readexactly(6)).toString(), 'served');
          await hung;
          writer.close();
          await writer.waitClosed();
          server.close();
          await server.waitClosed();
        },
        { ...SERVER, sslHandshakeTimeout: 0.5 },
      ),
    ),
  );

  it(
    'debug mode tells of handshakes that failed',
    inLoop(async (reports) => {
      getRunningLoop().setDebug(true);
      await withServer(
        echo,
        async (port) => {
          const plain = await connectNodeSocket(port);
          plain.resume().write('GET / HTTP/1.0\r\n\r\n');
          await once(plain, 'end');
          plain.destroy();
          await roundsUntil(() => reports.length > 0, 'nothing is told');
        },
        SERVER,
      );
      const [report] = reports.splice(0);
      assert.match(String(report?.message), /handshake/);
      assert.equal(
        (report?.exception as { code: string } | undefined)?.code,
        'ERR_SSL_HTTP_REQUEST',
      );
    }),
  );

  it(
    'shutdown() ends clients that are in it',
    inLoop(async () => {
      const server = await startServer(echo, LOCALHOST, 0, SERVER);
      const socket = await connectNodeSocket(portOf(server));
      const gone = endOf(socket.resume());
      await roundsUntil(() => handleCount() > 1 || clientsOf(server) > 0, 'not accepted');
      for (let round = 0; round < 20; round++) await sleep(0);
      await server.shutdown();
      socket.end();
      await gone;
    }),
  );
});

function clientsOf(server: Server): number {
  return server.handlers.size;
}

describe('startTls()', () => {
  const ready = '220 go ahead\r\n';

  /** An SMTP-like server that upgrades, then serves `handler`. */
  const upgrading =
    (handler: Handler, options = {}): Handler =>
    async (reader, writer) => {
      assert.equal((await reader.readline()).toString(), 'STARTTLS\r\n');
      writer.write(ready);
      await writer.startTls(identity('server'), options);
      await handler(reader, writer);
    };

  async function upgradeClient(port: number): Promise<[StreamReader, StreamWriter]> {
    const [reader, writer] = await openConnection(LOCALHOST, port);
    writer.write('STARTTLS\r\n');
    assert.equal((await reader.readline()).toString(), ready);
    await writer.startTls(TRUST, { serverHostname: 'localhost' });
    return [reader, writer];
  }

  it(
    'upgrades both sides in place',
    inLoop(() =>
      withServer(
        upgrading(async (reader, writer) => {
          assert.ok(writer.getExtraInfo('cipher'));
          writer.write(await reader.readline());
          writer.close();
        }),
        async (port) => {
          const [reader, writer] = await upgradeClient(port);
          assert.equal(writer.getExtraInfo('peercert').subject.CN, 'localhost');
          writer.write('secret\n');
          assert.equal((await reader.read()).toString(), 'secret\n');
          await writer.waitClosed();
          assert.equal(writer.getExtraInfo('peername')[1], port);
        },
      ),
    ),
  );

  it(
    'a server side against a client of node:tls, as PostgreSQL does it',
    inLoop(() =>
      withServer(
        async (reader, writer) => {
          assert.equal((await reader.readexactly(8)).readInt32BE(4), 80877103);
          writer.write('S');
          await writer.startTls(identity('server'));
          await echo(reader, writer);
        },
        async (port) => {
          const raw = await connectNodeSocket(port);
          raw.write(Buffer.from('00000008 04d2162f'.replace(' ', ''), 'hex'));
          const [answer] = await once(raw, 'data');
          assert.equal(answer.toString(), 'S');
          const socket = tls.connect({ socket: raw, host: 'localhost', ...TRUST });
          await once(socket, 'secureConnect');
          socket.write('select 1');
          const [data] = await once(socket, 'data');
          assert.equal(data.toString(), 'select 1');
          raw.destroy();
        },
      ),
    ),
  );

  it(
    'a client side against a server of node:tls',
    inLoop(async () => {
      const context = tls.createSecureContext(identity('server'));
      const server = await startNodeServer((raw) => {
        raw.once('data', () => {
          raw.pause();
          raw.write(ready, () => {
            const socket = new tls.TLSSocket(raw, { isServer: true, secureContext: context });
            socket.on('error', () => {});
            socket.pipe(socket);
          });
        });
      });
      const [reader, writer] = await upgradeClient(server.port);
      writer.write('hello');
      assert.equal((await reader.readexactly(5)).toString(), 'hello');
      writer.close();
      await writer.waitClosed();
      await server.stop();
    }),
  );

  it(
    'what a client sent in clear text behind the command is not taken for encrypted',
    inLoop(async (reports) => {
      const seen: string[] = [];
      await withServer(
        upgrading(async (reader) => void seen.push((await reader.read()).toString())),
        async (port) => {
          const raw = await connectNodeSocket(port);
          raw.resume().write('STARTTLS\r\nMAIL FROM:<evil@example.org>\r\n');
          await once(raw, 'end');
          raw.destroy();
        },
      );
      assert.deepEqual(seen, []);
      const [report] = reports.splice(0);
      assert.match((report?.exception as { code: string } | undefined)?.code ?? '', /^ERR_SSL_/);
    }),
  );

  it(
    'what a server sent in clear text behind its answer is not taken for encrypted',
    inLoop(async () => {
      const server = await startNodeServer((raw) => {
        raw.once('data', () => raw.write(`${ready}250 injected\r\n`));
      });
      await assert.rejects(upgradeClient(server.port), /./);
      await server.stop();
    }),
  );

  it(
    'a handshake that came with the command in one packet is not lost',
    inLoop(() =>
      withServer(
        async (reader, writer) => {
          // As the PROXY protocol: a line, and the client does not wait for an answer.
          assert.equal((await reader.readline()).toString(), 'PROXY TCP4\r\n');
          await roundsUntil(() => reader.buffered > 100, 'no handshake');
          await writer.startTls(identity('server'));
          await echo(reader, writer);
        },
        async (port) => {
          const raw = netConnect(port, LOCALHOST);
          raw.write('PROXY TCP4\r\n');
          const socket = tls.connect({ socket: raw, host: 'localhost', ...TRUST });
          await once(socket, 'secureConnect');
          socket.write('hello');
          const [data] = await once(socket, 'data');
          assert.equal(data.toString(), 'hello');
          socket.destroy();
          await once(socket, 'close');
        },
      ),
    ),
  );

  it(
    'sends what was written before, in clear text, first',
    inLoop(() =>
      withServer(
        async (reader, writer) => {
          const bytes = await reader.readexactly(8 * MIB);
          assert.ok(bytes.equals(patternBytes(8 * MIB)));
          await writer.startTls(identity('server'));
          await echo(reader, writer);
        },
        async (port) => {
          const [reader, writer] = await openConnection(LOCALHOST, port);
          writer.write(patternBytes(8 * MIB));
          await writer.startTls(TRUST, { serverHostname: 'localhost' });
          writer.write('x');
          assert.equal((await reader.readexactly(1)).toString(), 'x');
        },
      ),
    ),
  );

  it(
    'a certificate that is refused ends the connection with the error',
    inLoop(() =>
      withServer(
        // Whether its own handshake succeeds before the client leaves is up to the moment.
        (reader, writer) => Promise.resolve(upgrading(() => {})(reader, writer)).catch(() => {}),
        async (port) => {
          const [reader, writer] = await openConnection(LOCALHOST, port);
          writer.write('STARTTLS\r\n');
          await reader.readline();
          const code = 'ERR_TLS_CERT_ALTNAME_INVALID';
          await assert.rejects(writer.startTls(TRUST, { serverHostname: 'other.example' }), {
            code,
          });
          await assert.rejects(reader.read(), { code });
          await assert.rejects(writer.waitClosed(), { code });
        },
      ),
    ),
  );

  it(
    'a peer that hangs: TimeoutError; cancelled: the connection is closed',
    inLoop(async () => {
      const server = await startNodeServer((socket) => socket.resume());
      for (const how of ['timeout', 'cancel']) {
        const [reader, writer] = await openConnection(LOCALHOST, server.port);
        const options = { serverHostname: 'localhost', sslHandshakeTimeout: 0.05 };
        const upgrade = createTask(() => writer.startTls(TRUST, options));
        if (how === 'timeout') {
          await assert.rejects(upgrade, TimeoutError);
          await assert.rejects(reader.read(), TimeoutError);
        } else {
          for (let round = 0; round < 3; round++) await sleep(0);
          upgrade.cancel();
          await assert.rejects(upgrade, { name: 'CancelledError' });
          await assert.rejects(writer.waitClosed(), { name: 'CancelledError' });
        }
      }
      await server.stop();
    }),
  );

  it(
    'TLS within TLS, and over a stream that is no socket',
    inLoop(() =>
      withServer(
        async (reader, writer) => {
          await writer.startTls(identity('other'));
          await echo(reader, writer);
        },
        async (port) => {
          const [reader, writer] = await openConnection(LOCALHOST, port, CLIENT);
          await writer.startTls(TRUST, { serverHostname: 'other.example' });
          const bytes = patternBytes(MIB);
          const writing = createTask(async () => {
            writer.write(bytes);
            await writer.drain();
          });
          assert.ok((await reader.readexactly(MIB)).equals(bytes));
          await writing;
          writer.close();
          await writer.waitClosed();
        },
        SERVER,
      ),
    ),
  );

  it(
    'where a descriptor cannot be handed over, as on Windows',
    inLoop(async () => {
      const release = native.streamRelease;
      native.streamRelease = () => -constants.errno.ENOTSUP;
      try {
        await withTlsPair(async (client, peer) => {
          const bytes = patternBytes(MIB);
          const writing = createTask(async () => {
            client.writer.write(bytes);
            await client.writer.drain();
          });
          assert.ok((await peer.reader.readexactly(MIB)).equals(bytes));
          await writing;
          client.writer.close();
          await client.writer.waitClosed();
        });
      } finally {
        native.streamRelease = release;
      }
    }),
  );

  it(
    'over a socket of Node that was adopted',
    inLoop(() =>
      withServer(
        echo,
        async (port) => {
          const [reader, writer] = fromDuplex(await connectNodeSocket(port));
          await writer.startTls(TRUST, { serverHostname: 'localhost' });
          writer.write('hello');
          assert.equal((await reader.readexactly(5)).toString(), 'hello');
          writer.close();
          await writer.waitClosed();
        },
        SERVER,
      ),
    ),
  );

  it(
    'writing while it runs is an error',
    inLoop(async () => {
      const server = await startNodeServer((socket) => socket.resume());
      const [, writer] = await openConnection(LOCALHOST, server.port);
      const upgrade = createTask(() => writer.startTls(TRUST, { serverHostname: 'localhost' }));
      for (let round = 0; round < 5; round++) await sleep(0);
      assert.throws(() => writer.write('too early'), { code: 'ERR_RUNTIME' });
      upgrade.cancel();
      await assert.rejects(upgrade, { name: 'CancelledError' });
      await server.stop();
    }),
  );

  it(
    'loop.startTls() for protocols',
    inLoop(async () => {
      const server = await startNodeTlsServer(identity('server'), (socket) => socket.pipe(socket));
      const [, writer] = await openConnection(LOCALHOST, server.port);
      const loop = getRunningLoop();
      const received = loop.createFuture<string>();
      const lost = loop.createFuture<unknown>();
      class Client extends Protocol {
        override dataReceived(data: Buffer): void {
          received.setResult(data.toString());
        }
        override connectionLost(error: unknown): void {
          lost.setResult(error);
        }
      }
      const protocol = new Client();
      const plain = writer.transport as Transport;
      const options = { serverHostname: 'localhost' };
      const transport = await loop.startTls(plain, protocol, TRUST, options);
      assert.equal(transport.getProtocol(), protocol);
      assert.throws(() => plain.write('x'), { code: 'ERR_RUNTIME' });
      transport.write('hello');
      assert.equal(await received, 'hello');
      transport.close();
      assert.equal(await lost, null);
      await server.stop();
    }),
  );
});

describe('arguments', () => {
  const invalid: [string, object, object][] = [
    ['ssl of another kind', { ssl: 5 }, { code: 'ERR_INVALID_ARG_TYPE' }],
    ['serverHostname without ssl', { serverHostname: 'x' }, { code: 'ERR_INVALID_ARG_VALUE' }],
    [
      'sslHandshakeTimeout without ssl',
      { sslHandshakeTimeout: 1 },
      { code: 'ERR_INVALID_ARG_VALUE' },
    ],
    [
      'no time for the handshake',
      { ssl: true, sslHandshakeTimeout: 0 },
      { code: 'ERR_OUT_OF_RANGE' },
    ],
    [
      'serverHostname of another kind',
      { ssl: true, serverHostname: 1 },
      { code: 'ERR_INVALID_ARG_TYPE' },
    ],
    ['no name to check', { ssl: true, serverHostname: '' }, { code: 'ERR_INVALID_ARG_VALUE' }],
    ['a certificate that is none', { ssl: { ca: 'x', cert: 'y', key: 'z' } }, { code: /./ }],
  ];
  for (const [what, options, error] of invalid) {
    it(
      what,
      inLoop(() =>
        withServer(echo, async (port) => {
          await assert.rejects(openConnection(LOCALHOST, port, options as never), error);
        }),
      ),
    );
  }

  it(
    'of servers',
    inLoop(async () => {
      const start = (options: object) => startServer(echo, LOCALHOST, 0, options as never);
      await assert.rejects(start({ ssl: true }), { code: 'ERR_INVALID_ARG_TYPE' });
      await assert.rejects(start({ sslHandshakeTimeout: 1 }), { code: 'ERR_INVALID_ARG_VALUE' });
      await assert.rejects(start({ ssl: { cert: 'x', key: 'y' } }), { code: /^ERR_OSSL/ });
    }),
  );

  it(
    'of startTls(): the name is needed',
    inLoop(() =>
      withServer(echo, async (port) => {
        const [, writer] = await openConnection(LOCALHOST, port);
        await assert.rejects(writer.startTls(TRUST), { code: 'ERR_INVALID_ARG_VALUE' });
        await assert.rejects(writer.startTls(null as never), { code: 'ERR_INVALID_ARG_TYPE' });
        writer.close();
      }),
    ),
  );
});

describe('openssl s_client', () => {
  const missing = spawnSync('openssl', ['version']).status !== 0 && 'no openssl program';
  it(
    'speaks to our server',
    { skip: missing },
    inLoop(() =>
      withServer(
        async (reader, writer) => {
          writer.write(`you said ${await reader.readline()}`);
          writer.close();
        },
        async (port) => {
          const client = spawn(
            'openssl',
            [
              's_client',
              ...['-connect', `${LOCALHOST}:${port}`, '-servername', 'localhost'],
              ...['-CAfile', certificateFile('authority'), '-verify_return_error', '-quiet'],
            ],
            { stdio: ['pipe', 'pipe', 'ignore'] },
          );
          client.stdin.write('hello\n');
          let output = '';
          client.stdout.setEncoding('utf8').on('data', (text) => (output += text));
          await once(client, 'close');
          assert.equal(output, 'you said hello\n');
        },
        SERVER,
      ),
    ),
  );
});
