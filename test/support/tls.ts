import { once } from 'node:events';
import type { Socket } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { getRunningLoop, openConnection, type StreamOptions } from 'aionode';
import { AUTHORITY, identity } from './certificates.js';
import { type Handler, LOCALHOST, type Pair, withServer } from './net.js';

/** The options of a client and of a server that agree. */
export const TRUST = { ca: AUTHORITY };
export const CLIENT = { ssl: TRUST, serverHostname: 'localhost' };
export const SERVER = { ssl: identity('server') };

export const echo: Handler = async (reader, writer) => {
  for await (const chunk of reader.chunks()) {
    writer.write(chunk);
    await writer.drain();
  }
  writer.close();
};

/** Runs `body` with both ends of one encrypted connection. */
export async function withTlsPair<T>(
  body: (client: Pair, peer: Pair) => Promise<T>,
  options: StreamOptions = {},
): Promise<T> {
  const accepted = getRunningLoop().createFuture<Pair>();
  return withServer(
    (reader, writer) => accepted.setResult({ reader, writer }),
    async (port) => {
      const [reader, writer] = await openConnection(LOCALHOST, port, { ...CLIENT, ...options });
      try {
        return await body({ reader, writer }, await accepted);
      } finally {
        writer.abort();
      }
    },
    { ...SERVER, ...options },
  );
}

/** A server of node:tls; `stop` ends it with its connections. */
export async function startNodeTlsServer(
  options: tls.TlsOptions,
  onConnection: (socket: TLSSocket) => void,
): Promise<{ port: number; errors: unknown[]; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const errors: unknown[] = [];
  const server = tls.createServer(options, onConnection);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('secureConnection', (socket) => socket.on('error', () => {}));
  server.on('tlsClientError', (error) => errors.push(error));
  server.listen(0, LOCALHOST);
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    errors,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Until the other side has ended the connection, in whatever way. */
export function endOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    // It may be over by now, and is not told again then.
    if (socket.readableEnded || socket.closed) resolve();
    socket.once('end', resolve);
    socket.once('close', () => resolve());
  });
}

export async function connectNodeTls(port: number, options: tls.ConnectionOptions = {}) {
  const socket = tls.connect({ host: LOCALHOST, port, ...TRUST, ...options });
  await once(socket, 'secureConnect');
  return socket;
}
