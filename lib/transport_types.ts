// What transports of every kind look like to protocols and streams: asyncio's transport classes, as
// interfaces.
// Floor 4.
import type { SocketAddress } from './addresses.ts';
import type { BaseProtocol } from './protocols.ts';

/** What transports of every kind have in common. @see asyncio.BaseTransport @public */
export interface BaseTransport {
  /** Closes the transport: what was written is sent first, then connectionLost(null) is called. */
  close(): void;
  /** Whether the transport is closed or about to be. */
  isClosing(): boolean;
  /** A fact about the transport by its name; `fallback` (null) for one it does not know. */
  // biome-ignore lint/suspicious/noExplicitAny: the kind depends on the name
  getExtraInfo(name: string, fallback?: unknown): any;
  /** Hands what happens from now on to another protocol. */
  setProtocol(protocol: BaseProtocol): void;
  /** The protocol that is told what happens. */
  getProtocol(): BaseProtocol;
}

/** A transport that receives. @see asyncio.ReadTransport @public */
export interface ReadTransport extends BaseTransport {
  /** Whether bytes are received: neither paused nor closing. */
  isReading(): boolean;
  /** Stops receiving; may be called again. */
  pauseReading(): void;
  /** Goes on receiving; may be called again. */
  resumeReading(): void;
}

/** A transport that sends. @see asyncio.WriteTransport @public */
export interface WriteTransport extends BaseTransport {
  /** Sends `data`, without waiting: what the system does not take now is copied and sent later. */
  write(data: Uint8Array | string): void;
  /** As write() for each of `data`; they are sent together. */
  writelines(data: Iterable<Uint8Array | string>): void;
  /** Half-closes after what was written: the peer sees EOF, and may go on sending. */
  writeEof(): void;
  /** Whether writeEof() can be called: false over TLS. */
  canWriteEof(): boolean;
  /** Closes at once: what was not sent is lost. */
  abort(): void;
  /** Bytes written and not yet taken by the system. */
  getWriteBufferSize(): number;
  /** The water marks, in bytes. */
  getWriteBufferLimits(): [low: number, high: number];
  /** Sets the water marks, in bytes: over `high` the protocol is paused, at `low` it is resumed. */
  setWriteBufferLimits(limits?: { high?: number; low?: number }): void;
}

/** A transport that receives and sends. @see asyncio.Transport @public */
export interface Transport extends ReadTransport, WriteTransport {}

/** A transport of datagrams. @see asyncio.DatagramTransport @public */
export interface DatagramTransport extends BaseTransport {
  /**
   * Sends one datagram, without waiting. What fails is told to errorReceived(), in a later step; what
   * the system does not take now is copied and sent later.
   * @param address - [host, port], which an endpoint without `remoteAddr` needs. A host name is looked up
   * for each datagram: give the numeric address where speed matters
   * @throws TypeError when an argument has the wrong type; RangeError when `address` is not that of the
   * endpoint's one peer
   */
  sendto(data: Uint8Array | string, address?: SocketAddress | null): void;
  /** Closes at once: what the system did not take is lost. */
  abort(): void;
  /** Bytes that the system did not take yet, and 8 for each datagram. */
  getWriteBufferSize(): number;
  /** The water marks, in bytes. */
  getWriteBufferLimits(): [low: number, high: number];
  /** Sets the water marks, in bytes: over `high` the protocol is paused, at `low` it is resumed. */
  setWriteBufferLimits(limits?: { high?: number; low?: number }): void;
}

/**
 * The transport of a child process, and of the pipes to it.
 * @see asyncio.SubprocessTransport
 * @public
 */
export interface SubprocessTransport extends BaseTransport {
  /** Closes the pipes, and kills the child if it still runs. */
  close(): void;
  /** The number of the process. */
  getPid(): number;
  /** The exit status, -N when signal N ended the child, null while it runs. */
  getReturncode(): number | null;
  /** The transport of the child's stdin (0), stdout (1) or stderr (2); null when that is no pipe. */
  // biome-ignore lint/suspicious/noExplicitAny: a WriteTransport for 0, a ReadTransport for 1 and 2
  getPipeTransport(fd: number): any;
  /**
   * Sends a signal; does nothing when the child has just ended.
   * @throws Node's system error with code ESRCH after connectionLost(), EPERM, ...
   */
  sendSignal(signal: NodeJS.Signals | number): void;
  /** Sends SIGTERM. */
  terminate(): void;
  /** Sends SIGKILL. */
  kill(): void;
}
