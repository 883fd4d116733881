/** loop.addReader(), addWriter() and their ends. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTask, getRunningLoop, newEventLoop, sleep, startServer } from 'aionode';
import { handleCount, inLoop, LOCALHOST, roundsUntil, withPair } from '../support/net.js';
import { compareWithAsyncio, python, type Scenario } from '../support/oracle.js';
import { descriptorCount, makePipe, NO_PIPES } from '../support/pipes.js';

const EMPTY_DESCRIPTOR = 1 << 20;

function readNow(fd: number, most: number): string {
  const buffer = Buffer.alloc(most);
  return buffer.toString('utf8', 0, readSync(fd, buffer));
}

function closeAll(...pipes: { readEnd: number; writeEnd: number }[]): void {
  for (const { readEnd, writeEnd } of pipes) {
    closeSync(readEnd);
    closeSync(writeEnd);
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(0);
}

const PYTHON_NAMES: Record<string, string> = {
  EPIPE: 'BrokenPipeError',
  EPERM: 'Operation not permitted',
  EBADF: 'Bad file descriptor',
};
const pythonName = (error: unknown) =>
  PYTHON_NAMES[(error as NodeJS.ErrnoException).code ?? ''] ?? String(error);

/** The twins of the functions of these names in oracle/pollers.py. */
const scenarios: Record<string, Scenario> = {
  async called_while_readable(trace) {
    const loop = getRunningLoop();
    const pipe = await makePipe();
    let calls = 0;
    const readable = (word: string) => {
      calls += 1;
      trace.push(`${word} ${readNow(pipe.readEnd, 1)}`);
    };
    loop.addReader(pipe.readEnd, readable, 'read');
    trace.push('added');
    writeSync(pipe.writeEnd, 'abc');
    await until(() => calls === 3);
    trace.push(python(loop.removeReader(pipe.readEnd)));
    trace.push(python(loop.removeReader(pipe.readEnd)));
    closeAll(pipe);
  },
  async a_second_callback_replaces_the_first(trace) {
    const loop = getRunningLoop();
    const pipe = await makePipe();
    writeSync(pipe.writeEnd, 'abc');
    const done = loop.createFuture<void>();
    loop.addReader(pipe.readEnd, () => trace.push('first'));
    loop.addReader(pipe.readEnd, () => {
      trace.push(`second ${readNow(pipe.readEnd, 10)}`);
      done.setResult();
    });
    await done;
    trace.push(python(loop.removeReader(pipe.readEnd)));
    closeAll(pipe);
  },
  async a_ready_callback_that_is_removed_does_not_run(trace) {
    const loop = getRunningLoop();
    const pipes = [await makePipe(), await makePipe()];
    const done = loop.createFuture<void>();
    const first = () => {
      trace.push('first of the two removes both');
      for (const { readEnd } of pipes) trace.push(python(loop.removeReader(readEnd)));
      loop.callLater(0.01, () => done.setResult());
    };
    for (const { readEnd, writeEnd } of pipes) {
      writeSync(writeEnd, 'x');
      loop.addReader(readEnd, first);
    }
    await done;
    closeAll(...pipes);
  },
  async writable_until_removed(trace) {
    const loop = getRunningLoop();
    const pipe = await makePipe();
    const done = loop.createFuture<void>();
    loop.addWriter(pipe.writeEnd, () => {
      trace.push('writable');
      trace.push(python(loop.removeWriter(pipe.writeEnd)));
      done.setResult();
    });
    trace.push(python(loop.removeReader(pipe.writeEnd)));
    await done;
    trace.push(python(loop.removeWriter(pipe.writeEnd)));
    closeAll(pipe);
  },
  async the_end_of_a_pipe_is_readable(trace) {
    const loop = getRunningLoop();
    const { readEnd, writeEnd } = await makePipe();
    const done = loop.createFuture<void>();
    loop.addReader(readEnd, () => {
      trace.push(`read '${readNow(readEnd, 10)}'`);
      loop.removeReader(readEnd);
      done.setResult();
    });
    closeSync(writeEnd);
    await done;
    closeSync(readEnd);
  },
  async a_writer_whose_reader_is_gone_is_called(trace) {
    const loop = getRunningLoop();
    const { readEnd, writeEnd } = await makePipe();
    writeSync(writeEnd, Buffer.alloc(65536));
    const calls: string[] = [];
    loop.addWriter(writeEnd, () => {
      try {
        writeSync(writeEnd, 'x');
      } catch (error) {
        calls.push(pythonName(error));
      }
    });
    closeSync(readEnd);
    await until(() => calls.length >= 2);
    trace.push(calls.slice(0, 2).join(' '));
    loop.removeWriter(writeEnd);
    closeSync(writeEnd);
  },
  async an_error_of_a_callback_is_reported(trace) {
    const loop = getRunningLoop();
    const pipe = await makePipe();
    writeSync(pipe.writeEnd, 'x');
    const done = loop.createFuture<void>();
    const before = loop.getExceptionHandler();
    loop.setExceptionHandler((_, { exception }) => {
      trace.push(`reported ${(exception as Error).message}`);
      loop.removeReader(pipe.readEnd);
      done.setResult();
    });
    loop.addReader(pipe.readEnd, () => {
      throw new Error('in the callback');
    });
    await done;
    loop.setExceptionHandler(before);
    closeAll(pipe);
  },
  async runs_in_the_context_of_the_caller(trace) {
    const loop = getRunningLoop();
    const variable = new AsyncLocalStorage<string>();
    const pipe = await makePipe();
    writeSync(pipe.writeEnd, 'x');
    const done = loop.createFuture<void>();
    const readable = () => {
      trace.push(variable.getStore() ?? 'none');
      loop.removeReader(pipe.readEnd);
      done.setResult();
    };
    await createTask(() =>
      variable.run('the task that added it', async () => loop.addReader(pipe.readEnd, readable)),
    );
    await done;
    closeAll(pipe);
  },
  async what_is_refused(trace) {
    const loop = getRunningLoop();
    const file = openSync(fileURLToPath(import.meta.url), 'r');
    for (const fd of [file, EMPTY_DESCRIPTOR]) {
      try {
        loop.addReader(fd, () => {});
      } catch (error) {
        trace.push(pythonName(error));
      }
    }
    closeSync(file);
    trace.push(python(loop.removeWriter(EMPTY_DESCRIPTOR)));
  },
};

