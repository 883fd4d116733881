/** StreamReader, fed by hand. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createTask,
  IncompleteReadError,
  LimitOverrunError,
  RuntimeError,
  run,
  StreamReader,
  sleep,
  type Task,
} from 'aionode';

const DEFAULT_LIMIT = 64 * 1024;

function readerOf(...chunks: (string | Uint8Array)[]): StreamReader {
  const reader = new StreamReader();
  feed(reader, ...chunks);
  return reader;
}

function feed(reader: StreamReader, ...chunks: (string | Uint8Array)[]): void {
  for (const chunk of chunks) reader.feedData(Buffer.from(chunk as string));
}

function endedReaderOf(...chunks: string[]): StreamReader {
  const reader = readerOf(...chunks);
  reader.feedEof();
  return reader;
}

const inLoop = (body: () => Promise<void>) => () => run(body);

async function text(bytes: PromiseLike<Buffer>): Promise<string> {
  return (await bytes).toString('latin1');
}

/** Lets a task begin to wait. */
async function begins(task: Task): Promise<void> {
  await sleep(0);
  assert.equal(task.done(), false);
}

async function assertStillWaits(task: Task): Promise<void> {
  for (let pass = 0; pass < 5; pass++) await sleep(0);
  assert.equal(task.done(), false);
}

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

describe('two readers at once', () => {
  const reads = {
    read: (reader: StreamReader) => reader.read(1),
    'read to EOF': (reader: StreamReader) => reader.read(),
    readline: (reader: StreamReader) => reader.readline(),
    readexactly: (reader: StreamReader) => reader.readexactly(3),
    readuntil: (reader: StreamReader) => reader.readuntil(';'),
    peek: (reader: StreamReader) => reader.peek(3),
  };
  for (const [name, read] of Object.entries(reads)) {
    it(
      `${name}: the second one throws RuntimeError, the first one goes on`,
      inLoop(async () => {
        const reader = readerOf();
        const first = createTask(() => reader.readexactly(4));
        await begins(first);
        await assert.rejects(read(reader), (error: Error) => {
          assert.ok(error instanceof RuntimeError);
          assert.match(error.message, /called while another coroutine is already waiting/);
          return true;
        });
        feed(reader, 'abcd');
        assert.equal(await text(first), 'abcd');
      }),
    );
  }

  it(
    'bytes that another reader took are not searched',
    inLoop(async () => {
      const reader = readerOf();
      const line = createTask(() => reader.readuntil(';'));
      await begins(line);
      feed(reader, 'ab;');
      assert.equal(await text(reader.read(9)), 'ab;');
      await assertStillWaits(line);
      feed(reader, 'c;d');
      assert.equal(await text(line), 'c;');
      assert.equal(await text(reader.read(9)), 'd');
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

describe('a cancelled read', () => {
  const reads: Record<string, (reader: StreamReader) => PromiseLike<Buffer>> = {
    'read to EOF': (reader) => reader.read(),
    readexactly: (reader) => reader.readexactly(6),
    readuntil: (reader) => reader.readuntil(';;'),
    readline: (reader) => reader.readline(),
    peek: (reader) => reader.peek(6),
  };
  for (const [name, read] of Object.entries(reads)) {
    it(
      `${name}: loses no byte, however much has come`,
      inLoop(async () => {
        const bytes = 'abc;d';
        for (let come = 0; come <= bytes.length; come++) {
          const reader = readerOf();
          const task = createTask(() => read(reader));
          await begins(task);
          for (const byte of bytes.slice(0, come)) {
            feed(reader, byte);
            await sleep(0);
          }
          task.cancel();
          await assert.rejects(task, { name: 'CancelledError' });
          feed(reader, bytes.slice(come));
          reader.feedEof();
          assert.equal(await text(reader.read()), bytes);
        }
      }),
    );
  }

  const satisfied: Record<string, (reader: StreamReader) => PromiseLike<Buffer>> = {
    'read(n)': (reader) => reader.read(4),
    readexactly: (reader) => reader.readexactly(2),
    readuntil: (reader) => reader.readuntil('b'),
    readline: (reader) => reader.readline(),
    peek: (reader) => reader.peek(1),
  };
  for (const [name, read] of Object.entries(satisfied)) {
    it(
      `${name}: loses no byte when the bytes that satisfy it are here already`,
      inLoop(async () => {
        const reader = readerOf();
        const task = createTask(() => read(reader));
        await begins(task);
        feed(reader, 'ab\ncd');
        task.cancel();
        await assert.rejects(task, { name: 'CancelledError' });
        assert.equal(await text(reader.read(9)), 'ab\ncd');
      }),
    );
  }

  it(
    'makes room for the next read',
    inLoop(async () => {
      const reader = readerOf();
      const task = createTask(() => reader.read(1));
      await begins(task);
      task.cancel();
      await assert.rejects(task, { name: 'CancelledError' });
      const next = createTask(() => reader.read(1));
      await begins(next);
      feed(reader, 'x');
      assert.equal(await text(next), 'x');
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
