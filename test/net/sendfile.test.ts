/** loop.sendfile(). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs, { closeSync, mkdirSync, openSync, stat, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  createTask,
  fromDuplex,
  gather,
  getRunningLoop,
  newEventLoop,
  Protocol,
  SendfileNotAvailableError,
  type SendfileOptions,
  sleep,
  type Transport,
} from 'aionode';
import { MemoryDuplex } from '../support/memory-duplex.js';
import {
  inLoop,
  MIB,
  patternBytes,
  roundsUntil,
  systemError,
  withNodePeer,
  withPair,
} from '../support/net.js';
import { descriptorCount, inFolder, makePipe, NO_PIPES } from '../support/pipes.js';
import { withTlsPair } from '../support/tls.js';

/** Above what the system buffers for one connection. */
const LARGE = 24 * MIB;

/** A test with a file of `length` bytes; nothing may be left open. */
function withFile(
  length: number,
  body: (file: string, bytes: Buffer) => Promise<void>,
): () => Promise<void> {
  return inLoop(() =>
    inFolder(async (folder) => {
      const before = descriptorCount();
      const bytes = patternBytes(length);
      const file = path.join(folder, 'file');
      writeFileSync(file, bytes);
      await body(file, bytes);
      await roundsUntil(() => descriptorCount() === before, 'descriptors are left');
    }),
  );
}

/** What the peer gets when `options` go with sendfile(), between two writes. */
async function transfer(
  file: string | Buffer | URL | number,
  options?: SendfileOptions,
): Promise<{ sent: number; received: Buffer }> {
  return withPair(async (client, peer) => {
    const receiving = createTask(() => peer.reader.read());
    client.writer.write('before');
    const sending = getRunningLoop().sendfile(client.writer.transport, file, options);
    client.writer.write('after');
    client.writer.close();
    const sent = await sending;
    return { sent, received: await receiving };
  });
}

const framed = (bytes: Buffer) =>
  Buffer.concat([Buffer.from('before'), bytes, Buffer.from('after')]);

it(
  'a cancel between the opening of the file and the next step closes it, once',
  { skip: process.platform !== 'linux' },
  inLoop(() =>
    withPair(async ({ writer }) => {
      const before = descriptorCount();
      const { close } = fs;
      // Whoever has opened a file meanwhile may have got the number of one that is closed twice.
      const closed: (string | undefined)[] = [];
      fs.close = ((fd: number) => close(fd, (error) => closed.push(error?.code))) as typeof close;
      syncBuiltinESMExports();
      for (let i = 0; i < 20; i++) {
        const cancel = () => stat('/', () => sending.cancel());
        const sending = createTask(() => {
          // The cancel comes before the file is open, or after; both before the task's next step.
          if (i % 2 === 0) cancel();
          const sent = getRunningLoop().sendfile(
            writer.transport as Transport,
            import.meta.filename,
          );
          if (i % 2 === 1) cancel();
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
          return sent;
        });
        await gather(sending, { returnExceptions: true });
      }
      await roundsUntil(
        () => closed.length >= 20 && descriptorCount() === before,
        'a file is open',
      );
      fs.close = close;
      syncBuiltinESMExports();
      assert.deepEqual(closed, Array(20).fill(undefined));
    }),
  ),
);

