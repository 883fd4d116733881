// The classes that protocols extend; every method may be left as it is.
// Floor 3.
import type { SocketAddress } from './addresses.ts';
import { invalidArgType } from './arguments.ts';

/**
 * What all protocols have in common. The transport calls these methods, one at a time.
 * @see asyncio.BaseProtocol
 * @public
 */
export class BaseProtocol {
  /** The connection is there. Called once, first. */
  // biome-ignore lint/suspicious/noExplicitAny: the transport's kind depends on what made it
  connectionMade(_transport: any): void {}

  /** The connection is gone. Called once, last. @param _error - null after an orderly end */
  connectionLost(_error: unknown): void {}

  /** The transport's write buffer went over its high-water mark. */
  pauseWriting(): void {}

  /** The transport's write buffer fell to its low-water mark. */
  resumeWriting(): void {}
}

/**
 * A protocol over a byte stream.
 * @see asyncio.Protocol
 * @public
 */
export class Protocol extends BaseProtocol {
  /** Bytes arrived. @param _data - the receiver's to keep */
  dataReceived(_data: Buffer): void {}

  /** The peer will send no more. Return true to keep the transport open for writing. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a method that returns nothing is fine
  eofReceived(): boolean | void {}
}

/**
 * A protocol whose bytes land in memory of its own.
 * @see asyncio.BufferedProtocol
 * @public
 */
export class BufferedProtocol extends BaseProtocol {
  /** Where the next bytes go: not empty. @param _sizehint - a recommended size in bytes; -1: any */
  getBuffer(_sizehint: number): Uint8Array {
    throw new Error('BufferedProtocol.getBuffer() must be overridden');
  }

  /** The first `_nbytes` bytes of the buffer were filled. */
  bufferUpdated(_nbytes: number): void {}

  /** As Protocol.eofReceived(). */
  // biome-ignore lint/suspicious/noConfusingVoidType: a method that returns nothing is fine
  eofReceived(): boolean | void {}
}

/**
 * A protocol over datagrams.
 * @see asyncio.DatagramProtocol
 * @public
 */
export class DatagramProtocol extends BaseProtocol {
  /**
   * A datagram arrived.
   * @param _data - the receiver's to keep; empty for an empty datagram
   * @param _address - who sent it; a frozen array, which sendto() takes as it is
   */
  datagramReceived(_data: Buffer, _address: SocketAddress): void {}

  /**
   * A datagram could not be sent, or the system reports what became of one (ECONNREFUSED when nobody
   * listens at the peer's port). The endpoint stays open.
   * @param _error - Node's system error: `code`, `syscall` and, where it is known, `address` and `port`
   */
  errorReceived(_error: unknown): void {}
}

/**
 * A protocol of a child process; see loop.subprocessExec(). `fd` is 0, 1 or 2: the child's stdin, stdout
 * or stderr.
 * @see asyncio.SubprocessProtocol
 * @public
 */
export class SubprocessProtocol extends BaseProtocol {
  /** The child wrote to its stdout or stderr. @param _data - the receiver's to keep */
  pipeDataReceived(_fd: number, _data: Buffer): void {}

  /** A pipe to the child is closed. @param _error - null after an orderly end */
  pipeConnectionLost(_fd: number, _error: unknown): void {}

  /** The child has ended; its pipes may still hold data, and be held by its own children. */
  processExited(): void {}
}

/** Marks the protocols of this package; a name would be one that a user's class may have as well. @internal */
export const kInternal: unique symbol = Symbol('internal');

/** A protocol of this package that only takes note: it may be called while events are read. @internal */
export interface InternalProtocol extends BaseProtocol {
  readonly [kInternal]: true;
  dataReceived(data: Buffer): void;
  // biome-ignore lint/suspicious/noConfusingVoidType: a method that returns nothing is fine
  eofReceived(): boolean | void;
}

/** What a transport looks for in its protocol. @internal */
export type AnyProtocol = BaseProtocol &
  Partial<Omit<Protocol, keyof BaseProtocol>> &
  Partial<Omit<BufferedProtocol, keyof BaseProtocol>> & { readonly [kInternal]?: true };

/**
 * Throws unless `value` has the methods that every protocol is called by. What has not would fail where
 * events are read, for all connections.
 * @internal
 */
export function checkProtocol(value: unknown, name: string): void {
  const { connectionMade, connectionLost } = Object(value) as Partial<BaseProtocol>;
  if (typeof connectionMade === 'function' && typeof connectionLost === 'function') return;
  throw invalidArgType(name, 'a protocol, such as an instance of Protocol', value);
}

/** The protocol that a user's factory makes. @internal */
export function makeProtocol<P extends BaseProtocol>(factory: () => P): P {
  const protocol = factory();
  checkProtocol(protocol, 'factory()');
  return protocol;
}
