/** What console.log() shows of connections and servers: their state. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import {
  createTask,
  getRunningLoop,
  openUnixConnection,
  Protocol,
  StreamReader,
  sleep,
  startServer,
  startUnixServer,
  type Transport,
} from 'aionode';
import { inLoop, LOCALHOST, MIB, roundsUntil, withPair } from '../support/net.js';
import { closeIfOpen, inFolder, makePipe, NO_PIPES } from '../support/pipes.js';

describe('console.log()', () => {
  it(
    'shows a reader',
    inLoop(async () => {
      const reader = new StreamReader({ limit: 100 });
      assert.equal(inspect(reader), '<StreamReader open limit=100>');
      const line = createTask(reader.readline());
      await sleep(0);
      assert.equal(inspect(reader), '<StreamReader open limit=100 waiting=readline>');
      reader.feedData(Buffer.from('one\ntwo'));
      await line;
      reader.feedEof();
      assert.equal(inspect(reader), '<StreamReader eof buffered=3 limit=100>');
      reader.setException(new Error('broken'));
      assert.equal(inspect(reader), '<StreamReader broken buffered=3 limit=100>');
    }),
  );

  it(
    'shows a writer and its transport',
    inLoop(() =>
      withPair(async ({ writer }) => {
        const transport = writer.transport as Transport;
        const peer = writer.getExtraInfo('peername').join(':');
        assert.equal(inspect(writer), `<StreamWriter open peer=${peer}>`);
        assert.equal(inspect(transport), `<SocketTransport open, reading peer=${peer}>`);
        transport.pauseReading();
        assert.equal(inspect(transport), `<SocketTransport open peer=${peer}>`);
        writer.write(Buffer.alloc(64 * MIB));
        writer.close();
        const unsent = transport.getWriteBufferSize();
        assert.equal(inspect(writer), `<StreamWriter closing peer=${peer} unsent=${unsent}>`);
        assert.equal(inspect(transport), `<SocketTransport closing peer=${peer} unsent=${unsent}>`);
        writer.abort();
        await writer.waitClosed();
        assert.equal(inspect(writer), `<StreamWriter closed peer=${peer}>`);
        assert.equal(inspect(transport), `<SocketTransport closed peer=${peer}>`);
      }),
    ),
  );

  it(
    'shows a server',
    inLoop(async () => {
      const server = await startServer(() => {}, [LOCALHOST, '::1'], 0, { startServing: false });
      const [four, six] = server.sockets.map(({ port }) => port);
      const at = `at=127.0.0.1:${four},[::1]:${six}`;
      assert.equal(inspect(server), `<Server not serving yet ${at}>`);
      await server.startServing();
      assert.equal(inspect(server), `<Server serving ${at}>`);
      server.close();
      assert.equal(inspect(server), '<Server closed>');
    }),
  );

  it(
    'shows clients and paths of a Unix server',
    { skip: NO_PIPES },
    inLoop(() =>
      inFolder(async (folder) => {
        const place = path.join(folder, 'socket');
        const server = await startUnixServer(async (reader) => void (await reader.read()), place);
        const [, writer] = await openUnixConnection(place);
        assert.equal(inspect(writer), `<StreamWriter open peer=${place}>`);
        await roundsUntil(() => server.handlers.size === 1, 'no client');
        assert.equal(inspect(server), `<Server serving at=${place} clients=1>`);
        writer.close();
        await server.shutdown();
      }),
    ),
  );

  it(
    'shows a pipe',
    { skip: NO_PIPES },
    inLoop(async () => {
      const { readEnd, writeEnd } = await makePipe();
      const [transport] = await getRunningLoop().connectReadPipe(() => new Protocol(), readEnd);
      assert.equal(inspect(transport), `<ReadPipeTransport open, reading pipe=${readEnd}>`);
      transport.close();
      closeIfOpen(writeEnd);
    }),
  );
});
