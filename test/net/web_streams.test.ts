/** fromWeb() and toWeb(): WHATWG streams as reader and writer, and the other way round. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { ReadableStream, TransformStream, WritableStream } from 'node:stream/web';
import { describe, it } from 'node:test';
import { createTask, Event, fromWeb, getRunningLoop, openConnection, sleep, toWeb } from 'aionode';
import {
  inLoop,
  LOCALHOST,
  MIB,
  patternBytes,
  roundsUntil,
  withNodePeer,
  withPair,
  withServer,
  writeInPieces,
} from '../support/net.js';

describe('fromWeb()', () => {
  it(
    "reads fetch's body",
    inLoop(async () => {
      const bytes = patternBytes(3 * MIB);
      const server = http.createServer((_request, response) => response.end(bytes));
      server.listen(0, LOCALHOST);
      await once(server, 'listening');
      const { port } = server.address() as { port: number };
      const response = await fetch(`http://${LOCALHOST}:${port}/`);
      const [reader, writer] = fromWeb({ readable: response.body as ReadableStream });
      assert.ok((await reader.readexactly(1000)).equals(bytes.subarray(0, 1000)));
      assert.ok((await reader.read()).equals(bytes.subarray(1000)));
      await writer.waitClosed();
      server.close();
      server.closeAllConnections();
    }),
  );

  it(
    'goes both ways through a pair, half-closes and ends',
    inLoop(async () => {
      const [reader, writer] = fromWeb(new TransformStream<Uint8Array, Uint8Array>());
      const bytes = patternBytes(MIB);
      const writing = createTask(async () => {
        await writeInPieces(writer, bytes, 10_000);
        writer.writeEof();
      });
      assert.ok((await reader.read()).equals(bytes));
      await writing;
      writer.close();
      await writer.waitClosed();
    }),
  );

  it(
    'asks for no more than fits',
    inLoop(async () => {
      let made = 0;
      const readable = new ReadableStream<Uint8Array>({
        pull(controller) {
          made += 10_000;
          controller.enqueue(new Uint8Array(10_000));
          if (made === 10 * MIB) controller.close();
        },
      });
      const [reader, writer] = fromWeb({ readable }, { limit: 1000 });
      await roundsUntil(() => reader.buffered > 2000, 'nothing comes');
      for (let round = 0; round < 20; round++) await sleep(0);
      assert.ok(made < MIB, `${made} bytes`);
      writer.abort();
      await writer.waitClosed();
    }),
  );

  it(
    'drain() waits for a slow sink',
    inLoop(async () => {
      let finish: (() => void) | undefined;
      let received = 0;
      const writable = new WritableStream<Uint8Array>({
        write(chunk) {
          received += chunk.length;
          return new Promise((resolve) => (finish = resolve));
        },
      });
      const [reader, writer] = fromWeb({ writable });
      assert.equal((await reader.read()).length, 0);
      writer.write(Buffer.alloc(MIB));
      const draining = createTask(() => writer.drain());
      await roundsUntil(() => finish !== undefined, 'not written');
      assert.equal(draining.done(), false);
      finish?.();
      await draining;
      assert.equal(received, MIB);
      writer.close();
      await writer.waitClosed();
    }),
  );

  it(
    "carries the source's error",
    inLoop(async () => {
      const broken = new Error('broken');
      const readable = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.error(broken);
        },
      });
      const [reader, writer] = fromWeb({ readable });
      await assert.rejects(reader.read(), broken);
      await assert.rejects(writer.waitClosed(), broken);
    }),
  );

  it(
    'abort() cancels the one and aborts the other',
    inLoop(async () => {
      const ends: string[] = [];
      const readable = new ReadableStream<Uint8Array>({ cancel: () => void ends.push('cancel') });
      const writable = new WritableStream<Uint8Array>({ abort: () => void ends.push('abort') });
      const [, writer] = fromWeb({ readable, writable });
      writer.abort();
      await writer.waitClosed();
      await roundsUntil(() => ends.length === 2, `${ends}`);
      assert.deepEqual(ends.sort(), ['abort', 'cancel']);
    }),
  );

  it(
    'refuses what is no pair, and streams that are locked',
    inLoop(async () => {
      assert.throws(() => fromWeb(null as never), { code: 'ERR_INVALID_ARG_TYPE' });
      assert.throws(() => fromWeb({}), { code: 'ERR_INVALID_ARG_TYPE' });
      assert.throws(() => fromWeb({ readable: 1 as never }), { code: 'ERR_INVALID_ARG_TYPE' });
      const readable = new ReadableStream<Uint8Array>();
      readable.getReader();
      assert.throws(() => fromWeb({ readable }), { code: 'ERR_INVALID_STATE' });
    }),
  );
});

describe('toWeb()', () => {
  it(
    'carries bytes both ways and closes when both halves ended',
    inLoop(() =>
      withPair(async (client, peer) => {
        const { readable, writable } = toWeb(client.reader, client.writer);
        const echo = toWeb(peer.reader, peer.writer);
        const echoing = echo.readable.pipeTo(echo.writable);
        const bytes = patternBytes(4 * MIB);
        const writing = (async () => {
          const sink = writable.getWriter();
          for (let at = 0; at < bytes.length; at += 100_000) {
            await sink.write(bytes.subarray(at, at + 100_000));
          }
          await sink.close();
        })();
        const parts: Uint8Array[] = [];
        for await (const part of readable) parts.push(part);
        assert.ok(Buffer.concat(parts).equals(bytes));
        await Promise.all([writing, echoing]);
        await client.writer.waitClosed();
        await peer.writer.waitClosed();
      }),
    ),
  );

  it(
    'reads into a buffer that is brought',
    inLoop(() =>
      withPair(async (client, peer) => {
        const { readable } = toWeb(client.reader, client.writer);
        const reader = readable.getReader({ mode: 'byob' });
        peer.writer.write('abcdef');
        await roundsUntil(() => client.reader.buffered === 6, 'bytes are missing');
        const first = await reader.read(new Uint8Array(4));
        assert.equal(Buffer.from(first.value as Uint8Array).toString(), 'abcd');
        const second = await reader.read(new Uint8Array(4));
        assert.equal(Buffer.from(second.value as Uint8Array).toString(), 'ef');
        peer.writer.close();
        assert.equal((await reader.read(new Uint8Array(4))).done, true);
      }),
    ),
  );

  it(
    'takes nothing before it is read',
    inLoop(() =>
      withPair(async (client, peer) => {
        const { readable } = toWeb(client.reader, client.writer);
        peer.writer.write('abc');
        await roundsUntil(() => client.reader.buffered === 3, 'bytes are missing');
        await sleep(0);
        assert.equal(client.reader.buffered, 3);
        await readable.cancel();
        await client.writer.waitClosed();
      }),
    ),
  );

  it(
    'a reset fails both halves',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        const { readable, writable } = toWeb(ours.reader, ours.writer);
        const reading = readable.getReader().read();
        peer.resetAndDestroy();
        await assert.rejects(reading, { code: 'ECONNRESET' });
        await assert.rejects(writable.getWriter().write(Buffer.from('x')), { code: 'ECONNRESET' });
      }),
    ),
  );

  it(
    'abort of the writable half closes the connection',
    inLoop(() =>
      withPair(async (client, peer) => {
        const { writable } = toWeb(client.reader, client.writer);
        await writable.abort();
        assert.equal((await peer.reader.read()).length, 0);
        await client.writer.waitClosed();
      }),
    ),
  );

  it(
    'chunks that are no bytes are refused',
    inLoop(() =>
      withPair(async (client) => {
        const { writable } = toWeb(client.reader, client.writer);
        await assert.rejects(writable.getWriter().write(5 as never), {
          code: 'ERR_INVALID_ARG_TYPE',
        });
      }),
    ),
  );

  it(
    'refuses what is no reader and writer',
    inLoop(() =>
      withPair(async (client) => {
        assert.throws(() => toWeb({} as never, client.writer), { code: 'ERR_INVALID_ARG_TYPE' });
        assert.throws(() => toWeb(client.reader, {} as never), { code: 'ERR_INVALID_ARG_TYPE' });
      }),
    ),
  );
});

describe('the ends of a connection behind fromWeb(toWeb())', () => {
  it(
    'close() and waitClosed() lose nothing that was written',
    inLoop(async () => {
      const COUNT = 32;
      const SIZE = 10_000;
      const go = new Event();
      const received = getRunningLoop().createFuture<number>();
      await withServer(
        async (reader, writer) => {
          await go.wait();
          received.setResult((await reader.read()).length);
          writer.close();
        },
        async (port) => {
          const [, writer] = fromWeb(toWeb(...(await openConnection(LOCALHOST, port))));
          for (let i = 0; i < COUNT; i++) writer.write(Buffer.alloc(SIZE));
          await sleep(0);
          writer.close();
          go.set();
          await writer.waitClosed();
          assert.equal(await received, COUNT * SIZE);
        },
      );
    }),
  );

  it(
    'a writable that fails with writes in line is an error of drain(), and nobody else’s',
    inLoop(async () => {
      let writes = 0;
      const [, writer] = fromWeb({
        writable: new WritableStream<Uint8Array>({
          async write() {
            await sleep(0);
            writes += 1;
            if (writes > 1) throw new Error('full');
          },
        }),
      });
      await assert.rejects(
        async () => {
          for (;;) {
            writer.writelines(Array.from({ length: 4 }, () => Buffer.alloc(30_000)));
            await writer.drain();
          }
        },
        { message: 'full' },
      );
    }),
  );

  it(
    'the writer goes on when the reader is at its end',
    inLoop(async () => {
      const written: string[] = [];
      const [reader, writer] = fromWeb({
        readable: new Response('request').body as ReadableStream<Uint8Array>,
        writable: new WritableStream<Uint8Array>({
          write: (chunk) => void written.push(Buffer.from(chunk).toString()),
        }),
      });
      assert.equal((await reader.read()).toString(), 'request');
      await sleep(0.001);
      writer.write('answer');
      await writer.drain();
      writer.close();
      await writer.waitClosed();
      assert.deepEqual(written, ['answer']);
    }),
  );
});
