// The other ends of the connections of `proxy` and `file`, in a process of its own. It is started once: a fork
// of the program that is measured would have it write to all its memory anew.
//
//   load.mjs     reads commands from standard input:
//     through MIB    prints the port of a sink; sends MIB to the port in the next line, and prints 'done' when
//                    the sink has got them
//     fetch          reads to the end from the port in the next line, prints 'done'
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const MEBIBYTE = 1 << 20;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const portGiven = async () => Number((await lines.next()).value);

const chunk = Buffer.alloc(MEBIBYTE);
const onread = { buffer: Buffer.alloc(MEBIBYTE), callback: () => true };

async function through(bytes) {
  const sink = createServer();
  sink.listen(0, '127.0.0.1');
  await once(sink, 'listening');
  let received = 0;
  const all = new Promise((resolve) => {
    sink.on('connection', (socket) => {
      socket.on('data', (data) => {
        received += data.length;
      });
      socket.on('end', resolve);
    });
  });
  console.log(sink.address().port);
  const socket = connect(await portGiven(), '127.0.0.1');
  for (let sent = 0; sent < bytes; sent += chunk.length) {
    if (!socket.write(chunk)) await once(socket, 'drain');
  }
  socket.end();
  socket.resume();
  await all;
  if (received !== bytes) throw new Error('bytes were lost');
  sink.close();
}

async function fetch() {
  const socket = connect({ port: await portGiven(), host: '127.0.0.1', onread });
  await once(socket, 'close');
}

for await (const line of lines) {
  const [command, mib] = line.split(' ');
  await (command === 'through' ? through(Number(mib) * MEBIBYTE) : fetch());
  console.log('done');
}