describe('sendfile', () => {
  it(
    'sends a file in its place among the writes, and close() waits for it',
    withFile(3 * MIB + 1, async (file, bytes) => {
      const { sent, received } = await transfer(file);
      assert.equal(sent, bytes.length);
      assert.ok(received.equals(framed(bytes)));
    }),
  );

  it(
    'takes a path of any kind, or a descriptor that stays the caller’s',
    withFile(100, async (file, bytes) => {
      for (const one of [Buffer.from(file), pathToFileURL(file)]) {
        assert.ok((await transfer(one)).received.equals(framed(bytes)));
      }
      const fd = openSync(file, 'r');
      for (let i = 0; i < 2; i++) {
        // The position of the descriptor is left alone: twice is twice the same.
        assert.ok((await transfer(fd)).received.equals(framed(bytes)));
      }
      closeSync(fd);
    }),
  );

  it(
    'sends a part of the file',
    withFile(1000, async (file, bytes) => {
      const cases: [SendfileOptions, Buffer][] = [
        [{ offset: 10 }, bytes.subarray(10)],
        [{ count: 10 }, bytes.subarray(0, 10)],
        [{ offset: 990, count: 100 }, bytes.subarray(990)],
        [{ offset: 5000 }, bytes.subarray(1000)],
        [{ count: 0 }, bytes.subarray(1000)],
      ];
      for (const [options, expected] of cases) {
        const { sent, received } = await transfer(file, options);
        assert.equal(sent, expected.length);
        assert.ok(received.equals(framed(expected)));
      }
    }),
  );

  it(
    'sends an empty file',
    withFile(0, async (file) => {
      assert.deepEqual(await transfer(file), { sent: 0, received: framed(Buffer.alloc(0)) });
    }),
  );

  it(
    'waits for a peer that reads late',
    withFile(LARGE, async (file, bytes) => {
      await withPair(async (client, peer) => {
        const { transport } = client.writer;
        const sending = createTask(() => getRunningLoop().sendfile(transport, file));
        await sleep(0);
        client.writer.write('after');
        for (let i = 0; i < 100; i++) await sleep(0);
        assert.equal(sending.done(), false);
        assert.ok(transport.getWriteBufferSize() >= 5);
        const received = await peer.reader.readexactly(bytes.length + 5);
        assert.ok(received.subarray(0, bytes.length).equals(bytes));
        assert.equal(received.subarray(bytes.length).toString(), 'after');
        assert.equal(await sending, bytes.length);
      });
    }),
  );

  it(
    'follows what is still queued, and half-closing follows it',
    withFile(MIB, async (file, bytes) => {
      await withPair(async (client, peer) => {
        const first = patternBytes(LARGE, 7);
        client.writer.write(first);
        const sending = createTask(() => getRunningLoop().sendfile(client.writer.transport, file));
        await sleep(0);
        client.writer.writeEof();
        const received = await peer.reader.read();
        assert.equal(received.length, LARGE + MIB);
        assert.ok(received.subarray(0, LARGE).equals(first));
        assert.ok(received.subarray(LARGE).equals(bytes));
        assert.equal(await sending, MIB);
      });
    }),
  );

  it(
    'holds drain() back when much is written meanwhile',
    withFile(LARGE, async (file) => {
      await withPair(async (client, peer) => {
        const sending = createTask(() => getRunningLoop().sendfile(client.writer.transport, file));
        await sleep(0);
        client.writer.write(Buffer.alloc(MIB));
        const drained = createTask(() => client.writer.drain());
        for (let i = 0; i < 100; i++) await sleep(0);
        assert.equal(drained.done(), false);
        await peer.reader.readexactly(LARGE + MIB);
        await drained;
        await sending;
      });
    }),
  );

  it(
    'rejects when the peer resets the connection',
    withFile(LARGE, async (file) => {
      await withNodePeer(async (ours, peer) => {
        const sending = createTask(() => getRunningLoop().sendfile(ours.writer.transport, file));
        await sleep(0);
        peer.resetAndDestroy();
        await assert.rejects(
          async () => sending,
          ({ code, syscall }: NodeJS.ErrnoException) =>
            (code === 'ECONNRESET' || code === 'EPIPE') && syscall === 'sendfile',
        );
      });
    }),
  );

  it(
    'rejects when the transport is aborted',
    withFile(LARGE, async (file) => {
      await withPair(async (client) => {
        const sending = createTask(() => getRunningLoop().sendfile(client.writer.transport, file));
        for (let i = 0; i < 10; i++) await sleep(0);
        client.writer.abort();
        await assert.rejects(async () => sending, systemError('ECONNRESET', 'sendfile'));
      });
    }),
  );

  it(
    'stops when it is cancelled, and lets the writes after it go',
    withFile(LARGE, async (file, bytes) => {
      await withPair(async (client, peer) => {
        const sending = createTask(() => getRunningLoop().sendfile(client.writer.transport, file));
        for (let i = 0; i < 10; i++) await sleep(0);
        sending.cancel();
        await assert.rejects(async () => sending, { code: 'ERR_CANCELLED' });
        client.writer.write('after');
        client.writer.close();
        const received = await peer.reader.read();
        const part = received.subarray(0, -5);
        assert.ok(part.length < bytes.length);
        assert.ok(part.equals(bytes.subarray(0, part.length)));
        assert.equal(received.subarray(-5).toString(), 'after');
      });
    }),
  );

  it(
    'is one at a time on a transport',
    withFile(LARGE, async (file) => {
      await withPair(async (client, peer) => {
        const { transport } = client.writer;
        const loop = getRunningLoop();
        const sending = createTask(() => loop.sendfile(transport, file));
        await sleep(0);
        await assert.rejects(loop.sendfile(transport, file), { code: 'ERR_RUNTIME' });
        await peer.reader.readexactly(LARGE);
        assert.equal(await sending, LARGE);
        const again = createTask(() => loop.sendfile(transport, file, { count: 3 }));
        await peer.reader.readexactly(3);
        assert.equal(await again, 3);
      });
    }),
  );

  it(
    'refuses what it cannot send',
    withFile(10, async (file) => {
      await withPair(async (client, peer) => {
        const loop = getRunningLoop();
        const { transport } = client.writer;
        const folder = path.join(path.dirname(file), 'folder');
        mkdirSync(folder);
        const cases: [() => Promise<unknown>, object][] = [
          [() => loop.sendfile(transport, `${file}.not`), systemError('ENOENT', 'open')],
          [() => loop.sendfile(transport, folder), systemError('EISDIR', 'read')],
          [() => loop.sendfile(transport, 1 << 20), systemError('EBADF', 'fstat')],
          [() => loop.sendfile(transport, -1), { code: 'ERR_OUT_OF_RANGE' }],
          [() => loop.sendfile(transport, {} as never), { code: 'ERR_INVALID_ARG_TYPE' }],
          [() => loop.sendfile(null as never, file), { code: 'ERR_INVALID_ARG_TYPE' }],
          [() => loop.sendfile(transport, file, { offset: -1 }), { code: 'ERR_OUT_OF_RANGE' }],
          [() => loop.sendfile(transport, file, { count: 0.5 }), { code: 'ERR_OUT_OF_RANGE' }],
          [() => loop.sendfile(transport, file, 5 as never), { code: 'ERR_INVALID_ARG_TYPE' }],
        ];
        for (const [call, expected] of cases) await assert.rejects(call, expected);
        const fd = openSync(file, 'a');
        await assert.rejects(loop.sendfile(transport, fd), systemError('EBADF', 'read'));
        closeSync(fd);
        // None of that has harmed the transport.
        client.writer.write('x');
        assert.equal((await peer.reader.readexactly(1)).toString(), 'x');
        client.writer.close();
        await assert.rejects(loop.sendfile(transport, file), { code: 'ERR_RUNTIME' });
      });
      const closed = newEventLoop();
      closed.close();
      await assert.rejects(closed.sendfile({ write() {} } as never, file), { code: 'ERR_RUNTIME' });
    }),
  );

  it(
    'sends the contents of a pipe in chunks',
    { skip: NO_PIPES },
    withFile(10, async () => {
      const { readEnd, writeEnd } = await makePipe();
      const loop = getRunningLoop();
      const [writing] = await loop.connectWritePipe(() => new Protocol(), writeEnd);
      await withPair(async (client, peer) => {
        const { transport } = client.writer;
        await assert.rejects(
          loop.sendfile(transport, readEnd, { fallback: false }),
          SendfileNotAvailableError,
        );
        writing.write('from a pipe');
        writing.close();
        await roundsUntil(() => writing.isClosing(), 'the pipe is open');
        await sleep(0);
        assert.equal(await loop.sendfile(transport, readEnd), 11);
        assert.equal((await peer.reader.readexactly(11)).toString(), 'from a pipe');
      });
      closeSync(readEnd);
    }),
  );

  it(
    'reads and writes in chunks over a stream of Node’s',
    withFile(5 * MIB, async (file, bytes) => {
      const loop = getRunningLoop();
      const duplex = new PassThrough();
      const [reader, writer] = fromDuplex(duplex);
      await assert.rejects(
        loop.sendfile(writer.transport, file, { fallback: false }),
        SendfileNotAvailableError,
      );
      const protocol = writer.transport.getProtocol();
      const sending = createTask(() => loop.sendfile(writer.transport, file, { offset: 1 }));
      const received = await reader.readexactly(bytes.length - 1);
      assert.ok(received.equals(bytes.subarray(1)));
      assert.equal(await sending, bytes.length - 1);
      assert.equal(writer.transport.getProtocol(), protocol);
      writer.close();
      await writer.waitClosed();
    }),
  );

  it(
    'in chunks goes on when resumeWriting() throws, and ends when connectionLost() does',
    withFile(LARGE, async (file) => {
      const loop = getRunningLoop();
      const failures: unknown[] = [];
      loop.setExceptionHandler((_loop, { exception }) => failures.push(exception));
      const failure = new Error('thrown on purpose');
      await withTlsPair(async ({ writer: { transport } }, { reader }) => {
        const protocol = transport.getProtocol();
        for (const name of ['resumeWriting', 'connectionLost'] as const) {
          const original: (error: unknown) => void = protocol[name];
          const throwing = function (this: typeof protocol, error: unknown) {
            original.call(this, error);
            throw failure;
          };
          Object.assign(protocol, { [name]: throwing });
        }
        transport.setWriteBufferLimits({ high: 1000 });
        const sending = createTask(() => loop.sendfile(transport, file));
        await reader.readexactly(LARGE / 2);
        assert.ok(failures.length > 0);
        transport.abort();
        await assert.rejects(async () => sending, systemError('ECONNRESET', 'sendfile'));
        assert.deepEqual(new Set(failures), new Set([failure]));
      });
      loop.setExceptionHandler(null);
    }),
  );

  it(
    'in chunks ends with the transport',
    withFile(LARGE, async (file) => {
      const duplex = new MemoryDuplex();
      duplex.slow = true;
      const [, writer] = fromDuplex(duplex);
      const sending = createTask(() => getRunningLoop().sendfile(writer.transport, file));
      await once(duplex, 'written');
      const again = getRunningLoop().sendfile(writer.transport, file);
      await assert.rejects(again, { code: 'ERR_RUNTIME' });
      writer.abort();
      await assert.rejects(async () => sending, systemError('ECONNRESET', 'sendfile'));
    }),
  );
});
