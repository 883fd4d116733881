/** What libraries for net.Socket and tls.TLSSocket expect, of a Duplex that toDuplex() gives. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { describe, it } from 'node:test';
import { getRunningLoop, openConnection, run, sleep, startServer, toDuplex, toWeb } from 'aionode';
import { runModule } from '../lifecycle/child.js';
import {
  inLoop,
  LOCALHOST,
  MIB,
  portOf,
  roundsUntil,
  withNodePeer,
  withPair,
} from '../support/net.js';
import { withTlsPair } from '../support/tls.js';

/** More than the system buffers. */
const MUCH = 32 * MIB;

describe('a Duplex of toDuplex()', () => {
  it(
    'tells whether it is open, and how many bytes went through',
    inLoop(() =>
      withPair(async (client, peer) => {
        const duplex = toDuplex(client.reader, client.writer, { allowHalfOpen: true }) as never as {
          readyState: string;
          bytesRead: number;
          bytesWritten: number;
          localFamily: string;
        } & ReturnType<typeof toDuplex>;
        assert.equal(duplex.readyState, 'open');
        assert.equal(duplex.localFamily, 'IPv4');
        duplex.write('four');
        peer.writer.write('seventy');
        peer.writer.writeEof();
        duplex.resume();
        await once(duplex, 'end');
        assert.deepEqual([duplex.readyState, duplex.bytesRead], ['writeOnly', 7]);
        duplex.end();
        await finished(duplex);
        assert.deepEqual([duplex.readyState, duplex.bytesWritten], ['closed', 4]);
      }),
    ),
  );

  it(
    'destroySoon() sends what was written and does not wait for the peer',
    inLoop(() =>
      withPair(async (client, peer) => {
        const duplex = toDuplex(client.reader, client.writer) as never as {
          destroySoon(): void;
        } & ReturnType<typeof toDuplex>;
        duplex.write('the answer');
        duplex.destroySoon();
        await once(duplex, 'close');
        assert.equal(String(await peer.reader.read()), 'the answer');
      }),
    ),
  );

  it(
    'calls the callbacks of writes that wait when it is destroyed',
    inLoop(() =>
      withPair(async (client) => {
        const duplex = toDuplex(client.reader, client.writer);
        const errors: unknown[] = [];
        const note = (error: unknown) => errors.push((error as NodeJS.ErrnoException).code);
        duplex.write(Buffer.alloc(MUCH), note);
        duplex.write('later', note);
        await sleep(0);
        duplex.destroy();
        await roundsUntil(() => errors.length === 2, 'a callback was not called');
        assert.deepEqual(errors, ['ERR_STREAM_DESTROYED', 'ERR_STREAM_DESTROYED']);
      }),
    ),
  );

  it(
    'sees the end of the peer though nobody reads',
    inLoop(() =>
      withPair(async (client, peer) => {
        const duplex = toDuplex(client.reader, client.writer);
        const closed = once(duplex, 'close');
        peer.writer.close();
        await closed;
      }),
    ),
  );

  it(
    'emits its events in the context in which it was made',
    inLoop(() =>
      withPair(async (client, peer) => {
        const storage = new AsyncLocalStorage<string>();
        const stores: unknown[] = [];
        const duplex = storage.run('its own', () => toDuplex(client.reader, client.writer));
        for (const name of ['data', 'end', 'close']) {
          duplex.on(name, () => stores.push(storage.getStore()));
        }
        peer.writer.write('x');
        peer.writer.close();
        await once(duplex, 'close');
        assert.deepEqual(stores, ['its own', 'its own', 'its own']);
      }),
    ),
  );

  it(
    'is told of TLS by its own names',
    inLoop(() =>
      withTlsPair(async (client) => {
        const duplex = toDuplex(client.reader, client.writer) as never as {
          encrypted: boolean;
          authorized: boolean;
          getPeerCertificate(): { subject: object };
          getProtocol(): string;
          destroy(): void;
        };
        assert.deepEqual([duplex.encrypted, duplex.authorized], [true, true]);
        assert.ok(duplex.getPeerCertificate().subject);
        assert.match(duplex.getProtocol(), /^TLSv1/);
        duplex.destroy();
      }),
    ),
  );

  it('ends when its loop is closed, with an error for who listens to errors', async () => {
    const errors: Error[] = [];
    const [duplexes, { readable, writable }] = await run(async () => {
      const server = await startServer(() => {}, LOCALHOST, 0);
      const open = () => openConnection(LOCALHOST, portOf(server));
      const heard = toDuplex(...(await open())).on('error', (error) => errors.push(error));
      return [[heard, toDuplex(...(await open()))], toWeb(...(await open()))] as const;
    });
    // Events are emitted by ticks that were queued when the loop was closed.
    await new Promise(setImmediate);
    assert.deepEqual(
      duplexes.map(({ destroyed }) => destroyed),
      [true, true],
    );
    assert.match(String(errors), /event loop of this connection was closed/);
    assert.equal(errors.length, 1);
    await assert.rejects(readable.getReader().closed, /event loop of this connection was closed/);
    await assert.rejects(writable.getWriter().closed, /event loop of this connection was closed/);
  });

  it('leaves what a listener throws to the process', async () => {
    const { stdout } = await runModule(`
      import { openConnection, run, startServer, sleep, toDuplex } from 'aionode';
      process.on('uncaughtException', (error) => console.log('uncaught', error.message));
      await run(async () => {
        const server = await startServer(async (reader, writer) => {
          writer.write('one');
          await reader.readexactly(1);
          writer.write('two');
          writer.close();
        }, '127.0.0.1', 0);
        const duplex = toDuplex(...(await openConnection('127.0.0.1', server.sockets[0].port)));
        const ended = new Promise((resolve) => duplex.on('close', resolve));
        duplex.on('data', (data) => {
          console.log(String(data));
          if (String(data) === 'one') duplex.write('x');
          throw new Error('in a listener');
        });
        await ended;
        await server.shutdown(0);
      });`);
    assert.equal(stdout, 'one\nuncaught in a listener\ntwo\nuncaught in a listener\n');
  });
});

it(
  'web streams that nobody uses fail when the connection is reset',
  inLoop(() =>
    withNodePeer(async ({ reader, writer }, peer) => {
      const { readable, writable } = toWeb(reader, writer);
      const [reading, writing] = [readable.getReader(), writable.getWriter()];
      peer.resetAndDestroy();
      await assert.rejects(reading.closed, { code: 'ECONNRESET' });
      await assert.rejects(writing.closed, { code: 'ECONNRESET' });
      assert.equal(getRunningLoop().isRunning(), true);
    }),
  ),
);
