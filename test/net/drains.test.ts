/** Who waits for a stream, and in which order they go on. The twin is oracle/drains.py. */
import type { Socket } from 'node:net';
import { describe } from 'node:test';
import {
  createTask,
  type Future,
  iscancelled,
  type StreamReader,
  type StreamWriter,
  sleep,
  wait,
} from 'aionode';
import { MIB, withNodePeer } from '../support/net.js';
import { compareWithAsyncio, python, type Scenario } from '../support/oracle.js';
import { nameOf, settle } from '../support/recorders.js';

const MUCH = Buffer.alloc(16 * MIB, 'x');

type Part = (
  trace: string[],
  reader: StreamReader,
  writer: StreamWriter,
  peer: Socket,
) => Promise<void>;

async function readAll(peer: Socket): Promise<void> {
  for await (const _ of peer.iterator({ destroyOnReturn: false }));
}

/** Notes how `waits` ends. */
async function ends(trace: string[], name: string, waits: Future<unknown>): Promise<void> {
  try {
    await waits;
    trace.push(name);
  } catch (error) {
    trace.push(`${name} ${iscancelled(error) ? 'cancelled' : nameOf(error)}`);
  }
}

const tasks = (trace: string[], waits: Record<string, Future<unknown>>) =>
  Object.entries(waits).map(([name, one]) => createTask(() => ends(trace, name, one)));

const flushed: Part = async (trace, _, writer, peer) => {
  const waiting = tasks(trace, {
    closed: writer.waitClosed(),
    drain: writer.drain(),
    closed_too: writer.waitClosed(),
    drain_too: writer.drain(),
  });
  await sleep(0);
  writer.close();
  waiting.push(...tasks(trace, { late: writer.drain() }));
  await settle();
  await readAll(peer);
  await wait(waiting);
};

const aborted: Part = async (trace, reader, writer) => {
  const waiting = tasks(trace, {
    drain: writer.drain(),
    closed: writer.waitClosed(),
    drain_too: writer.drain(),
    read: reader.read(1),
  });
  await sleep(0);
  writer.abort();
  waiting.push(...tasks(trace, { late: writer.drain() }));
  await wait(waiting);
  await ends(trace, 'drain after it', writer.drain());
  await ends(trace, 'closed after it', writer.waitClosed());
};

const wasReset: Part = async (trace, reader, writer, peer) => {
  const waiting = tasks(trace, {
    drain: writer.drain(),
    closed: writer.waitClosed(),
    drain_too: writer.drain(),
    read: reader.read(1),
  });
  await settle();
  peer.resetAndDestroy();
  await wait(waiting);
  await ends(trace, 'drain after it', writer.drain());
  await ends(trace, 'closed after it', writer.waitClosed());
};

const pausedAgain: Part = async (trace, _, writer, peer) => {
  const waiting = [
    createTask(async () => {
      await writer.drain();
      writer.write(MUCH);
      await writer.drain();
      trace.push('written');
    }),
    createTask(async () => {
      await writer.drain();
      trace.push(`goes on, buffered ${python(writer.transport.getWriteBufferSize() > 0)}`);
    }),
  ];
  const reading = createTask(() => readAll(peer));
  await wait(waiting);
  writer.close();
  await reading;
};

const cancelled: Part = async (trace, _, writer, peer) => {
  const waiting = tasks(trace, { one: writer.drain(), two: writer.drain(), three: writer.drain() });
  await sleep(0);
  waiting[1]?.cancel();
  const reading = createTask(() => readAll(peer));
  await wait(waiting);
  writer.close();
  await reading;
};

const played =
  (part: Part): Scenario =>
  (trace) =>
    withNodePeer(async ({ reader, writer }, peer) => {
      writer.write(MUCH);
      await part(trace, reader, writer, peer);
    });

describe('what waits for a stream', () => {
  compareWithAsyncio('drains', {
    flushed: played(flushed),
    aborted: played(aborted),
    was_reset: played(wasReset),
    paused_again: played(pausedAgain),
    cancelled: played(cancelled),
  });
});
