// Outgoing TCP connections: several addresses, one after the other or staggered (RFC 8305).
// Floor 9.
//
// A ConnectRace opens the sockets. The next address is tried when the attempt before it has failed, or
// after the delay of happy eyeballs. The first socket that connects wins and the others are closed; only
// then there is a protocol and a transport.
import { combined, interleaved } from './address_order.ts';
import { adoptConnected, checkAlone } from './adopting.ts';
import {
  checkFactory,
  checkFlag,
  checkInteger,
  checkOptions,
  checkPort,
  checkSeconds,
  checkText,
  invalidArgType,
  outOfRange,
} from './arguments.ts';
import { type Attempt, made, OpenOperation } from './attempts.ts';
import { type Context, captureContext } from './context.ts';
import { Future, kFailed, kFinished } from './futures.ts';
import { TimerHandle } from './handles.ts';
import { closeSlot, registerReceiver } from './io_events.ts';
import { native } from './native.ts';
import { type BaseProtocol, makeProtocol } from './protocols.ts';
import { type AddressInfo, checkFamily, resolveHost } from './resolver.ts';
import { systemError } from './system_errors.ts';
import { connectTls } from './tls.ts';
import { checkConnectTls, type TlsOptions, type TlsSide } from './tls_options.ts';
import type { TransportBase } from './transport_base.ts';
import type { Transport } from './transport_types.ts';
import { SocketTransport } from './transports.ts';
import type { LoopCore } from './turns.ts';

/** Options of openConnection() and loop.createConnection(). @public */
export interface ConnectOptions {
  /** 4, 6, or 0 (the default) for both. */
  family?: 0 | 4 | 6 | undefined;
  /** The local end of the connection. */
  localAddr?: [host: string, port: number] | undefined;
  /**
   * In seconds: how long an attempt is waited for before the next address is tried beside it (happy
   * eyeballs; RFC 8305 recommends 0.25). Without it one address is tried after the other.
   */
  happyEyeballsDelay?: number | undefined;
  /**
   * How many addresses of the first family come before the families alternate; 0 keeps the order of the
   * look-up. 1 by default with happyEyeballsDelay, else 0.
   */
  interleave?: number | undefined;
  /** Whether small packets are sent at once; true by default, as in asyncio. */
  noDelay?: boolean | undefined;
  /** Whether the system probes a silent peer. */
  keepAlive?: boolean | undefined;
  /** Encrypts the connection: true, or what node:tls takes. */
  ssl?: boolean | TlsOptions | undefined;
  /** Whom the server's certificate must be for; the host by default. */
  serverHostname?: string | undefined;
  /** In seconds; 60 by default. */
  sslHandshakeTimeout?: number | undefined;
  /** In seconds; 30 by default: how long close() waits for the peer's end of the connection. */
  sslShutdownTimeout?: number | undefined;
  /**
   * A connected stream socket to use instead: host and port, or the path, are null then. It belongs to the
   * transport and is closed with it; when this throws for an argument, it is still the caller's.
   */
  fd?: number | undefined;
}

/** @internal */
export function checkConnectArguments(host: unknown, port: unknown, options: ConnectOptions): void {
  checkOptions(options);
  checkConnectTls(options, host as string | null);
  checkAlone(options.fd, host, port);
  if (host !== null) checkText(host, 'host');
  if (options.fd === undefined) {
    if (port === null || port === undefined) {
      throw invalidArgType('port', 'of type number', port);
    }
    checkPort(port, 'port');
  }
  const { family, localAddr, happyEyeballsDelay, interleave } = options;
  checkFamily(family, 'options.family');
  checkFlag(options.noDelay, 'options.noDelay');
  checkFlag(options.keepAlive, 'options.keepAlive');
  if (interleave !== undefined) checkInteger(interleave, 'options.interleave', 0);
  if (happyEyeballsDelay !== undefined) {
    const name = 'options.happyEyeballsDelay';
    checkSeconds(happyEyeballsDelay, name);
    if (happyEyeballsDelay < 0) throw outOfRange(name, '>= 0', happyEyeballsDelay);
  }
  if (localAddr !== undefined) {
    if (!Array.isArray(localAddr)) {
      throw invalidArgType('options.localAddr', 'an array [host, port]', localAddr);
    }
    checkText(localAddr[0], 'options.localAddr[0]');
    checkPort(localAddr[1], 'options.localAddr[1]');
  }
}

/** Connects to one of several addresses. */
class ConnectRace {
  /** The slot of the connected stream. */
  readonly winner: Future<number>;
  private readonly loop: LoopCore;
  private readonly addresses: readonly AddressInfo[];
  private readonly locals: readonly AddressInfo[] | undefined;
  private readonly delay: number | undefined;
  private readonly open: Set<number> = new Set();
  private readonly errors: unknown[][] = [];
  private timer: TimerHandle | undefined = undefined;

  constructor(
    loop: LoopCore,
    addresses: readonly AddressInfo[],
    locals: readonly AddressInfo[] | undefined,
    delay: number | undefined,
  ) {
    this.loop = loop;
    this.addresses = addresses;
    this.locals = locals;
    this.delay = delay;
    this.winner = new Future<number>({ loop });
    this.winner.whenDone(() => this.end());
    this.tryNext();
  }

