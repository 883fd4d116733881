// Node's own net in its fastest ordinary form: a 'data' callback that writes, without back pressure.
//
//   net.mjs echo|lines|sink|protocol|buffered     prints its port, serves until it is killed
import './collect-on-demand.mjs';
import net from 'node:net';

const NEWLINE = 10;

const handlers = {
  echo(socket) {
    socket.on('data', (data) => socket.write(data));
  },

  lines(socket) {
    let partial = null;
    socket.on('data', (data) => {
      const bytes = partial === null ? data : Buffer.concat([partial, data]);
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
        socket.write(bytes.subarray(start, end + 1));
        start = end + 1;
      }
      partial = start === bytes.length ? null : bytes.subarray(start);
    });
  },

  sink(socket) {
    let received = 0;
    socket.on('data', (data) => {
      received += data.length;
    });
    socket.on('end', () => socket.end(String(received)));
  },
};

handlers.protocol = handlers.echo;
handlers.buffered = handlers.echo;

const mode = process.argv[2];
const handle = handlers[mode];
// The sink answers after the end of the stream; the others close then, which is net's default.
const server = net.createServer({ noDelay: true, allowHalfOpen: mode === 'sink' }, (socket) => {
  socket.on('error', () => socket.destroy());
  handle(socket);
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, () => {
  console.log(server.address().port);
});
