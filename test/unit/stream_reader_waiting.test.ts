/** StreamReader, fed by hand: reads that wait, are cancelled or come two at once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTask, RuntimeError, type StreamReader, sleep } from 'aionode';
import { assertStillWaits, begins, feed, readerOf, text } from '../support/reader.js';
import { inLoop } from '../support/tasks.js';

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
