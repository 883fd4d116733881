/** startTls(): a connection that is encrypted after it began in clear text, on either side. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as netConnect } from 'node:net';
import { constants } from 'node:os';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import {
  createTask,
  fromDuplex,
  getRunningLoop,
  openConnection,
  Protocol,
  type StreamReader,
  type StreamWriter,
  sleep,
  TimeoutError,
  type Transport,
} from 'aionode';
import { identity } from '../support/certificates.js';
import {
  connectNodeSocket,
  type Handler,
  inLoop,
  LOCALHOST,
  MIB,
  native,
  patternBytes,
  roundsUntil,
  startNodeServer,
  withServer,
} from '../support/net.js';
import { CLIENT, echo, SERVER, startNodeTlsServer, TRUST, withTlsPair } from '../support/tls.js';

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
          writer.write('lost, as on any connection that is gone');
          writer.close();
          await assert.rejects(reader.read(), { code });
          await assert.rejects(writer.drain(), { code });
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
          // The cancel is the upgrade's alone: this task was not cancelled.
          await writer.waitClosed();
          assert.equal((await reader.read()).length, 0);
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
