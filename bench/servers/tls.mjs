// Echo over Node's own tls: a 'data' callback that writes, without back pressure.
//
//   tls.mjs echo     prints its port, serves until it is killed
import tls from 'node:tls';
import { certificate } from './certificate.mjs';

const server = tls.createServer({ ...certificate, noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('data', (data) => socket.write(data));
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, () => {
  console.log(server.address().port);
});
