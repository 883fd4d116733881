/** Peers that do not speak TLS, or not to the end: nobody is told of a connection, and the next one is served. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { getRunningLoop } from 'aionode';
import { reset } from '../support/carriers.js';
import { identity } from '../support/certificates.js';
import { type Address, addressOf, CARRIED, KINDS, type Kind, placeIn } from '../support/kinds.js';
import { MemoryDuplex } from '../support/memory-duplex.js';
import { inLoop, roundsUntil } from '../support/net.js';
import { inFolder } from '../support/pipes.js';
import { CLIENT, endOf, SERVER, TRUST } from '../support/tls.js';

/** What a side of node:tls answers to `received`. */
async function flightOf(
  side: (stream: MemoryDuplex) => tls.TLSSocket,
  received?: Buffer,
): Promise<Buffer> {
  const stream = new MemoryDuplex();
  const socket = side(stream);
  socket.on('error', () => {});
  if (received !== undefined) stream.push(received);
  await roundsUntil(() => stream.written.length > 0, 'nothing is sent');
  socket.destroy();
  return Buffer.concat(stream.written);
}

const CLIENT_HELLO = await flightOf((socket) => tls.connect({ socket, servername: 'localhost' }));
const SERVER_HELLO = await flightOf(
  (socket) => new tls.TLSSocket(socket, { isServer: true, ...identity('server') }),
  CLIENT_HELLO,
);

/** Less than either of them. */
const begins = (bytes: Buffer): Buffer => bytes.subarray(0, 50);

/** A record of `type` in TLS 1.2, as 1.3 writes it too. */
const record = (type: number, content: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type, 3, 3, content.length >> 8, content.length & 0xff]), content]);

const HANDSHAKE = 22;
const FATAL_HANDSHAKE_FAILURE = record(21, Buffer.from([2, 40]));
const TOO_LONG = Buffer.from([HANDSHAKE, 3, 3, 0xff, 0xff, 1]);

type Deed = (socket: Socket) => void;
const sends =
  (bytes: Buffer | string): Deed =>
  (socket) =>
    socket.write(bytes);
const sendsAndEnds =
  (bytes: Buffer): Deed =>
  (socket) =>
    socket.end(bytes);
const ends: Deed = (socket) => socket.end();

/** What a peer does, and what the other side makes of it: the codes of OpenSSL differ between versions. */
type Deeds = Record<string, readonly [Deed, RegExp]>;

const OF_OPENSSL = /^ERR_SSL_/;
const OF_THE_END = /^(ECONNRESET|EPIPE)$/;

const common: Deeds = {
  'ends at once': [ends, OF_THE_END],
  'resets at once': [reset, OF_THE_END],
  'sends garbage': [sends(Buffer.alloc(1000, 'garbage ')), OF_OPENSSL],
  'sends zeros': [sends(Buffer.alloc(1000)), OF_OPENSSL],
  'sends a record that is too long': [sends(TOO_LONG), OF_OPENSSL],
  'sends a handshake message that is none': [
    sends(record(HANDSHAKE, Buffer.alloc(100, 0xff))),
    OF_OPENSSL,
  ],
  'sends an alert': [sends(FATAL_HANDSHAKE_FAILURE), OF_OPENSSL],
};

