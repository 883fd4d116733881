// Streams, a task per client; without tasks: `protocol` is the echo by a Protocol, `buffered` that by a
// BufferedProtocol.
//
//   aionode.mjs echo|lines|sink|protocol|buffered     prints its port, serves until it is killed
import './collect-on-demand.mjs';
import { BufferedProtocol, getRunningLoop, Protocol, run, startServer } from 'aionode';
import { echo } from './echo.mjs';

const handlers = {
  echo,

  async lines(reader, writer) {
    while (true) {
      const line = await reader.readline();
      if (line.length === 0) break;
      writer.write(line);
      await writer.drain();
    }
    writer.close();
  },

  async sink(reader, writer) {
    let received = 0;
    while (true) {
      const data = await reader.read(65_536);
      if (data.length === 0) break;
      received += data.length;
    }
    writer.write(String(received));
    writer.close();
  },
};

class Echo extends Protocol {
  connectionMade(transport) {
    this.transport = transport;
  }

  dataReceived(data) {
    this.transport.write(data);
  }
}

class BufferedEcho extends BufferedProtocol {
  memory = Buffer.allocUnsafeSlow(262_144);

  connectionMade(transport) {
    this.transport = transport;
  }

  getBuffer() {
    return this.memory;
  }

  bufferUpdated(count) {
    this.transport.write(this.memory.subarray(0, count));
  }
}

const protocols = { protocol: Echo, buffered: BufferedEcho };

await run(async () => {
  const mode = process.argv[2];
  const place = ['127.0.0.1', 0, { backlog: 1024 }];
  const EchoProtocol = protocols[mode];
  const server =
    EchoProtocol === undefined
      ? await startServer(handlers[mode], ...place)
      : await getRunningLoop().createServer(() => new EchoProtocol(), ...place);
  console.log(server.sockets[0].port);
  await server.serveForever();
});
