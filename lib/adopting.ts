// Sockets that come as file descriptors: connected ones, listening ones, and those of datagrams.
// Floor 3.
import { outOfRange } from './arguments.ts';
import { checkDescriptor, checkNotOwned, describeDescriptor } from './descriptors.ts';
import { layout, native } from './native.ts';
import { systemError } from './system_errors.ts';

const { kTcpSocket, kLocalSocket, kDatagramSocket } = layout;

/** What a socket has to be: of any kind, or of the Unix domain. */
type Domain = 'any' | 'unix';

/** Returns whether it is a TCP socket. */
function checkSocket(fd: number, domain: Domain, listening: boolean | undefined): boolean {
  const { kind, listening: listens } = describeDescriptor(fd);
  const isStream = kind === kLocalSocket || (kind === kTcpSocket && domain === 'any');
  if (!isStream || (listening !== undefined && listens !== listening)) {
    const state = listening === undefined ? 'stream' : 'connected';
    throw outOfRange(
      'fd',
      `a ${state} socket${domain === 'unix' ? ' of the Unix domain' : ''}`,
      fd,
    );
  }
  checkNotOwned(fd);
  return kind === kTcpSocket;
}

/** A descriptor that comes instead of an address. @internal */
export function checkAlone(fd: unknown, ...address: readonly unknown[]): void {
  if (fd === undefined) return;
  checkDescriptor(fd, 'options.fd');
  if (address.every((part) => part === null || part === undefined)) return;
  throw outOfRange('options.fd', 'undefined when there is an address', fd);
}

/**
 * Takes over a connected socket: returns the slot of its stream.
 * @throws RangeError for anything else, RuntimeError when it is ours already, Node's system error; `fd` is
 * the caller's then
 * @internal
 */
export function adoptConnected(fd: number, domain: Domain = 'any'): number {
  const isTcp = checkSocket(fd, domain, false);
  const slot = native.streamOpen(fd, isTcp);
  if (slot < 0) throw systemError(slot, 'open');
  if (isTcp) native.setNoDelay(slot, true);
  return slot;
}

/**
 * Takes over a socket that is bound, and may listen: returns the slot of a listener. Throws as
 * adoptConnected().
 * @param removesFile - the file of a socket of the Unix domain goes with it
 * @internal
 */
export function adoptBound(fd: number, domain: Domain, removesFile: boolean): number {
  checkSocket(fd, domain, undefined);
  const slot = native.listenerOpen(fd, removesFile);
  if (slot < 0) throw systemError(slot, 'open');
  return slot;
}

/**
 * Takes over a datagram socket of IPv4 or IPv6: returns the slot of its endpoint. Throws as adoptConnected().
 * @internal
 */
export function adoptDatagrams(fd: number): number {
  if (describeDescriptor(fd).kind !== kDatagramSocket) {
    throw outOfRange('options.fd', 'a UDP socket', fd);
  }
  checkNotOwned(fd);
  const slot = native.datagramAdopt(fd);
  if (slot < 0) throw systemError(slot, 'open');
  return slot;
}
