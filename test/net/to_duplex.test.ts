/** toDuplex(): reader and writer as a stream of Node. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import { finished, pipeline } from 'node:stream/promises';
import { describe, it } from 'node:test';
import {
  createTask,
  fromDuplex,
  openConnection,
  RuntimeError,
  sleep,
  startServer,
  toDuplex,
} from 'aionode';
import {
  inLoop,
  LOCALHOST,
  MIB,
  patternBytes,
  portOf,
  roundsUntil,
  startNodeServer,
  withNodePeer,
  withPair,
} from '../support/net.js';

describe('toDuplex()', () => {
  it(
    'hands over what the reader had buffered, then what comes, then the end',
    inLoop(() =>
      withPair(async (client, peer) => {
        peer.writer.write('line\nrest');
        assert.equal((await client.reader.readline()).toString(), 'line\n');
        await roundsUntil(() => client.reader.buffered === 4, 'bytes are missing');
        const duplex = toDuplex(client.reader, client.writer);
        peer.writer.write(' and more');
        peer.writer.close();
        const parts: Buffer[] = [];
        for await (const part of duplex) parts.push(part);
        assert.equal(Buffer.concat(parts).toString(), 'rest and more');
      }),
    ),
  );

  it(
    'ends with the peer, as a net.Socket does, unless it may stay half-open',
    inLoop(async () => {
      await withPair(async (client, peer) => {
        const duplex = toDuplex(client.reader, client.writer).resume();
        peer.writer.writeEof();
        await finished(duplex);
        assert.equal((await peer.reader.read()).length, 0);
      });
      await withPair(async (client, peer) => {
        const duplex = toDuplex(client.reader, client.writer, { allowHalfOpen: true }).resume();
        peer.writer.writeEof();
        await once(duplex, 'end');
        duplex.end('an answer');
        assert.equal((await peer.reader.read()).toString(), 'an answer');
      });
    }),
  );

  it(
    'pipes both ways at once',
    inLoop(() =>
      withPair(async (client, peer) => {
        const echo = toDuplex(peer.reader, peer.writer);
        const echoing = pipeline(echo, echo);
        const duplex = toDuplex(client.reader, client.writer);
        const bytes = patternBytes(8 * MIB);
        const parts: Buffer[] = [];
        duplex.on('data', (part) => parts.push(part));
        duplex.end(bytes);
        await finished(duplex);
        assert.ok(Buffer.concat(parts).equals(bytes));
        await echoing;
      }),
    ),
  );

  it(
    'joins corked writes, of bytes and of strings in any encoding',
    inLoop(() =>
      withPair(async (client, peer) => {
        const duplex = toDuplex(client.reader, client.writer);
        duplex.cork();
        duplex.write('61', 'hex');
        duplex.write('é', 'latin1');
        duplex.write('é');
        duplex.write(Buffer.from('b'));
        duplex.uncork();
        duplex.write('63', 'hex');
        duplex.end();
        assert.equal((await peer.reader.read()).toString('hex'), '61e9c3a96263');
      }),
    ),
  );

  it(
    'holds the writer back while the peer does not read',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        peer.pause();
        const duplex = toDuplex(ours.reader, ours.writer);
        const bytes = patternBytes(32 * MIB);
        let done = false;
        assert.equal(
          duplex.write(bytes, () => (done = true)),
          false,
        );
        await sleep(0);
        assert.equal(done, false);
        const parts: Buffer[] = [];
        peer.on('data', (part) => parts.push(part));
        duplex.end();
        peer.resume();
        await Promise.all([once(peer, 'end'), once(duplex, 'finish')]);
        assert.ok(Buffer.concat(parts).equals(bytes));
        peer.end();
        duplex.resume();
        await once(duplex, 'close');
      }),
    ),
  );

  it(
    'holds the peer back while nobody reads',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        const duplex = toDuplex(ours.reader, ours.writer);
        const bytes = patternBytes(32 * MIB);
        peer.end(bytes);
        duplex.once('readable', () => {});
        const transport = ours.writer.transport as unknown as { isReading(): boolean };
        await roundsUntil(() => !transport.isReading(), 'reading is not paused');
        duplex.removeAllListeners('readable');
        let received = 0;
        for await (const part of duplex) {
          assert.ok(part.equals(bytes.subarray(received, received + part.length)));
          received += part.length;
        }
        assert.equal(received, bytes.length);
      }),
    ),
  );

  it(
    "destroys itself with the connection's error",
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        const duplex = toDuplex(ours.reader, ours.writer);
        duplex.resume();
        peer.resetAndDestroy();
        const [error] = await once(duplex, 'error');
        assert.equal(error.code, 'ECONNRESET');
        assert.equal(duplex.destroyed, true);
      }),
    ),
  );

  it(
    'a reset reaches it though nobody reads',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        const duplex = toDuplex(ours.reader, ours.writer);
        peer.resetAndDestroy();
        const [error] = await once(duplex, 'error');
        assert.equal(error.code, 'ECONNRESET');
      }),
    ),
  );

  it(
    'destroy() closes the connection, and writes after it fail',
    inLoop(() =>
      withPair(async (client, peer) => {
        const duplex = toDuplex(client.reader, client.writer);
        duplex.destroy();
        await once(duplex, 'close');
        assert.equal((await peer.reader.read()).length, 0);
        await client.writer.waitClosed();
      }),
    ),
  );

  it(
    'writing on a connection that others closed is EPIPE',
    inLoop(() =>
      withPair(async (client) => {
        const duplex = toDuplex(client.reader, client.writer);
        client.writer.abort();
        const error = await new Promise<NodeJS.ErrnoException>((resolve) => {
          duplex.on('error', resolve);
          duplex.write('x');
        });
        assert.equal(error.code, 'EPIPE');
      }),
    ),
  );

  it(
    'the end of one half leaves the other open',
    inLoop(() =>
      withPair(async (client, peer) => {
        const duplex = toDuplex(client.reader, client.writer);
        duplex.end('question');
        assert.equal((await peer.reader.read()).toString(), 'question');
        peer.writer.write('answer');
        peer.writer.close();
        const parts: Buffer[] = [];
        for await (const part of duplex) parts.push(part);
        assert.equal(Buffer.concat(parts).toString(), 'answer');
        await client.writer.waitClosed();
      }),
    ),
  );

  it(
    'there is one reader: a read that waits makes it fail',
    inLoop(() =>
      withPair(async (client) => {
        const reading = createTask(() => client.reader.read(1));
        await sleep(0);
        const duplex = toDuplex(client.reader, client.writer);
        duplex.resume();
        const [error] = await once(duplex, 'error');
        assert.ok(error instanceof RuntimeError);
        assert.equal((await reading).length, 0);
      }),
    ),
  );

  it(
    'takes a connection once',
    inLoop(() =>
      withPair(async (client) => {
        toDuplex(client.reader, client.writer);
        assert.throws(() => toDuplex(client.reader, client.writer), {
          message: /belongs to a Duplex already/,
        });
      }),
    ),
  );

  it(
    'has a little of net.Socket',
    inLoop(() =>
      withPair(async (client, peer) => {
        const duplex = toDuplex(client.reader, client.writer) as unknown as import('net').Socket;
        const [host, port] = client.writer.getExtraInfo('peername');
        assert.deepEqual([duplex.remoteAddress, duplex.remotePort], [host, port]);
        assert.equal(duplex.remoteFamily, 'IPv4');
        assert.deepEqual(duplex.address(), {
          address: LOCALHOST,
          family: 'IPv4',
          port: duplex.localPort,
        });
        assert.equal(duplex.connecting, false);
        const called: unknown[] = [];
        const socket = client.writer.getExtraInfo('socket');
        socket.setNoDelay = (on: boolean) => called.push('noDelay', on);
        socket.setKeepAlive = (on: boolean) => called.push('keepAlive', on);
        assert.equal(duplex.setNoDelay().setKeepAlive(true).unref().ref(), duplex);
        assert.deepEqual(called, ['noDelay', true, 'keepAlive', true]);
        duplex.setTimeout(5);
        await once(duplex, 'timeout');
        duplex.setTimeout(0);
        assert.throws(() => duplex.setTimeout('1' as never), { code: 'ERR_INVALID_ARG_TYPE' });
        duplex.destroy();
        peer.writer.abort();
      }),
    ),
  );

  it(
    'refuses what is no reader and writer',
    inLoop(() =>
      withPair(async (client) => {
        assert.throws(() => toDuplex({} as never, client.writer), { code: 'ERR_INVALID_ARG_TYPE' });
        assert.throws(() => toDuplex(client.reader, {} as never), { code: 'ERR_INVALID_ARG_TYPE' });
      }),
    ),
  );

  it(
    'http.request() over our connection, kept alive by an agent',
    inLoop(async () => {
      const server = http.createServer((request, response) => {
        request.pipe(response);
      });
      server.listen(0, LOCALHOST);
      await once(server, 'listening');
      const { port } = server.address() as { port: number };
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      let connections = 0;
      const streams = await openConnection(LOCALHOST, port);
      Object.assign(agent, {
        createConnection() {
          connections += 1;
          return toDuplex(...streams);
        },
      });
      for (const body of ['first', 'x'.repeat(MIB)]) {
        const request = http.request({ agent, method: 'POST' });
        request.end(body);
        const [response] = await once(request, 'response');
        let text = '';
        for await (const part of response.setEncoding('utf8')) text += part;
        assert.equal(text, body);
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.equal(connections, 1);
      agent.destroy();
      await streams[1].waitClosed();
      server.close();
      await once(server, 'close');
    }),
  );

  it(
    'an http.Server serves connections that we accepted',
    inLoop(async () => {
      const serve = http.createServer((_request, response) => response.end('served'));
      const server = await startServer(
        (reader, writer) => void serve.emit('connection', toDuplex(reader, writer)),
        LOCALHOST,
        0,
      );
      const response = await fetch(`http://${LOCALHOST}:${portOf(server)}/`, {
        headers: { connection: 'close' },
      });
      assert.equal(await response.text(), 'served');
      await server.shutdown();
    }),
  );

  it(
    'and back: fromDuplex(toDuplex())',
    inLoop(() =>
      withPair(async (client, peer) => {
        const [reader, writer] = fromDuplex(toDuplex(client.reader, client.writer));
        writer.write('there\n');
        peer.writer.write(await peer.reader.readline());
        assert.equal((await reader.readline()).toString(), 'there\n');
        writer.close();
        await writer.waitClosed();
        assert.equal((await peer.reader.read()).length, 0);
      }),
    ),
  );
});

describe('a proxy of Node and aionode', () => {
  it(
    'pipes a net socket through our connection',
    inLoop(async () => {
      const target = await startNodeServer((socket) => socket.pipe(socket));
      const front = await startNodeServer((socket) => {
        createTask(async () => {
          const upstream = toDuplex(...(await openConnection(LOCALHOST, target.port)));
          socket.pipe(upstream).pipe(socket);
        });
      });
      const client = connect({ port: front.port, host: LOCALHOST });
      const bytes = patternBytes(2 * MIB);
      client.end(bytes);
      const parts: Buffer[] = [];
      for await (const part of client) parts.push(part);
      assert.ok(Buffer.concat(parts).equals(bytes));
      await front.stop();
      await target.stop();
    }),
  );
});
