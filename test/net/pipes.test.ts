/** connectReadPipe() and connectWritePipe(). */
import assert from 'node:assert/strict';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import {
  createTask,
  type Future,
  getRunningLoop,
  newEventLoop,
  Protocol,
  type ReadTransport,
  sleep,
  type WriteTransport,
} from 'aionode';
import { inLoop, MIB, roundsUntil, systemError } from '../support/net.js';
import { compareWithAsyncio, python, type Scenario } from '../support/oracle.js';
import {
  closeIfOpen,
  descriptorCount,
  inFolder,
  isOpen,
  makePipe,
  NO_PIPES,
} from '../support/pipes.js';

/** Writes down what it is told, as the Recorder of oracle/pipes.py. */
class Recorder extends Protocol {
  readonly trace: string[];
  readonly lost: Future<void> = getRunningLoop().createFuture();
  transport!: ReadTransport & WriteTransport;

  constructor(trace: string[]) {
    super();
    this.trace = trace;
  }
  override connectionMade(transport: ReadTransport & WriteTransport): void {
    this.transport = transport;
    this.trace.push('made');
  }
  override dataReceived(data: Buffer): void {
    this.trace.push(`data ${data}`);
  }
  override eofReceived(): boolean {
    this.trace.push('eof');
    getRunningLoop().callSoon(() => this.trace.push('after eof'));
    return true;
  }
  override pauseWriting(): void {
    this.trace.push('pause');
  }
  override resumeWriting(): void {
    this.trace.push('resume');
  }
  override connectionLost(error: unknown): void {
    this.trace.push(error === null ? 'lost' : `lost ${pythonName(error)}`);
    this.lost.setResult();
  }
}

const pythonName = (error: unknown) =>
  (error as NodeJS.ErrnoException).code === 'EPIPE' ? 'BrokenPipeError' : String(error);

async function readerOf(trace: string[], Class = Recorder) {
  const { readEnd, writeEnd } = await makePipe();
  const [, protocol] = await getRunningLoop().connectReadPipe(() => new Class(trace), readEnd);
  trace.push('connected');
  return { protocol, writeEnd, readEnd };
}

async function writerOf(trace: string[]) {
  const { readEnd, writeEnd } = await makePipe();
  const [, protocol] = await getRunningLoop().connectWritePipe(() => new Recorder(trace), writeEnd);
  trace.push('connected');
  return { protocol, readEnd, writeEnd };
}

/** What is in the pipe now; '' at its end. */
function readNow(fd: number, most = 10): Buffer {
  const buffer = Buffer.alloc(most);
  return buffer.subarray(0, readSync(fd, buffer));
}

async function emptied(protocol: Recorder, readEnd: number, trace: string[]): Promise<void> {
  let received = 0;
  for (let ended = false; !ended; ) {
    await sleep(0);
    try {
      const { length } = readNow(readEnd, MIB);
      received += length;
      ended = length === 0;
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
    }
  }
  trace.push(`received ${received}`);
  await protocol.lost;
  closeSync(readEnd);
}

