/** fromDuplex(): reading and writing a stream of Node through reader and writer. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import path from 'node:path';
import { Duplex, Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import zlib from 'node:zlib';
import { createTask, fromDuplex, IncompleteReadError, RuntimeError, sleep } from 'aionode';
import { MemoryDuplex } from '../support/memory-duplex.js';
import { inLoop, MIB, roundsUntil } from '../support/net.js';

/** Until 'close'; events.once() would reject for an 'error' before. */
function closed(stream: Duplex): Promise<void> {
  return new Promise((resolve) => stream.once('close', resolve));
}

it(
  'fromDuplex() of a stream that could only be written from the start, as a child’s stdin, writes',
  inLoop(async () => {
    const program = "process.stdin.on('data', (data) => process.stdout.write(data))";
    const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [, writer] = fromDuplex(child.stdin);
    const [reader] = fromDuplex(child.stdout);
    assert.equal(writer.isClosing(), false);
    writer.write('hello\n');
    writer.close();
    assert.equal(String(await reader.read()), 'hello\n');
  }),
);

/** As streams of readable-stream 2 and of streamx: says by write() and its events what it says at all. */
class Bare extends EventEmitter {
  readonly taken: unknown[] = [];
  destroyed = false;

  read(): null {
    return null;
  }

  pause(): this {
    return this;
  }

  resume(): this {
    return this;
  }

  write(data: unknown): boolean {
    this.taken.push(data);
    return false;
  }

  end(): void {
    setImmediate(() => this.emit('finish'));
  }

  destroy(): void {
    this.destroyed = true;
    setImmediate(() => this.emit('close'));
  }
}

it(
  'a stream that only tells by write() and its events is waited for, and closed after its finish',
  inLoop(async () => {
    const stream = new Bare();
    const [, writer] = fromDuplex(stream as never);
    writer.write('one');
    const draining = createTask(() => writer.drain());
    for (let turn = 0; turn < 5; turn++) await sleep(0);
    assert.equal(draining.done(), false);
    stream.emit('drain');
    await draining;
    writer.writeEof();
    await once(stream, 'finish');
    writer.close();
    await writer.waitClosed();
    assert.equal(stream.destroyed, true);
  }),
);

