/** Back pressure, both ways. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import {
  createTask,
  currentTask,
  type Future,
  gather,
  getRunningLoop,
  isfuture,
  type StreamReader,
  shield,
  sleep,
  type Task,
  type Transport,
  timeout,
  wait,
  waitFor,
} from 'aionode';
import { inLoop, MIB, roundsUntil, withNodePeer, withPair } from '../support/net.js';

/** Above what the system buffers for one connection, so that the rest stays with the sender. */
const MORE_THAN_THE_SYSTEM_TAKES = 64 * MIB;

/** The largest single read: one more may be under way when the reader pauses. */
const LARGEST_READ = 256 * 1024;

/** Waits until no more bytes come in. */
async function quiet(reader: StreamReader): Promise<void> {
  let before = -1;
  await roundsUntil(() => {
    const still = reader.buffered === before && before > 0;
    before = reader.buffered;
    return still;
  }, 'the reader is still filling');
}

describe('a reader nobody reads from', () => {
  it(
    'pauses above twice its limit and resumes when it is read',
    inLoop(() =>
      withNodePeer(
        async (ours, peer) => {
          const bytes = Buffer.alloc(MORE_THAN_THE_SYSTEM_TAKES, 'x');
          peer.end(bytes);
          await roundsUntil(
            () => !(ours.writer.transport as Transport).isReading(),
            'reading is not paused',
          );
          await quiet(ours.reader);
          assert.ok(ours.reader.buffered > 2000);
          assert.ok(ours.reader.buffered <= 2000 + LARGEST_READ, `${ours.reader.buffered}`);
          let received = 0;
          for await (const chunk of ours.reader.chunks()) received += chunk.length;
          assert.equal(received, bytes.length);
        },
        { limit: 1000 },
      ),
    ),
  );

  it(
    'stays paused until it has fallen to its limit',
    inLoop(() =>
      withPair(
        async (client, peer) => {
          const transport = client.writer.transport as Transport;
          peer.writer.write('x'.repeat(2001));
          await roundsUntil(() => client.reader.buffered === 2001, 'bytes are missing');
          assert.equal(transport.isReading(), false);
          await client.reader.readexactly(1000);
          assert.equal(transport.isReading(), false);
          await client.reader.readexactly(1);
          assert.equal(transport.isReading(), true);
        },
        { limit: 1000 },
      ),
    ),
  );

  it(
    'does not pause at twice its limit',
    inLoop(() =>
      withPair(
        async (client, peer) => {
          peer.writer.write('x'.repeat(2000));
          await roundsUntil(() => client.reader.buffered === 2000, 'bytes are missing');
          assert.equal((client.writer.transport as Transport).isReading(), true);
        },
        { limit: 1000 },
      ),
    ),
  );
});

