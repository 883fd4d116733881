// Streams, a task per client.
//
//   aionode.mjs echo|lines|sink     prints its port, serves until it is killed
import './collect-on-demand.mjs';
import { run, startServer } from 'aionode';

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

await run(async () => {
  const server = await startServer(handlers[process.argv[2]], '127.0.0.1', 0, { backlog: 1024 });
  console.log(server.sockets[0].port);
  await server.serveForever();
});
