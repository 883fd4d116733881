// @ts-check
/**
 * Passes TCP connections on to another address, both ways, with back pressure: what one side does not read,
 * the other side cannot send.
 *
 *   node examples/network/tcp-proxy.mjs [port] [target host] [target port]
 *   node examples/network/tcp-proxy.mjs 8080 example.org 80
 *
 * Each direction is a task of its own. The end of one direction is passed on, and the other goes on until
 * its own end; an error of either ends both.
 */
import { openConnection, run, startServer, TaskGroup } from 'aionode';

const [port = '8080', targetHost = '127.0.0.1', targetPort = '80'] = process.argv.slice(2);

/** @param {import('aionode').StreamReader} reader @param {import('aionode').StreamWriter} writer */
async function serve(reader, writer) {
  const client = writer.getExtraInfo('peername').join(':');
  try {
    const [upReader, upWriter] = await openConnection(targetHost, Number(targetPort));
    try {
      await TaskGroup.run((group) => {
        group.createTask(() => reader.pipeTo(upWriter));
        group.createTask(() => upReader.pipeTo(writer));
      });
    } finally {
      upWriter.close();
    }
  } catch (error) {
    const first = error instanceof AggregateError ? error.errors[0] : error;
    console.error(`${client}: ${first.message}`);
  } finally {
    writer.close();
  }
}

await run(
  async () => {
    const server = await startServer(serve, '127.0.0.1', Number(port));
    console.log(`passing 127.0.0.1:${server.sockets[0]?.port} on to ${targetHost}:${targetPort}`);
    await server.serveForever();
  },
  { signals: ['SIGINT', 'SIGTERM'] },
).catch((error) => {
  if (error.code !== 'SIGINT' && error.code !== 'SIGTERM') throw error;
});
