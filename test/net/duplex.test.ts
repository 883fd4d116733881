/** fromDuplex() and toDuplex(): streams of Node's as reader and writer, and the other way round. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { Duplex, PassThrough, Readable, Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import zlib from 'node:zlib';
import {
  createTask,
  fromDuplex,
  IncompleteReadError,
  newEventLoop,
  openConnection,
  RuntimeError,
  sleep,
  startServer,
  toDuplex,
} from 'aionode';
import { MemoryDuplex } from '../support/memory-duplex.js';
import {
  connectNodeSocket,
  inLoop,
  LOCALHOST,
  patternBytes,
  portOf,
  roundsUntil,
  startNodeServer,
  withNodePeer,
  withPair,
} from '../support/net.js';

const MIB = 1 << 20;

/** Until 'close'; events.once() would reject for an 'error' before. */
function closed(stream: Duplex): Promise<void> {
  return new Promise((resolve) => stream.once('close', resolve));
}

describe('fromDuplex(): reading', () => {
  it(
    'gives what the stream has buffered first',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      duplex.push('one\n');
      duplex.push('two\n');
      const [reader, writer] = fromDuplex(duplex);
      duplex.push('three\n');
      duplex.push(null);
      const lines: string[] = [];
      for await (const line of reader) lines.push(line.toString());
      assert.deepEqual(lines, ['one\n', 'two\n', 'three\n']);
      writer.close();
      await writer.waitClosed();
      assert.equal(duplex.destroyed, true);
    }),
  );

  it(
    'begins to flow though the stream was paused',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      duplex.pause();
      duplex.push('here');
      const [reader, writer] = fromDuplex(duplex);
      assert.equal((await reader.readexactly(4)).toString(), 'here');
      writer.abort();
    }),
  );

  it(
    'pauses the stream above twice the limit and resumes it at the limit',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      const [reader, writer] = fromDuplex(duplex, { limit: 1000 });
      duplex.push(Buffer.alloc(2001));
      await roundsUntil(() => reader.buffered === 2001, 'bytes are missing');
      assert.equal(duplex.isPaused(), true);
      await reader.readexactly(1000);
      assert.equal(duplex.isPaused(), true);
      await reader.readexactly(1);
      assert.equal(duplex.isPaused(), false);
      writer.abort();
    }),
  );

  it(
    'holds back a fast sender: memory stays bounded',
    inLoop(async () => {
      let made = 0;
      const source = new Readable({
        highWaterMark: 64 * 1024,
        read() {
          made += 16_384;
          this.push(made > 64 * MIB ? null : Buffer.alloc(16_384));
        },
      });
      const [reader] = fromDuplex(source);
      await roundsUntil(() => source.isPaused(), 'never paused');
      assert.ok(made < MIB, `${made} bytes were made before anybody read`);
      let received = 0;
      for await (const chunk of reader.chunks()) received += chunk.length;
      assert.equal(received, 64 * MIB);
    }),
  );

  it(
    'ends with IncompleteReadError when the stream ends early',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      const [reader, writer] = fromDuplex(duplex);
      duplex.push('abc');
      duplex.push(null);
      await assert.rejects(reader.readexactly(4), IncompleteReadError);
      writer.abort();
    }),
  );

  it(
    "ends with the stream's error, after the bytes that came before",
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      const [reader, writer] = fromDuplex(duplex);
      duplex.push('abc');
      await roundsUntil(() => reader.buffered === 3, 'bytes are missing');
      const broken = new Error('broken');
      duplex.destroy(broken);
      assert.equal((await reader.readexactly(3)).toString(), 'abc');
      await assert.rejects(reader.read(), broken);
      await assert.rejects(writer.waitClosed(), broken);
      writer.write('nobody reads this');
    }),
  );

  it(
    'ends with ERR_STREAM_PREMATURE_CLOSE when the stream is destroyed without a word',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      const [reader, writer] = fromDuplex(duplex);
      duplex.destroy();
      await assert.rejects(reader.read(), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
      await assert.rejects(writer.waitClosed(), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
    }),
  );

  it(
    'a stream that was destroyed before gives its error',
    inLoop(async () => {
      const broken = new Error('broken');
      const duplex = new MemoryDuplex();
      duplex.on('error', () => {});
      duplex.destroy(broken);
      await closed(duplex);
      const [reader, writer] = fromDuplex(duplex);
      await assert.rejects(reader.read(1), broken);
      await assert.rejects(writer.waitClosed(), broken);
    }),
  );

  it(
    'a cancelled read takes no byte',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      const [reader, writer] = fromDuplex(duplex);
      const reading = createTask(() => reader.readexactly(4));
      await sleep(0);
      duplex.push('ab');
      await roundsUntil(() => reader.buffered === 2, 'bytes are missing');
      reading.cancel();
      await assert.rejects(reading, { name: 'CancelledError' });
      duplex.push('cd');
      assert.equal((await reader.readexactly(4)).toString(), 'abcd');
      writer.abort();
    }),
  );

  it(
    'reads the output of a program',
    inLoop(async () => {
      const child = spawn(process.execPath, ['-e', "console.log('a\\nb')"], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [reader, writer] = fromDuplex(child.stdout);
      assert.equal((await reader.read()).toString(), 'a\nb\n');
      await writer.waitClosed();
    }),
  );

  it('reads process.stdin', async () => {
    const program = `
      import { fromDuplex, run } from 'aionode';
      await run(async () => {
        const [reader] = fromDuplex(process.stdin);
        for await (const line of reader) process.stdout.write('> ' + line);
      });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
      cwd: path.dirname(fileURLToPath(import.meta.url)),
    });
    child.stdin.write('first\n');
    child.stdin.end('second\n');
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    const [code] = await once(child, 'close');
    assert.deepEqual({ code, output }, { code: 0, output: '> first\n> second\n' });
  });
});

describe('fromDuplex(): writing', () => {
  it(
    'copies what it is given: the caller may use it again',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      duplex.slow = true;
      const [, writer] = fromDuplex(duplex);
      const data = Buffer.from('abc');
      writer.write(data);
      writer.write(data);
      data.fill('x');
      duplex.slow = false;
      duplex.finishWrite?.();
      await writer.drain();
      assert.equal(duplex.text, 'abcabc');
      writer.abort();
    }),
  );

  it(
    "drain() waits for the stream's 'drain'",
    inLoop(async () => {
      const duplex = new MemoryDuplex({ writableHighWaterMark: 10 });
      duplex.slow = true;
      const [, writer] = fromDuplex(duplex);
      writer.write('123');
      await writer.drain();
      writer.write('4567890');
      const draining = createTask(() => writer.drain());
      await sleep(0);
      await sleep(0);
      assert.equal(draining.done(), false);
      duplex.slow = false;
      duplex.finishWrite?.();
      await draining;
      assert.equal(duplex.writableLength, 0);
      writer.abort();
    }),
  );

  it(
    'own water marks below those of the stream count as well',
    inLoop(async () => {
      const duplex = new MemoryDuplex({ writableHighWaterMark: 1000 });
      duplex.slow = true;
      const [, writer] = fromDuplex(duplex);
      writer.transport.setWriteBufferLimits({ high: 0 });
      writer.write('123');
      assert.equal(writer.transport.getWriteBufferSize(), 3);
      const draining = createTask(() => writer.drain());
      await sleep(0);
      assert.equal(draining.done(), false);
      duplex.finishWrite?.();
      await draining;
      writer.abort();
    }),
  );

  it(
    'drain() rejects when the stream breaks',
    inLoop(async () => {
      const duplex = new MemoryDuplex({ writableHighWaterMark: 1 });
      duplex.slow = true;
      const [, writer] = fromDuplex(duplex);
      writer.write('123');
      const draining = createTask(() => writer.drain());
      await sleep(0);
      duplex.finishWrite?.(new Error('disk full'));
      await assert.rejects(draining, { message: 'disk full' });
      await assert.rejects(writer.waitClosed(), { message: 'disk full' });
    }),
  );

  it(
    'close() sends everything first',
    inLoop(async () => {
      const duplex = new MemoryDuplex({ writableHighWaterMark: 1 });
      duplex.slow = true;
      const [, writer] = fromDuplex(duplex);
      for (const letter of 'abc') writer.write(letter);
      writer.close();
      const closed = createTask(() => writer.waitClosed());
      await sleep(0);
      assert.equal(closed.done(), false);
      duplex.slow = false;
      duplex.finishWrite?.();
      await closed;
      assert.equal(duplex.text, 'abc');
      assert.equal(duplex.destroyed, true);
    }),
  );

  it(
    'close() does not hang on what the stream still gives',
    inLoop(async () => {
      const gunzip = zlib.createGunzip();
      const [, writer] = fromDuplex(gunzip, { limit: 100 });
      writer.write(zlib.gzipSync(Buffer.alloc(4 * MIB)));
      await sleep(0);
      writer.close();
      await writer.waitClosed();
    }),
  );

  it(
    'abort() drops what was not sent',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      duplex.slow = true;
      const [reader, writer] = fromDuplex(duplex);
      writer.write('a');
      writer.write('b');
      writer.abort();
      await writer.waitClosed();
      assert.equal(duplex.text, 'a');
      assert.equal(duplex.destroyed, true);
      assert.equal((await reader.read()).length, 0);
    }),
  );

  it(
    'writeEof() ends one half only',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      const [reader, writer] = fromDuplex(duplex);
      writer.write('bye');
      writer.writeEof();
      assert.throws(() => writer.write('more'), RuntimeError);
      await once(duplex, 'finish');
      duplex.push('and you');
      assert.equal((await reader.readexactly(7)).toString(), 'and you');
      duplex.push(null);
      assert.equal((await reader.read()).length, 0);
      await writer.waitClosed();
    }),
  );

  it(
    'a stream without allowHalfOpen is closed at EOF',
    inLoop(async () => {
      const duplex = new MemoryDuplex({ allowHalfOpen: false });
      const [reader, writer] = fromDuplex(duplex);
      duplex.push('last');
      duplex.push(null);
      assert.equal((await reader.read()).toString(), 'last');
      await writer.waitClosed();
    }),
  );

  it(
    'errors after the end are nobody else’s',
    inLoop(async () => {
      const duplex = new Duplex({
        read() {},
        write(_chunk, _encoding, done) {
          done();
        },
        destroy(_error, done) {
          setImmediate(done, new Error('late'));
        },
      });
      const [, writer] = fromDuplex(duplex);
      writer.abort();
      await writer.waitClosed();
      await closed(duplex);
    }),
  );
});

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
        for (let at = 0; at < bytes.length; at += 100_000) {
          writer.write(bytes.subarray(at, at + 100_000));
          await writer.drain();
        }
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
        assert.equal(duplex.setNoDelay().setKeepAlive(true).unref().ref(), duplex);
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
