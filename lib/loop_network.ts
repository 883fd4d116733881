// The part of an event loop that deals with TCP: connections, servers, TLS, names.
// Floor 10.
import { OpenOperation } from './attempts.ts';
import { type ConnectOptions, createTcpConnection } from './connecting.ts';
import type { Future } from './futures.ts';
import type { ServerOptions } from './listening.ts';
import { DescriptorLoop } from './loop_descriptors.ts';
import type { BaseProtocol } from './protocols.ts';
import { type AddressInfo, getaddrinfo, getnameinfo } from './resolver.ts';
import { createTcpServer, type Server } from './servers.ts';
import { upgradeToTls } from './tls.ts';
import { checkStartTls, type StartTlsOptions, type TlsOptions } from './tls_options.ts';
import type { Transport } from './transport_types.ts';

/**
 * What EventLoop inherits. Not a class to use by itself.
 * @public
 */
export abstract class NetworkLoop extends DescriptorLoop {
  /**
   * Connects to a TCP server. `factory()` makes the protocol once the connection is there; its
   * connectionMade() has been called when the result comes. TCP_NODELAY is on.
   * @param host - a name or address; null: this machine
   * @returns the transport and the protocol
   * @throws Node's system error: `code` ('ECONNREFUSED', 'ENOTFOUND', ...), `syscall`, `address`, `port`;
   * what `factory` throws
   *
   * **Cancellation:** the connection attempt is given up; no socket is left.
   */
  createConnection<P extends BaseProtocol>(
    factory: () => P,
    host: string | null,
    port: number | null,
    options?: ConnectOptions,
  ): Future<[Transport, P]> {
    return createTcpConnection(this, factory, host, port, options);
  }

  /**
   * Starts a TCP server. `factory()` makes a protocol for each connection; if it throws, the connection
   * is closed and the error goes to the exception handler.
   * @param host - a name or address, several of them, or null: all interfaces
   * @param port - 0 or null lets the system choose: see `server.sockets`
   * @throws Node's system error: `code` ('EADDRINUSE', 'EACCES', ...), `syscall`, `address`, `port`
   */
  createServer(
    factory: () => BaseProtocol,
    host: string | readonly string[] | null,
    port: number | null,
    options?: ServerOptions,
  ): Promise<Server> {
    return createTcpServer(this, factory, host, port, options);
  }

  /**
   * Encrypts a transport in use. `protocol` goes on with the transport that this resolves to; the old one
   * may not be used any more. If the handshake fails the protocol is told of the end of the connection.
   * @param options - `serverSide`: false by default; `serverHostname`: whom the server's certificate must be
   * for; `sslHandshakeTimeout` and `sslShutdownTimeout` in seconds, 60 and 30 by default
   * @throws Node's TLS errors; TimeoutError
   *
   * **Cancellation:** closes the connection.
   * @see asyncio's loop.start_tls
   */
  startTls(
    transport: Transport,
    protocol: BaseProtocol,
    tls: TlsOptions,
    options: StartTlsOptions = {},
  ): Future<Transport> {
    return new OpenOperation<Transport>(
      async (_, attempt) => {
        const side = checkStartTls(tls, options, false);
        const onStep = (step: Future<unknown>) => attempt.waitsFor(step);
        const none = Buffer.alloc(0);
        const encrypted = await upgradeToTls(transport, protocol, side, none, onStep);
        encrypted.begin();
        return encrypted;
      },
      (encrypted) => encrypted.abort(),
    );
  }

  /**
   * The addresses of a host, in the order in which they should be tried.
   * @param host - a name or a numeric address; null: this machine
   * @param port - a number, or the name of a service such as 'http'; null: 0
   * @param options - `family`: 4, 6, or 0 (the default) for both; `flags`: hints of node:dns's lookup()
   * @throws Node's error of the look-up (ENOTFOUND, ...); EAI_SERVICE for an unknown service
   */
  getaddrinfo(
    host: string | null,
    port: number | string | null,
    options?: { family?: 0 | 4 | 6 | undefined; flags?: number | undefined },
  ): Promise<AddressInfo[]> {
    return getaddrinfo(host, port, options);
  }

  /**
   * The names of a numeric address and a port; themselves where there is no name.
   * @throws Node's error of the look-up (EAI_AGAIN, ...)
   */
  getnameinfo(address: [host: string, port: number]): Promise<[host: string, service: string]> {
    return getnameinfo(address);
  }
}