describe('a peer that never reads', () => {
  it(
    'holds drain() back, and the memory stays bounded',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        peer.pause();
        const chunk = Buffer.alloc(MIB);
        let sent = 0;
        const sending = createTask(async () => {
          for (;;) {
            ours.writer.write(chunk);
            sent += chunk.length;
            await ours.writer.drain();
          }
        });
        const { transport } = ours.writer;
        let before = -1;
        await roundsUntil(() => {
          const still = sent === before;
          before = sent;
          return still && transport.getWriteBufferSize() > 0;
        }, 'drain() never waits');
        assert.equal(sending.done(), false);
        assert.ok(sent < MORE_THAN_THE_SYSTEM_TAKES);
        // drain() waits above the high-water mark only: that much may be left when the next chunk comes.
        const [, high] = transport.getWriteBufferLimits();
        assert.ok(transport.getWriteBufferSize() <= high + chunk.length);
        sending.cancel();
        await assert.rejects(sending, { name: 'CancelledError' });
      }),
    ),
  );

  it(
    'pauses writes that are small and waited for by drain() alone',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        peer.pause();
        let sent = 0;
        const sending = createTask(async () => {
          while (sent < MORE_THAN_THE_SYSTEM_TAKES) {
            ours.writer.write('line\n');
            sent += 5;
            await ours.writer.drain();
          }
        });
        let before = -1;
        await roundsUntil(() => {
          const still = sent === before;
          before = sent;
          return still;
        }, 'drain() never waits');
        assert.equal(sending.done(), false);
        sending.cancel();
        await assert.rejects(sending, { name: 'CancelledError' });
      }),
    ),
  );

  it(
    'that begins to read lets every waiting drain() go on',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        peer.pause();
        ours.writer.write(Buffer.alloc(MORE_THAN_THE_SYSTEM_TAKES));
        const drains = [1, 2, 3].map(() => createTask(() => ours.writer.drain()));
        await sleep(0);
        await sleep(0);
        assert.deepEqual(
          drains.map((drain) => drain.done()),
          [false, false, false],
        );
        let received = 0;
        peer.on('data', (data) => {
          received += data.length;
        });
        peer.resume();
        for (const drain of drains) await drain;
        const { transport } = ours.writer;
        assert.ok(transport.getWriteBufferSize() <= transport.getWriteBufferLimits()[0]);
        ours.writer.close();
        peer.resume();
        await once(peer, 'end');
        assert.equal(received, MORE_THAN_THE_SYSTEM_TAKES);
      }),
    ),
  );

  it(
    'leaves a cancelled drain() without effect on what was written',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        peer.pause();
        ours.writer.write(Buffer.alloc(MORE_THAN_THE_SYSTEM_TAKES));
        const drain = createTask(() => ours.writer.drain());
        await sleep(0);
        drain.cancel();
        await assert.rejects(drain, { name: 'CancelledError' });
        ours.writer.close();
        let received = 0;
        peer.on('data', (data) => {
          received += data.length;
        });
        peer.resume();
        await once(peer, 'end');
        assert.equal(received, MORE_THAN_THE_SYSTEM_TAKES);
      }),
    ),
  );

  it(
    'does not keep abort() from ending the connection',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        peer.pause();
        ours.writer.write(Buffer.alloc(MORE_THAN_THE_SYSTEM_TAKES));
        ours.writer.abort();
        assert.equal(ours.writer.isClosing(), true);
        await ours.writer.waitClosed();
        assert.equal(ours.writer.transport.getWriteBufferSize(), 0);
      }),
    ),
  );
});

describe('the write buffer', () => {
  it(
    'has asyncio’s water marks, and takes others',
    inLoop(() =>
      withPair(async ({ writer: { transport } }) => {
        assert.deepEqual(transport.getWriteBufferLimits(), [16 * 1024, 64 * 1024]);
        transport.setWriteBufferLimits({ high: 100 });
        assert.deepEqual(transport.getWriteBufferLimits(), [25, 100]);
        transport.setWriteBufferLimits({ low: 100 });
        assert.deepEqual(transport.getWriteBufferLimits(), [100, 400]);
        transport.setWriteBufferLimits({ high: 0 });
        assert.deepEqual(transport.getWriteBufferLimits(), [0, 0]);
        transport.setWriteBufferLimits();
        assert.deepEqual(transport.getWriteBufferLimits(), [16 * 1024, 64 * 1024]);
        assert.throws(() => transport.setWriteBufferLimits({ high: 1, low: 2 }), RangeError);
        assert.throws(() => transport.setWriteBufferLimits({ high: -1 }), RangeError);
      }),
    ),
  );

  it(
    'counts what is not sent yet, small writes of one step included',
    inLoop(() =>
      withPair(async ({ writer }) => {
        writer.write('abc');
        writer.write(Buffer.from('de'));
        assert.equal(writer.transport.getWriteBufferSize(), 5);
        await roundsUntil(() => writer.transport.getWriteBufferSize() === 0, 'nothing is sent');
      }),
    ),
  );

  it(
    'a drain() that need not wait is a Future that is done, and no point of cancellation',
    inLoop(() =>
      withPair(async ({ writer }) => {
        const drain = writer.drain() as Future<void>;
        assert.ok(isfuture(drain));
        assert.deepEqual([drain.done(), drain.cancelled(), drain.cancel()], [true, false, false]);
        assert.equal(drain.result(), undefined);
        assert.equal(drain.exception(), null);
        assert.equal(drain.getLoop(), getRunningLoop());
        assert.equal(await drain, undefined);
        await Promise.all([drain, writer.drain()]);
        await gather(writer.drain(), shield(writer.drain()), waitFor(writer.drain(), 3600));
        await timeout(3600, () => writer.drain());
        await createTask(writer.drain());
        const [done] = await wait([writer.drain() as Future<void>]);
        assert.equal(done.size, 1);
        await new Promise((resolve) => drain.addDoneCallback(resolve));

        const told: string[] = [];
        const task = createTask(async () => {
          (currentTask() as Task).cancel();
          await writer.drain();
          told.push('drained');
          await sleep(0);
        });
        await assert.rejects(task, { name: 'CancelledError' });
        assert.deepEqual(told, ['drained']);
      }),
    ),
  );
});
