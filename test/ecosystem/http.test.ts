/** node:http over aionode's connections, both ways. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { fromDuplex, gather, run, startServer, toDuplex } from 'aionode';
import { connectedSocket } from './sockets.js';

/** An http server that echoes, for the time of the body. */
async function withServer(body: (port: number) => Promise<void>): Promise<void> {
  const server = createServer((incoming, outgoing) => {
    outgoing.writeHead(200, { 'x-path': incoming.url });
    incoming.pipe(outgoing);
  });
  server.on('upgrade', (_, socket: Duplex) => {
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n',
    );
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await run(() => body((server.address() as { port: number }).port));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function post(port: number, path: string, body: Buffer | string): Promise<Buffer> {
  const socket = await connectedSocket({ port });
  const outgoing = request({ path, method: 'POST', createConnection: () => socket });
  outgoing.end(body);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  assert.equal(incoming.statusCode, 200);
  assert.equal(incoming.headers['x-path'], path);
  return buffer(incoming);
}

describe('node:http over connections of aionode', () => {
  it('requests', () =>
    withServer(async (port) => {
      assert.equal(String(await post(port, '/small', 'hello')), 'hello');
      const large = Buffer.alloc(5_000_000, 'the quick brown fox ');
      assert.deepEqual(await post(port, '/large', large), large);
    }));

  it('many at a time', () =>
    withServer(async (port) => {
      const bodies = Array.from({ length: 50 }, (_, i) => `body ${i}`);
      const answers = await gather(...bodies.map((body) => () => post(port, '/', body)));
      assert.deepEqual(answers.map(String), bodies);
    }));

  it('keeps a connection alive in an agent', () =>
    withServer(async (port) => {
      let connections = 0;
      class OurAgent extends Agent {
        override createConnection(
          _options: unknown,
          callback?: (error: Error | null, stream: Duplex) => void,
        ): undefined {
          connections += 1;
          connectedSocket({ port }).then((socket) => callback?.(null, socket));
        }
      }
      const agent = new OurAgent({ keepAlive: true, maxSockets: 1 });
      for (const path of ['/1', '/2', '/3']) {
        const outgoing = request({ path, agent, host: '127.0.0.1', port });
        outgoing.end();
        const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
        assert.equal(incoming.headers['x-path'], path);
        await buffer(incoming);
      }
      agent.destroy();
      assert.equal(connections, 1);
    }));

  it("an 'upgrade' socket becomes a reader and a writer", () =>
    withServer(async (port) => {
      const outgoing = request({
        port,
        host: '127.0.0.1',
        headers: { connection: 'upgrade', upgrade: 'echo' },
      });
      outgoing.end();
      const [, socket, head] = (await once(outgoing, 'upgrade')) as [unknown, Duplex, Buffer];
      socket.unshift(head);
      const [reader, writer] = fromDuplex(socket);
      writer.write('one\ntwo\n');
      assert.equal(String(await reader.readline()), 'one\n');
      assert.equal(String(await reader.readline()), 'two\n');
      writer.close();
      await writer.waitClosed();
    }));
});

describe('a server of aionode under node:http', () => {
  it('serves what startServer() accepted', () =>
    run(async () => {
      const http = createServer((incoming, outgoing) => incoming.pipe(outgoing));
      const server = await startServer(
        (reader, writer) => {
          http.emit('connection', toDuplex(reader, writer));
        },
        '127.0.0.1',
        0,
      );
      const port = server.sockets[0]?.port as number;
      const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'hello' });
      assert.equal(await answer.text(), 'hello');
      http.closeAllConnections();
      await server.shutdown(0);
    }));
});