const ofClients: Deeds = {
  ...common,
  'asks in plain HTTP': [
    sends('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    /^ERR_SSL_HTTP_REQUEST$/,
  ],
  'begins its ClientHello and ends': [sendsAndEnds(begins(CLIENT_HELLO)), OF_THE_END],
  'ends after its ClientHello': [sendsAndEnds(CLIENT_HELLO), OF_THE_END],
  'sends garbage after its ClientHello': [
    (socket) => {
      socket.write(CLIENT_HELLO);
      socket.once('data', () => socket.write('garbage'));
    },
    OF_OPENSSL,
  ],
};

const ofServers: Deeds = {
  ...common,
  'answers in plain HTTP': [sends('HTTP/1.1 400 Bad Request\r\n\r\n'), OF_OPENSSL],
  'begins its ServerHello and ends': [sendsAndEnds(begins(SERVER_HELLO)), OF_THE_END],
  'sends the ServerHello of another handshake': [sends(SERVER_HELLO), OF_OPENSSL],
};

const ways = Object.entries(KINDS).flatMap(([kind, make]) =>
  Object.entries(CARRIED)
    .filter(([, { ofServer }]) => ofServer === SERVER)
    .map(([how, carried]) => ({ name: `${kind}, ${how}`, make, carried })),
);

async function dial(at: Address): Promise<Socket> {
  const where = typeof at === 'string' ? { path: at } : { host: at[0], port: at[1] };
  const socket = connect({ ...where, allowHalfOpen: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

describe('a client of a TLS server', () => {
  for (const { name, make, carried } of ways) {
    for (const [what, [does, code]] of Object.entries(ofClients)) {
      it(
        `${name}: ${what}`,
        inLoop((reports) =>
          inFolder(async (folder) => {
            const kind = make();
            const server = await kind.serve(placeIn(folder, carried), SERVER);
            const at = addressOf(server);
            for (const debug of [true, false]) {
              getRunningLoop().setDebug(debug);
              const socket = await dial(at);
              const ended = endOf(socket.resume());
              does(socket);
              await ended;
              socket.destroy();
              if (debug) await roundsUntil(() => reports.length > 0, 'nothing is told');
            }
            assert.deepEqual(kind.calls, []);
            (await make().connect(at, CLIENT)).abort();
            await server.shutdown();
            const [report, ...others] = reports.splice(0);
            assert.equal(report?.message, 'TLS handshake of an incoming connection failed');
            assert.match((report.exception as { code: string }).code, code);
            assert.deepEqual(others, []);
          }),
        ),
      );
    }
  }
});

/** Runs `body` beside a server of Node's net. */
async function beside(
  at: Address,
  onConnection: (socket: Socket) => void,
  body: (at: Address) => Promise<void>,
) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  if (typeof at === 'string') server.listen(at);
  else server.listen(at[1], at[0]);
  await once(server, 'listening');
  const place = server.address();
  try {
    await body(typeof place === 'string' ? place : [at[0] as string, place?.port as number]);
  } finally {
    server.close();
  }
}

describe('a server of a TLS client', () => {
  for (const { name, make, carried } of ways) {
    for (const [what, [does, code]] of Object.entries(ofServers)) {
      it(
        `${name}: ${what}`,
        inLoop(() =>
          inFolder((folder) => {
            const answer = (socket: Socket) => socket.once('data', () => does(socket));
            return beside(placeIn(folder, carried), answer, async (at) => {
              const kind = make();
              await assert.rejects(kind.connect(at, CLIENT), { code });
              assert.deepEqual(kind.calls, []);
            });
          }),
        ),
      );
    }
  }
});

/** Has `side` of node:tls speak over `raw`, until both handshakes are over. */
async function secure(raw: Socket, side: (stream: MemoryDuplex) => tls.TLSSocket): Promise<void> {
  const stream = new MemoryDuplex();
  raw.on('data', (bytes) => stream.push(bytes));
  stream.on('written', () => {
    if (raw.writable) raw.write(stream.written.at(-1) as Buffer);
  });
  const socket = side(stream);
  socket.on('error', () => {});
  socket.write('x');
  // It is sent back.
  await once(socket, 'data');
}

const afterwards: Deeds = {
  'sends garbage': [sends('garbage'), OF_OPENSSL],
  'sends an alert': [sends(FATAL_HANDSHAKE_FAILURE), OF_OPENSSL],
  'sends a record that is not encrypted': [sends(record(HANDSHAKE, CLIENT_HELLO)), OF_OPENSSL],
  'ends without saying so in TLS': [ends, /^$/],
};

describe('a peer that, after the handshake,', () => {
  for (const { name, make, carried } of ways) {
    for (const [what, [does, code]] of Object.entries(afterwards)) {
      const test = (role: string, body: (kind: Kind, place: Address) => Promise<void>) =>
        it(
          `${what}: ${name}, ${role}`,
          inLoop(() =>
            inFolder(async (folder) => {
              const kind = make();
              await body(kind, placeIn(folder, carried));
              const [made, lost = '', ...more] = kind.calls;
              assert.deepEqual([made, more], ['made', []]);
              assert.match(lost.replace(/^lost ?/, ''), code);
            }),
          ),
        );
      const isTold = (kind: Kind) =>
        roundsUntil(() => kind.calls.length > 1, 'nobody is told of the end');

      test('the server', async (kind, place) => {
        const server = await kind.serve(place, SERVER);
        const raw = await dial(addressOf(server));
        await secure(raw, (socket) => tls.connect({ socket, ...TRUST, servername: 'localhost' }));
        does(raw);
        await isTold(kind);
        raw.destroy();
        await server.shutdown();
      });

      test('the client', async (kind, place) => {
        const sockets: Socket[] = [];
        const serve = (raw: Socket) => {
          sockets.push(raw);
          const options = { isServer: true, ...identity('server') };
          void secure(raw, (socket) => new tls.TLSSocket(socket, options)).then(() => does(raw));
        };
        await beside(place, serve, async (at) => {
          await kind.connect(at, CLIENT);
          await isTold(kind);
          for (const socket of sockets) socket.destroy();
        });
      });
    }
  }
});
