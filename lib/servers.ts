// Server: listening sockets, and the connections that came in by them.
// Floor 9.
//
// Its sockets are bound when it is made and listen when it begins to serve. The protocol of a connection
// is made one turn after it was accepted and told of it in the turn after that, as in asyncio.
import { inspect } from 'node:util';
import { checkFactory, checkSeconds } from './arguments.ts';
import { type Context, captureContext } from './context.ts';
import { RuntimeError } from './exceptions.ts';
import { describeAddress, describeState } from './format.ts';
import { Future } from './futures.ts';
import { gather } from './gather.ts';
import { InlineCoroutine } from './inline.ts';
import { closeSlot, type EventReceiver, kNoSlot, registerReceiver } from './io_events.ts';
import {
  backlogOf,
  bindSockets,
  checkServerArguments,
  type ListeningSocket,
  type ServerOptions,
  type ServerSocket,
} from './listening.ts';
import type { BaseProtocol } from './protocols.ts';
import type { CallingEntry } from './ready.ts';
import { routine } from './routines.ts';
import { sleep } from './sleep.ts';
import { createTask } from './spawning.ts';
import type { Task } from './tasks.ts';
import { timeout } from './timeouts.ts';
import { acceptTls } from './tls.ts';
import type { Client, TransportOwner } from './transport_base.ts';
import { SocketTransport } from './transports.ts';
import type { LoopCore } from './turns.ts';

/** An accepted connection that has no protocol yet. */
class Accepted implements CallingEntry, EventReceiver {
  readonly loop: LoopCore;
  private slot: number;
  private readonly server: Server;

  constructor(loop: LoopCore, slot: number, server: Server) {
    this.loop = loop;
    this.slot = slot;
    this.server = server;
    registerReceiver(slot, this);
  }

  readonly calls = 'that makes a protocol';

  /** A stream that does not read yet tells nothing. */
  onEvent(): void {}

  detached(): void {
    this.slot = kNoSlot;
  }

  run(): void {
    if (this.slot !== kNoSlot) this.server.connect(this.slot);
  }
}

/** waitClosed(): until the server is closed and has no connection left. */
class WaitClosed extends InlineCoroutine<void> {
  readonly #server: Server;

  constructor(server: Server) {
    super();
    this.#server = server;
  }

  protected override proceed(): void {
    if (this.#server.finished) this.complete();
    else this.#server.waiters.add(this);
  }

  protected override abandon(): void {
    this.#server.waiters.delete(this);
  }
}

/**
 * A listening server.
 * @see asyncio.Server
 * @public
 */
export class Server implements AsyncDisposable, TransportOwner {
  readonly #loop: LoopCore;
  readonly #backlog: number;
  readonly #makeProtocol: () => BaseProtocol;
  /** What protocols are called in: the context in which the server was made. */
  readonly #context: Context | undefined = captureContext();
  readonly #clients: Set<Client> = new Set();
  readonly #handlers: Set<Task> = new Set();
  /** @internal */
  readonly waiters: Set<InlineCoroutine<void>> = new Set();
  #listening: readonly ListeningSocket[];
  #state: 'new' | 'serving' | 'closed' = 'new';
  #forever: Future<never> | null = null;

  /** @internal */
  constructor(
    loop: LoopCore,
    sockets: readonly ListeningSocket[],
    backlog: number,
    makeProtocol: () => BaseProtocol,
  ) {
    this.#loop = loop;
    this.#listening = sockets;
    this.#backlog = backlog;
    this.#makeProtocol = makeProtocol;
  }

  /** The addresses it listens on; empty when it is closed. */
  get sockets(): readonly ServerSocket[] {
    return this.#listening.map((one) => one.socket);
  }

  /** The running tasks of clientConnectedCb. */
  get handlers(): ReadonlySet<Task> {
    return this.#handlers;
  }

  /** Whether new connections are accepted. */
  isServing(): boolean {
    return this.#state === 'serving';
  }

  /** The event loop that the server runs on. */
  // biome-ignore lint/suspicious/noExplicitAny: an EventLoop, whose type is floors above
  getLoop(): any {
    return this.#loop as never;
  }

  /**
   * Begins to listen at once, and returns one turn later; may be called again.
   * @throws Node's system error (EADDRINUSE, ...)
   */
  async startServing(): Promise<void> {
    this.listen();
    await sleep(0);
  }

