/** StreamReader, fed by hand: reading by count, the end, errors, arguments. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTask, IncompleteReadError, RuntimeError, StreamReader } from 'aionode';
import {
  assertStillWaits,
  begins,
  endedReaderOf,
  feed,
  readerOf,
  text,
} from '../support/reader.js';
import { inLoop } from '../support/tasks.js';

describe('read()', () => {
  it(
    'to EOF joins all chunks',
    inLoop(async () => {
      const reader = readerOf('ab', 'c', 'def');
      const task = createTask(() => reader.read());
      await begins(task);
      feed(reader, 'g');
      await assertStillWaits(task);
      reader.feedEof();
      assert.equal(await text(task), 'abcdefg');
    }),
  );

  it(
    'of n bytes takes at most n, and what is there is enough',
    inLoop(async () => {
      const reader = readerOf('abc', 'def');
      assert.equal(await text(reader.read(2)), 'ab');
      assert.equal(await text(reader.read(100)), 'cdef');
    }),
  );

  it(
    'of n bytes waits for the first one',
    inLoop(async () => {
      const reader = readerOf();
      const task = createTask(() => reader.read(10));
      await begins(task);
      feed(reader, 'x');
      assert.equal(await text(task), 'x');
    }),
  );

  it(
    'of 0 bytes is empty at once, also before data and after EOF',
    inLoop(async () => {
      assert.equal((await readerOf().read(0)).length, 0);
      assert.equal((await endedReaderOf('x').read(0)).length, 0);
    }),
  );

  it(
    'is an empty Buffer at EOF, again and again',
    inLoop(async () => {
      const reader = endedReaderOf();
      for (const read of [() => reader.read(), () => reader.read(5), () => reader.readline()]) {
        const bytes = await read();
        assert.ok(Buffer.isBuffer(bytes));
        assert.equal(bytes.length, 0);
      }
    }),
  );

  it(
    'reads by any negative n to EOF',
    inLoop(async () => {
      assert.equal(await text(endedReaderOf('a', 'b').read(-7)), 'ab');
    }),
  );

  it(
    'takes nothing before it is awaited',
    inLoop(async () => {
      const reader = readerOf('abc');
      const forgotten = reader.read(2);
      assert.equal(reader.buffered, 3);
      assert.equal(await text(reader.read(1)), 'a');
      assert.equal(await text(forgotten), 'bc');
    }),
  );
});

describe('readexactly()', () => {
  it(
    'waits for all of its bytes and leaves the rest',
    inLoop(async () => {
      const reader = readerOf('ab');
      const task = createTask(() => reader.readexactly(4));
      await begins(task);
      feed(reader, 'c');
      await assertStillWaits(task);
      feed(reader, 'def');
      assert.equal(await text(task), 'abcd');
      assert.equal(await text(reader.read(9)), 'ef');
    }),
  );

  it(
    'of 0 bytes is empty at once',
    inLoop(async () => {
      assert.equal((await readerOf().readexactly(0)).length, 0);
    }),
  );

  it(
    'is not bound by the limit',
    inLoop(async () => {
      const reader = new StreamReader({ limit: 4 });
      feed(reader, 'abcdefgh', 'ij');
      assert.equal(await text(reader.readexactly(10)), 'abcdefghij');
    }),
  );

  it(
    'throws IncompleteReadError at EOF and empties the buffer',
    inLoop(async () => {
      const reader = endedReaderOf('ab', 'c');
      await assert.rejects(reader.readexactly(4), (error: IncompleteReadError) => {
        assert.ok(error instanceof IncompleteReadError);
        assert.equal(error.partial.toString(), 'abc');
        assert.equal(error.expected, 4);
        assert.equal(error.message, '3 bytes read on a total of 4 expected bytes');
        return true;
      });
      assert.equal(reader.atEof(), true);
    }),
  );
});

describe('peek()', () => {
  it(
    'gives bytes without taking them',
    inLoop(async () => {
      const reader = readerOf('ab', 'cd');
      assert.equal(await text(reader.peek()), 'a');
      assert.equal(await text(reader.peek(3)), 'abc');
      assert.equal(reader.buffered, 4);
      assert.equal(await text(reader.read(9)), 'abcd');
    }),
  );

  it(
    'waits for its bytes or for EOF',
    inLoop(async () => {
      const reader = readerOf('a');
      const task = createTask(() => reader.peek(3));
      await begins(task);
      feed(reader, 'b');
      await assertStillWaits(task);
      reader.feedEof();
      assert.equal(await text(task), 'ab');
      assert.equal(reader.atEof(), false);
    }),
  );

  it(
    'gives a copy: changing it changes nothing',
    inLoop(async () => {
      const reader = readerOf('abcd');
      (await reader.peek(4)).fill(0);
      assert.equal(await text(reader.read(4)), 'abcd');
    }),
  );
});

describe('chunks()', () => {
  it(
    'reads by parts until EOF',
    inLoop(async () => {
      const sizes = [];
      for await (const chunk of endedReaderOf('abcdefg').chunks(3)) sizes.push(chunk.length);
      assert.deepEqual(sizes, [3, 3, 1]);
    }),
  );
});

describe('EOF and errors', () => {
  it('atEof() is true once EOF has come and the buffer is empty', async () => {
    const reader = readerOf('x');
    assert.equal(reader.atEof(), false);
    reader.feedEof();
    assert.equal(reader.atEof(), false);
    await reader.read(1);
    assert.equal(reader.atEof(), true);
  });

  it(
    'feedData() copies what it is given, as in asyncio: the caller may use it again',
    inLoop(async () => {
      const reader = new StreamReader();
      const data = Buffer.from('first ');
      reader.feedData(data);
      data.write('second');
      reader.feedData(data);
      reader.feedEof();
      assert.equal(String(await reader.read()), 'first second');
    }),
  );

  it('feedData() after feedEof() throws', () => {
    const reader = endedReaderOf();
    assert.throws(() => feed(reader, 'x'), RuntimeError);
  });

  it(
    'setException() ends the read that waits and every later one, whatever is buffered',
    inLoop(async () => {
      const reader = readerOf('ab');
      assert.equal(reader.exception(), null);
      const task = createTask(() => reader.readexactly(4));
      await begins(task);
      const error = new Error('broken');
      reader.setException(error);
      assert.equal(reader.exception(), error);
      await assert.rejects(task, error);
      await assert.rejects(reader.read(1), error);
      await assert.rejects(reader.read(0), error);
      await assert.rejects(reader.readline(), error);
    }),
  );
});

describe('the memory of what is read', () => {
  it(
    'belongs to the receiver: two reads of one chunk do not share bytes',
    inLoop(async () => {
      for (const size of [16, 100_000]) {
        const reader = readerOf(Buffer.alloc(size * 2, 7));
        const first = await reader.readexactly(size);
        const second = await reader.readexactly(size);
        first.fill(1);
        assert.ok(second.every((byte) => byte === 7));
      }
    }),
  );

  it(
    'does not hold a large chunk for a short line',
    inLoop(async () => {
      const reader = readerOf(Buffer.alloc(100_000, 'abc\n'));
      const line = await reader.readline();
      assert.ok(line.buffer.byteLength < 100_000);
    }),
  );
});

describe('arguments', () => {
  const reader = new StreamReader();
  const typeErrors: Record<string, () => unknown> = {
    'limit of another type': () => new StreamReader({ limit: '5' as never }),
    'read of a string': () => reader.read('5' as never),
    'read of null': () => reader.read(null as never),
    'readexactly of nothing': () => reader.readexactly(undefined as never),
    'readuntil of a number': () => reader.readuntil(10 as never),
    'readuntil of null': () => reader.readuntil(null as never),
    'readuntil of several, one a number': () => reader.readuntil(['a', 1 as never]),
    'readuntil with a limit of another type': () => reader.readuntil('a', { limit: '1' as never }),
    'readline with a limit of another type': () => reader.readline({ limit: true as never }),
    'peek of a string': () => reader.peek('1' as never),
    'chunks of a string': () => reader.chunks('1' as never),
    'feedData of a string': () => reader.feedData('x' as never),
    'feedData of an ArrayBuffer': () => reader.feedData(new ArrayBuffer(1) as never),
  };
  for (const [name, call] of Object.entries(typeErrors)) {
    it(`${name}: TypeError`, () => {
      assert.throws(call, { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    });
  }

  const rangeErrors: Record<string, () => unknown> = {
    'limit 0': () => new StreamReader({ limit: 0 }),
    'limit -1': () => new StreamReader({ limit: -1 }),
    'read of 1.5': () => reader.read(1.5),
    'read of NaN': () => reader.read(Number.NaN),
    'readexactly of -1': () => reader.readexactly(-1),
    'readuntil of nothing at all': () => reader.readuntil([]),
    'readuntil of an empty separator': () => reader.readuntil(''),
    'readuntil of several, one empty': () => reader.readuntil(['a', '']),
    'readuntil with limit 0': () => reader.readuntil('a', { limit: 0 }),
    'readline with limit 0': () => reader.readline({ limit: 0 }),
    'peek of -1': () => reader.peek(-1),
    'chunks of 0': () => reader.chunks(0),
  };
  for (const [name, call] of Object.entries(rangeErrors)) {
    it(`${name}: RangeError`, () => assert.throws(call, RangeError));
  }
});
