/** The ends of a connection: orderly, by half, by abort, by reset. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import {
  createTask,
  getRunningLoop,
  newEventLoop,
  openConnection,
  RuntimeError,
  sleep,
  startServer,
  Waker,
} from 'aionode';
import {
  handleCount,
  inLoop,
  LOCALHOST,
  MIB,
  patternBytes,
  roundsUntil,
  startNodeServer,
  withNodePeer,
  withPair,
} from '../support/net.js';

const RESET = { code: 'ECONNRESET', syscall: 'read' };

describe('close()', () => {
  it(
    'sends a large unsent buffer first',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        peer.pause();
        const bytes = patternBytes(32 << 20);
        ours.writer.write(bytes);
        ours.writer.close();
        ours.writer.close();
        assert.equal(ours.writer.isClosing(), true);
        const received: Buffer[] = [];
        peer.on('data', (chunk) => received.push(chunk));
        peer.resume();
        await once(peer, 'end');
        assert.ok(Buffer.concat(received).equals(bytes));
        await ours.writer.waitClosed();
      }),
    ),
  );

  it(
    'still sends what is written while it sends what was unsent',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        peer.pause();
        const bytes = patternBytes(32 << 20);
        ours.writer.write(bytes);
        ours.writer.close();
        ours.writer.write('last words');
        const received: Buffer[] = [];
        peer.on('data', (chunk) => received.push(chunk));
        peer.resume();
        await once(peer, 'end');
        assert.equal(Buffer.concat(received).subarray(bytes.length).toString(), 'last words');
      }),
    ),
  );

  it(
    'sends small writes of the same turn first',
    inLoop(() =>
      withPair(async (client, peer) => {
        client.writer.write('abc');
        client.writer.write('def');
        client.writer.close();
        assert.equal((await peer.reader.read()).toString(), 'abcdef');
      }),
    ),
  );

  it(
    'ends a read of our own with EOF',
    inLoop(() =>
      withPair(async (client) => {
        const reading = createTask(() => client.reader.read());
        await sleep(0);
        client.writer.close();
        assert.equal((await reading).length, 0);
        await client.writer.waitClosed();
        assert.equal(client.reader.atEof(), true);
      }),
    ),
  );

  it(
    'lets a write after it do nothing, and drain() reject',
    inLoop(() =>
      withPair(async (client, peer) => {
        client.writer.close();
        client.writer.write('lost');
        client.writer.writelines(['lost', 'too']);
        await assert.rejects(client.writer.drain(), { code: 'ECONNRESET' });
        assert.equal((await peer.reader.read()).length, 0);
      }),
    ),
  );

  it(
    'can be waited for by many, and after the end',
    inLoop(() =>
      withPair(async ({ writer }) => {
        const waiting = [1, 2].map(() => createTask(() => writer.waitClosed()));
        const cancelled = createTask(() => writer.waitClosed());
        await sleep(0);
        cancelled.cancel();
        await assert.rejects(cancelled, { name: 'CancelledError' });
        writer.close();
        for (const one of waiting) await one;
        await writer.waitClosed();
      }),
    ),
  );
});

describe('half close', () => {
  it(
    'ours: the peer reads to EOF and goes on sending',
    inLoop(() =>
      withPair(async (client, peer) => {
        assert.equal(client.writer.canWriteEof(), true);
        client.writer.write('question');
        client.writer.writeEof();
        client.writer.writeEof();
        assert.equal((await peer.reader.read()).toString(), 'question');
        for (let part = 0; part < 3; part++) {
          peer.writer.write('answer ');
          await peer.writer.drain();
        }
        peer.writer.close();
        assert.equal((await client.reader.read()).toString(), 'answer answer answer ');
      }),
    ),
  );

  it(
    'ours: sends a large unsent buffer first',
    inLoop(() =>
      withPair(async (client, peer) => {
        const bytes = patternBytes(16 << 20);
        client.writer.write(bytes);
        client.writer.writeEof();
        assert.ok((await peer.reader.read()).equals(bytes));
      }),
    ),
  );

  it(
    'ours: a write after it throws RuntimeError',
    inLoop(() =>
      withPair(async (client) => {
        client.writer.writeEof();
        assert.throws(() => client.writer.write('more'), RuntimeError);
        assert.throws(() => client.writer.writelines([]), RuntimeError);
      }),
    ),
  );

  it(
    'the peer’s: we read to EOF and go on sending',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        peer.end('question');
        assert.equal((await ours.reader.read()).toString(), 'question');
        const received: Buffer[] = [];
        peer.on('data', (chunk) => received.push(chunk));
        for (let part = 0; part < 3; part++) {
          ours.writer.write('answer ');
          await ours.writer.drain();
          await sleep(0);
        }
        ours.writer.close();
        peer.resume();
        await once(peer, 'end');
        assert.equal(Buffer.concat(received).toString(), 'answer answer answer ');
      }),
    ),
  );
});

describe('abort()', () => {
  it(
    'ends our reads with EOF, waitClosed() without an error, drain() with one',
    inLoop(() =>
      withPair(async (client, peer) => {
        const reading = createTask(() => client.reader.read(1));
        await sleep(0);
        client.writer.abort();
        client.writer.abort();
        assert.equal((await reading).length, 0);
        await client.writer.waitClosed();
        await assert.rejects(client.writer.drain(), { code: 'ECONNRESET' });
        client.writer.write('lost');
        assert.equal((await peer.reader.read()).length, 0);
      }),
    ),
  );
});

describe('abort() while drain() waits', () => {
  it(
    'ends it without an error, as in asyncio; the next one rejects',
    inLoop(() =>
      withNodePeer(async ({ writer }, peer) => {
        peer.pause();
        writer.write(Buffer.alloc(64 << 20));
        const drain = createTask(() => writer.drain());
        await sleep(0);
        writer.abort();
        await drain;
        await assert.rejects(writer.drain(), { code: 'ECONNRESET' });
      }),
    ),
  );
});

describe('a reset by the peer', () => {
  it(
    'in the middle of a read gives the reader its error; later reads throw it too',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        const reading = createTask(() => ours.reader.readexactly(10));
        await sleep(0);
        peer.resetAndDestroy();
        await assert.rejects(reading, RESET);
        await assert.rejects(ours.reader.read(1), RESET);
        await assert.rejects(ours.reader.readline(), RESET);
        assert.equal((ours.reader.exception() as NodeJS.ErrnoException).code, 'ECONNRESET');
        await assert.rejects(ours.writer.waitClosed(), RESET);
        await assert.rejects(ours.writer.drain(), RESET);
      }),
    ),
  );

  it(
    'leaves bytes that arrived before readable',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        await new Promise((resolve) => peer.write('received', resolve));
        await roundsUntil(() => ours.reader.buffered === 8, 'bytes are missing');
        peer.resetAndDestroy();
        await roundsUntil(() => ours.reader.exception() !== null, 'no reset');
        assert.equal((await ours.reader.readexactly(3)).toString(), 'rec');
        assert.equal((await ours.reader.read(100)).toString(), 'eived');
        assert.equal(ours.reader.atEof(), false);
        await assert.rejects(ours.reader.read(100), RESET);
      }),
    ),
  );

  it(
    'leaves a readexactly() that cannot be satisfied nothing to take: the bytes stay',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        const reading = createTask(() => ours.reader.readexactly(9));
        await new Promise((resolve) => peer.write('received', resolve));
        await roundsUntil(() => ours.reader.buffered === 8, 'bytes are missing');
        peer.resetAndDestroy();
        await assert.rejects(reading, RESET);
        assert.equal((await ours.reader.readexactly(8)).toString(), 'received');
      }),
    ),
  );

  it(
    'lets writes do nothing: they do not throw, drain() rejects',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        peer.resetAndDestroy();
        await roundsUntil(() => ours.writer.isClosing(), 'no reset');
        for (const data of ['x', Buffer.alloc(1 << 20)]) ours.writer.write(data);
        ours.writer.writeEof();
        ours.writer.close();
        await assert.rejects(ours.writer.drain(), { code: 'ECONNRESET' });
      }),
    ),
  );

  it(
    'while drain() waits ends the drain with the error',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        peer.pause();
        ours.writer.write(Buffer.alloc(64 << 20));
        const drain = createTask(() => ours.writer.drain());
        await sleep(0);
        peer.resetAndDestroy();
        await assert.rejects(drain, (error: NodeJS.ErrnoException) =>
          ['ECONNRESET', 'EPIPE'].includes(error.code as string),
        );
      }),
    ),
  );

  it(
    'of a client’s connection is found by writing alone',
    inLoop(async () => {
      const accepted = getRunningLoop().createFuture<import('node:net').Socket>();
      const server = await startNodeServer((socket) => accepted.setResult(socket));
      const [, writer] = await openConnection(LOCALHOST, server.port);
      (await accepted).resetAndDestroy();
      await assert.rejects(async () => {
        for (;;) {
          writer.write('x');
          await writer.drain();
          await sleep(0);
        }
      });
      await server.stop();
    }),
  );

  it(
    'ends a step that writes, small parts too, and waits for drain() alone',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        peer.resetAndDestroy();
        let left = MIB;
        const sending = createTask(async () => {
          for (; left > 0; left--) {
            ours.writer.write('x');
            await ours.writer.drain();
          }
        });
        await assert.rejects(sending, (error: NodeJS.ErrnoException) =>
          ['ECONNRESET', 'EPIPE'].includes(error.code as string),
        );
        assert.ok(left > 0);
      }),
    ),
  );
});

describe('await using of a writer', () => {
  it(
    'closes it, sends what was written, and hides the connection’s error',
    inLoop(() =>
      withPair(async (client, peer) => {
        client.writer.write('bye');
        await client.writer[Symbol.asyncDispose]();
        assert.equal((await peer.reader.read()).toString(), 'bye');
      }),
    ),
  );

  it(
    'does not throw the error that ended the connection',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        peer.resetAndDestroy();
        await roundsUntil(() => ours.writer.isClosing(), 'no reset');
        await ours.writer[Symbol.asyncDispose]();
      }),
    ),
  );

  it(
    'aborts it in a cancelled task: a peer that never reads cannot hold it',
    inLoop(() =>
      withNodePeer(async (ours, peer) => {
        peer.pause();
        const task = createTask(async () => {
          try {
            ours.writer.write(Buffer.alloc(64 << 20));
            await ours.writer.drain();
          } finally {
            await ours.writer[Symbol.asyncDispose]();
          }
        });
        await sleep(0);
        task.cancel();
        await assert.rejects(task, { name: 'CancelledError' });
        await ours.writer.waitClosed();
      }),
    ),
  );
});

describe('closing the loop', () => {
  it('nothing that is left of its connections touches those of others', async () => {
    const received: string[] = [];
    const server = await startNodeServer((socket) => {
      const index = received.push('') - 1;
      socket.on('data', (data) => {
        received[index] += String(data);
      });
    });
    try {
      const loop = newEventLoop();
      const connect = () => openConnection(LOCALHOST, server.port);
      const [, old] = await loop.runUntilComplete(connect);
      const oldServer = await loop.runUntilComplete(() => startServer(() => {}, LOCALHOST, 0));
      const idle = { startServing: false };
      const oldIdle = await loop.runUntilComplete(() => startServer(() => {}, LOCALHOST, 0, idle));
      const oldWaker = await loop.runUntilComplete(async () => new Waker(() => {}));
      loop.close();
      await roundsUntil(() => handleCount() === 0, 'the old connection');
      await inLoop(async () => {
        // The slots of what was closed are used again.
        const others = [(await connect())[1], (await connect())[1]];
        old.write('to nobody');
        old.transport.abort();
        old.close();
        for (const closed of [oldServer, oldIdle]) {
          closed.ref();
          closed.unref();
        }
        await assert.rejects(oldIdle.startServing(), { code: 'ERR_RUNTIME' });
        oldServer.close();
        oldIdle.close();
        oldWaker.close();
        for (const writer of others) {
          writer.write('alive');
          writer.close();
          await writer.waitClosed();
        }
        await roundsUntil(() => received.join().length >= 11, 'what was sent');
        assert.deepEqual(received, ['', 'alive', 'alive']);
      })();
    } finally {
      await server.stop();
    }
  });
});

describe('getExtraInfo()', () => {
  it(
    'knows both ends, and gives the fallback for what it does not know',
    inLoop(() =>
      withPair(async (client, peer) => {
        const [host, port] = client.writer.getExtraInfo('sockname');
        assert.equal(host, LOCALHOST);
        assert.deepEqual(peer.writer.getExtraInfo('peername'), [host, port]);
        assert.deepEqual(
          client.writer.getExtraInfo('peername'),
          peer.writer.getExtraInfo('sockname'),
        );
        assert.equal(client.writer.getExtraInfo('nothing'), null);
        assert.equal(client.writer.getExtraInfo('nothing', 5), 5);
      }),
    ),
  );

  it(
    'knows the peer after the connection is closed, also if nobody asked before',
    inLoop(() =>
      withPair(async (client, peer) => {
        const sockname = client.writer.getExtraInfo('sockname');
        peer.writer.close();
        await peer.writer.waitClosed();
        await sleep(0);
        assert.deepEqual(peer.writer.getExtraInfo('peername'), sockname);
      }),
    ),
  );
});
