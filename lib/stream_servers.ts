// openConnection() and startServer(): connections as a reader and a writer.
// Floor 10.
import { checkFunction, checkOptions } from './arguments.ts';
import { type Attempt, OpenOperation } from './attempts.ts';
import { type ConnectOptions, checkConnectArguments, connectTcp } from './connecting.ts';
import { iscoroutinefunction } from './coroutines.ts';
import { type Future, kFailed } from './futures.ts';
import {
  backlogOf,
  bindSockets,
  checkServerArguments,
  type ListeningSocket,
  type ServerOptions,
} from './listening.ts';
import { checkLimit, type StreamOptions, StreamReader } from './reading.ts';
import { currentLoop } from './running.ts';
import { beginServing, Server } from './servers.ts';
import { spawn } from './spawning.ts';
import { StreamProtocol } from './stream_protocol.ts';
import { StreamWriter } from './streams.ts';
import type { Task } from './tasks.ts';
import { acceptTls } from './tls.ts';
import type { Transport } from './transport_types.ts';
import type { LoopCore } from './turns.ts';
import { bindUnixSockets, connectUnix, type UnixPath } from './unix_sockets.ts';

/** Called for each client; the tasks of async functions are in `server.handlers`. @public */
// biome-ignore lint/suspicious/noExplicitAny: nothing, or a promise of anything
export type ClientConnectedCallback = (reader: StreamReader, writer: StreamWriter) => any;

function limitOf(options: StreamOptions): StreamOptions {
  return options.limit === undefined ? {} : { limit: options.limit };
}

/**
 * Connects to a TCP server. TCP_NODELAY is on.
 * @param host - a name or address; null: this machine
 * @throws Node's system error: `code` ('ECONNREFUSED', 'ENOTFOUND', ...), `syscall`, `address`, `port`
 *
 * **Cancellation:** the connection attempt is given up; no socket is left.
 * @example
 * ```ts
 * const [reader, writer] = await openConnection('127.0.0.1', 8888);
 * ```
 * @see asyncio.open_connection
 * @public
 */
export function openConnection(
  host: string | null,
  port: number | null,
  options: ConnectOptions & StreamOptions = {},
): Future<[StreamReader, StreamWriter]> {
  return openStreams(options, (loop, attempt, factory) => {
    checkConnectArguments(host, port, options);
    return connectTcp(loop, attempt, factory, host, port as number, options);
  });
}

/**
 * Connects to a Unix socket.
 * @param path - of the socket; an abstract name begins with '\0' (Linux), a named pipe of Windows with
 * '\\\\.\\pipe\\'
 * @throws Node's system error: `code` ('ENOENT', 'ECONNREFUSED', 'EACCES', ...), `syscall`, `address`
 *
 * **Cancellation:** the connection attempt is given up; no socket is left.
 * @see asyncio.open_unix_connection
 * @public
 */
export function openUnixConnection(
  path: UnixPath | null,
  options: ConnectOptions & StreamOptions = {},
): Future<[StreamReader, StreamWriter]> {
  return openStreams(options, (loop, attempt, factory) =>
    connectUnix(loop, attempt, factory, path, options),
  );
}

/** A connection as a reader and a writer. */
function openStreams(
  options: StreamOptions,
  connect: (
    loop: LoopCore,
    attempt: Attempt,
    factory: () => StreamProtocol,
  ) => Promise<[Transport, StreamProtocol]>,
): Future<[StreamReader, StreamWriter]> {
  return new OpenOperation<[StreamReader, StreamWriter]>(
    async (loop, attempt) => {
      checkOptions(options);
      const reader = new StreamReader(limitOf(options));
      const factory = () => new StreamProtocol(loop, reader);
      const [transport, protocol] = await connect(loop, attempt, factory);
      return [reader, new StreamWriter(transport, protocol)];
    },
    ([, writer]) => writer.abort(),
  );
}

