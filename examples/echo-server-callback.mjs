// @ts-check
/**
 * A TCP echo server whose client callback is a plain function, and a client.
 *
 * startServer() calls it once for each connection. A plain function cannot await, so this one
 * starts a task for the conversation and returns.
 *
 * Prints what server and client see of each other.
 */
import { createTask, gather, openConnection, run, startServer } from 'aionode';

/** @type {import('aionode').Task<void>[]} */
const conversations = [];

/**
 * @param {import('aionode').StreamReader} reader
 * @param {import('aionode').StreamWriter} writer
 */
async function echo(reader, writer) {
  for (;;) {
    const data = await reader.read(100);
    if (data.length === 0) break;
    console.log(`server: echoes ${data}`);
    writer.write(data);
    await writer.drain();
  }
  console.log('server: the client has finished');
  writer.close();
  await writer.waitClosed();
}

/** @type {Parameters<typeof startServer>[0]} */
function clientConnected(reader, writer) {
  console.log('server: a client');
  conversations.push(createTask(() => echo(reader, writer)));
}

async function main() {
  const server = await startServer(clientConnected, '127.0.0.1', 0);

  const [reader, writer] = await openConnection('127.0.0.1', Number(server.sockets[0]?.port));
  for (const word of ['one', 'two', 'three']) {
    writer.write(word);
    await writer.drain();
    console.log(`client: got ${await reader.read(100)}`);
  }
  writer.close();
  await writer.waitClosed();

  await gather(...conversations);
  server.close();
  await server.waitClosed();
  console.log('closed');
}

await run(main);