  /** @internal */
  listen(): void {
    if (this.#state === 'serving') return;
    if (this.#state === 'closed') throw new RuntimeError('The server is closed: start a new one');
    for (const socket of this.#listening) {
      socket.listen(this.#backlog, (slot) => {
        this.#loop.enqueue(new Accepted(this.#loop, slot, this));
      });
    }
    this.#state = 'serving';
  }

  /**
   * Listens until the calling task is cancelled; then closes the server and its connections.
   * @throws RuntimeError when it is called twice at a time, or on a closed server
   *
   * **Cancellation:** closes the server, waits for the end of its connections, and is passed on.
   */
  serveForever(): Future<never> {
    return routine(() => this.#serve());
  }

  async #serve(): Promise<never> {
    if (this.#forever !== null) {
      throw new RuntimeError('serveForever() is already being run on this server');
    }
    this.listen();
    const forever = new Future<never>({ loop: this.#loop });
    this.#forever = forever;
    try {
      return await forever;
    } catch (error) {
      this.close();
      this.closeClients();
      await this.waitClosed();
      throw error;
    } finally {
      this.#forever = null;
    }
  }

  /** Stops listening; connections go on. May be called again. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    for (const one of this.#listening) one.close();
    this.#listening = [];
    this.#forever?.cancel();
    this.#wakeIfFinished();
  }

  /** Closes every connection, once what was written to it is sent. */
  closeClients(): void {
    for (const client of [...this.#clients]) client.hangUp();
  }

  /** Closes every connection at once: what was not sent is lost. */
  abortClients(): void {
    for (const client of [...this.#clients]) client.abort();
  }

  /**
   * Waits until the server is closed and its last connection has ended.
   *
   * **Cancellation:** stops waiting, and nothing else.
   */
  waitClosed(): Future<void> {
    return new WaitClosed(this);
  }

  /**
   * close(), waits up to `grace` seconds for the clients and their handlers, then cancels the handlers and
   * aborts what is left; never waits longer.
   * @param grace - in seconds; 0 by default
   */
  shutdown(grace = 0): Future<void> {
    checkSeconds(grace, 'grace');
    return createTask(() => this.#shutDown(grace), { name: 'server shutdown' });
  }

  async #shutDown(grace: number): Promise<void> {
    this.close();
    try {
      if (grace > 0) {
        await timeout(grace, () => this.#ended()).catch((error) => {
          if ((error as { code?: string }).code !== 'ERR_TIMEOUT') throw error;
        });
      }
    } finally {
      for (const handler of this.#handlers) handler.cancel();
      this.abortClients();
    }
    await this.waitClosed();
  }

  /** The connections have ended, and the handlers, which have something to do after that. */
  async #ended(): Promise<void> {
    await this.waitClosed();
    await gather(...this.#handlers, { returnExceptions: true });
  }

  /** Keeps the process alive while the server listens; so it is from the start. */
  ref(): void {
    for (const one of this.#listening) one.setRef(true);
  }

  /** Does not keep the process alive for the sake of the listening sockets. */
  unref(): void {
    for (const one of this.#listening) one.setRef(false);
  }

  /** close() and waitClosed(); shutdown() is the one that never hangs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.waitClosed();
  }

  /** As console.log() shows it: `<Server serving at=127.0.0.1:8080 clients=2>`. @internal */
  [inspect.custom](): string {
    const at = this.sockets.map(({ address, port }) =>
      describeAddress(port === undefined ? address : [address, port]),
    );
    return describeState(this, this.#state === 'new' ? 'not serving yet' : this.#state, {
      at: at.length > 0 ? at.join(',') : undefined,
      clients: this.#clients.size || undefined,
    });
  }

  // ---------------------------------------------------------------------- connections

  /** @internal */
  get finished(): boolean {
    return this.#state === 'closed' && this.#clients.size === 0;
  }

  /** @internal */
  addHandler(task: Task): void {
    this.#handlers.add(task);
  }

  /** @internal */
  removeHandler(task: Task): void {
    this.#handlers.delete(task);
  }

  /** @internal */
  attach(client: Client): void {
    this.#clients.add(client);
  }

  /** @internal */
  detach(client: Client): void {
    this.#clients.delete(client);
    this.#wakeIfFinished();
  }

  #wakeIfFinished(): void {
    if (!this.finished) return;
    for (const waiter of this.waiters) waiter.resume();
    this.waiters.clear();
  }

  /** Gives an accepted connection its protocol. @internal */
  connect(slot: number): void {
    if (this.#state === 'closed') {
      closeSlot(slot);
      return;
    }
    const context = this.#context;
    let protocol: BaseProtocol;
    try {
      protocol = context === undefined ? this.#makeProtocol() : context(this.#makeProtocol);
    } catch (error) {
      closeSlot(slot);
      this.#loop.callExceptionHandler({
        message: 'Error on transport creation for incoming connection',
        exception: error,
      });
      return;
    }
    const transport = new SocketTransport(this.#loop, slot, protocol, this, context);
    this.#clients.add(transport);
    transport.announce();
  }
}

/**
 * Has a new server listen, unless that is to come later.
 * @internal
 */
export async function beginServing(server: Server, options: ServerOptions): Promise<Server> {
  if (options.startServing ?? true) {
    try {
      await server.startServing();
    } catch (error) {
      server.close();
      throw error;
    }
  }
  return server;
}

/** loop.createServer(), as its docstring says. @internal */
export async function createTcpServer(
  loop: LoopCore,
  factory: () => BaseProtocol,
  host: string | readonly string[] | null,
  port: number | null,
  options: ServerOptions = {},
): Promise<Server> {
  checkFactory(factory, 'factory');
  checkServerArguments(host, port, options);
  loop.checkClosed();
  const secured = acceptTls(options, factory);
  const sockets = await bindSockets(loop, host, port, options);
  return beginServing(new Server(loop, sockets, backlogOf(options), secured), options);
}
