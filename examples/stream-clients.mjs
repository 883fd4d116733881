// @ts-check
/**
 * What a client does with its streams.
 *
 * read() reads until the other side has ended; read(n) returns what is there, n bytes at most; at
 * the end both give an empty Buffer, however often they are asked. drain() holds back a writer
 * that is faster than its reader; writeEof() ends the writing side alone; close() and waitClosed()
 * end the connection.
 *
 * Prints what each client reads.
 */
import { openConnection, run, startServer } from 'aionode';

const HOST = '127.0.0.1';

/** @param {import('aionode').Server} server */
const portOf = (server) => Number(server.sockets[0]?.port);

async function toTheEnd(/** @type {number} */ port) {
  const [reader, writer] = await openConnection(HOST, port);
  console.log(`read(): ${await reader.read()}`);
  console.log(`at the end: ${reader.atEof()}, read() again: ${(await reader.read()).length} bytes`);
  writer.close();
  await writer.waitClosed();
}

async function inPieces(/** @type {number} */ port) {
  const [reader, writer] = await openConnection(HOST, port);
  for (;;) {
    const piece = await reader.read(4);
    console.log(`read(4): ${piece.length} bytes ${piece}`.trimEnd());
    if (piece.length === 0) break;
  }
  writer.close();
  await writer.waitClosed();
}

async function upload(/** @type {number} */ port) {
  const [reader, writer] = await openConnection(HOST, port);
  const block = Buffer.alloc(65536, 'x');
  for (let i = 0; i < 64; i++) {
    writer.write(block);
    await writer.drain();
  }
  writer.writeEof();
  console.log(`the server counted ${await reader.read()} bytes`);
  console.log(`closing: ${writer.isClosing()}`);
  writer.close();
  console.log(`closing: ${writer.isClosing()}`);
  await writer.waitClosed();
}

async function main() {
  const alphabet = await startServer(
    (_, writer) => {
      writer.write('abcdefghij');
      writer.close();
    },
    HOST,
    0,
  );
  const counter = await startServer(
    async (reader, writer) => {
      let bytes = 0;
      for (;;) {
        const data = await reader.read(65536);
        if (data.length === 0) break;
        bytes += data.length;
      }
      writer.write(String(bytes));
      writer.close();
    },
    HOST,
    0,
  );

  await toTheEnd(portOf(alphabet));
  await inPieces(portOf(alphabet));
  await upload(portOf(counter));

  for (const server of [alphabet, counter]) {
    server.close();
    await server.waitClosed();
  }
}

await run(main);
