// Streams, a task per client; `protocol` is the echo by a Protocol, without tasks.
//
//   aionode.mjs echo|lines|sink|protocol     prints its port, serves until it is killed
import './collect-on-demand.mjs';
import { getRunningLoop, Protocol, run, startServer } from 'aionode';

const handlers = {
  async echo(reader, writer) {
    while (true) {
      const data = await reader.read(262_144);
      if (data.length === 0) break;
      writer.write(data);
      await writer.drain();
    }
    writer.close();
  },

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

await run(async () => {
  const mode = process.argv[2];
  const place = ['127.0.0.1', 0, { backlog: 1024 }];
  const server =
    mode === 'protocol'
      ? await getRunningLoop().createServer(() => new Echo(), ...place)
      : await startServer(handlers[mode], ...place);
  console.log(server.sockets[0].port);
  await server.serveForever();
});
