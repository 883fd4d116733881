/** Peers that reset, say nothing, close one half, never read or send a byte at a time: protocols over all carriers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import {
  BaseProtocol,
  createTask,
  type Future,
  getRunningLoop,
  TimeoutError,
  type Transport,
  waitFor,
} from 'aionode';
import { CARRIERS, type Carrier, reset, withProtocols } from '../support/carriers.js';
import { inLoop, MIB, patternBytes, roundsUntil } from '../support/net.js';
import { settle } from '../support/recorders.js';
import { endOf } from '../support/tls.js';

const MUCH = 32 * MIB;
/** More than a socket of Node's reads by itself: the rest stays with the system, which makes it a reset over Unix. */
const NEVER_READ = 150_000;
/** Less than a message, so that it takes several. */
const TINY = 3;

/** Keeps what it is given; `until(n)` waits for n bytes. */
class Keeper extends BaseProtocol {
  readonly lost: Future<unknown> = getRunningLoop().createFuture<unknown>();
  transport!: Transport;
  received = Buffer.alloc(0);
  ended = false;
  paused = false;
  private waiting: { readonly length: number; readonly future: Future<void> } | undefined;

  override connectionMade(transport: Transport): void {
    this.transport = transport;
  }

  protected take(data: Buffer): void {
    this.received = Buffer.concat([this.received, data]);
    const { waiting } = this;
    if (waiting === undefined || this.received.length < waiting.length) return;
    if (!waiting.future.done()) waiting.future.setResult();
  }

  async until(length: number): Promise<void> {
    if (this.received.length >= length) return;
    const future = getRunningLoop().createFuture<void>();
    this.waiting = { length, future };
    await future;
  }

  eofReceived(): boolean {
    this.ended = true;
    return true;
  }

  override pauseWriting(): void {
    this.paused = true;
  }

  override resumeWriting(): void {
    this.paused = false;
  }

  override connectionLost(error: unknown): void {
    this.lost.setResult(error);
  }
}

class Whole extends Keeper {
  dataReceived(data: Buffer): void {
    this.take(data);
  }
}

class InPieces extends Keeper {
  readonly memory = Buffer.alloc(TINY);

  getBuffer(): Buffer {
    return this.memory;
  }

  bufferUpdated(length: number): void {
    this.take(this.memory.subarray(0, length));
  }
}

async function withPeer(
  carrier: Carrier,
  Kind: new () => Keeper,
  body: (protocol: Keeper, peer: Socket) => Promise<void>,
): Promise<void> {
  const made = getRunningLoop().createFuture<Keeper>();
  const factory = () => {
    const protocol = new Kind();
    made.setResult(protocol);
    return protocol;
  };
  await withProtocols(carrier, factory, async (place) => {
    const peer = await place.dial();
    const protocol = await made;
    await roundsUntil(() => protocol.transport !== undefined, 'no connection');
    await body(protocol, peer);
  });
}

