// Server: listening sockets, and the connections that came in by them.
// Floor 9.
import { checkSeconds } from './arguments.ts';
import { RuntimeError } from './exceptions.ts';
import { Future } from './futures.ts';
import { gather } from './gather.ts';
import { InlineCoroutine } from './inline.ts';
import { closeSlot, type EventReceiver, registerReceiver } from './io_events.ts';
import { layout, native } from './native.ts';
import type { BaseProtocol } from './protocols.ts';
import { systemError } from './system_errors.ts';
import { createTask, type Task } from './tasks.ts';
import { timeout } from './timeouts.ts';
import type { TransportOwner } from './transport_base.ts';
import type { Transport } from './transport_types.ts';
import { SocketTransport } from './transports.ts';
import type { LoopCore } from './turns.ts';

const { kAccepted, kAcceptFailed, kIpv6Only } = layout;

/** A listening socket's address. @public */
export interface ServerSocket {
  readonly address: string;
  readonly port?: number;
  readonly family?: 4 | 6;
}

/** Where a server listens: numeric addresses. @internal */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
  readonly family: 4 | 6;
}

/** Errors of an address that this machine does not have, or whose family is switched off. */
const kNotHere = new Set<unknown>(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);

/** One listening socket. */
class ListeningSocket implements EventReceiver {
  readonly loop: LoopCore;
  readonly slot: number;
  readonly socket: ServerSocket;
  readonly #accept: (slot: number) => void;
  readonly #failed: (errno: number) => void;

  constructor(
    loop: LoopCore,
    where: ListenAddress,
    backlog: number,
    accept: (slot: number) => void,
    failed: (errno: number) => void,
  ) {
    this.loop = loop;
    const flags = where.family === 6 ? kIpv6Only : 0;
    const slot = native.tcpListen(where.address, where.port, backlog, flags);
    if (slot < 0) throw systemError(slot, 'listen', where);
    this.slot = slot;
    this.#accept = accept;
    this.#failed = failed;
    registerReceiver(slot, this);
    const bound = native.socketAddress(slot, false);
    if (typeof bound === 'number') throw systemError(bound, 'getsockname', where);
    this.socket = Object.freeze({ address: bound[0], port: bound[1], family: bound[2] });
  }

  onEvent(kind: number, a: number, _b: number): void {
    if (kind === kAccepted) this.#accept(a);
    else if (kind === kAcceptFailed) this.#failed(a);
  }

  close(): void {
    closeSlot(this.slot);
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
  readonly #where: readonly ListenAddress[];
  readonly #backlog: number;
  readonly #keepAlive: boolean;
  readonly #makeProtocol: () => BaseProtocol;
  readonly #clients: Set<Transport> = new Set();
  readonly #handlers: Set<Task> = new Set();
  /** @internal */
  readonly waiters: Set<InlineCoroutine<void>> = new Set();
  #listening: ListeningSocket[] = [];
  #state: 'new' | 'serving' | 'closed' = 'new';
  #forever: Future<never> | null = null;
  #referenced = true;

  /** @internal */
  constructor(
    loop: LoopCore,
    where: readonly ListenAddress[],
    { backlog, keepAlive }: { backlog: number; keepAlive: boolean },
    makeProtocol: () => BaseProtocol,
  ) {
    this.#loop = loop;
    this.#where = where;
    this.#backlog = backlog;
    this.#keepAlive = keepAlive;
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

  isServing(): boolean {
    return this.#state === 'serving';
  }

  getLoop(): never {
    return this.#loop as never;
  }

  /** Begins to listen; may be called again. @throws Node's system error (EADDRINUSE, ...) */
  async startServing(): Promise<void> {
    this.listen();
  }

  /** @internal */
  listen(): void {
    if (this.#state === 'serving') return;
    if (this.#state === 'closed') throw new RuntimeError('The server is closed: start a new one');
    const opened: ListeningSocket[] = [];
    const notHere: unknown[] = [];
    for (const where of this.#where) {
      try {
        opened.push(this.#listenOn(where));
      } catch (error) {
        if (kNotHere.has((error as NodeJS.ErrnoException).code)) {
          notHere.push(error);
          continue;
        }
        for (const one of opened) one.close();
        throw error;
      }
    }
    // As asyncio: of several addresses some may be missing, such as those of IPv6 in a container.
    if (opened.length === 0 && notHere.length > 0) throw notHere[0];
    this.#listening = opened;
    this.#state = 'serving';
    if (!this.#referenced) this.unref();
  }

  #listenOn(where: ListenAddress): ListeningSocket {
    return new ListeningSocket(
      this.#loop,
      where,
      this.#backlog,
      (slot) => this.#accept(slot),
      (errno) => this.#acceptFailed(errno),
    );
  }

  /**
   * Listens until the calling task is cancelled; then closes the server and its connections.
   * @throws RuntimeError when it is called twice at a time, or on a closed server
   *
   * **Cancellation:** closes the server, waits for the end of its connections, and is passed on.
   */
  async serveForever(): Promise<never> {
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
    for (const client of [...this.#clients]) client.close();
  }

  /** Closes every connection at once: what was not sent is lost. */
  abortClients(): void {
    for (const client of [...this.#clients]) client.abort();
  }

  /** Waits until the server is closed and its last connection has ended. */
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
    this.#referenced = true;
    for (const one of this.#listening) native.setRef(one.slot, true);
  }

  /** Does not keep the process alive for the sake of the listening sockets. */
  unref(): void {
    this.#referenced = false;
    for (const one of this.#listening) native.setRef(one.slot, false);
  }

  /** close() and waitClosed(); shutdown() is the one that never hangs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.waitClosed();
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
  detach(transport: Transport): void {
    this.#clients.delete(transport);
    this.#wakeIfFinished();
  }

  #wakeIfFinished(): void {
    if (!this.finished) return;
    for (const waiter of this.waiters) waiter.resume();
    this.waiters.clear();
  }

  #accept(slot: number): void {
    let protocol: BaseProtocol;
    try {
      protocol = this.#makeProtocol();
    } catch (error) {
      closeSlot(slot);
      this.#loop.callExceptionHandler({
        message: 'Error on transport creation for incoming connection',
        exception: error,
      });
      return;
    }
    const transport = new SocketTransport(this.#loop, slot, protocol, this);
    if (this.#keepAlive) transport.setKeepAlive(true);
    this.#clients.add(transport);
    transport.announce();
  }

  #acceptFailed(errno: number): void {
    this.#loop.callExceptionHandler({
      message: 'accept failed: the connection was dropped',
      exception: systemError(errno, 'accept'),
    });
  }
}