  /** Begins with the next address; goes on by itself when that fails. */
  private tryNext(): void {
    this.timer?.cancel();
    while (!this.winner.done()) {
      const index = this.errors.length;
      const address = this.addresses[index];
      if (address === undefined) {
        if (this.open.size === 0) this.winner.finish(kFailed, combined(this.errors.flat()));
        return;
      }
      const errors: unknown[] = [];
      this.errors.push(errors);
      const slot = this.openSocket(address, errors);
      if (slot === undefined) continue;
      const error = this.connect(slot, address, (error) => {
        this.open.delete(slot);
        closeSlot(slot);
        errors.push(error);
        if (this.errors.length === index + 1 || this.open.size === 0) this.tryNext();
      });
      if (error === undefined) {
        this.armTimer();
        return;
      }
      closeSlot(slot);
      errors.push(error);
    }
  }

  private armTimer(): void {
    if (this.delay === undefined || this.errors.length === this.addresses.length) return;
    this.timer = new TimerHandle(this.loop, () => this.tryNext(), [], undefined);
    this.timer.armAfter(this.delay);
  }

  /** A socket, bound to a local address if one was asked for. */
  private openSocket(address: AddressInfo, errors: unknown[]): number | undefined {
    const { family } = address;
    const locals = this.locals?.filter((one) => one.family === family) ?? [undefined];
    for (const local of locals) {
      const slot = native.tcpOpen(local?.address ?? '', local?.port ?? 0);
      if (slot >= 0) return slot;
      errors.push(systemError(slot, local === undefined ? 'socket' : 'bind', local));
    }
    if (locals.length === 0) {
      const error = new Error(`no matching local address with family=${family} found`);
      errors.push(Object.assign(error, { code: 'EADDRNOTAVAIL', syscall: 'bind' }));
    }
    return undefined;
  }

  /** Returns the error of an attempt that failed at once. */
  private connect(slot: number, to: AddressInfo, failed: (error: unknown) => void): unknown {
    const place = { address: to.address, port: to.port };
    const status = native.tcpConnect(slot, to.address, to.port);
    if (status < 0) return systemError(status, 'connect', place);
    this.open.add(slot);
    registerReceiver(slot, {
      loop: this.loop,
      onEvent: (_kind, errno) => {
        if (errno === 0) this.connected(slot);
        else failed(systemError(errno, 'connect', place));
      },
      detached: () => void this.open.delete(slot),
    });
    return undefined;
  }

  private connected(slot: number): void {
    if (this.winner.done()) return;
    this.open.delete(slot);
    this.winner.finish(kFinished, slot);
  }

  private end(): void {
    this.timer?.cancel();
    for (const slot of this.open) closeSlot(slot);
    this.open.clear();
  }
}

/** Connects to a host. Gives the slot of the connected stream, which is the caller's. */
async function connectSlot(
  loop: LoopCore,
  attempt: Attempt,
  host: string | null,
  port: number,
  options: ConnectOptions,
): Promise<number> {
  const { family = 0, localAddr, happyEyeballsDelay: delay } = options;
  if (options.fd !== undefined) return adoptConnected(options.fd);
  const looking = (lookup: Future<unknown>) => attempt.waitsFor(lookup);
  const name = host === null || host === '' ? 'localhost' : host;
  const found = await resolveHost(name, port, family, looking);
  const locals = localAddr && (await resolveHost(localAddr[0], localAddr[1], family, looking));
  const first = options.interleave ?? (delay === undefined ? 0 : 1);
  const addresses = first === 0 ? found : interleaved(found, first);
  const { winner } = new ConnectRace(loop, addresses, locals, delay);
  attempt.waitsFor(winner);
  try {
    return await winner;
  } catch (error) {
    // A cancel that came together with the connection: nobody else knows of the socket.
    if (winner.done() && !winner.cancelled() && winner.exception() === null) {
      closeSlot(winner.result());
    }
    throw error;
  }
}

/**
 * Connects a protocol of the factory to a host. Its connectionMade() has been called when the promise
 * resolves.
 * @internal
 */
export async function connectTcp<P extends BaseProtocol>(
  loop: LoopCore,
  attempt: Attempt,
  factory: () => P,
  host: string | null,
  port: number,
  options: ConnectOptions,
): Promise<[TransportBase, P]> {
  const context = captureContext();
  const slot = await connectSlot(loop, attempt, host, port, options);
  return beginConnection(
    loop,
    attempt,
    slot,
    factory,
    options,
    checkConnectTls(options, host),
    context,
  );
}

/** Gives a connected stream its protocol. The slot is closed if that fails. @internal */
export async function beginConnection<P extends BaseProtocol>(
  loop: LoopCore,
  attempt: Attempt,
  slot: number,
  factory: () => P,
  options: ConnectOptions,
  tls: TlsSide | null,
  context: Context | undefined,
): Promise<[TransportBase, P]> {
  if (options.noDelay === false) native.setNoDelay(slot, false);
  if (options.keepAlive) native.setKeepAlive(slot, true);
  let protocol: P;
  try {
    protocol = makeProtocol(factory);
  } catch (error) {
    closeSlot(slot);
    throw error;
  }
  const waiting = (step: Future<unknown>) => attempt.waitsFor(step);
  const transport =
    tls === null
      ? new SocketTransport(loop, slot, protocol, null, context)
      : await connectTls(loop, slot, protocol, context, tls, waiting);
  return [await made(attempt, transport, (done) => transport.announce(done)), protocol];
}

/** loop.createConnection(), as its docstring says. @internal */
export function createTcpConnection<P extends BaseProtocol>(
  loop: LoopCore,
  factory: () => P,
  host: string | null,
  port: number | null,
  options: ConnectOptions = {},
): Future<[Transport, P]> {
  return new OpenOperation<[Transport, P]>(
    async (_, attempt) => {
      checkFactory(factory, 'factory');
      checkConnectArguments(host, port, options);
      loop.checkClosed();
      return connectTcp(loop, attempt, factory, host, port as number, options);
    },
    ([transport]) => transport.abort(),
  );
}
