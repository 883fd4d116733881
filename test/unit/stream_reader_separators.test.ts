/** StreamReader, fed by hand: reading up to a separator. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTask, IncompleteReadError, LimitOverrunError, StreamReader, sleep } from 'aionode';
import {
  assertStillWaits,
  begins,
  endedReaderOf,
  feed,
  readerOf,
  text,
} from '../support/reader.js';
import { inLoop } from '../support/tasks.js';

const DEFAULT_LIMIT = 64 * 1024;

describe('readline()', () => {
  it(
    'reads line by line however the bytes come',
    inLoop(async () => {
      const reader = endedReaderOf('on', 'e\n', '\ntwo\nth', 'ree');
      const lines = [];
      for await (const line of reader) lines.push(line.toString());
      assert.deepEqual(lines, ['one\n', '\n', 'two\n', 'three']);
    }),
  );

  it(
    'goes on with the next line where iterating came upon one that is too long',
    inLoop(async () => {
      const reader = new StreamReader({ limit: 3 });
      feed(reader, 'one\ntoo long\ntwo');
      reader.feedEof();
      const lines = reader[Symbol.asyncIterator]();
      assert.equal((await lines.next()).value?.toString(), 'one\n');
      await assert.rejects(lines.next(), { name: 'RangeError', code: 'ERR_LINE_TOO_LONG' });
      assert.equal((await lines.next()).value?.toString(), 'two');
      assert.deepEqual(await lines.next(), { done: true, value: undefined });
    }),
  );

  it(
    'takes a line as long as the limit, its end not counted',
    inLoop(async () => {
      const reader = new StreamReader({ limit: 3 });
      feed(reader, 'abc\nd');
      assert.equal(await text(reader.readline()), 'abc\n');
    }),
  );

  it(
    'drops a line that is longer than the limit when its end is known',
    inLoop(async () => {
      const reader = new StreamReader({ limit: 3 });
      feed(reader, 'lin', 'e1\nli', 'n2\n');
      await assert.rejects(reader.readline(), RangeError);
      assert.equal(await text(reader.read(9)), 'lin2\n');
    }),
  );

  it(
    'drops all that is there when the end of the long line is not known',
    inLoop(async () => {
      const reader = new StreamReader({ limit: 3 });
      feed(reader, 'lin', 'e1');
      await assert.rejects(reader.readline(), RangeError);
      assert.equal(reader.buffered, 0);
      feed(reader, 'x\n');
      assert.equal(await text(reader.readline()), 'x\n');
    }),
  );

  it(
    'takes a limit for one call',
    inLoop(async () => {
      const reader = new StreamReader({ limit: 3 });
      feed(reader, 'a longer line\nabcd\n');
      assert.equal(await text(reader.readline({ limit: 20 })), 'a longer line\n');
      await assert.rejects(reader.readline(), RangeError);
    }),
  );
});

describe('readuntil()', () => {
  it(
    'ends with its separator, a newline by default',
    inLoop(async () => {
      const reader = readerOf('a\nb;c\r\nd');
      assert.equal(await text(reader.readuntil()), 'a\n');
      assert.equal(await text(reader.readuntil(';')), 'b;');
      assert.equal(await text(reader.readuntil(Buffer.from('\r\n'))), 'c\r\n');
    }),
  );

  for (const chunks of [
    ['xxA', 'BCyy'],
    ['xxAB', 'Cyy'],
    ['xx', 'A', 'B', 'C', 'yy'],
    ['xxABCyy'],
  ]) {
    it(
      `finds a separator in chunks ${chunks.join('|')}`,
      inLoop(async () => {
        const reader = readerOf();
        const task = createTask(() => reader.readuntil('ABC'));
        await begins(task);
        for (const chunk of chunks) {
          feed(reader, chunk);
          await sleep(0);
        }
        assert.equal(await text(task), 'xxABC');
        assert.equal(await text(reader.read(9)), 'yy');
      }),
    );
  }

  it(
    'is not misled by the beginning of a separator that comes twice',
    inLoop(async () => {
      assert.equal(await text(readerOf('a\r', '\r', '\nb').readuntil('\r\n')), 'a\r\r\n');
      assert.equal(await text(readerOf('aab', 'aabaaa').readuntil('aabaaa')), 'aabaabaaa');
    }),
  );

  it(
    'of several separators takes the one that ends first',
    inLoop(async () => {
      assert.equal(await text(readerOf('some data').readuntil(['me', 'some da'])), 'some');
      assert.equal(await text(readerOf('abcde').readuntil(['bcde', 'cd'])), 'abcd');
      assert.equal(await text(readerOf('a\r\nb').readuntil(['\n', '\r\n'])), 'a\r\n');
    }),
  );

  it(
    'of several separators finds a short one while a long one may be under way',
    inLoop(async () => {
      const reader = readerOf('xy');
      const task = createTask(() => reader.readuntil(['xyz!', 'q']));
      await begins(task);
      feed(reader, 'z', 'q!');
      assert.equal(await text(task), 'xyzq');
    }),
  );

  it(
    'at EOF throws IncompleteReadError with what came, and empties the buffer',
    inLoop(async () => {
      const reader = endedReaderOf('some ', 'data');
      await assert.rejects(reader.readuntil(';'), (error: IncompleteReadError) => {
        assert.ok(error instanceof IncompleteReadError);
        assert.equal(error.partial.toString(), 'some data');
        assert.equal(error.expected, null);
        return true;
      });
      assert.equal(reader.atEof(), true);
    }),
  );

  it(
    'keeps the buffer when the separator is beyond the limit',
    inLoop(async () => {
      const reader = new StreamReader({ limit: 3 });
      feed(reader, 'abcd;e');
      for (let attempt = 0; attempt < 2; attempt++) {
        await assert.rejects(reader.readuntil(';'), {
          name: 'LimitOverrunError',
          message: 'Separator is found, but chunk is longer than limit',
          consumed: 4,
        });
      }
      assert.equal(await text(reader.readexactly(4)), 'abcd');
      assert.equal(await text(reader.readuntil(';')), ';');
    }),
  );

  it(
    'keeps the buffer when no separator comes within the limit',
    inLoop(async () => {
      const reader = new StreamReader({ limit: 5 });
      const task = createTask(() => reader.readuntil('AAA'));
      await begins(task);
      feed(reader, 'xxxx', 'xx', 'A');
      await assertStillWaits(task);
      feed(reader, 'A');
      await assert.rejects(task, (error: LimitOverrunError) => {
        assert.ok(error instanceof LimitOverrunError);
        assert.equal(error.message, 'Separator is not found, and chunk exceed the limit');
        assert.equal(error.consumed, 6);
        return true;
      });
      assert.equal(reader.buffered, 8);
    }),
  );

  it(
    'takes a limit for one call',
    inLoop(async () => {
      const reader = new StreamReader({ limit: 3 });
      feed(reader, 'abcdef;gh;');
      assert.equal(await text(reader.readuntil(';', { limit: 6 })), 'abcdef;');
      await assert.rejects(reader.readuntil(';', { limit: 1 }), LimitOverrunError);
      assert.equal(await text(reader.readuntil(';')), 'gh;');
    }),
  );

  it(
    'has its default limit at 64 KiB',
    inLoop(async () => {
      const atLimit = readerOf('x'.repeat(DEFAULT_LIMIT), '\n');
      assert.equal((await atLimit.readuntil()).length, DEFAULT_LIMIT + 1);
      const above = readerOf('x'.repeat(DEFAULT_LIMIT + 1), '\n');
      await assert.rejects(above.readuntil(), LimitOverrunError);
    }),
  );

  it(
    'may change the separators it was given only before the call',
    inLoop(async () => {
      const separator = Buffer.from(';');
      const reader = readerOf('a');
      const task = createTask(() => reader.readuntil(separator));
      await begins(task);
      separator[0] = 0;
      feed(reader, ';');
      assert.equal(await text(task), 'a;');
    }),
  );
});

describe('the cost of a search', () => {
  it(
    'grows with the bytes, not with the bytes times the chunks',
    inLoop(async () => {
      const count = 100_000;
      const reader = new StreamReader({ limit: count });
      const task = createTask(() => reader.readuntil('\r\n'));
      await begins(task);
      // Quadratic work would take minutes here.
      for (let i = 0; i < count; i++) feed(reader, 'x');
      feed(reader, '\r', '\n');
      assert.equal((await task).length, count + 2);
    }),
  );
});
