// TransportSocket: what getExtraInfo('socket') gives, and what it shares with that of datagrams.
// Floor 5.
import { checkFlag } from './arguments.ts';
import { kNoSlot } from './io_events.ts';
import { native } from './native.ts';
import { errnoOf, systemError } from './system_errors.ts';

/** An address of a socket: the path of a Unix socket. @internal */
export function addressOf(
  slot: number,
  peer: boolean,
): [host: string, port: number] | string | number {
  const address = native.socketAddress(slot, peer);
  return typeof address === 'object' ? [address[0], address[1]] : address;
}

/** @internal */
export function checkStatus(status: number, syscall: string): void {
  if (status < 0) throw systemError(status, syscall);
}

/** A socket that belongs to a transport. @public */
export abstract class OwnedSocket {
  private readonly slotOf: () => number;

  /** @param slotOf - the slot of the transport, kNoSlot when that has closed it @internal */
  constructor(slotOf: () => number) {
    this.slotOf = slotOf;
  }

  /** The file descriptor; -1 when the transport has closed it, and on Windows. */
  fileno(): number {
    const slot = this.slotOf();
    return slot === kNoSlot ? -1 : native.fileDescriptor(slot);
  }

  /** The slot, for a system call that needs an open socket. @internal */
  protected live(syscall: string): number {
    const slot = this.slotOf();
    if (slot === kNoSlot) throw systemError(errnoOf('EBADF'), syscall);
    return slot;
  }
}

/**
 * The socket under a transport. It belongs to the transport: look at it and set its options, but do not
 * read, write or close it.
 * @see asyncio.trsock.TransportSocket
 * @public
 */
export class TransportSocket extends OwnedSocket {
  /** The local address; the path of a Unix socket. @throws Node's system error when the transport is closed */
  getsockname(): [host: string, port: number] | string {
    return this.address(false, 'getsockname');
  }

  /** The peer's address; the path of a Unix socket. @throws Node's system error when the transport is closed */
  getpeername(): [host: string, port: number] | string {
    return this.address(true, 'getpeername');
  }

  /** Whether small packets are sent at once (TCP_NODELAY); on for every transport. */
  setNoDelay(enabled: boolean): void {
    checkFlag(enabled, 'enabled');
    checkStatus(native.setNoDelay(this.live('setsockopt'), enabled), 'setsockopt');
  }

  /** Whether the system probes a silent peer (SO_KEEPALIVE). */
  setKeepAlive(enabled: boolean): void {
    checkFlag(enabled, 'enabled');
    checkStatus(native.setKeepAlive(this.live('setsockopt'), enabled), 'setsockopt');
  }

  private address(peer: boolean, syscall: string): [host: string, port: number] | string {
    const address = addressOf(this.live(syscall), peer);
    if (typeof address === 'number') throw systemError(address, syscall);
    return address;
  }
}
