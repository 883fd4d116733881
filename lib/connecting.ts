// Outgoing TCP connections: one address after the other until one answers.
// Floor 8.
import {
  checkFlag,
  checkOptions,
  checkPort,
  checkString,
  invalidArgType,
  refuseTls,
} from './arguments.ts';
import { Future, kFailed, kFinished } from './futures.ts';
import { native } from './native.ts';
import type { BaseProtocol } from './protocols.ts';
import { type AddressInfo, checkFamily, resolveHost } from './resolver.ts';
import { systemError } from './system_errors.ts';
import { SocketTransport } from './transports.ts';
import type { LoopCore } from './turns.ts';

/** @public */
export interface ConnectOptions {
  /** 4, 6, or 0 (the default) for both. */
  family?: 0 | 4 | 6;
  /** The local end of the connection. */
  localAddr?: [host: string, port: number];
  /** Whether small packets are sent at once; true by default, as in asyncio. */
  noDelay?: boolean;
  /** Whether the system probes a silent peer. */
  keepAlive?: boolean;
}

/** @internal */
export function checkConnectArguments(host: unknown, port: unknown, options: ConnectOptions): void {
  if (host !== null) checkString(host, 'host');
  if (port === null || port === undefined) {
    throw invalidArgType('port', 'of type number', port);
  }
  checkPort(port, 'port');
  checkOptions(options);
  refuseTls((options as { ssl?: unknown }).ssl);
  const { family, localAddr } = options;
  checkFamily(family, 'options.family');
  checkFlag(options.noDelay, 'options.noDelay');
  checkFlag(options.keepAlive, 'options.keepAlive');
  if (localAddr !== undefined) {
    if (!Array.isArray(localAddr)) {
      throw invalidArgType('options.localAddr', 'an array [host, port]', localAddr);
    }
    checkString(localAddr[0], 'options.localAddr[0]');
    checkPort(localAddr[1], 'options.localAddr[1]');
  }
}

/** An attempt to connect, which can be given up wherever it is. @internal */
export class ConnectAttempt {
  givenUp = false;
  private waiting: Future<unknown> | undefined = undefined;

  /** `future` is what the attempt is waiting for. */
  waitsFor(future: Future<unknown>): void {
    this.waiting = future;
    if (this.givenUp) future.cancel();
  }

  giveUp(): void {
    this.givenUp = true;
    this.waiting?.cancel();
  }
}

/** Connects to one address. Cancelling gives the socket up. */
function connectTo(
  loop: LoopCore,
  attempt: ConnectAttempt,
  protocol: BaseProtocol,
  address: AddressInfo,
  local: AddressInfo | undefined,
): Promise<SocketTransport> {
  const place = { address: address.address, port: address.port };
  const slot = native.tcpConnect(
    address.address,
    address.port,
    local?.address ?? '',
    local?.port ?? 0,
  );
  if (slot < 0) return Promise.reject(systemError(slot, 'connect', place));
  const transport = new SocketTransport(loop, slot, protocol);
  const connected = new Future<SocketTransport>({ loop });
  attempt.waitsFor(connected);
  transport.whenConnected((errno) => {
    if (connected.done()) return;
    if (errno === 0) connected.finish(kFinished, transport);
    else connected.finish(kFailed, systemError(errno, 'connect', place));
  });
  return (async () => {
    try {
      return await connected;
    } catch (error) {
      transport.discard();
      throw error;
    }
  })();
}

/** One error for several failed addresses: the only one, or all of them. */
function combine(errors: unknown[]): unknown {
  if (errors.length === 1) return errors[0];
  const codes = new Set(errors.map((error) => (error as NodeJS.ErrnoException).code));
  const first = errors[0] as NodeJS.ErrnoException;
  const all = new AggregateError(errors, errors.map((e) => (e as Error).message).join('; '));
  return Object.assign(
    all,
    codes.size === 1 ? { code: first.code, errno: first.errno, syscall: first.syscall } : {},
  );
}

/**
 * Connects `protocol` to a host. The transport has been announced to it when the promise resolves.
 * @internal
 */
export async function connectTcp(
  loop: LoopCore,
  attempt: ConnectAttempt,
  makeProtocol: () => BaseProtocol,
  host: string | null,
  port: number,
  options: ConnectOptions,
): Promise<SocketTransport> {
  const family = options.family ?? 0;
  const looking = (lookup: Future<unknown>) => attempt.waitsFor(lookup);
  const addresses = await resolveHost(
    host === null || host === '' ? 'localhost' : host,
    port,
    family,
    looking,
  );
  const locals =
    options.localAddr === undefined
      ? []
      : await resolveHost(options.localAddr[0], options.localAddr[1], family, looking);
  const errors: unknown[] = [];
  for (const address of addresses) {
    const local = locals.find((one) => one.family === address.family);
    if (options.localAddr !== undefined && local === undefined) {
      errors.push(systemError(-22, 'bind', { address: options.localAddr[0] }));
      continue;
    }
    try {
      const transport = await connectTo(loop, attempt, makeProtocol(), address, local);
      if (options.noDelay === false) transport.setNoDelay(false);
      if (options.keepAlive) transport.setKeepAlive(true);
      return transport;
    } catch (error) {
      if (!(error instanceof Error && 'errno' in error)) throw error;
      errors.push(error);
    }
  }
  throw combine(errors);
}
