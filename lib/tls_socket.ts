// TlsTransportSocket: what getExtraInfo('socket') of a TLS transport gives.
// Floor 6.
//
// asyncio hands on the socket under the encryption. Here Node has that, and names it through its own.
import type { TLSSocket } from 'node:tls';
import { checkFlag } from './arguments.ts';

type Address = [host: string, port: number] | string;

/**
 * The socket under a TLS transport; as a TransportSocket. The encrypted one is `getExtraInfo('ssl_object')`.
 * @public
 */
export class TlsTransportSocket {
  private readonly socket: TLSSocket;
  private readonly placeOf: (name: string) => Address | null;

  /** @param placeOf - 'sockname' or 'peername' of the transport @internal */
  constructor(socket: TLSSocket, placeOf: (name: string) => Address | null) {
    this.socket = socket;
    this.placeOf = placeOf;
  }

  /** The file descriptor; -1 when the transport has closed it, over another stream, and on Windows. */
  fileno(): number {
    const { _handle: handle } = this.socket as { _handle?: { fd?: number } | null };
    return handle?.fd ?? -1;
  }

  /** The local address; null over a stream without one. */
  getsockname(): Address | null {
    return this.placeOf('sockname');
  }

  /** The peer's address; null over a stream without one. */
  getpeername(): Address | null {
    return this.placeOf('peername');
  }

  /** Whether small packets are sent at once (TCP_NODELAY); on for every transport. */
  setNoDelay(enabled: boolean): void {
    checkFlag(enabled, 'enabled');
    this.socket.setNoDelay(enabled);
  }

  /** Whether the system probes a silent peer (SO_KEEPALIVE). */
  setKeepAlive(enabled: boolean): void {
    checkFlag(enabled, 'enabled');
    this.socket.setKeepAlive(enabled);
  }

  /** Keeps the process alive while the connection is open. @internal */
  ref(): void {
    this.socket.ref();
  }

  /** @internal */
  unref(): void {
    this.socket.unref();
  }
}
