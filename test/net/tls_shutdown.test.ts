/** close() over TLS waits for the peer's end, but not for ever. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { getRunningLoop, openConnection, Protocol, TimeoutError, type Transport } from 'aionode';
import { identity } from '../support/certificates.js';
import { addressOf, KINDS } from '../support/kinds.js';
import { inLoop, LOCALHOST, portOf, roundsUntil } from '../support/net.js';
import {
  CLIENT,
  connectNodeTls,
  endOf,
  SERVER,
  startNodeTlsServer,
  TRUST,
  withTlsPair,
} from '../support/tls.js';

/** In seconds; nothing depends on it but how long the tests take. */
const SHORT = { sslShutdownTimeout: 0.05 };

/** Runs `body` beside a server that reads nothing: what it was sent keeps it from seeing the end. */
async function besideSilence(body: (port: number) => Promise<void>): Promise<void> {
  const server = await startNodeTlsServer(identity('server'), () => {});
  try {
    await body(server.port);
  } finally {
    await server.stop();
  }
}

describe('a TLS peer that ends', () => {
  for (const [name, make] of Object.entries(KINDS)) {
    it(
      `${name}: is no error, though the socket is closed before the protocol is told`,
      inLoop(() =>
        besideSilence(async (port) => {
          const kind = make();
          const transport = await kind.connect([LOCALHOST, port], CLIENT);
          // As when the peer is gone: what the socket sends at its end fails.
          const socket = transport.getExtraInfo('ssl_object');
          socket.once('end', () => socket.destroy());
          setImmediate(() => socket.push(null));
          await roundsUntil(() => kind.calls.length > 1, 'nobody is told of the end');
          assert.deepEqual(kind.calls, ['made', 'lost']);
        }),
      ),
    );
  }
});

it(
  'what eofReceived() writes over TLS is sent before the end',
  inLoop(async () => {
    class Polite extends Protocol {
      private transport!: Transport;

      override connectionMade(transport: Transport): void {
        this.transport = transport;
      }

      override eofReceived(): void {
        this.transport.write('bye');
      }
    }
    const server = await getRunningLoop().createServer(() => new Polite(), LOCALHOST, 0, SERVER);
    const peer = await connectNodeTls(portOf(server), { servername: 'localhost' });
    const received: Buffer[] = [];
    peer.on('data', (chunk) => received.push(chunk));
    peer.allowHalfOpen = true;
    peer.end();
    await endOf(peer);
    assert.equal(String(Buffer.concat(received)), 'bye');
    await server.shutdown();
  }),
);

it(
  'setWriteBufferLimits() over TLS without an argument sets the marks that a new connection has',
  inLoop(() =>
    withTlsPair(async ({ writer: { transport } }) => {
      const marks = transport.getWriteBufferLimits();
      transport.setWriteBufferLimits({ high: 5 });
      transport.setWriteBufferLimits();
      assert.deepEqual(transport.getWriteBufferLimits(), marks);
    }),
  ),
);

describe('a TLS peer that does not end when it is asked to', () => {
  for (const [name, make] of Object.entries(KINDS)) {
    it(
      `${name}, the client: TimeoutError`,
      inLoop(() =>
        besideSilence(async (port) => {
          const kind = make();
          const transport = await kind.connect([LOCALHOST, port], { ...CLIENT, ...SHORT });
          transport.write('x');
          transport.close();
          await roundsUntil(() => kind.calls.length > 1, 'nobody is told of the end');
          assert.deepEqual(kind.calls, ['made', 'lost ERR_TIMEOUT']);
        }),
      ),
    );

    it(
      `${name}, the server: closeClients() does not wait, as in asyncio`,
      inLoop(async () => {
        const kind = make();
        const server = await kind.serve([LOCALHOST, 0], { ...SERVER, ...SHORT });
        const client = await connectNodeTls(addressOf(server)[1] as number, {
          servername: 'localhost',
        });
        client.on('error', () => {});
        client.write('x');
        await roundsUntil(() => client.readableLength > 0, 'it is not sent back');
        server.close();
        server.closeClients();
        await server.waitClosed();
        await roundsUntil(() => kind.calls.length > 1, 'nobody is told of the end');
        assert.deepEqual(kind.calls, ['made', 'lost']);
        client.destroy();
      }),
    );
  }

  it(
    'after startTls(): TimeoutError',
    inLoop(() =>
      besideSilence(async (port) => {
        const [, writer] = await openConnection(LOCALHOST, port);
        await writer.startTls(TRUST, { serverHostname: 'localhost', ...SHORT });
        writer.write('x');
        writer.close();
        await assert.rejects(writer.waitClosed(), TimeoutError);
      }),
    ),
  );
});
