// openConnection() and startServer(): connections as a reader and a writer.
// Floor 10.
import {
  checkFlag,
  checkFunction,
  checkInteger,
  checkOptions,
  checkPort,
  checkString,
  refuseTls,
} from './arguments.ts';
import {
  ConnectAttempt,
  type ConnectOptions,
  checkConnectArguments,
  connectTcp,
} from './connecting.ts';
import { iscoroutinefunction } from './coroutines.ts';
import { type Future, kFailed } from './futures.ts';
import { InlineCoroutine } from './inline.ts';
import { type StreamOptions, StreamReader } from './reading.ts';
import { checkFamily, resolveHost } from './resolver.ts';
import { currentLoop } from './running.ts';
import { type ListenAddress, Server } from './servers.ts';
import { StreamProtocol, StreamWriter } from './streams.ts';
import { spawn, type Task } from './tasks.ts';
import type { Transport } from './transport_types.ts';
import type { LoopCore } from './turns.ts';

/** @public */
export interface ServerOptions {
  /** 4, 6, or 0 (the default) for both. */
  family?: 0 | 4 | 6;
  /** Connections that the system holds for us before they are accepted; 100 by default. */
  backlog?: number;
  /** false: call startServing() or serveForever() later. */
  startServing?: boolean;
  /** Whether the system probes silent clients. */
  keepAlive?: boolean;
}

/** Called for each client; the tasks of async functions are in `server.handlers`. @public */
export type ClientConnectedCallback = (
  reader: StreamReader,
  writer: StreamWriter,
) => void | PromiseLike<void>;

const kDefaultBacklog = 100;

function limitOf(options: StreamOptions): StreamOptions {
  return options.limit === undefined ? {} : { limit: options.limit };
}

/**
 * One call of openConnection(). It begins when it is awaited, and is given up as a whole however the
 * await ends: also waitFor(openConnection(...), 5) leaves no socket behind.
 */
class OpenConnection extends InlineCoroutine<[StreamReader, StreamWriter]> {
  private readonly connect: (
    loop: LoopCore,
    attempt: ConnectAttempt,
  ) => Promise<[StreamReader, StreamWriter]>;
  private readonly attempt = new ConnectAttempt();
  private begun = false;
  private opened: [StreamReader, StreamWriter] | undefined = undefined;
  private failure: { readonly error: unknown } | undefined = undefined;

  constructor(
    connect: (loop: LoopCore, attempt: ConnectAttempt) => Promise<[StreamReader, StreamWriter]>,
  ) {
    super();
    this.connect = connect;
  }

  protected override proceed(): void {
    if (this.opened !== undefined) this.complete(this.opened);
    else if (this.failure !== undefined) this.fail(this.failure.error);
    else if (!this.begun) this.begin();
  }

  protected override abandon(): void {
    this.attempt.giveUp();
    this.opened?.[1].abort();
  }

  private begin(): void {
    this.begun = true;
    this.connect(this.loop, this.attempt).then(
      (streams) => {
        if (this.attempt.givenUp) streams[1].abort();
        this.opened = streams;
        this.goOn();
      },
      (error) => {
        this.failure = { error };
        this.goOn();
      },
    );
  }

  private goOn(): void {
    if (!this.attempt.givenUp) this.resume();
  }
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
  return new OpenConnection(async (loop, attempt) => {
    checkConnectArguments(host, port, options);
    const makeProtocol = () =>
      new StreamProtocol(loop, new StreamReader({ loop, ...limitOf(options) }));
    const transport = await connectTcp(loop, attempt, makeProtocol, host, port as number, options);
    const protocol = transport.getProtocol() as StreamProtocol;
    protocol.reader.setTransport(transport);
    return [protocol.reader, new StreamWriter(transport, protocol)];
  });
}

/** Numeric addresses to listen on. */
async function listenAddresses(
  host: string | readonly string[] | null,
  port: number,
  family: 0 | 4 | 6,
): Promise<ListenAddress[]> {
  const hosts = host === null || host === '' ? null : typeof host === 'string' ? [host] : host;
  if (hosts === null) {
    const all: ListenAddress[] = [
      { address: '0.0.0.0', port, family: 4 },
      { address: '::', port, family: 6 },
    ];
    return all.filter((one) => family === 0 || one.family === family);
  }
  const found = new Map<string, ListenAddress>();
  for (const name of hosts) {
    checkString(name, 'host');
    for (const one of await resolveHost(name, port, family)) found.set(one.address, one);
  }
  return [...found.values()];
}

/**
 * Starts a TCP server. `clientConnectedCb(reader, writer)` is called for each connection; an async
 * function runs as a task. If it throws, the error goes to the loop's exception handler and the
 * connection is closed; the server goes on.
 * @param host - a name or address, several of them, or null: all interfaces
 * @param port - 0 lets the system choose: see `server.sockets`
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
  port: number,
  options: ServerOptions & StreamOptions = {},
): Promise<Server> {
  checkFunction(clientConnectedCb, 'clientConnectedCb');
  checkPort(port, 'port');
  if (host !== null && !Array.isArray(host)) checkString(host, 'host');
  checkOptions(options);
  refuseTls((options as { ssl?: unknown }).ssl);
  checkFamily(options.family, 'options.family');
  checkFlag(options.startServing, 'options.startServing');
  checkFlag(options.keepAlive, 'options.keepAlive');
  const backlog = options.backlog ?? kDefaultBacklog;
  checkInteger(backlog, 'options.backlog', 1, 2 ** 31 - 1);
  const limit = limitOf(options);
  new StreamReader(limit);
  const loop = currentLoop();
  const where = await listenAddresses(host, port, options.family ?? 0);
  const server = new Server(loop, where, { backlog, keepAlive: options.keepAlive ?? false }, () => {
    const reader = new StreamReader({ loop, ...limit });
    const protocol: StreamProtocol = new StreamProtocol(loop, reader, (transport) => {
      reader.setTransport(transport);
      const writer = new StreamWriter(transport, protocol);
      callHandler(loop, server, transport, () => clientConnectedCb(reader, writer), isAsync);
    });
    return protocol;
  });
  const isAsync = iscoroutinefunction(clientConnectedCb);
  if (options.startServing ?? true) server.listen();
  return server;
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
