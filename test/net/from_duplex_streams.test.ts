/** Which streams fromDuplex() takes: one half only, sockets of Node; and which it refuses. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { type Duplex, PassThrough, Readable, Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { createTask, fromDuplex, newEventLoop, RuntimeError } from 'aionode';
import { MemoryDuplex } from '../support/memory-duplex.js';
import {
  connectNodeSocket,
  inLoop,
  LOCALHOST,
  MIB,
  patternBytes,
  startNodeServer,
  writeInPieces,
} from '../support/net.js';

describe('fromDuplex(): one half', () => {
  it(
    'of a readable: write() is refused, drain() and close() do no harm',
    inLoop(async () => {
      const [reader, writer] = fromDuplex(
        Readable.from([Buffer.from('ab')], { objectMode: false }),
      );
      assert.throws(() => writer.write('x'), RuntimeError);
      assert.equal(writer.canWriteEof(), false);
      await writer.drain();
      assert.equal((await reader.read()).toString(), 'ab');
      await writer.waitClosed();
    }),
  );

  it(
    'of a writable: the reader is at its end',
    inLoop(async () => {
      const parts: Buffer[] = [];
      const sink = new Writable({
        write(chunk, _encoding, done) {
          parts.push(chunk);
          done();
        },
      });
      const [reader, writer] = fromDuplex(sink);
      assert.equal((await reader.read()).length, 0);
      writer.write('ab');
      await writer.drain();
      writer.close();
      await writer.waitClosed();
      assert.equal(Buffer.concat(parts).toString(), 'ab');
    }),
  );
});

describe('fromDuplex(): what it refuses', () => {
  const refused: [string, () => unknown, object][] = [
    ['no stream', () => ({}), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }],
    ['null', () => null, { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }],
    [
      'a stream of objects',
      () => new PassThrough({ objectMode: true }),
      { code: 'ERR_INVALID_ARG_VALUE', message: /carries objects/ },
    ],
    [
      'a stream of strings',
      () => new PassThrough().setEncoding('utf8'),
      { code: 'ERR_INVALID_ARG_VALUE', message: /gives strings: setEncoding\('utf8'\)/ },
    ],
    [
      "a stream with a 'readable' listener",
      () => new PassThrough().on('readable', () => {}),
      { code: 'ERR_INVALID_ARG_VALUE', message: /'readable' listener/ },
    ],
  ];
  for (const [what, make, error] of refused) {
    it(
      what,
      inLoop(async () => {
        assert.throws(() => fromDuplex(make() as Duplex), error);
      }),
    );
  }

  it(
    'the same stream twice',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      const [, writer] = fromDuplex(duplex);
      assert.throws(() => fromDuplex(duplex), RuntimeError);
      writer.abort();
    }),
  );

  it(
    'strings that come later end the connection',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      const [reader, writer] = fromDuplex(duplex);
      duplex.setEncoding('utf8');
      duplex.push('text');
      await assert.rejects(reader.read(), { code: 'ERR_INVALID_ARG_TYPE' });
      await assert.rejects(writer.waitClosed(), { code: 'ERR_INVALID_ARG_TYPE' });
    }),
  );
});

describe('fromDuplex(): sockets of Node', () => {
  it(
    'echo through net, addresses included',
    inLoop(async () => {
      const server = await startNodeServer((socket) => socket.pipe(socket));
      const socket = await connectNodeSocket(server.port);
      const [reader, writer] = fromDuplex(socket);
      assert.deepEqual(writer.getExtraInfo('peername'), [LOCALHOST, server.port]);
      assert.deepEqual(writer.getExtraInfo('sockname'), [LOCALHOST, socket.localPort]);
      assert.equal(writer.getExtraInfo('socket'), socket);
      assert.equal(writer.getExtraInfo('cipher', 'none'), 'none');
      const bytes = patternBytes(4 * MIB);
      const writing = createTask(async () => {
        await writeInPieces(writer, bytes, 100_000);
        writer.writeEof();
      });
      assert.ok((await reader.read()).equals(bytes));
      await writing;
      writer.close();
      await writer.waitClosed();
      await server.stop();
    }),
  );

  it(
    'a reset is ECONNRESET',
    inLoop(async () => {
      const server = await startNodeServer((socket) => {
        socket.once('data', () => socket.resetAndDestroy());
      });
      const [reader, writer] = fromDuplex(await connectNodeSocket(server.port));
      writer.write('now');
      await assert.rejects(reader.read(), { code: 'ECONNRESET', syscall: 'read' });
      await assert.rejects(writer.waitClosed(), { code: 'ECONNRESET' });
      await server.stop();
    }),
  );

  it(
    "an http 'upgrade' socket on both sides",
    inLoop(async () => {
      const server = http.createServer();
      server.on('upgrade', (_request, socket, head) => {
        socket.unshift(head);
        socket.write('HTTP/1.1 101 Go on\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
        createTask(async () => {
          const [reader, writer] = fromDuplex(socket);
          for await (const line of reader) writer.write(line);
          writer.close();
        });
      });
      server.listen(0, LOCALHOST);
      await once(server, 'listening');
      const { port } = server.address() as { port: number };
      const request = http.request({
        host: LOCALHOST,
        port,
        headers: { Connection: 'Upgrade', Upgrade: 'echo' },
      });
      request.end();
      const [, socket, head] = await once(request, 'upgrade');
      socket.unshift(head);
      const [reader, writer] = fromDuplex(socket);
      writer.write('hello\n');
      assert.equal((await reader.readline()).toString(), 'hello\n');
      writer.close();
      await writer.waitClosed();
      server.close();
      await once(server, 'close');
    }),
  );

  it('closing the loop destroys the stream', async () => {
    const loop = newEventLoop();
    const duplex = new MemoryDuplex();
    await loop.runUntilComplete(async () => {
      fromDuplex(duplex);
    });
    assert.equal(duplex.destroyed, false);
    loop.close();
    assert.equal(duplex.destroyed, true);
  });
});
