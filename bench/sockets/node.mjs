// node:net with pipe(), which the streams of Node are for.
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { connect, createServer } from 'node:net';
import { rates, serve } from '../harness/serve.mjs';
import { askLoad, CLIENTS, FILE, MESSAGE, MIB, ROUND_TRIPS, SOCKET } from './common.mjs';

async function listening(server, ...where) {
  server.listen(...where);
  await once(server, 'listening');
  return server.address().port;
}

function client() {
  return new Promise((resolve) => {
    const socket = connect(SOCKET);
    let left = ROUND_TRIPS;
    let missing = MESSAGE.length;
    socket.on('data', (data) => {
      missing -= data.length;
      if (missing > 0) return;
      missing = MESSAGE.length;
      left -= 1;
      if (left === 0) socket.end();
      else socket.write(MESSAGE);
    });
    socket.on('close', resolve);
    socket.write(MESSAGE);
  });
}

async function measured(load, server) {
  load.send(await listening(server, 0, '127.0.0.1'));
  await load.line();
  server.close();
  return MIB;
}

const batches = {
  async 'unix echo'() {
    const server = createServer((socket) => socket.on('data', (data) => socket.write(data)));
    await listening(server, SOCKET);
    await Promise.all(Array.from({ length: CLIENTS }, client));
    server.close();
    await once(server, 'close');
    return CLIENTS * ROUND_TRIPS;
  },

  async proxy() {
    const load = askLoad(`through ${MIB}`);
    const target = Number(await load.line());
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const up = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
      for (const one of [socket, up]) one.on('error', () => {});
      socket.pipe(up);
      up.pipe(socket);
    });
    return measured(load, server);
  },

  'proxy, by chunks': () => batches.proxy(),

  'proxy, own memory': () => batches.proxy(),

  file() {
    const load = askLoad('fetch');
    const server = createServer((socket) => {
      socket.on('error', () => {});
      createReadStream(FILE).pipe(socket);
    });
    return measured(load, server);
  },
};

await serve(rates(batches));
process.exit();
