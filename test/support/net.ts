/** What the tests of streams share: a loop per test, and the proof that it left nothing open. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect, createServer, type Server as NodeServer, type Socket } from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type ExceptionContext,
  getRunningLoop,
  openConnection,
  run,
  type Server,
  type ServerOptions,
  type StreamOptions,
  type StreamReader,
  type StreamWriter,
  startServer,
} from 'aionode';

export const LOCALHOST = '127.0.0.1';
export const MIB = 1 << 20;

/** Far above what another thread, or the kernel, needs on the slowest machine. */
const PATIENCE_MS = 30_000;

const packageRoot = path.dirname(createRequire(import.meta.url).resolve('aionode/package.json'));
export const { native } = (await import(
  pathToFileURL(path.join(packageRoot, 'dist/native.js')).href
)) as {
  native: { handleCount(): number; streamRelease(slot: number): number };
};

/** libuv handles of aionode's that are open or closing. */
export function handleCount(): number {
  return native.handleCount();
}

/** Lets Node's loop go round until `condition` holds. */
export async function roundsUntil(condition: () => boolean, what: string): Promise<void> {
  const giveUp = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > giveUp) assert.fail(`${what}: not within ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/**
 * A test body that runs as the main task of a loop. What reached the exception handler is in `reports`;
 * the body takes out what it expects. Fails when a report or a handle is left over.
 */
export function inLoop(body: (reports: ExceptionContext[]) => Promise<void>): () => Promise<void> {
  return async () => {
    const reports: ExceptionContext[] = [];
    await run(async () => {
      getRunningLoop().setExceptionHandler((_loop, context) => reports.push(context));
      await body(reports);
    });
    await roundsUntil(() => handleCount() === 0, `${handleCount()} handles left over`);
    assert.deepEqual(reports, []);
  };
}

export type Handler = (reader: StreamReader, writer: StreamWriter) => void | PromiseLike<void>;

export function portOf(server: Server): number {
  return server.sockets[0]?.port as number;
}

/** Runs `body` beside a server, then shuts the server down. */
export async function withServer<T>(
  handler: Handler,
  body: (port: number, server: Server) => Promise<T>,
  options?: ServerOptions & StreamOptions,
): Promise<T> {
  const server = await startServer(handler, LOCALHOST, 0, options);
  try {
    return await body(portOf(server), server);
  } finally {
    await server.shutdown();
  }
}

export interface Pair {
  readonly reader: StreamReader;
  readonly writer: StreamWriter;
}

/** Runs `body` with both ends of one connection. */
export async function withPair<T>(
  body: (client: Pair, peer: Pair) => Promise<T>,
  options: StreamOptions = {},
): Promise<T> {
  const accepted = getRunningLoop().createFuture<Pair>();
  const handler: Handler = (reader, writer) => accepted.setResult({ reader, writer });
  return withServer(
    handler,
    async (port) => {
      const [reader, writer] = await openConnection(LOCALHOST, port, options);
      try {
        return await body({ reader, writer }, await accepted);
      } finally {
        writer.abort();
      }
    },
    options,
  );
}

/** Runs `body` with our end of a connection whose other end is a socket of Node's net. */
export async function withNodePeer<T>(
  body: (ours: Pair, peer: Socket) => Promise<T>,
  options?: StreamOptions,
): Promise<T> {
  const accepted = getRunningLoop().createFuture<Pair>();
  return withServer(
    (reader, writer) => accepted.setResult({ reader, writer }),
    async (port) => {
      const peer = await connectNodeSocket(port);
      try {
        return await body(await accepted, peer);
      } finally {
        peer.destroy();
      }
    },
    options,
  );
}

/** A connected socket of Node's net that reads nothing until it is told to. */
export async function connectNodeSocket(port: number): Promise<Socket> {
  const socket = connect({ port, host: LOCALHOST, allowHalfOpen: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** A server of Node's net; `stop` ends it with all its connections. */
export async function startNodeServer(
  onConnection: (socket: Socket) => void,
  port = 0,
): Promise<{ port: number; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: NodeServer = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  server.listen(port, LOCALHOST);
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Below the ports that systems give out, so that no test running beside this one is given it. */
const LOWEST_PORT = 20_000;
const PORTS = 12_000;

/** A port of this machine on which nobody listens. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST_PORT + Math.floor(Math.random() * PORTS);
    try {
      await (await startNodeServer(() => {}, port)).stop();
      return port;
    } catch (error) {
      if ((error as { code?: string }).code !== 'EADDRINUSE') throw error;
    }
  }
}

/** A system error as Node makes them. */
export function systemError(code: string, syscall: string): object {
  return { code, syscall, name: 'Error' };
}

/** Writes `bytes` in pieces of `size`, each as soon as the one before is under way. */
export async function writeInPieces(
  writer: StreamWriter,
  bytes: Buffer,
  size: number,
): Promise<void> {
  for (let at = 0; at < bytes.length; at += size) {
    writer.write(bytes.subarray(at, at + size));
    await writer.drain();
  }
}

/** `length` bytes that differ at every place where a mistake would shift them. */
export function patternBytes(length: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = seed >>> 0 || 1;
  for (let at = 0; at < length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state;
  }
  return bytes;
}
