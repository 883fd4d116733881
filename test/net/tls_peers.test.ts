/** TLS with clients and servers of node:tls and openssl: ALPN, SNI, client certificates. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { createTask, openConnection } from 'aionode';
import { AUTHORITY, certificateFile, identity } from '../support/certificates.js';
import { inLoop, LOCALHOST, MIB, patternBytes, withServer, writeInPieces } from '../support/net.js';
import { CLIENT, connectNodeTls, echo, SERVER, startNodeTlsServer, TRUST } from '../support/tls.js';

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
      const writing = createTask(() => writeInPieces(writer, bytes, 70_000));
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
