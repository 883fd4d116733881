/** A server whose process runs out of file descriptors. Its clients are another process: this one. */
import assert from 'node:assert/strict';
import { type Serializable, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  createTask,
  gather,
  openConnection,
  openUnixConnection,
  Queue,
  type StreamReader,
  type StreamWriter,
  sleep,
} from 'aionode';
import { type Address, CARRIED, KINDS } from '../support/kinds.js';
import { inLoop } from '../support/net.js';
import { inFolder } from '../support/pipes.js';

const FEW = 200;
/** In seconds: a server that has run out tries again after one. */
const LONGER_THAN_A_RETRY = 1.2;

const PROGRAM = fileURLToPath(new URL('exhausted.js', import.meta.url));

/** In the order of the program's servers. */
const ways = Object.values(CARRIED).flatMap((carried) => Object.keys(KINDS).map(() => carried));

type Streams = [StreamReader, StreamWriter];

async function answer([reader, writer]: Streams, text: string): Promise<string> {
  writer.write(text);
  return (await reader.readexactly(text.length)).toString();
}

/** A process with a server of each way; it runs out of descriptors when it is told to. */
interface Exhaustible {
  readonly addresses: readonly Address[];
  /** What it tells. */
  readonly told: Queue<unknown>;
  order(what: Serializable): void;
}

async function withExhaustible(body: (servers: Exhaustible) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const command = `ulimit -n ${FEW}; exec "$0" "$@"`;
    const child = spawn('sh', ['-c', command, process.execPath, PROGRAM, folder], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const told = new Queue<unknown>();
    child.on('message', (message) => told.putNowait(message));
    try {
      const addresses = (await told.get()) as Address[];
      await body({ addresses, told, order: (what) => child.send(what) });
    } finally {
      child.disconnect();
      await once(child, 'exit');
    }
  });
}

describe('a server that runs out of descriptors', () => {
  it(
    'says so once, keeps serving, lets new clients wait, and accepts them when some are free',
    { skip: process.platform === 'win32' && 'descriptors are not limited there' },
    inLoop(() =>
      withExhaustible(async ({ addresses, told, order }) => {
        const everywhere = <T>(ask: (index: number) => PromiseLike<T>) =>
          gather(...ways.map((_, index) => createTask(async () => ask(index))));
        const open = (index: number): PromiseLike<Streams> => {
          const at = addresses[index] as Address;
          const options = ways[index]?.ofClient ?? {};
          return typeof at === 'string'
            ? openUnixConnection(at, options)
            : openConnection(...at, options);
        };
        const askOnce = (text: string) =>
          everywhere(async (index) => {
            const streams = await open(index);
            assert.equal(await answer(streams, text), text);
            streams[1].close();
          });
        const first = await everywhere(open);
        const askFirst = (text: string) =>
          everywhere(async (index) => {
            assert.equal(await answer(first[index] as Streams, text), text);
          });

        await askFirst('before');
        order('take');
        assert.deepEqual(await told.get(), { full: 'EMFILE' });
        const waiting = createTask(() => askOnce('waited'));
        const reports = await everywhere(() => told.get() as PromiseLike<{ index: number }>);
        assert.deepEqual(
          reports.sort((one, other) => one.index - other.index),
          ways.map((_, index) => ({ index, code: 'EMFILE', syscall: 'accept' })),
        );
        await sleep(LONGER_THAN_A_RETRY);
        await askFirst('still');
        assert.equal(waiting.done(), false);
        assert.equal(told.empty(), true);

        // None to spare.
        order({ free: ways.length });
        await waiting;

        order('free all');
        await askOnce('new');
        await askFirst('after');
        for (const [, writer] of first) writer.abort();
      }),
    ),
  );
});