for (const carrier of CARRIERS) {
  for (const Kind of [Whole, InPieces]) {
    describe(`a ${Kind === Whole ? 'Protocol' : 'BufferedProtocol'} over ${carrier}`, () => {
      const test = (name: string, body: (protocol: Keeper, peer: Socket) => Promise<void>) =>
        it(
          name,
          inLoop(() => withPeer(carrier, Kind, body)),
        );

      test('whose peer resets the connection is told so once, after what came before', async (protocol, peer) => {
        protocol.transport.write(Buffer.alloc(NEVER_READ));
        peer.write('before');
        await protocol.until(6);
        await settle();
        reset(peer);
        assert.equal(((await protocol.lost) as NodeJS.ErrnoException).code, 'ECONNRESET');
        assert.equal(String(protocol.received), 'before');
        assert.equal(protocol.ended, false);
        protocol.transport.write('lost');
        protocol.transport.close();
      });

      test('whose peer resets it in the same breath is told what came before, and of no end', async (protocol, peer) => {
        protocol.transport.write(Buffer.alloc(NEVER_READ));
        await settle();
        peer.write('before');
        reset(peer);
        assert.equal(((await protocol.lost) as NodeJS.ErrnoException).code, 'ECONNRESET');
        assert.equal(String(protocol.received), 'before');
        assert.equal(protocol.ended, false);
      });

      test('whose peer resets it in the middle of a large write drops the rest', async (protocol, peer) => {
        protocol.transport.write(Buffer.alloc(MUCH));
        reset(peer);
        const { code } = (await protocol.lost) as NodeJS.ErrnoException;
        assert.ok(code === 'ECONNRESET' || code === 'EPIPE', code);
        assert.equal(protocol.transport.getWriteBufferSize(), 0);
      });

      test('whose peer is silent waits, as long as the program wants', async (protocol, peer) => {
        await assert.rejects(async () => waitFor(protocol.until(1), 0.02), TimeoutError);
        const waiting = createTask(() => protocol.until(1));
        await settle();
        waiting.cancel();
        await assert.rejects(async () => waiting, { name: 'CancelledError' });
        assert.equal(protocol.transport.isClosing(), false);
        peer.write('at last');
        await protocol.until(7);
        assert.equal(String(protocol.received), 'at last');
        protocol.transport.abort();
        assert.equal(await protocol.lost, null);
        peer.resume();
        await endOf(peer);
      });

      test('whose peer sends a byte at a time gets each, in order', async (protocol, peer) => {
        const bytes = patternBytes(300);
        peer.setNoDelay(true);
        for (const byte of bytes) {
          peer.write(Buffer.of(byte));
          await new Promise((resolve) => setImmediate(resolve));
        }
        await protocol.until(bytes.length);
        assert.deepEqual(protocol.received, bytes);
      });

      test('whose peer never reads is paused, and abort() ends it', async (protocol, peer) => {
        protocol.transport.write(Buffer.alloc(MUCH));
        assert.equal(protocol.paused, true);
        await settle();
        assert.ok(protocol.transport.getWriteBufferSize() > 0);
        protocol.transport.abort();
        assert.equal(protocol.transport.getWriteBufferSize(), 0);
        assert.equal(await protocol.lost, null);
        peer.resume();
        await endOf(peer);
      });

      test('whose peer reads late has all sent by close()', async (protocol, peer) => {
        const bytes = patternBytes(MUCH / 4);
        protocol.transport.write(bytes);
        protocol.transport.close();
        await settle();
        assert.equal(protocol.lost.done(), false);
        const chunks: Buffer[] = [];
        for await (const chunk of peer) chunks.push(chunk as Buffer);
        assert.ok(Buffer.concat(chunks).equals(bytes));
        peer.destroy();
        assert.equal(await protocol.lost, null);
      });

      if (carrier === 'TLS') {
        test('whose peer ends is closed: there is no half', async (protocol, peer) => {
          peer.end('abc');
          assert.equal(await protocol.lost, null);
          assert.equal(String(protocol.received), 'abc');
        });
        return;
      }

      test('whose peer closes its half goes on writing', async (protocol, peer) => {
        const bytes = patternBytes(MIB);
        peer.end('abc');
        await roundsUntil(() => protocol.ended, 'the end is not told');
        assert.equal(String(protocol.received), 'abc');
        assert.equal(protocol.transport.isClosing(), false);
        protocol.transport.write(bytes);
        protocol.transport.close();
        const chunks: Buffer[] = [];
        for await (const chunk of peer) chunks.push(chunk as Buffer);
        assert.ok(Buffer.concat(chunks).equals(bytes));
        assert.equal(await protocol.lost, null);
      });

      test('that closes its own half goes on reading', async (protocol, peer) => {
        protocol.transport.write('abc');
        protocol.transport.writeEof();
        const first = once(peer, 'data');
        await endOf(peer);
        assert.equal(String((await first)[0]), 'abc');
        const bytes = patternBytes(10_000);
        peer.end(bytes);
        await protocol.until(bytes.length);
        await roundsUntil(() => protocol.ended, 'the end is not told');
        assert.deepEqual(protocol.received, bytes);
        protocol.transport.close();
        assert.equal(await protocol.lost, null);
      });
    });
  }
}
