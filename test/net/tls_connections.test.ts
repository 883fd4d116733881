/** Encrypted connections: their bytes, ends and backpressure, and the arguments that make them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import {
  createTask,
  getRunningLoop,
  IncompleteReadError,
  openConnection,
  type StreamWriter,
  sleep,
  startServer,
  type Transport,
  toDuplex,
} from 'aionode';
import {
  connectNodeSocket,
  inLoop,
  LOCALHOST,
  MIB,
  patternBytes,
  portOf,
  roundsUntil,
  withServer,
} from '../support/net.js';
import { Plain } from '../support/recorders.js';
import { CLIENT, connectNodeTls, echo, SERVER, TRUST, withTlsPair } from '../support/tls.js';

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
    'that has ended at once takes writes in silence, as in asyncio',
    inLoop(async (reports) => {
      const written = getRunningLoop().createFuture<boolean>();
      const server = await startServer(
        (_, writer) => {
          writer.write('220 hello\r\n');
          written.setResult(writer.isClosing());
          writer.close();
        },
        LOCALHOST,
        0,
        SERVER,
      );
      const client = await connectNodeTls(portOf(server), { servername: 'localhost' });
      client.on('error', () => {}).end();
      await written;
      assert.deepEqual(reports, []);
      await server.shutdown();
    }),
  );

  it(
    'drains what was written before the water marks changed',
    inLoop(() =>
      withTlsPair(async (client, peer) => {
        client.writer.write('x');
        (client.writer.transport as Transport).setWriteBufferLimits({ high: 0 });
        await client.writer.drain();
        assert.equal(client.writer.transport.getWriteBufferSize(), 0);
        assert.equal(String(await peer.reader.readexactly(1)), 'x');
      }),
    ),
  );

  it(
    'becomes a Duplex that ends without an error when the peer ends first',
    inLoop(() =>
      withTlsPair(async (client, peer) => {
        peer.writer.write('hello');
        peer.writer.close();
        await roundsUntil(() => client.writer.isClosing(), 'the end does not come');
        const duplex = toDuplex(client.reader, client.writer);
        const ended = once(duplex, 'close');
        duplex.resume();
        await ended;
        assert.equal(duplex.errored, null);
      }),
    ),
  );

  it(
    'sends what was written before abort()',
    inLoop(() =>
      withTlsPair(async (client, peer) => {
        client.writer.write('last words');
        client.writer.transport.abort();
        assert.equal((await peer.reader.readexactly(10)).toString(), 'last words');
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
        assert.equal(writer.getExtraInfo('peercert').subject.CN, 'localhost');
        assert.match(writer.getExtraInfo('cipher').version, /^TLSv1\.[23]$/);
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
    'close() waits for the peer no longer than sslShutdownTimeout',
    inLoop(async () => {
      const accepted = getRunningLoop().createFuture<StreamWriter>();
      const server = await startServer((_, writer) => accepted.setResult(writer), LOCALHOST, 0, {
        ...SERVER,
        sslShutdownTimeout: 0.05,
      });
      const silent = await connectNodeTls(portOf(server));
      silent.pause();
      const writer = await accepted;
      writer.write(Buffer.alloc(64 * MIB));
      writer.close();
      await assert.rejects(writer.waitClosed(), { code: 'ERR_TIMEOUT' });
      silent.destroy();
      await server.shutdown();
    }),
  );

  it(
    'close() tells a paused protocol that writing may go on before it tells of the end',
    inLoop(async () => {
      const protocol = new Plain([]);
      const server = await getRunningLoop().createServer(() => protocol, LOCALHOST, 0, SERVER);
      const [reader, writer] = await openConnection(LOCALHOST, portOf(server), CLIENT);
      await roundsUntil(() => protocol.trace.length > 0, 'connectionMade() was not called');
      protocol.transport.write(Buffer.alloc(32 * MIB));
      protocol.transport.close();
      assert.equal((await reader.read()).length, 32 * MIB);
      await protocol.lost;
      assert.deepEqual(protocol.trace, ['made', 'pause', 'resume', 'lost']);
      await writer[Symbol.asyncDispose]();
      await server.shutdown();
    }),
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

/** asyncio's ValueError. */
const VALUE_ERROR = { name: 'RangeError', code: 'ERR_INVALID_ARG_VALUE' };

describe('arguments', () => {
  const invalid: [string, object, object][] = [
    ['ssl of another kind', { ssl: 5 }, { code: 'ERR_INVALID_ARG_TYPE' }],
    ['serverHostname without ssl', { serverHostname: 'x' }, VALUE_ERROR],
    ['sslHandshakeTimeout without ssl', { sslHandshakeTimeout: 1 }, VALUE_ERROR],
    ['sslShutdownTimeout without ssl', { sslShutdownTimeout: 1 }, VALUE_ERROR],
    [
      'no time for the shutdown',
      { ssl: true, sslShutdownTimeout: 0 },
      { code: 'ERR_OUT_OF_RANGE' },
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
    ['no name to check', { ssl: true, serverHostname: '' }, VALUE_ERROR],
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
      await assert.rejects(start({ sslHandshakeTimeout: 1 }), VALUE_ERROR);
      await assert.rejects(start({ sslShutdownTimeout: 1 }), VALUE_ERROR);
      await assert.rejects(start({ ssl: { cert: 'x', key: 'y' } }), { code: /^ERR_OSSL/ });
    }),
  );

  it(
    'of startTls(): the name is needed',
    inLoop(() =>
      withServer(echo, async (port) => {
        const [, writer] = await openConnection(LOCALHOST, port);
        await assert.rejects(writer.startTls(TRUST), VALUE_ERROR);
        await assert.rejects(writer.startTls(null as never), { code: 'ERR_INVALID_ARG_TYPE' });
        writer.close();
      }),
    ),
  );
});