describe('fromDuplex(): reading', () => {
  it(
    'gives what the stream has buffered first',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      duplex.push('one\n');
      duplex.push('two\n');
      const [reader, writer] = fromDuplex(duplex);
      duplex.push('three\n');
      duplex.push(null);
      const lines: string[] = [];
      for await (const line of reader) lines.push(line.toString());
      assert.deepEqual(lines, ['one\n', 'two\n', 'three\n']);
      writer.close();
      await writer.waitClosed();
      assert.equal(duplex.destroyed, true);
    }),
  );

  it(
    'begins to flow though the stream was paused',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      duplex.pause();
      duplex.push('here');
      const [reader, writer] = fromDuplex(duplex);
      assert.equal((await reader.readexactly(4)).toString(), 'here');
      writer.abort();
    }),
  );

  it(
    'pauses the stream above twice the limit and resumes it at the limit',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      const [reader, writer] = fromDuplex(duplex, { limit: 1000 });
      duplex.push(Buffer.alloc(2001));
      await roundsUntil(() => reader.buffered === 2001, 'bytes are missing');
      assert.equal(duplex.isPaused(), true);
      await reader.readexactly(1000);
      assert.equal(duplex.isPaused(), true);
      await reader.readexactly(1);
      assert.equal(duplex.isPaused(), false);
      writer.abort();
    }),
  );

  it(
    'holds back a fast sender: memory stays bounded',
    inLoop(async () => {
      let made = 0;
      const source = new Readable({
        highWaterMark: 64 * 1024,
        read() {
          made += 16_384;
          this.push(made > 64 * MIB ? null : Buffer.alloc(16_384));
        },
      });
      const [reader] = fromDuplex(source);
      await roundsUntil(() => source.isPaused(), 'never paused');
      assert.ok(made < MIB, `${made} bytes were made before anybody read`);
      let received = 0;
      for await (const chunk of reader.chunks()) received += chunk.length;
      assert.equal(received, 64 * MIB);
    }),
  );

  it(
    'ends with IncompleteReadError when the stream ends early',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      const [reader, writer] = fromDuplex(duplex);
      duplex.push('abc');
      duplex.push(null);
      await assert.rejects(reader.readexactly(4), IncompleteReadError);
      writer.abort();
    }),
  );

  it(
    "ends with the stream's error, after the bytes that came before",
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      const [reader, writer] = fromDuplex(duplex);
      duplex.push('abc');
      await roundsUntil(() => reader.buffered === 3, 'bytes are missing');
      const broken = new Error('broken');
      duplex.destroy(broken);
      assert.equal((await reader.readexactly(3)).toString(), 'abc');
      await assert.rejects(reader.read(), broken);
      await assert.rejects(writer.waitClosed(), broken);
      writer.write('nobody reads this');
    }),
  );

  it(
    'ends with ERR_STREAM_PREMATURE_CLOSE when the stream is destroyed without a word',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      const [reader, writer] = fromDuplex(duplex);
      duplex.destroy();
      await assert.rejects(reader.read(), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
      await assert.rejects(writer.waitClosed(), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
    }),
  );

  it(
    'a stream that was destroyed before gives its error',
    inLoop(async () => {
      const broken = new Error('broken');
      const duplex = new MemoryDuplex();
      duplex.on('error', () => {});
      duplex.destroy(broken);
      await closed(duplex);
      const [reader, writer] = fromDuplex(duplex);
      await assert.rejects(reader.read(1), broken);
      await assert.rejects(writer.waitClosed(), broken);
    }),
  );

  it(
    'a cancelled read takes no byte',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      const [reader, writer] = fromDuplex(duplex);
      const reading = createTask(() => reader.readexactly(4));
      await sleep(0);
      duplex.push('ab');
      await roundsUntil(() => reader.buffered === 2, 'bytes are missing');
      reading.cancel();
      await assert.rejects(reading, { name: 'CancelledError' });
      duplex.push('cd');
      assert.equal((await reader.readexactly(4)).toString(), 'abcd');
      writer.abort();
    }),
  );

  it(
    'reads the output of a program',
    inLoop(async () => {
      const child = spawn(process.execPath, ['-e', "console.log('a\\nb')"], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [reader, writer] = fromDuplex(child.stdout);
      assert.equal((await reader.read()).toString(), 'a\nb\n');
      await writer.waitClosed();
    }),
  );

  it('reads process.stdin', async () => {
    const program = `
      import { fromDuplex, run } from 'aionode';
      await run(async () => {
        const [reader] = fromDuplex(process.stdin);
        for await (const line of reader) process.stdout.write('> ' + line);
      });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
      cwd: path.dirname(fileURLToPath(import.meta.url)),
    });
    child.stdin.write('first\n');
    child.stdin.end('second\n');
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    const [code] = await once(child, 'close');
    assert.deepEqual({ code, output }, { code: 0, output: '> first\n> second\n' });
  });
});

describe('fromDuplex(): writing', () => {
  it(
    'copies what it is given: the caller may use it again',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      duplex.slow = true;
      const [, writer] = fromDuplex(duplex);
      const data = Buffer.from('abc');
      writer.write(data);
      writer.write(data);
      data.fill('x');
      duplex.slow = false;
      duplex.finishWrite?.();
      await writer.drain();
      assert.equal(duplex.text, 'abcabc');
      writer.abort();
    }),
  );

  it(
    "drain() waits for the stream's 'drain'",
    inLoop(async () => {
      const duplex = new MemoryDuplex({ writableHighWaterMark: 10 });
      duplex.slow = true;
      const [, writer] = fromDuplex(duplex);
      writer.write('123');
      await writer.drain();
      writer.write('4567890');
      const draining = createTask(() => writer.drain());
      await sleep(0);
      await sleep(0);
      assert.equal(draining.done(), false);
      duplex.slow = false;
      duplex.finishWrite?.();
      await draining;
      assert.equal(duplex.writableLength, 0);
      writer.abort();
    }),
  );

  it(
    'own water marks below those of the stream count as well',
    inLoop(async () => {
      const duplex = new MemoryDuplex({ writableHighWaterMark: 1000 });
      duplex.slow = true;
      const [, writer] = fromDuplex(duplex);
      writer.transport.setWriteBufferLimits({ high: 0 });
      writer.write('123');
      assert.equal(writer.transport.getWriteBufferSize(), 3);
      const draining = createTask(() => writer.drain());
      await sleep(0);
      assert.equal(draining.done(), false);
      duplex.finishWrite?.();
      await draining;
      writer.abort();
    }),
  );

  it(
    'water marks that are lowered while something is under way count for it too',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      duplex.slow = true;
      const [, writer] = fromDuplex(duplex);
      writer.write('123');
      writer.write('4');
      writer.transport.setWriteBufferLimits({ high: 0 });
      const draining = createTask(() => writer.drain());
      await sleep(0);
      assert.equal(draining.done(), false);
      const finish = () => {
        duplex.finishWrite?.();
        return draining.done();
      };
      await roundsUntil(finish, 'drain() goes on waiting');
      assert.equal(duplex.text, '1234');
      writer.abort();
    }),
  );

  it(
    'drain() after writeEof() waits until all is written, and no longer',
    inLoop(async () => {
      const duplex = new MemoryDuplex({ allowHalfOpen: true });
      duplex.slow = true;
      const [, writer] = fromDuplex(duplex);
      writer.write(Buffer.alloc(200_000));
      writer.writeEof();
      const draining = createTask(() => writer.drain());
      await sleep(0);
      assert.equal(draining.done(), false);
      duplex.finishWrite?.();
      await draining;
      writer.abort();
    }),
  );

  it(
    'drain() rejects when the stream breaks',
    inLoop(async () => {
      const duplex = new MemoryDuplex({ writableHighWaterMark: 1 });
      duplex.slow = true;
      const [, writer] = fromDuplex(duplex);
      writer.write('123');
      const draining = createTask(() => writer.drain());
      await sleep(0);
      duplex.finishWrite?.(new Error('disk full'));
      await assert.rejects(draining, { message: 'disk full' });
      await assert.rejects(writer.waitClosed(), { message: 'disk full' });
    }),
  );

  it(
    'close() sends everything first',
    inLoop(async () => {
      const duplex = new MemoryDuplex({ writableHighWaterMark: 1 });
      duplex.slow = true;
      const [, writer] = fromDuplex(duplex);
      for (const letter of 'abc') writer.write(letter);
      writer.close();
      const closed = createTask(() => writer.waitClosed());
      await sleep(0);
      assert.equal(closed.done(), false);
      duplex.slow = false;
      duplex.finishWrite?.();
      await closed;
      assert.equal(duplex.text, 'abc');
      assert.equal(duplex.destroyed, true);
    }),
  );

  it(
    'close() does not hang on what the stream still gives',
    inLoop(async () => {
      const gunzip = zlib.createGunzip();
      const [, writer] = fromDuplex(gunzip, { limit: 100 });
      writer.write(zlib.gzipSync(Buffer.alloc(4 * MIB)));
      await sleep(0);
      writer.close();
      await writer.waitClosed();
      assert.equal(gunzip.destroyed, true);
      assert.equal(gunzip.bytesWritten > 0, true);
    }),
  );

  it(
    'abort() drops what was not sent',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      duplex.slow = true;
      const [reader, writer] = fromDuplex(duplex);
      writer.write('a');
      writer.write('b');
      writer.abort();
      await writer.waitClosed();
      assert.equal(duplex.text, 'a');
      assert.equal(duplex.destroyed, true);
      assert.equal((await reader.read()).length, 0);
    }),
  );

  it(
    'writeEof() ends one half only',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      const [reader, writer] = fromDuplex(duplex);
      writer.write('bye');
      writer.writeEof();
      assert.throws(() => writer.write('more'), RuntimeError);
      await once(duplex, 'finish');
      duplex.push('and you');
      assert.equal((await reader.readexactly(7)).toString(), 'and you');
      duplex.push(null);
      assert.equal((await reader.read()).length, 0);
      await writer.waitClosed();
    }),
  );

  it(
    'a stream without allowHalfOpen is closed at EOF',
    inLoop(async () => {
      const duplex = new MemoryDuplex({ allowHalfOpen: false });
      const [reader, writer] = fromDuplex(duplex);
      duplex.push('last');
      duplex.push(null);
      assert.equal((await reader.read()).toString(), 'last');
      await writer.waitClosed();
    }),
  );

  it(
    'errors after the end are nobody else’s',
    inLoop(async () => {
      const duplex = new Duplex({
        read() {},
        write(_chunk, _encoding, done) {
          done();
        },
        destroy(_error, done) {
          setImmediate(done, new Error('late'));
        },
      });
      const [, writer] = fromDuplex(duplex);
      writer.abort();
      await writer.waitClosed();
      await closed(duplex);
    }),
  );
});
