// Node's own dgram: a 'message' callback that sends. Numeric addresses are given no look-up.
//
//   dgram.mjs echo     prints its port, serves until it is killed
import { createSocket } from 'node:dgram';

const socket = createSocket({
  type: 'udp4',
  lookup: (host, _options, callback) => callback(null, host, 4),
});
socket.on('message', (data, { address, port }) => socket.send(data, port, address));
socket.bind(0, '127.0.0.1', () => console.log(socket.address().port));
