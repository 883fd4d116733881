// Sockets that come as file descriptors: connected ones, listening ones, and those of datagrams.
// Floor 3.
import { outOfRange } from './arguments.ts';
import { checkDescriptor, checkNotOwned, describeDescriptor } from './descriptors.ts';
import { layout, native } from './native.ts';
import { systemError } from './system_errors.ts';

const { kTcpSocket, kLocalSocket, kDatagramSocket } = layout;

function checkSocket(fd: number, listening: boolean | undefined): boolean {
  const socket = describeDescriptor(fd);
  const isStream = socket.kind === kTcpSocket || socket.kind === kLocalSocket;
  if (!isStream || (listening !== undefined && socket.listening !== listening)) {
    throw outOfRange('fd', listening === undefined ? 'a stream socket' : 'a connected socket', fd);
  }
  checkNotOwned(fd);
  return socket.kind === kTcpSocket;
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
export function adoptConnected(fd: number): number {
  const isTcp = checkSocket(fd, false);
  const slot = native.streamOpen(fd, isTcp);
  if (slot < 0) throw systemError(slot, 'open');
  if (isTcp) native.setNoDelay(slot, true);
  return slot;
}

/**
 * Takes over a socket that is bound, and may listen: returns the slot of a listener. Throws as
 * adoptConnected().
 * @internal
 */
export function adoptBound(fd: number): number {
  checkSocket(fd, undefined);
  const slot = native.listenerOpen(fd);
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
