// Listening sockets, and where a server listens.
// Floor 9.

import { adoptBound, checkAlone } from './adopting.ts';
import {
  checkFlag,
  checkInteger,
  checkOptions,
  checkPort,
  checkText,
  outOfRange,
} from './arguments.ts';
import { gather } from './gather.ts';
import { TimerHandle } from './handles.ts';
import { closeSlot, type EventReceiver, kNoSlot, registerReceiver } from './io_events.ts';
import { layout, native } from './native.ts';
import { type AddressInfo, checkFamily, resolveHost } from './resolver.ts';
import { errnoOf, systemError } from './system_errors.ts';
import { checkServerTls, type TlsOptions } from './tls_options.ts';
import type { LoopCore } from './turns.ts';

const { kAccepted, kListenIpv6Only, kListenReuseAddress, kListenReusePort, kListenKeepAlive } =
  layout;

/** asyncio's: connections that the system holds until they are accepted. */
const kDefaultBacklog = 100;
/** In seconds: how long accepting rests when a resource has run out (constants: ACCEPT_RETRY_DELAY). */
const kAcceptRetryDelay = 1;

/** Errors of accept() that pass when other connections end. */
const kOutOfResources = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'].map(errnoOf));
/** Errors of an address that this machine does not have, or whose family is switched off. */
const kNotHere = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT'].map(errnoOf));

/** Options of startServer(), loop.createServer() and their twins for Unix sockets. @public */
export interface ServerOptions {
  /** 4, 6, or 0 (the default) for both. */
  family?: 0 | 4 | 6 | undefined;
  /** Connections that the system holds for us before they are accepted; 100 by default. */
  backlog?: number | undefined;
  /** Whether an address may be used again while old connections to it linger; true by default. */
  reuseAddress?: boolean | undefined;
  /** Whether several sockets may listen on one address, the system balancing between them. */
  reusePort?: boolean | undefined;
  /** Whether the system probes silent clients. */
  keepAlive?: boolean | undefined;
  /** Encrypts the connections: what node:tls takes, a key and a certificate above all. */
  ssl?: TlsOptions | undefined;
  /** In seconds; 60 by default. A client that takes longer is dropped. */
  sslHandshakeTimeout?: number | undefined;
  /** In seconds; 30 by default: how long close() waits for the peer's end of the connection. */
  sslShutdownTimeout?: number | undefined;
  /**
   * A stream socket that is bound, and may listen, to serve on instead: host and port are null then. It
   * belongs to the server and is closed with it, also when it cannot listen.
   */
  fd?: number | undefined;
  /**
   * Unix sockets: whether the socket's file is removed with the server, one that came by `fd` too; true by default.
   * false where somebody else owns the socket, as systemd does.
   */
  cleanupSocket?: boolean | undefined;
  /** false: call startServing() or serveForever() later; the addresses are bound at once. */
  startServing?: boolean | undefined;
}

/** A listening socket's address. @public */
export interface ServerSocket {
  /** The IP address, or the path of a Unix socket. */
  readonly address: string;
  /** Not there for a Unix socket. */
  readonly port?: number;
  /** Not there for a Unix socket. */
  readonly family?: 4 | 6;
  /**
   * The file descriptor, for a process that is to take the socket over (`options.fd`); -1 when the server has
   * closed it, and on Windows. Not enumerable: what else there is makes a plain record.
   */
  fileno(): number;
}

/** What a socket is bound to. */
type BoundAddress = Omit<ServerSocket, 'fileno'>;

/** @internal */
export function checkServerArguments(host: unknown, port: unknown, options: ServerOptions): void {
  checkOptions(options);
  checkAlone(options.fd, host, port);
  if (host !== null && !Array.isArray(host)) checkText(host, 'host');
  if (Array.isArray(host) && host.length === 0) {
    throw outOfRange('host', 'a host, several of them, or null for all interfaces', host);
  }
  if (port !== null) checkPort(port, 'port');
  checkServerTls(options);
  checkFamily(options.family, 'options.family');
  const flags = [
    'reuseAddress',
    'reusePort',
    'keepAlive',
    'startServing',
    'cleanupSocket',
  ] as const;
  for (const name of flags) {
    checkFlag(options[name], `options.${name}`);
  }
  checkInteger(backlogOf(options), 'options.backlog', 0, 2 ** 31 - 1);
}

/** @internal */
export function backlogOf(options: ServerOptions): number {
  return options.backlog ?? kDefaultBacklog;
}

/** A socket of a server. @internal */
export class ListeningSocket implements EventReceiver {
  readonly loop: LoopCore;
  readonly socket: ServerSocket;
  private slot: number;
  private accept: (slot: number) => void = closeSlot;
  /** Accepting rests, and that was reported. */
  private exhausted = false;
  private retry: TimerHandle | undefined = undefined;

  /** Takes over a slot that is bound. */
  constructor(loop: LoopCore, slot: number, bound: BoundAddress) {
    this.loop = loop;
    this.slot = slot;
    const fileno = {
      value: () => (this.slot === kNoSlot ? -1 : native.fileDescriptor(this.slot)),
    };
    this.socket = Object.freeze(Object.defineProperties({ ...bound }, { fileno })) as ServerSocket;
    registerReceiver(slot, this);
  }

