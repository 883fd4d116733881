/** StreamReader.pipeTo() that ends before its time: broken and closed connections, misuse, no descriptors. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CancelledError, createTask, gather, RuntimeError, sleep } from 'aionode';
import {
  inLoop,
  MIB,
  patternBytes,
  roundsUntil,
  systemError,
  withNodePeer,
  withPair,
  writeInPieces,
} from '../support/net.js';
import { LARGE, onRoute, settled } from '../support/routes.js';

describe('pipeTo that fails', () => {
  it(
    'tells of a broken source, after what came before it',
    inLoop(async () => {
      await withNodePeer((from, far) =>
        withPair(async (receiver, to) => {
          const moving = createTask(() => from.reader.pipeTo(to.writer));
          far.write('before');
          assert.equal((await receiver.reader.readexactly(6)).toString(), 'before');
          far.resetAndDestroy();
          await assert.rejects(moving, systemError('ECONNRESET', 'read'));
          assert.equal(to.writer.isClosing(), false);
          to.writer.close();
          assert.equal((await receiver.reader.read()).length, 0);
        }),
      );
    }),
  );

  for (const state of ['flowing', 'held up', 'idle']) {
    it(
      `tells of a target that is lost while it is ${state}; the source can be read on`,
      inLoop(async () => {
        await withPair((sender, from) =>
          withNodePeer(async (to, far) => {
            const moving = createTask(() => from.reader.pipeTo(to.writer));
            const writing = createTask(async () => {
              if (state !== 'idle') await writeInPieces(sender.writer, patternBytes(LARGE), MIB);
            });
            if (state === 'flowing') {
              far.resume();
              await roundsUntil(() => far.bytesRead > MIB, 'it flows');
            } else {
              await settled(() => to.writer.transport.getWriteBufferSize());
            }
            far.resetAndDestroy();
            await assert.rejects(moving, (error: NodeJS.ErrnoException) =>
              ['ECONNRESET', 'EPIPE'].includes(error.code ?? ''),
            );
            assert.equal(from.writer.isClosing(), false);
            if (state === 'idle') sender.writer.write('x');
            assert.ok((await from.reader.read(10)).length > 0);
            writing.cancel();
            await gather(writing, { returnExceptions: true });
          }),
        );
      }),
    );
  }

  it(
    'ends with its own source: close() is its end',
    onRoute(async ({ sender, from, to, receiver }) => {
      const moving = createTask(() => from.reader.pipeTo(to.writer));
      sender.writer.write('before');
      await receiver.reader.readexactly(6);
      from.writer.close();
      assert.equal(await moving, 6);
      assert.equal((await receiver.reader.read()).length, 0);
    }),
  );

  it(
    'sends what was taken when the target is closed meanwhile',
    onRoute(async ({ sender, from, to, receiver }) => {
      const moving = createTask(() => from.reader.pipeTo(to.writer));
      const writing = createTask(() => writeInPieces(sender.writer, Buffer.alloc(LARGE, 'x'), MIB));
      await settled(() => to.writer.transport.getWriteBufferSize());
      assert.ok(to.writer.transport.getWriteBufferSize() > 0);
      to.writer.close();
      const received = createTask(() => receiver.reader.read());
      await assert.rejects(moving, systemError('ECONNRESET', 'write'));
      const rest = createTask(() => from.reader.read());
      await writing;
      sender.writer.writeEof();
      assert.equal((await received).length + (await rest).length, LARGE);
    }),
  );

  it(
    'throws what is wrong with its arguments, and takes nothing',
    onRoute(async ({ sender, from, to }) => {
      sender.writer.write('here');
      const reader = from.reader;
      const invalid: [unknown[], object][] = [
        [[undefined], { code: 'ERR_INVALID_ARG_TYPE', message: /"writer".*StreamWriter/ }],
        [[{ write() {} }], { code: 'ERR_INVALID_ARG_TYPE' }],
        [[to.writer, 1], { code: 'ERR_INVALID_ARG_TYPE', message: /"options"/ }],
        [[to.writer, { count: -1 }], { code: 'ERR_OUT_OF_RANGE', message: /"options\.count"/ }],
        [[to.writer, { end: 1 }], { code: 'ERR_INVALID_ARG_TYPE', message: /"options\.end"/ }],
      ];
      for (const [args, error] of invalid) {
        await assert.rejects(Reflect.apply(reader.pipeTo, reader, args) as Promise<number>, error);
      }
      to.writer.writeEof();
      await assert.rejects(reader.pipeTo(to.writer), {
        name: 'RuntimeError',
        message: /after writeEof/,
      });
      assert.equal((await reader.readexactly(4)).toString(), 'here');
    }),
  );

  it(
    'refuses a second read, and a second pipe of the same reader',
    onRoute(async ({ from, to }) => {
      const moving = createTask(() => from.reader.pipeTo(to.writer));
      await sleep(0);
      await assert.rejects(from.reader.read(1), RuntimeError);
      await assert.rejects(from.reader.pipeTo(to.writer), RuntimeError);
      moving.cancel();
      await assert.rejects(moving, CancelledError);
    }),
  );

  it(
    'throws the exception that the reader is given',
    onRoute(async ({ from, to }) => {
      const moving = createTask(() => from.reader.pipeTo(to.writer));
      await sleep(0);
      from.reader.setException(new Error('enough'));
      await assert.rejects(moving, /enough/);
    }),
  );
});

describe('pipeTo without descriptors', () => {
  for (const left of [0, 1, 2, 3]) {
    it(`reads and writes where the system cannot help: ${left} left`, {
      skip: process.platform === 'win32' && 'descriptors are not limited there',
    }, async () => {
      const program = fileURLToPath(new URL('pipe_to_exhausted.js', import.meta.url));
      const command = 'ulimit -n 100; exec "$0" "$@"';
      const args = ['-c', command, process.execPath, program, `${left}`];
      const { stdout, stderr } = await promisify(execFile)('sh', args);
      assert.equal(stderr, '');
      assert.equal(stdout, `${MIB} moved, ${MIB} arrived\n`);
    });
  }
});
