import {
  BufferedProtocol,
  createTask,
  gather,
  getRunningLoop,
  openConnection,
  openUnixConnection,
  run,
  startServer,
  startUnixServer,
} from 'aionode';
import { rates, serve } from '../harness/serve.mjs';
import { askLoad, CHUNK, CLIENTS, FILE, MESSAGE, MIB, ROUND_TRIPS, SOCKET } from './common.mjs';

async function pass(reader, writer) {
  for await (const chunk of reader.chunks(CHUNK)) {
    writer.write(chunk);
    await writer.drain();
  }
  writer.writeEof();
}

function pipe(reader, writer) {
  return reader.pipeTo(writer);
}

async function echo(reader, writer) {
  await pass(reader, writer);
  writer.close();
}

async function client() {
  const [reader, writer] = await openUnixConnection(SOCKET);
  for (let i = 0; i < ROUND_TRIPS; i++) {
    writer.write(MESSAGE);
    await reader.readexactly(MESSAGE.length);
  }
  writer.close();
  await writer.waitClosed();
}

const memory = Buffer.allocUnsafeSlow(CHUNK);

/** One end of a proxy. What it cannot send is the transport's, so that the memory is free again. */
class End extends BufferedProtocol {
  connectionMade(transport) {
    this.transport = transport;
  }

  getBuffer() {
    return memory;
  }

  bufferUpdated(length) {
    this.other.transport.write(memory.subarray(0, length));
  }

  pauseWriting() {
    this.other.transport.pauseReading();
  }

  resumeWriting() {
    this.other.transport.resumeReading();
  }

  eofReceived() {
    this.other.transport.writeEof();
    return true;
  }

  connectionLost() {
    this.other.transport?.close();
  }
}

class Near extends End {
  constructor(target) {
    super();
    this.target = target;
    this.other = new End();
    this.other.other = this;
  }

  connectionMade(transport) {
    super.connectionMade(transport);
    transport.pauseReading();
    createTask(async () => {
      await getRunningLoop().createConnection(() => this.other, '127.0.0.1', this.target);
      transport.resumeReading();
    });
  }
}

/** @param move - what moves everything from a reader to a writer */
async function streamProxy(move) {
  const load = askLoad(`through ${MIB}`);
  const target = Number(await load.line());
  const options = { limit: CHUNK };
  const server = await startServer(
    async (reader, writer) => {
      const [upReader, upWriter] = await openConnection('127.0.0.1', target, options);
      await gather(
        () => move(reader, upWriter),
        () => move(upReader, writer),
      );
      upWriter.close();
      writer.close();
    },
    '127.0.0.1',
    0,
    options,
  );
  load.send(server.sockets[0].port);
  await load.line();
  await server.shutdown();
  return MIB;
}

const batches = {
  // Operation: a round trip of 1 KiB on one of 10 connections; both ends are here.
  async 'unix echo'() {
    const server = await startUnixServer(echo, SOCKET);
    await gather(...new Array(CLIENTS).fill(client));
    await server.shutdown(1);
    return CLIENTS * ROUND_TRIPS;
  },

  // Operation: a MiB from one connection to another; the other ends are in another process.
  proxy: () => streamProxy(pipe),

  // The same by reads and writes.
  'proxy, by chunks': () => streamProxy(pass),

  // The same without streams: every read lands in one buffer, and is passed on from there.
  async 'proxy, own memory'() {
    const load = askLoad(`through ${MIB}`);
    const target = Number(await load.line());
    const loop = getRunningLoop();
    const server = await loop.createServer(() => new Near(target), '127.0.0.1', 0);
    load.send(server.sockets[0].port);
    await load.line();
    await server.shutdown();
    return MIB;
  },

  // Operation: a MiB of a file to a connection.
  async file() {
    const load = askLoad('fetch');
    const server = await startServer(
      async (_reader, writer) => {
        await getRunningLoop().sendfile(writer.transport, FILE);
        writer.close();
      },
      '127.0.0.1',
      0,
    );
    load.send(server.sockets[0].port);
    await load.line();
    await server.shutdown();
    return MIB;
  },
};

await serve(rates(batches), run);
process.exit();