  /** @param accept - is given the slot of each connection. @throws Node's system error */
  listen(backlog: number, accept: (slot: number) => void): void {
    this.loop.checkClosed();
    this.accept = accept;
    const status = native.listen(this.slot, backlog);
    if (status < 0) throw systemError(status, 'listen', this.socket);
  }

  onEvent(kind: number, a: number, _b: number): void {
    if (kind === kAccepted) {
      this.exhausted = false;
      this.accept(a);
    } else {
      this.acceptFailed(a);
    }
  }

  /** Whether it keeps the process alive. */
  setRef(ref: boolean): void {
    if (this.slot !== kNoSlot) native.setRef(this.slot, ref);
  }

  close(): void {
    this.retry?.cancel();
    this.slot = closeSlot(this.slot);
  }

  detached(): void {
    this.retry?.cancel();
    this.slot = kNoSlot;
  }

  private acceptFailed(errno: number): void {
    const exception = systemError(errno, 'accept');
    if (!kOutOfResources.has(errno)) {
      this.report('accept() failed: the connection was dropped', exception);
      return;
    }
    if (!this.exhausted) {
      this.report('accept() is out of system resources: new connections have to wait', exception);
    }
    this.exhausted = true;
    this.retry = new TimerHandle(this.loop, () => native.resumeAccepting(this.slot), [], undefined);
    this.retry.armAfter(kAcceptRetryDelay);
  }

  private report(message: string, exception: Error): void {
    this.loop.callExceptionHandler({ message, exception, socket: this.socket });
  }
}

function flagsOf(family: 4 | 6, options: ServerOptions): number {
  let flags = family === 6 ? kListenIpv6Only : 0;
  if (options.reuseAddress ?? true) flags |= kListenReuseAddress;
  if (options.reusePort) flags |= kListenReusePort;
  if (options.keepAlive) flags |= kListenKeepAlive;
  return flags;
}

/**
 * A socket that came as a descriptor, for a server of Unix sockets or of any.
 * @internal
 */
export function adoptListening(
  loop: LoopCore,
  fd: number,
  domain: 'any' | 'unix' = 'any',
  removesFile = false,
): ListeningSocket {
  const slot = adoptBound(fd, domain, removesFile);
  const bound = native.socketAddress(slot, false);
  if (typeof bound === 'string') {
    return new ListeningSocket(loop, slot, { address: bound });
  }
  const [address, port, family] = bound as [string, number, 4 | 6];
  return new ListeningSocket(loop, slot, { address, port, family });
}

function bindTo(loop: LoopCore, where: AddressInfo, options: ServerOptions): ListeningSocket {
  const slot = native.tcpBind(where.address, where.port, flagsOf(where.family, options));
  if (slot < 0) throw systemError(slot, 'listen', where);
  const bound = native.socketAddress(slot, false);
  if (typeof bound !== 'object') {
    native.close(slot);
    throw systemError(Number(bound), 'getsockname', where);
  }
  const [address, port, family] = bound;
  return new ListeningSocket(loop, slot, { address, port, family });
}

const kAnyAddresses: readonly Omit<AddressInfo, 'port'>[] = [
  { address: '0.0.0.0', family: 4 },
  { address: '::', family: 6 },
];

/** Where to listen: numeric addresses, each once; the hosts are looked up together, as in asyncio. */
async function listenAddresses(
  host: string | readonly string[] | null,
  port: number,
  family: 0 | 4 | 6,
): Promise<AddressInfo[]> {
  const hosts = host === null || typeof host === 'string' ? [host ?? ''] : host;
  for (const name of hosts) checkText(name, 'host');
  const lookups = hosts.map((name) => () => lookUp(name, port, family));
  const found = new Map<string, AddressInfo>();
  for (const one of (await gather(...lookups)).flat()) found.set(one.address, one);
  return [...found.values()];
}

/** The addresses of a host, or of all interfaces. */
function lookUp(
  host: string,
  port: number,
  family: 0 | 4 | 6,
): PromiseLike<AddressInfo[]> | AddressInfo[] {
  if (host !== '') return resolveHost(host, port, family);
  const places = kAnyAddresses.filter((one) => family === 0 || one.family === family);
  return places.map((place) => ({ ...place, port }));
}

/**
 * Sockets bound to all addresses of the hosts that are here, or the one that came with the options.
 * @throws Node's system error when one is taken, or none is here
 * @internal
 */
export async function bindSockets(
  loop: LoopCore,
  host: string | readonly string[] | null,
  port: number | null,
  options: ServerOptions,
): Promise<ListeningSocket[]> {
  if (options.fd !== undefined) return [adoptListening(loop, options.fd)];
  if (host === null && port === null) {
    throw outOfRange('port', 'a port (0: any that is free) unless there is options.fd', port);
  }
  const places = await listenAddresses(host, port ?? 0, options.family ?? 0);
  const bound: ListeningSocket[] = [];
  const notHere: unknown[] = [];
  for (const where of places) {
    try {
      bound.push(bindTo(loop, where, options));
    } catch (error) {
      // As asyncio: of several addresses some may be missing, such as those of IPv6 in a container.
      if (kNotHere.has((error as NodeJS.ErrnoException).errno as number)) {
        notHere.push(error);
        continue;
      }
      for (const one of bound) one.close();
      throw error;
    }
  }
  if (bound.length === 0 && notHere.length > 0) throw notHere[0];
  return bound;
}