/**
 * Starts a TCP server. `clientConnectedCb(reader, writer)` is called for each connection; an async
 * function runs as a task. If it throws, the error goes to the loop's exception handler and the
 * connection is closed; the server goes on.
 * @param host - a name or address, several of them, or null: all interfaces
 * @param port - 0 or null lets the system choose: see `server.sockets`
 * @throws Node's system error: `code` ('EADDRINUSE', 'EACCES', ...), `syscall`, `address`, `port`
 * @example
 * ```ts
 * const server = await startServer(async (reader, writer) => {
 *   for await (const line of reader) writer.write(line);
 *   writer.close();
 * }, '127.0.0.1', 8888);
 * ```
 * @see asyncio.start_server
 * @public
 */
export async function startServer(
  clientConnectedCb: ClientConnectedCallback,
  host: string | readonly string[] | null,
  port: number | null,
  options: ServerOptions & StreamOptions = {},
): Promise<Server> {
  return startStreams(clientConnectedCb, options, (loop) => {
    checkServerArguments(host, port, options);
    return bindSockets(loop, host, port, options);
  });
}

/**
 * Starts a server on a Unix socket; otherwise as startServer(). A socket file that nobody listens on is
 * replaced; the file is removed when the server is closed, unless another one has taken its place.
 * @param path - as openUnixConnection() takes it
 * @throws Node's system error: `code` ('EADDRINUSE', 'EACCES', ...), `syscall`, `address`
 * @example
 * ```ts
 * const server = await startUnixServer(async (reader, writer) => {
 *   for await (const line of reader) writer.write(line);
 *   writer.close();
 * }, '/tmp/echo.sock');
 * ```
 * @see asyncio.start_unix_server
 * @public
 */
export async function startUnixServer(
  clientConnectedCb: ClientConnectedCallback,
  path: UnixPath | null,
  options: ServerOptions & StreamOptions = {},
): Promise<Server> {
  return startStreams(clientConnectedCb, options, (loop) => bindUnixSockets(loop, path, options));
}

/** A server whose clients are readers and writers, on the sockets that `bind` gives. */
async function startStreams(
  clientConnectedCb: ClientConnectedCallback,
  options: ServerOptions & StreamOptions,
  bind: (loop: LoopCore) => Promise<readonly ListeningSocket[]>,
): Promise<Server> {
  checkFunction(clientConnectedCb, 'clientConnectedCb');
  checkOptions(options);
  const limit = limitOf(options);
  checkLimit(limit.limit, 'limit');
  const loop = currentLoop();
  const makeProtocol = () => {
    const reader = new StreamReader(limit);
    const protocol: StreamProtocol = new StreamProtocol(loop, reader, (transport) => {
      const writer = new StreamWriter(transport, protocol);
      callHandler(loop, server, transport, () => clientConnectedCb(reader, writer), isAsync);
    });
    return protocol;
  };
  const isAsync = iscoroutinefunction(clientConnectedCb);
  const secured = acceptTls(options, makeProtocol);
  const sockets = await bind(loop);
  const server = new Server(loop, sockets, backlogOf(options), secured);
  return beginServing(server, options);
}

/** Runs the handler of one client: as a task, unless it is a plain function that returns nothing. */
function callHandler(
  loop: LoopCore,
  server: Server,
  transport: Transport,
  handler: () => unknown,
  isAsync: boolean,
): void {
  // A plain function may still return a promise (compiled code does): it starts inside a task, so that
  // what it awaits can be cancelled. The task is given a name, which takes no number from Task-N.
  const task = isAsync
    ? spawn(loop, handler)
    : spawn(loop, handler, { eagerStart: true, name: 'client handler' });
  if (!task.done()) server.addHandler(task as Task);
  task.whenDone((done) => {
    server.removeHandler(done as Task);
    if (done.cancelled()) {
      transport.close();
      return;
    }
    const error = done.exception();
    if (done.state !== kFailed) return;
    loop.callExceptionHandler({
      message: 'Unhandled exception in client_connected_cb',
      exception: error,
      transport,
    });
    transport.close();
  });
}
