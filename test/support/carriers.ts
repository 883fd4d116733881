/** What carries bytes, so that one test can be made of all of it: TCP, Unix sockets, TLS. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import {
  type BaseProtocol,
  type ConnectOptions,
  type Future,
  getRunningLoop,
  openConnection,
  openUnixConnection,
  type Server,
  type StreamOptions,
  type StreamReader,
  type StreamWriter,
  startServer,
  startUnixServer,
  type Transport,
} from 'aionode';
import { type Handler, LOCALHOST, portOf } from './net.js';
import { inFolder } from './pipes.js';
import { CLIENT, SERVER, TRUST } from './tls.js';

export type Carrier = 'TCP' | 'Unix' | 'TLS';

export const CARRIERS: readonly Carrier[] =
  process.platform === 'win32' ? ['TCP', 'TLS'] : ['TCP', 'Unix', 'TLS'];

/** A server, and the ways to connect to it. */
export interface Place {
  readonly server: Server;
  connect<P extends BaseProtocol>(factory: () => P): Future<[Transport, P]>;
  open(options?: StreamOptions): Future<[StreamReader, StreamWriter]>;
  /** A socket of Node's, which reads when it is told to. */
  dial(): Promise<Socket>;
}

const optionsOf = (carrier: Carrier): ConnectOptions => (carrier === 'TLS' ? CLIENT : {});

function placeOnPort(carrier: Carrier, server: Server): Place {
  const port = portOf(server);
  const options = optionsOf(carrier);
  return {
    server,
    connect: (factory) => getRunningLoop().createConnection(factory, LOCALHOST, port, options),
    open: (more = {}) => openConnection(LOCALHOST, port, { ...options, ...more }),
    async dial() {
      const socket = await dial({ port, host: LOCALHOST });
      return carrier === 'TLS' ? encrypt(socket) : socket;
    },
  };
}

function placeOnFile(file: string, server: Server): Place {
  return {
    server,
    connect: (factory) => getRunningLoop().createUnixConnection(factory, file),
    open: (more = {}) => openUnixConnection(file, more),
    dial: () => dial({ path: file }),
  };
}

async function dial(where: { port: number; host: string } | { path: string }): Promise<Socket> {
  const socket = connect({ ...where, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

/** What the encrypted sockets stand on. */
const underneath = new WeakMap<Socket, Socket>();

async function encrypt(raw: Socket): Promise<Socket> {
  raw.on('error', () => {});
  const socket = tls.connect({ socket: raw, ...TRUST, servername: 'localhost' });
  underneath.set(socket, raw);
  await once(socket, 'secureConnect');
  return socket;
}

/** Ends a dialled socket so that the other side is told of a reset. One over Unix must have bytes unread. */
export function reset(socket: Socket): void {
  const raw = underneath.get(socket) ?? socket;
  if (raw.remotePort === undefined) raw.destroy();
  else raw.resetAndDestroy();
}

async function within<T>(place: Place, body: (place: Place) => Promise<T>): Promise<T> {
  const sockets: Socket[] = [];
  const noted: Place = {
    ...place,
    async dial() {
      const socket = await place.dial();
      socket.on('error', () => {});
      sockets.push(socket);
      return socket;
    },
  };
  try {
    return await body(noted);
  } finally {
    for (const socket of sockets) socket.destroy();
    await place.server.shutdown();
  }
}

/** Runs `body` beside a server of the factory's protocols. */
export async function withProtocols<T>(
  carrier: Carrier,
  factory: () => BaseProtocol,
  body: (place: Place) => Promise<T>,
): Promise<T> {
  const loop = getRunningLoop();
  if (carrier === 'Unix') {
    return inFolder(async (folder) => {
      const file = path.join(folder, 'socket');
      return within(placeOnFile(file, await loop.createUnixServer(factory, file)), body);
    });
  }
  const options = carrier === 'TLS' ? SERVER : {};
  const server = await loop.createServer(factory, LOCALHOST, 0, options);
  return within(placeOnPort(carrier, server), body);
}

/** Runs `body` beside a server of streams. */
export async function withStreams<T>(
  carrier: Carrier,
  handler: Handler,
  body: (place: Place) => Promise<T>,
): Promise<T> {
  if (carrier === 'Unix') {
    return inFolder(async (folder) => {
      const file = path.join(folder, 'socket');
      return within(placeOnFile(file, await startUnixServer(handler, file)), body);
    });
  }
  const options = carrier === 'TLS' ? SERVER : {};
  const server = await startServer(handler, LOCALHOST, 0, options);
  return within(placeOnPort(carrier, server), body);
}
