// @ts-check
/**
 * A TCP echo server whose client callback is an async function, and two clients.
 *
 * The callback becomes a task of its own for each connection, so it may await. It answers one
 * message and closes; the clients read until then.
 *
 * Prints what server and clients see of each other.
 */
import { currentTask, openConnection, run, startServer } from 'aionode';

/** @type {Parameters<typeof startServer>[0]} */
async function answer(reader, writer) {
  console.log(`server: in a task of its own: ${currentTask() !== null}`);
  const message = await reader.read(100);
  console.log(`server: received ${message}`);
  writer.write(message);
  await writer.drain();
  console.log('server: closes');
  writer.close();
  await writer.waitClosed();
}

/**
 * @param {number} port
 * @param {string} message
 */
async function talk(port, message) {
  console.log(`client: says ${message}`);
  const [reader, writer] = await openConnection('127.0.0.1', port);
  writer.write(message);
  await writer.drain();
  console.log(`client: received ${await reader.read()}`);
  writer.close();
  await writer.waitClosed();
}

async function main() {
  const server = await startServer(answer, '127.0.0.1', 0);
  const port = Number(server.sockets[0]?.port);
  await talk(port, 'hello');
  await talk(port, 'good-bye');
  server.close();
  await server.waitClosed();
  console.log(`serving: ${server.isServing()}`);
}

await run(main);
