// DatagramTransportSocket: what getExtraInfo('socket') of a datagram endpoint gives.
// Floor 6.
import { newAddressRecord, readAddress, type SocketAddress } from './addresses.ts';
import { checkFlag, checkInteger, checkText, invalidArgValue } from './arguments.ts';
import { native } from './native.ts';
import { checkStatus, OwnedSocket } from './transport_socket.ts';

/** The time to live is a byte of the header. */
const kMostHops = 255;

function checkSource(source: string): void {
  checkText(source, 'source');
  if (source === '') throw invalidArgValue('source', 'must be an address', source);
}

/**
 * The socket under a datagram endpoint, to look at and to set its options, multicast above all: the names are
 * those of node:dgram. A new option is for what is sent from then on. It belongs to the transport. Every method but fileno() throws Node's system error: EBADF
 * when the transport is closed, EINVAL or EADDRNOTAVAIL for addresses that do not fit.
 * @see asyncio.trsock.TransportSocket
 * @public
 */
export class DatagramTransportSocket extends OwnedSocket {
  private readonly sendBatch: () => void;

  /** @internal */
  constructor(slotOf: () => number, sendBatch: () => void) {
    super(slotOf);
    this.sendBatch = sendBatch;
  }

  /** The local address. */
  getsockname(): SocketAddress {
    return this.address(false, 'getsockname');
  }

  /** The address of the one peer. @throws Node's system error ENOTCONN when there is none */
  getpeername(): SocketAddress {
    return this.address(true, 'getpeername');
  }

  /** Whether broadcast addresses may be sent to (SO_BROADCAST). */
  setBroadcast(enabled: boolean): void {
    checkFlag(enabled, 'enabled');
    checkStatus(native.datagramSetBroadcast(this.change(), Number(enabled)), 'setsockopt');
  }

  /** How many routers a datagram may pass, from 1 to 255 (IP_TTL). */
  setTTL(hops: number): void {
    checkInteger(hops, 'hops', 1, kMostHops);
    checkStatus(native.datagramSetTtl(this.change(), hops), 'setsockopt');
  }

  /** The same for datagrams to multicast groups, from 0: 1 by default, which is the own network. */
  setMulticastTTL(hops: number): void {
    checkInteger(hops, 'hops', 0, kMostHops);
    checkStatus(native.datagramSetMulticastTtl(this.change(), hops), 'setsockopt');
  }

  /** Whether what is sent to a group comes back to its members on this machine; on by default. */
  setMulticastLoopback(enabled: boolean): void {
    checkFlag(enabled, 'enabled');
    const status = native.datagramSetMulticastLoopback(this.change(), Number(enabled));
    checkStatus(status, 'setsockopt');
  }

  /**
   * Through which interface datagrams to groups are sent.
   * @param address - of the interface, '::%eth0' for IPv6; '0.0.0.0' or '::': the system chooses
   */
  setMulticastInterface(address: string): void {
    checkText(address, 'address');
    const status = native.datagramSetMulticastInterface(this.change(), address);
    checkStatus(status, 'setsockopt');
  }

  /**
   * Joins a multicast group: what is sent to it is received from now on, on the port that the endpoint is
   * bound to.
   * @param group - the address of the group
   * @param address - of the interface, '::%eth0' for IPv6; the system chooses one by default
   */
  addMembership(group: string, address = ''): void {
    this.setMembership(group, address, '', true);
  }

  /** Leaves a multicast group. */
  dropMembership(group: string, address = ''): void {
    this.setMembership(group, address, '', false);
  }

  /** Joins a multicast group to receive what one source sends to it. */
  addSourceSpecificMembership(source: string, group: string, address = ''): void {
    checkSource(source);
    this.setMembership(group, address, source, true);
  }

  /** Leaves it again. */
  dropSourceSpecificMembership(source: string, group: string, address = ''): void {
    checkSource(source);
    this.setMembership(group, address, source, false);
  }

  private setMembership(group: string, address: string, source: string, join: boolean): void {
    checkText(group, 'group');
    checkText(address, 'address');
    const slot = this.change();
    checkStatus(native.datagramSetMembership(slot, group, address, source, join), 'setsockopt');
  }

  private address(peer: boolean, syscall: string): SocketAddress {
    const record = newAddressRecord();
    checkStatus(native.datagramAddress(this.live(syscall), peer, record), syscall);
    return readAddress(record, 0) as SocketAddress;
  }

  /** The slot, for a new option: what was to be sent before goes without it. */
  private change(): number {
    const slot = this.live('setsockopt');
    this.sendBatch();
    return slot;
  }
}
