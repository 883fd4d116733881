/** The servers and clients of a round: over TCP, Unix sockets or TLS, by every way there is to hold a connection. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import {
  ExceptionGroup,
  fromDuplex,
  getRunningLoop,
  openConnection,
  openUnixConnection,
  startServer,
  startUnixServer,
  TaskGroup,
  toDuplex,
  toWeb,
} from 'aionode';
import { isBroken } from '../support/broken.mjs';
import { Side } from './connection.mjs';
import { folder } from './files.mjs';
import { runDuplex } from './node_side.mjs';
import { protocolFor } from './protocol_side.mjs';
import { runStreams } from './stream_side.mjs';
import { runWeb } from './web_side.mjs';

export const ROUTES = ['tcp', 'tcp', 'unix', 'tls'];
export const KINDS = [
  'streams',
  'streams',
  'protocol',
  'buffered',
  'node',
  'adopted',
  'duplex',
  'web',
];
const LIMITS = [64, 1000, 65_536];
const HOST = '127.0.0.1';

const certificates = path.join(
  path.dirname(fileURLToPath(import.meta.url)),
  '../support/certificates',
);
const read = (name) => readFileSync(path.join(certificates, name));
const identity = { key: read('server-key.pem'), cert: read('server.pem') };
const trust = { ca: read('authority.pem') };

let names = 0;

/** Where a server of the route listens: a path, or a port that is to be found. */
function newPlace(route) {
  if (route !== 'unix') return { host: HOST, port: 0 };
  names += 1;
  return { path: path.join(folder, `socket${names}`) };
}

function ownOptions(route, random) {
  return { limit: random.pick(LIMITS), ...(route === 'tls' ? { ssl: identity } : {}) };
}

function clientOptions(route) {
  return route === 'tls' ? { ssl: trust, serverHostname: 'localhost' } : {};
}

/** A server of ours, by a handler of streams. */
async function serveStreams(route, random, handler) {
  const place = newPlace(route);
  const options = ownOptions(route, random);
  const server =
    route === 'unix'
      ? await startUnixServer(handler, place.path, options)
      : await startServer(handler, place.host, 0, { ...options, backlog: 200 });
  return asService(server, place);
}

async function serveProtocols(route, random, factory) {
  const loop = getRunningLoop();
  const place = newPlace(route);
  const { ssl } = ownOptions(route, random);
  const options = ssl === undefined ? {} : { ssl };
  const server =
    route === 'unix'
      ? await loop.createUnixServer(factory, place.path, options)
      : await loop.createServer(factory, place.host, 0, { ...options, backlog: 200 });
  return asService(server, place);
}

function asService(server, place) {
  const at = place.path === undefined ? { ...place, port: server.sockets[0].port } : place;
  return {
    at,
    async close() {
      server.close();
      await server.waitClosed();
    },
  };
}

/** A server of Node's. */
async function serveNode(route, pauses, onSocket) {
  const place = newPlace(route);
  const server =
    route === 'tls'
      ? tls.createServer(identity, onSocket)
      : net.createServer({ allowHalfOpen: true, pauseOnConnect: pauses }, onSocket);
  // A client that breaks off in the handshake.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.listen(place);
  await once(server, 'listening');
  return {
    at: place.path === undefined ? { ...place, port: server.address().port } : place,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** @returns where it listens, and `close()` */
export function openServer(kind, route, round) {
  const { random } = round;
  const newSide = () => new Side('server', kind, round, undefined);
  switch (kind) {
    case 'protocol':
    case 'buffered':
      return serveProtocols(route, random, () => protocolFor(newSide(), kind === 'buffered'));
    case 'node':
      return serveNode(route, false, (socket) => {
        // At once: a socket tells nobody twice that its peer has ended.
        const over = runDuplex(newSide(), socket);
        round.runs(() => over);
      });
    case 'adopted':
      return serveNode(route, true, (socket) =>
        round.runs(() => runStreams(newSide(), ...fromDuplex(socket))),
      );
    case 'duplex':
      return serveStreams(route, random, (reader, writer) =>
        runDuplex(newSide(), toDuplex(reader, writer, { allowHalfOpen: true })),
      );
    case 'web':
      return serveStreams(route, random, (reader, writer) =>
        runWeb(newSide(), toWeb(reader, writer)),
      );
    default:
      return serveStreams(route, random, (reader, writer) => runStreams(newSide(), reader, writer));
  }
}

function openStreams(route, at, random) {
  const options = { limit: random.pick(LIMITS), ...clientOptions(route) };
  return route === 'unix'
    ? openUnixConnection(at.path, options)
    : openConnection(at.host, at.port, options);
}

function openSocket(route, at) {
  return route === 'tls'
    ? tls.connect({ ...at, ...trust, servername: 'localhost' })
    : net.connect({ ...at, allowHalfOpen: true });
}

/** Runs the client of `connection` to its end. */
export async function runClient(kind, route, at, round, connection) {
  const side = new Side('client', kind, round, connection);
  const loop = getRunningLoop();
  switch (kind) {
    case 'protocol':
    case 'buffered': {
      const factory = () => protocolFor(side, kind === 'buffered');
      if (route === 'unix') await loop.createUnixConnection(factory, at.path);
      else await loop.createConnection(factory, at.host, at.port, clientOptions(route));
      return;
    }
    case 'node':
    case 'adopted': {
      const socket = openSocket(route, at);
      await once(socket, route === 'tls' ? 'secureConnect' : 'connect');
      if (kind === 'node') await runDuplex(side, socket);
      else await runStreams(side, ...fromDuplex(socket));
      return;
    }
    default: {
      const [reader, writer] = await openStreams(route, at, side.random);
      if (kind === 'streams') await runStreams(side, reader, writer);
      else if (kind === 'web') await runWeb(side, toWeb(reader, writer));
      else await runDuplex(side, toDuplex(reader, writer, { allowHalfOpen: true }));
    }
  }
}

async function passOn(reader, writer) {
  await reader.pipeTo(writer);
  if (writer.canWriteEof()) writer.writeEof();
  else writer.close();
}

/** A proxy before a server: everything passes by pipeTo(). */
export function openProxy(route, target, targetRoute, round) {
  const { random } = round;
  return serveStreams(route, random, async (reader, writer) => {
    let far;
    try {
      far = await openStreams(targetRoute, target.at, random);
      await TaskGroup.run((group) => {
        group.createTask(() => passOn(reader, far[1]));
        group.createTask(() => passOn(far[0], writer));
      });
      writer.close();
      far[1].close();
    } catch (error) {
      const errors = error instanceof ExceptionGroup ? error.errors : [error];
      // What is lost by a connection that ends too early is missed at its ends.
      const heard = !round.isAnyBroken();
      for (const one of errors) if (heard && !isBroken(one)) round.report(`proxy: ${one?.stack}`);
      writer.abort();
      far?.[1].abort();
    }
  });
}