/** The twins of the functions of these names in oracle/pipes.py. */
const scenarios: Record<string, Scenario> = {
  async read_to_the_end(trace) {
    const { protocol, writeEnd } = await readerOf(trace);
    writeSync(writeEnd, 'abc');
    closeSync(writeEnd);
    await protocol.lost;
    trace.push(python(protocol.transport.isClosing()));
  },
  async end_at_once(trace) {
    const { protocol, writeEnd } = await readerOf(trace);
    closeSync(writeEnd);
    await protocol.lost;
  },
  async close_while_paused(trace) {
    const { protocol, writeEnd } = await readerOf(trace);
    protocol.transport.pauseReading();
    trace.push(python(protocol.transport.isReading()));
    writeSync(writeEnd, 'abc');
    protocol.transport.close();
    trace.push(`closing ${python(protocol.transport.isClosing())}`);
    await protocol.lost;
    closeSync(writeEnd);
  },
  async paused_from_the_start(trace) {
    class Paused extends Recorder {
      override connectionMade(transport: ReadTransport & WriteTransport): void {
        super.connectionMade(transport);
        transport.pauseReading();
      }
    }
    const { readEnd, writeEnd } = await makePipe();
    writeSync(writeEnd, 'abc');
    const [, protocol] = await getRunningLoop().connectReadPipe(() => new Paused(trace), readEnd);
    for (let i = 0; i < 5; i++) await sleep(0);
    trace.push('resume reading');
    protocol.transport.resumeReading();
    closeSync(writeEnd);
    await protocol.lost;
  },
  async write_and_close(trace) {
    const { protocol, readEnd } = await writerOf(trace);
    protocol.transport.write('abc');
    protocol.transport.close();
    trace.push(`closing ${python(protocol.transport.isClosing())}`);
    await protocol.lost;
    trace.push(`read ${readNow(readEnd)}`);
    trace.push(`then ${readNow(readEnd)}`);
    closeSync(readEnd);
  },
  async end_of_writing(trace) {
    const { protocol, readEnd } = await writerOf(trace);
    trace.push(python(protocol.transport.canWriteEof()));
    protocol.transport.writeEof();
    trace.push(`closing ${python(protocol.transport.isClosing())}`);
    await protocol.lost;
    closeSync(readEnd);
  },
  async reader_goes_while_nothing_is_written(trace) {
    const { protocol, readEnd } = await writerOf(trace);
    closeSync(readEnd);
    await protocol.lost;
  },
  async reader_goes_with_bytes_unsent(trace) {
    const { protocol, readEnd } = await writerOf(trace);
    protocol.transport.write(Buffer.alloc(4 * MIB));
    closeSync(readEnd);
    await protocol.lost;
  },
  async a_full_pipe_is_emptied(trace) {
    const { protocol, readEnd } = await writerOf(trace);
    protocol.transport.write(Buffer.alloc(MIB));
    protocol.transport.close();
    await emptied(protocol, readEnd, trace);
  },
  async a_full_pipe_takes_nothing_after_its_end(trace) {
    const { protocol, readEnd } = await writerOf(trace);
    protocol.transport.write(Buffer.alloc(MIB));
    protocol.transport.writeEof();
    protocol.transport.write('after the end');
    protocol.transport.writelines(['and', 'more']);
    await emptied(protocol, readEnd, trace);
  },
  async abort_drops(trace) {
    const { protocol, readEnd } = await writerOf(trace);
    protocol.transport.write(Buffer.alloc(MIB));
    protocol.transport.abort();
    trace.push(`closing ${python(protocol.transport.isClosing())}`);
    await protocol.lost;
    closeSync(readEnd);
  },
};

