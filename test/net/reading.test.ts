/** Reads over a connection: however the bytes are cut, whoever sends them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { createTask, IncompleteReadError, sleep } from 'aionode';
import { inLoop, patternBytes, withNodePeer, withPair } from '../support/net.js';

describe('reading', () => {
  it(
    'read(), read(n), readexactly(), readline() and readuntil() share one stream of bytes',
    inLoop(() =>
      withPair(async (client, peer) => {
        peer.writer.write('line\nuntil;exactly12345some more');
        peer.writer.close();
        assert.equal((await client.reader.readline()).toString(), 'line\n');
        assert.equal((await client.reader.readuntil(';')).toString(), 'until;');
        assert.equal((await client.reader.readexactly(12)).toString(), 'exactly12345');
        assert.equal((await client.reader.read(4)).toString(), 'some');
        assert.equal((await client.reader.read()).toString(), ' more');
        assert.equal((await client.reader.read(1)).length, 0);
        assert.equal(client.reader.atEof(), true);
      }),
    ),
  );

  it(
    'a peer that sends a byte at a time is read like any other',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        peer.setNoDelay(true);
        const message = 'one\r\ntwo\r\nsixsix';
        const sending = createTask(async () => {
          for (const byte of message) {
            await new Promise((resolve) => peer.write(byte, resolve));
            await sleep(0);
          }
          peer.end();
        });
        assert.equal((await ours.reader.readuntil('\r\n')).toString(), 'one\r\n');
        assert.equal((await ours.reader.readline()).toString(), 'two\r\n');
        assert.equal((await ours.reader.readexactly(6)).toString(), 'sixsix');
        assert.equal((await ours.reader.read()).length, 0);
        await sending;
      }),
    ),
  );

  it(
    'readexactly() of more than twice the limit is not held up by the limit',
    inLoop(() =>
      withPair(
        async (client, peer) => {
          const bytes = patternBytes(1 << 20);
          peer.writer.write(bytes);
          assert.ok((await client.reader.readexactly(bytes.length)).equals(bytes));
        },
        { limit: 1000 },
      ),
    ),
  );

  it(
    'EOF in the middle of readexactly() gives what came',
    inLoop(() =>
      withPair(async (client, peer) => {
        peer.writer.write('abc');
        peer.writer.close();
        await assert.rejects(client.reader.readexactly(5), (error: IncompleteReadError) => {
          assert.ok(error instanceof IncompleteReadError);
          assert.equal(error.partial.toString(), 'abc');
          return true;
        });
      }),
    ),
  );

  it(
    'a line above the limit is dropped, the connection goes on',
    inLoop(() =>
      withPair(
        async (client, peer) => {
          peer.writer.write(`${'x'.repeat(20)}\nshort\n`);
          await client.reader.peek(27);
          await assert.rejects(client.reader.readline(), RangeError);
          assert.equal((await client.reader.readline()).toString(), 'short\n');
        },
        { limit: 10 },
      ),
    ),
  );

  it(
    'lines come by async iteration until the peer closes',
    inLoop(() =>
      withPair(async (client, peer) => {
        peer.writer.writelines(['a\n', Buffer.from('b\n'), 'rest']);
        peer.writer.close();
        const lines = [];
        for await (const line of client.reader) lines.push(line.toString());
        assert.deepEqual(lines, ['a\n', 'b\n', 'rest']);
      }),
    ),
  );

  it(
    'strings are sent as UTF-8',
    inLoop(() =>
      withPair(async (client, peer) => {
        const strings = ['grüße ', '日本', '\u{1f600}', '\ud800', '', 'é'.repeat(40_000)];
        for (const string of strings) client.writer.write(string);
        client.writer.close();
        const received = await peer.reader.read();
        assert.ok(received.equals(Buffer.from(strings.join(''))));
      }),
    ),
  );

  it(
    'what was written is the caller’s again: changing it later changes nothing',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        const small = Buffer.from('small');
        const large = patternBytes(8 << 20);
        const expected = Buffer.concat([small, large, small]);
        ours.writer.write(small);
        ours.writer.write(large);
        ours.writer.write(small);
        ours.writer.close();
        small.fill(0);
        large.fill(0);
        const received: Buffer[] = [];
        peer.on('data', (chunk) => received.push(chunk));
        await once(peer, 'end');
        assert.ok(Buffer.concat(received).equals(expected));
      }),
    ),
  );
});
