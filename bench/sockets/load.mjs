// The other ends of the connections of `proxy` and `file`, in a process of its own.
//
//   load.mjs through MIB   prints the port of a sink; sends MIB to the port that it reads from standard
//                          input, and prints 'done' when the sink has got them
//   load.mjs fetch         reads from the port that it reads from standard input, prints 'done' at the end
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const MEBIBYTE = 1 << 20;
const [mode, mib] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const portGiven = async () => Number((await lines.next()).value);

const sunk = { buffer: Buffer.alloc(MEBIBYTE), callback: () => true };

if (mode === 'through') {
  const sink = createServer();
  sink.listen(0, '127.0.0.1');
  await once(sink, 'listening');
  let received = 0;
  const all = new Promise((resolve) => {
    sink.on('connection', (socket) => {
      socket.on('data', (chunk) => {
        received += chunk.length;
      });
      socket.on('end', () => resolve(received));
    });
  });
  console.log(sink.address().port);
  const socket = connect(await portGiven(), '127.0.0.1');
  const chunk = Buffer.alloc(MEBIBYTE);
  for (let sent = 0; sent < Number(mib); sent++) {
    if (!socket.write(chunk)) await once(socket, 'drain');
  }
  socket.end();
  if ((await all) !== Number(mib) * MEBIBYTE) throw new Error('bytes were lost');
} else {
  const socket = connect({ port: await portGiven(), host: '127.0.0.1', onread: sunk });
  await once(socket, 'close');
}
console.log('done');
process.exit();