describe('readers and writers of descriptors', { skip: NO_PIPES }, () => {
  compareWithAsyncio('pollers', scenarios, async (scenario, trace) => {
    const before = descriptorCount();
    await scenario(trace);
    assert.equal(descriptorCount(), before, 'a descriptor is left');
  });

  it(
    'share a descriptor: one callback to read, one to write',
    inLoop(async () => {
      const loop = getRunningLoop();
      const server = createServer((socket) => socket.pipe(socket));
      await new Promise<void>((resolve) => server.listen(0, LOCALHOST, resolve));
      const socket = connect((server.address() as AddressInfo).port, LOCALHOST);
      await new Promise((resolve) => socket.once('connect', resolve));
      socket.pause();
      const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
      const events: string[] = [];
      loop.addWriter(fd, () => {
        events.push('write');
        loop.removeWriter(fd);
        socket.write('x');
      });
      const done = loop.createFuture<void>();
      loop.addReader(fd, () => {
        events.push('read');
        loop.removeReader(fd);
        done.setResult();
      });
      await done;
      assert.deepEqual(events, ['write', 'read']);
      socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }),
  );

  it(
    'refuse the descriptor of a transport and of a server',
    inLoop(() =>
      withPair(async () => {
        const loop = getRunningLoop();
        const server = await startServer(() => {}, LOCALHOST, 0);
        const owned = [];
        for (let fd = 0; fd < 100; fd++) {
          try {
            loop.addReader(fd, () => {});
            loop.removeReader(fd);
          } catch (error) {
            if ((error as { code: string }).code !== 'ERR_RUNTIME') continue;
            owned.push(fd);
            assert.throws(() => loop.removeReader(fd), { code: 'ERR_RUNTIME' });
            assert.throws(() => loop.removeWriter(fd), { code: 'ERR_RUNTIME' });
          }
        }
        // Both ends of the connection and the two listening sockets.
        assert.equal(owned.length, 4);
        server.close();
      }),
    ),
  );

  it(
    'check their arguments',
    inLoop(async () => {
      const loop = getRunningLoop();
      const callback = () => {};
      for (const bad of [-1, 1.5, Number.NaN, 2 ** 31]) {
        assert.throws(() => loop.addReader(bad, callback), { code: 'ERR_OUT_OF_RANGE' });
        assert.throws(() => loop.removeWriter(bad), { code: 'ERR_OUT_OF_RANGE' });
      }
      for (const bad of ['0', null, {}]) {
        assert.throws(() => loop.addWriter(bad as never, callback), {
          code: 'ERR_INVALID_ARG_TYPE',
        });
      }
      assert.throws(() => loop.addReader(0, 'x' as never), { code: 'ERR_INVALID_ARG_TYPE' });
    }),
  );

  it(
    'end when their descriptor is closed behind their back',
    inLoop(async () => {
      const loop = getRunningLoop();
      const pipe = await makePipe();
      const calls: string[] = [];
      loop.addReader(pipe.readEnd, () => calls.push('called'));
      closeSync(pipe.readEnd);
      // The number is free: the next pipe gets it, and must not be read for the old one.
      const next = await makePipe();
      assert.ok([next.readEnd, next.writeEnd].includes(pipe.readEnd));
      writeSync(pipe.writeEnd, 'x');
      writeSync(next.writeEnd, 'x');
      await roundsUntil(() => handleCount() === 0, 'the poller is still there');
      assert.equal(loop.removeReader(pipe.readEnd), false);
      assert.deepEqual(calls, []);
      closeSync(pipe.writeEnd);
      closeAll(next);
    }),
  );

  it('end with their loop', async () => {
    const loop = newEventLoop();
    const pipe = await makePipe();
    await loop.runUntilComplete(async () => loop.addReader(pipe.readEnd, () => {}));
    loop.close();
    await roundsUntil(() => handleCount() === 0, 'the poller is still there');
    assert.throws(() => loop.addReader(pipe.readEnd, () => {}), { code: 'ERR_RUNTIME' });
    assert.equal(loop.removeReader(pipe.readEnd), false);
    closeAll(pipe);
  });

  it(
    'leave a blocking descriptor blocking',
    inLoop(async () => {
      const loop = getRunningLoop();
      const { readEnd, writeEnd } = await makePipe();
      // Opened without O_NONBLOCK: a blocking description of the same pipe.
      const blocking = openSync(`/proc/self/fd/${readEnd}`, 'r');
      const flags = () =>
        /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${blocking}`, 'utf8'))?.[1];
      const before = flags();
      loop.addReader(blocking, () => {});
      assert.equal(flags(), before);
      loop.removeReader(blocking);
      closeSync(blocking);
      closeAll({ readEnd, writeEnd });
    }),
  );
});
