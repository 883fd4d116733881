// openConnection() and startServer(): connections as a reader and a writer.
// Floor 10.
import { checkFunction } from './arguments.ts';
import {
  ConnectOperation,
  type ConnectOptions,
  checkConnectArguments,
  connectTcp,
} from './connecting.ts';
import { iscoroutinefunction } from './coroutines.ts';
import { type Future, kFailed } from './futures.ts';
import { backlogOf, bindSockets, checkServerArguments, type ServerOptions } from './listening.ts';
import { type StreamOptions, StreamReader } from './reading.ts';
import { currentLoop } from './running.ts';
import { beginServing, Server } from './servers.ts';
import { StreamProtocol } from './stream_protocol.ts';
import { StreamWriter } from './streams.ts';
import { spawn, type Task } from './tasks.ts';
import { acceptTls } from './tls.ts';
import type { Transport } from './transport_types.ts';
import type { LoopCore } from './turns.ts';

export type { ServerOptions } from './listening.ts';

/** Called for each client; the tasks of async functions are in `server.handlers`. @public */
export type ClientConnectedCallback = (
  reader: StreamReader,
  writer: StreamWriter,
) => void | PromiseLike<void>;

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
  return new ConnectOperation<[StreamReader, StreamWriter]>(
    async (loop, attempt) => {
      checkConnectArguments(host, port, options);
      const reader = new StreamReader({ loop, ...limitOf(options) });
      const factory = () => new StreamProtocol(loop, reader);
      const to = port as number;
      const [transport, protocol] = await connectTcp(loop, attempt, factory, host, to, options);
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
  checkFunction(clientConnectedCb, 'clientConnectedCb');
  checkServerArguments(host, port, options);
  const limit = limitOf(options);
  new StreamReader(limit);
  const loop = currentLoop();
  const makeProtocol = () => {
    const reader = new StreamReader({ loop, ...limit });
    const protocol: StreamProtocol = new StreamProtocol(loop, reader, (transport) => {
      const writer = new StreamWriter(transport, protocol);
      callHandler(loop, server, transport, () => clientConnectedCb(reader, writer), isAsync);
    });
    return protocol;
  };
  const isAsync = iscoroutinefunction(clientConnectedCb);
  const secured = acceptTls(options, makeProtocol);
  const sockets = await bindSockets(loop, host, port, options);
  const server = new Server(loop, sockets, backlogOf(options), secured);
  return beginServing(server, options);
}

/** Runs the handler of one client: as a task, unless it is a plain function that returns nothing. */
function callHandler(
  loop: LoopCore,
  server: Server,
  transport: Transport,
  handler: () => void | PromiseLike<void>,
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
