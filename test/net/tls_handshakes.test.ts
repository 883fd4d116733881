/** Handshakes that fail: certificates that are refused, peers that hang or leave. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import type tls from 'node:tls';
import {
  createTask,
  openConnection,
  type ServerOptions,
  sleep,
  startServer,
  TimeoutError,
  timeout,
} from 'aionode';
import { identity } from '../support/certificates.js';
import {
  connectNodeSocket,
  handleCount,
  inLoop,
  LOCALHOST,
  portOf,
  roundsUntil,
  startNodeServer,
  withServer,
} from '../support/net.js';
import { CLIENT, echo, endOf, SERVER } from '../support/tls.js';

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
    'shutdown() ends clients that are in it',
    inLoop(async () => {
      const server = await startServer(echo, LOCALHOST, 0, SERVER);
      const socket = await connectNodeSocket(portOf(server));
      const gone = endOf(socket.resume());
      await roundsUntil(() => handleCount() > 1 || server.handlers.size > 0, 'not accepted');
      for (let round = 0; round < 20; round++) await sleep(0);
      await server.shutdown();
      socket.end();
      await gone;
    }),
  );
});
