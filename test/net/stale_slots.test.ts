/** What is held of a connection, a server or a loop that is gone touches nobody who came after it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openConnection, type StreamWriter, startServer, type WriteTransport } from 'aionode';
import { inLoop, LOCALHOST, withPair, withServer } from '../support/net.js';

describe('after its end', () => {
  it(
    'a writer cannot be piped to: the bytes reach no connection that was made later',
    inLoop(async () => {
      let closed: StreamWriter | undefined;
      await withPair(async (_, peer) => {
        peer.writer.close();
        await peer.writer.waitClosed();
        closed = peer.writer;
      });
      await withPair(async (sender, source) =>
        withPair(async (later, laterPeer) => {
          sender.writer.write('for nobody');
          await assert.rejects(source.reader.pipeTo(closed as StreamWriter), {
            code: 'ECONNRESET',
          });
          later.writer.write('mine');
          laterPeer.writer.write('mine');
          assert.equal((await later.reader.readexactly(4)).toString(), 'mine');
          assert.equal((await laterPeer.reader.readexactly(4)).toString(), 'mine');
        }),
      );
    }),
  );

  it(
    'a server’s socket has no descriptor, whoever listens then',
    inLoop(async () => {
      const server = await startServer(() => {}, LOCALHOST, 0);
      const [socket] = server.sockets;
      assert.ok((socket?.fileno() as number) >= 0);
      server.close();
      await server.waitClosed();
      const others = await Promise.all([1, 2, 3].map(() => startServer(() => {}, LOCALHOST, 0)));
      assert.equal(socket?.fileno(), -1);
      for (const other of others) other.close();
    }),
  );

  it(
    'a transport’s socket is closed, whoever connects then',
    inLoop(() =>
      withServer(
        (_, writer) => writer.close(),
        async (port) => {
          const connect = async () => (await openConnection(LOCALHOST, port))[1];
          const writer = await connect();
          const socket = (writer.transport as WriteTransport).getExtraInfo('socket');
          writer.close();
          await writer.waitClosed();
          const others = await Promise.all([connect(), connect(), connect()]);
          assert.equal(socket.fileno(), -1);
          assert.throws(() => socket.setNoDelay(false), { code: 'EBADF' });
          for (const other of others) other.close();
        },
      ),
    ),
  );
});
