// The part of an event loop that deals with file descriptors.
// Floor 10.
import type { PathLike } from 'node:fs';
import type { ConnectOptions } from './connecting.ts';
import type { Future } from './futures.ts';
import type { ServerOptions } from './listening.ts';
import { ThreadingLoop } from './loop_threads.ts';
import { connectReadPipe, connectWritePipe } from './pipes.ts';
import { addReader, addWriter, removeReader, removeWriter } from './pollers.ts';
import type { BaseProtocol } from './protocols.ts';
import { type SendfileOptions, sendfile } from './sendfile.ts';
import type { Server } from './servers.ts';
import type { ReadTransport, Transport, WriteTransport } from './transport_types.ts';
import {
  type AcceptedSocketOptions,
  connectAcceptedSocket,
  createUnixConnection,
  createUnixServer,
  type UnixPath,
} from './unix_sockets.ts';

/**
 * What EventLoop inherits. Not a class to use by itself.
 * @public
 */
export abstract class DescriptorLoop extends ThreadingLoop {
  abstract isClosed(): boolean;

  /**
   * Reads from a pipe, a socket or a character device. `fd` belongs to the transport from then on and is
   * closed with it; when this throws, it is still the caller's.
   * @returns the transport and the protocol, once connectionMade() has been called
   * @throws RangeError for any other file; Node's system error (EBADF, ...)
   *
   * **Cancellation:** the transport, and so `fd`, is closed.
   * @see asyncio's loop.connect_read_pipe
   */
  connectReadPipe<P extends BaseProtocol>(
    factory: () => P,
    fd: number,
  ): Future<[ReadTransport, P]> {
    return connectReadPipe(this, factory, fd);
  }

  /**
   * Writes to a pipe, a socket or a character device; as connectReadPipe(). The transport ends by itself
   * when nobody reads any more. writeEof() closes it.
   * @see asyncio's loop.connect_write_pipe
   */
  connectWritePipe<P extends BaseProtocol>(
    factory: () => P,
    fd: number,
  ): Future<[WriteTransport, P]> {
    return connectWritePipe(this, factory, fd);
  }

  /**
   * Calls `callback(...args)` whenever `fd` can be read from, once in each iteration; replaces the callback
   * that did so before. `fd` stays the caller's: call removeReader() before closing it.
   * @throws RuntimeError when a transport or server owns `fd`, or the loop is closed; Node's system error:
   * EBADF, EPERM for a regular file, ENOTSUP on Windows
   * @see asyncio's loop.add_reader
   */
  addReader<A extends unknown[]>(fd: number, callback: (...args: A) => void, ...args: A): void {
    addReader(this, fd, callback, args);
  }

  /** Ends addReader(). @returns whether there was a callback @throws RuntimeError when a transport or server owns `fd` */
  removeReader(fd: number): boolean {
    return !this.isClosed() && removeReader(this, fd);
  }

  /** As addReader(), whenever `fd` can be written to. @see asyncio's loop.add_writer */
  addWriter<A extends unknown[]>(fd: number, callback: (...args: A) => void, ...args: A): void {
    addWriter(this, fd, callback, args);
  }

  /** Ends addWriter(). @returns whether there was a callback @throws RuntimeError when a transport or server owns `fd` */
  removeWriter(fd: number): boolean {
    return !this.isClosed() && removeWriter(this, fd);
  }

  /**
   * Sends a file over a transport, after what was written so far. The system copies it straight from the
   * file to the socket where it can: from a regular file, over a transport that lives on a socket or pipe of
   * its own; what is written meanwhile follows it. Otherwise (TLS, Node's streams, a pipe to read from) it is
   * read and written in chunks, and as in asyncio what is written meanwhile may come between them: leave the
   * transport and its protocol alone.
   * @param file - a path, or a descriptor, which stays the caller's; its position is not moved
   * @returns the bytes sent
   * @throws RuntimeError when the transport is closing, or sends another file; SendfileNotAvailableError
   * when the system cannot send it by itself and `fallback` is false; Node's system error of opening or
   * reading the file, and of the connection
   *
   * **Cancellation:** stops between two pieces of at most 4 MiB. How much was sent is not known: close the
   * transport.
   * @see asyncio's loop.sendfile
   */
  sendfile(
    transport: WriteTransport,
    file: PathLike | number,
    options?: SendfileOptions,
  ): Promise<number> {
    return sendfile(this, transport, file, options);
  }

  /**
   * Connects to a Unix socket. `factory()` makes the protocol once the connection is there; its
   * connectionMade() has been called when the result comes. 'peername' and 'sockname' are paths, '' for a
   * socket without one.
   * @param path - of the socket; an abstract name begins with '\0' (Linux), a named pipe of Windows with
   * '\\\\.\\pipe\\'; null with `options.fd`
   * @throws Node's system error: `code` ('ENOENT', 'ECONNREFUSED', 'EACCES', ...), `syscall`, `address`
   *
   * **Cancellation:** the connection attempt is given up; no socket is left.
   * @see asyncio's loop.create_unix_connection
   */
  createUnixConnection<P extends BaseProtocol>(
    factory: () => P,
    path: UnixPath | null,
    options?: ConnectOptions,
  ): Future<[Transport, P]> {
    return createUnixConnection(this, factory, path, options);
  }

  /**
   * Starts a server on a Unix socket. A socket file that nobody listens on is replaced; the file is removed
   * when the server is closed, unless another one has taken its place.
   * @param path - as createUnixConnection() takes it
   * @throws Node's system error: `code` ('EADDRINUSE', 'EACCES', ...), `syscall`, `address`
   * @see asyncio's loop.create_unix_server
   */
  createUnixServer(
    factory: () => BaseProtocol,
    path: UnixPath | null,
    options?: ServerOptions,
  ): Promise<Server> {
    return createUnixServer(this, factory, path, options);
  }

  /**
   * Takes over a connected stream socket, which something else has accepted: a transport for it. `fd` belongs
   * to the transport from then on and is closed with it; when this throws for `fd`, it is still the caller's.
   * @throws RangeError when `fd` is no stream socket, or one that listens; RuntimeError when a transport has it
   *
   * **Cancellation:** the socket is closed.
   * @see asyncio's loop.connect_accepted_socket
   */
  connectAcceptedSocket<P extends BaseProtocol>(
    factory: () => P,
    fd: number,
    options?: AcceptedSocketOptions,
  ): Future<[Transport, P]> {
    return connectAcceptedSocket(this, factory, fd, options);
  }
}
