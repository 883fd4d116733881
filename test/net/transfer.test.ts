/** Much data: nothing lost, nothing changed, nothing kept. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { freemem } from 'node:os';
import { describe, it } from 'node:test';
import { gather, type StreamReader, type StreamWriter } from 'aionode';
import { inLoop, MIB, type Pair, patternBytes, withPair } from '../support/net.js';

/** Small numbers more often than large ones, from a seed. */
function sizes(seed: number, largest: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const bits = 1 + ((state >>> 8) % Math.log2(largest));
    return 1 + ((state >>> 4) & ((1 << bits) - 1));
  };
}

async function send(writer: StreamWriter, bytes: Buffer, size: () => number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(at + size(), bytes.length);
    writer.write(bytes.subarray(at, end));
    at = end;
    if (at % 3 === 0) await writer.drain();
  }
  writer.writeEof();
}

async function receive(reader: StreamReader, size: () => number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (;;) {
    const part = await reader.read(size());
    if (part.length === 0) return Buffer.concat(parts);
    parts.push(part);
  }
}

describe('data of random sizes, both ways at once', () => {
  for (const largest of [64, 16 * 1024, 512 * 1024]) {
    it(
      `chunks up to ${largest} bytes arrive as they were sent`,
      inLoop(() =>
        withPair(async (client, peer) => {
          const length = largest * 30;
          const there = patternBytes(length, 1);
          const back = patternBytes(length + 1, 2);
          const [, , arrived, returned] = await gather(
            () => send(client.writer, there, sizes(3, largest)),
            () => send(peer.writer, back, sizes(5, largest)),
            () => receive(peer.reader, sizes(7, largest)),
            () => receive(client.reader, sizes(11, largest)),
          );
          assert.ok(there.equals(arrived));
          assert.ok(back.equals(returned));
        }),
      ),
    );
  }

  it(
    'what was read stays as it was while more arrives',
    inLoop(() =>
      withPair(async (client, peer) => {
        const bytes = patternBytes(8 * MIB);
        const kept: Buffer[] = [];
        const hashes: string[] = [];
        const hash = (part: Buffer) => createHash('sha1').update(part).digest('hex');
        await gather(
          () => send(client.writer, bytes, sizes(3, 128 * 1024)),
          async () => {
            for await (const part of peer.reader.chunks(100_000)) {
              kept.push(part);
              hashes.push(hash(part));
            }
          },
        );
        assert.deepEqual(kept.map(hash), hashes);
        assert.ok(Buffer.concat(kept).equals(bytes));
      }),
    ),
  );
});

describe('a long transfer', { timeout: 120_000 }, () => {
  const TOTAL = 256 * MIB;
  /** What sender, system and receiver may hold: chunks, water marks, buffers lent for reading. */
  const ALLOWED = 32 * MIB;

  async function transfer(client: Pair, peer: Pair): Promise<void> {
    const chunk = patternBytes(MIB);
    const sent = createHash('sha1');
    const received = createHash('sha1');
    let largest = 0;
    let total = 0;
    const { gc } = globalThis as { gc?: () => void };
    gc?.();
    const before = process.memoryUsage().arrayBuffers;
    await gather(
      async () => {
        for (let at = 0; at < TOTAL; at += chunk.length) {
          client.writer.write(chunk);
          sent.update(chunk);
          await client.writer.drain();
        }
        client.writer.writeEof();
      },
      async () => {
        for await (const part of peer.reader.chunks(256 * 1024)) {
          received.update(part);
          total += part.length;
          if (total >= (largest + 1) * 16 * MIB) {
            largest += 1;
            gc?.();
            const { arrayBuffers } = process.memoryUsage();
            assert.ok(arrayBuffers - before < ALLOWED, `${(arrayBuffers - before) / MIB} MiB held`);
          }
        }
      },
    );
    assert.equal(total, TOTAL);
    assert.equal(received.digest('hex'), sent.digest('hex'));
  }

  it(
    'of 256 MiB takes constant memory',
    inLoop(() => withPair(transfer)),
  );
});

describe('one write of more than 2 GiB', () => {
  const SIZE = 2 ** 31 + 12_345;
  const NEEDED = 3 * SIZE;
  const skip =
    freemem() < NEEDED ? `needs ${Math.ceil(NEEDED / 2 ** 30)} GiB of free memory` : false;

  it(
    'is queued and sent whole',
    { skip },
    inLoop(() =>
      withPair(async (client, peer) => {
        client.writer.write(Buffer.alloc(SIZE));
        assert.ok(client.writer.transport.getWriteBufferSize() > 2 ** 30);
        client.writer.writeEof();
        let total = 0;
        for await (const part of peer.reader.chunks(256 * 1024)) total += part.length;
        assert.equal(total, SIZE);
      }),
    ),
  );
});