describe('pipe transports', { skip: NO_PIPES }, () => {
  compareWithAsyncio('pipes', scenarios);

  it(
    'own their descriptor: it is closed with them',
    inLoop(async () => {
      const before = descriptorCount();
      const { protocol: reading, readEnd, writeEnd: w } = await readerOf([]);
      const { protocol: writing, writeEnd, readEnd: r } = await writerOf([]);
      assert.equal(reading.transport.getExtraInfo('pipe'), readEnd);
      assert.equal(writing.transport.getExtraInfo('pipe'), writeEnd);
      reading.transport.close();
      writing.transport.close();
      await reading.lost;
      await writing.lost;
      await roundsUntil(() => !isOpen(readEnd) && !isOpen(writeEnd), 'descriptors are open');
      closeSync(w);
      closeSync(r);
      assert.equal(descriptorCount(), before);
    }),
  );

  it(
    'leave the descriptor to the caller when they refuse it',
    inLoop(() =>
      inFolder(async (folder) => {
        const loop = getRunningLoop();
        const { readEnd, writeEnd } = await makePipe();
        const directory = openSync(folder, 'r');
        const file = openSync(path.join(folder, 'file'), 'w+');
        const device = openSync('/dev/null', 'r');
        const factory = () => new Recorder([]);
        const refused: [Promise<unknown>, object][] = [
          [loop.connectReadPipe(factory, writeEnd), systemError('EBADF', 'read')],
          [loop.connectWritePipe(factory, readEnd), systemError('EBADF', 'write')],
          [loop.connectReadPipe(factory, device), systemError('EPERM', 'read')],
          [loop.connectReadPipe(factory, 1 << 20), systemError('EBADF', 'fstat')],
          [loop.connectReadPipe(factory, file), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }],
          [loop.connectWritePipe(factory, file), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }],
          [loop.connectReadPipe(factory, directory), { name: 'RangeError' }],
          [loop.connectReadPipe(factory, -1), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }],
          [loop.connectReadPipe(factory, 1.5), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }],
          [
            loop.connectReadPipe(factory, '0' as never),
            { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' },
          ],
          [loop.connectReadPipe(null as never, readEnd), { code: 'ERR_INVALID_ARG_TYPE' }],
          [
            loop.connectReadPipe(() => {
              throw new Error('no protocol');
            }, readEnd),
            { message: 'no protocol' },
          ],
        ];
        for (const [promise, expected] of refused) await assert.rejects(promise, expected);
        for (const fd of [readEnd, writeEnd, directory, file, device]) closeSync(fd);
      }),
    ),
  );

  it(
    'write to a character device',
    inLoop(async () => {
      const fd = openSync('/dev/null', 'w');
      const [transport, protocol] = await getRunningLoop().connectWritePipe(
        () => new Recorder([]),
        fd,
      );
      transport.write(Buffer.alloc(MIB));
      transport.close();
      await protocol.lost;
      assert.deepEqual(protocol.trace, ['made', 'lost']);
      await roundsUntil(() => !isOpen(fd), 'the device is open');
    }),
  );

  it(
    'do not share a descriptor',
    inLoop(async () => {
      const { protocol, readEnd, writeEnd } = await readerOf([]);
      const again = getRunningLoop().connectReadPipe(() => new Recorder([]), readEnd);
      await assert.rejects(again, { code: 'ERR_RUNTIME' });
      assert.ok(isOpen(readEnd));
      closeSync(writeEnd);
      await protocol.lost;
    }),
  );

  it(
    'are closed when the await is cancelled',
    inLoop(async () => {
      const { readEnd, writeEnd } = await makePipe();
      const trace: string[] = [];
      const task = createTask(() =>
        getRunningLoop().connectReadPipe(() => new Recorder(trace), readEnd),
      );
      await sleep(0);
      task.cancel();
      await assert.rejects(async () => task, { code: 'ERR_CANCELLED' });
      await roundsUntil(() => !isOpen(readEnd), 'the descriptor is open');
      assert.deepEqual(trace, ['made', 'lost']);
      closeSync(writeEnd);
    }),
  );

  it(
    'survive a protocol that throws',
    inLoop(async (reports) => {
      class Throwing extends Recorder {
        override connectionMade(transport: ReadTransport & WriteTransport): void {
          super.connectionMade(transport);
          throw new Error('in connectionMade');
        }
        override eofReceived(): boolean {
          throw new Error('in eofReceived');
        }
      }
      const { protocol, writeEnd } = await readerOf([], Throwing);
      closeSync(writeEnd);
      await protocol.lost;
      assert.deepEqual(
        reports.splice(0).map(({ exception }) => (exception as Error).message),
        ['in connectionMade', 'in eofReceived'],
      );
    }),
  );

  it(
    'end with the error that a throwing dataReceived gave',
    inLoop(async (reports) => {
      const failure = new Error('in dataReceived');
      let lostWith: unknown;
      class Throwing extends Recorder {
        override dataReceived(): void {
          throw failure;
        }
        override connectionLost(error: unknown): void {
          lostWith = error;
          super.connectionLost(null);
        }
      }
      const { protocol, writeEnd } = await readerOf([], Throwing);
      writeSync(writeEnd, 'x');
      await protocol.lost;
      assert.equal(lostWith, failure);
      assert.equal(reports.splice(0)[0]?.exception, failure);
      closeSync(writeEnd);
    }),
  );

  it('are closed with their loop, which takes no more of them', async () => {
    const loop = newEventLoop();
    const { readEnd, writeEnd } = await makePipe();
    await loop.runUntilComplete(async () => {
      await loop.connectReadPipe(() => new Recorder([]), readEnd);
    });
    loop.close();
    await roundsUntil(() => !isOpen(readEnd), 'the descriptor is open');
    const refused = loop.connectWritePipe(() => new Protocol(), writeEnd);
    await assert.rejects(refused, { code: 'ERR_RUNTIME' });
    closeIfOpen(writeEnd);
  });
});
