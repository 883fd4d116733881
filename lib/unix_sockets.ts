// Unix sockets: connecting to a path or name, and being bound to one.
// Floor 9.
//
// A name that begins with '\0' is an abstract one, which has no file (Linux). On Windows the paths are
// those of named pipes: \\.\pipe\NAME.
import { fileURLToPath } from 'node:url';
import { adoptConnected, checkAlone } from './adopting.ts';
import { checkFactory, checkOptions, invalidArgType } from './arguments.ts';
import { type Attempt, OpenOperation } from './attempts.ts';
import { beginConnection, type ConnectOptions } from './connecting.ts';
import { captureContext } from './context.ts';
import { checkDescriptor } from './descriptors.ts';
import { Future, kFinished } from './futures.ts';
import { closeSlot, kNoSlot, registerReceiver } from './io_events.ts';
import {
  adoptListening,
  backlogOf,
  checkServerArguments,
  ListeningSocket,
  type ServerOptions,
} from './listening.ts';
import { native } from './native.ts';
import type { BaseProtocol } from './protocols.ts';
import { beginServing, Server } from './servers.ts';
import { sleep } from './sleep.ts';
import { errnoOf, systemError } from './system_errors.ts';
import { acceptTls } from './tls.ts';
import { checkConnectTls, checkServerTls, type TlsOptions } from './tls_options.ts';
import type { TransportBase } from './transport_base.ts';
import type { Transport } from './transport_types.ts';
import type { LoopCore } from './turns.ts';

/** Options of loop.connectAcceptedSocket(). @public */
export interface AcceptedSocketOptions {
  /** Encrypts the connection, as the server's side of it: what node:tls takes. */
  ssl?: TlsOptions | undefined;
  /** In seconds; 60 by default. */
  sslHandshakeTimeout?: number | undefined;
  /** In seconds; 30 by default: how long close() waits for the peer's end of the connection. */
  sslShutdownTimeout?: number | undefined;
}

/** The path or name of a Unix socket. @public */
export type UnixPath = string | Uint8Array | URL;

const kAgain = errnoOf('EAGAIN');
const kInvalid = errnoOf('EINVAL');
/** In seconds: between two attempts at a server whose backlog is full. */
const kFirstPause = 0.001;
const kLongestPause = 0.1;

function nameOf(where: UnixPath): Buffer {
  if (typeof where === 'string') return Buffer.from(where);
  if (where instanceof Uint8Array) return Buffer.from(where);
  if (where instanceof URL) return Buffer.from(fileURLToPath(where));
  throw invalidArgType('path', 'of type string or an instance of Buffer, Uint8Array or URL', where);
}

function errorOf(errno: number, syscall: string, name: Buffer): NodeJS.ErrnoException {
  const error = systemError(errno, syscall, { address: name.toString() });
  if (errno === kInvalid) {
    error.message += ` (a path of ${name.length} bytes; the system allows about a hundred, and no zero byte in it)`;
  }
  return error;
}

/** A named pipe of Windows takes its time. */
const kConnectsAtOnce = process.platform !== 'win32';

/** One attempt: the slot of the connected stream, or a negative error. */
async function tryToConnect(loop: LoopCore, attempt: Attempt, name: Buffer): Promise<number> {
  let slot = native.localConnect(name);
  if (slot < 0 || kConnectsAtOnce) return slot;
  const connected = new Future<number>({ loop });
  registerReceiver(slot, {
    loop,
    onEvent: (_kind, status) => {
      if (!connected.done()) connected.finish(kFinished, status);
    },
    detached: () => {
      slot = kNoSlot;
    },
  });
  attempt.waitsFor(connected);
  let status = kAgain;
  try {
    status = await connected;
    return status < 0 ? status : slot;
  } finally {
    if (status < 0) closeSlot(slot);
  }
}

/** Connects to a Unix socket. Gives the slot of the connected stream, which is the caller's. */
async function connectSlot(loop: LoopCore, attempt: Attempt, where: UnixPath): Promise<number> {
  const name = nameOf(where);
  for (let pause = kFirstPause; ; pause = Math.min(pause * 2, kLongestPause)) {
    const result = await tryToConnect(loop, attempt, name);
    if (result >= 0) return result;
    // The backlog of the server is full. A TCP connection would wait in the network.
    if (result !== kAgain) throw errorOf(result, 'connect', name);
    const rest = sleep(pause);
    attempt.waitsFor(rest);
    await rest;
  }
}

/**
 * Connects a protocol of the factory to a Unix socket. Its connectionMade() has been called when the
 * promise resolves.
 * @internal
 */
export async function connectUnix<P extends BaseProtocol>(
  loop: LoopCore,
  attempt: Attempt,
  factory: () => P,
  where: UnixPath | null,
  options: ConnectOptions,
): Promise<[TransportBase, P]> {
  checkOptions(options);
  checkAlone(options.fd, where);
  const tls = checkConnectTls(options, null);
  loop.checkClosed();
  const context = captureContext();
  const slot =
    options.fd === undefined
      ? await connectSlot(loop, attempt, where as UnixPath)
      : adoptConnected(options.fd, 'unix');
  return beginConnection(loop, attempt, slot, factory, {}, tls, context);
}

/** loop.createUnixConnection(), as its docstring says. @internal */
export function createUnixConnection<P extends BaseProtocol>(
  loop: LoopCore,
  factory: () => P,
  where: UnixPath | null,
  options: ConnectOptions = {},
): Future<[Transport, P]> {
  return new OpenOperation<[Transport, P]>(
    async (_, attempt) => {
      checkFactory(factory, 'factory');
      return connectUnix(loop, attempt, factory, where, options);
    },
    ([transport]) => transport.abort(),
  );
}

/** loop.connectAcceptedSocket(), as its docstring says. @internal */
export function connectAcceptedSocket<P extends BaseProtocol>(
  loop: LoopCore,
  factory: () => P,
  fd: number,
  options: AcceptedSocketOptions = {},
): Future<[Transport, P]> {
  return new OpenOperation<[Transport, P]>(
    async (_, attempt) => {
      checkFactory(factory, 'factory');
      checkOptions(options);
      checkDescriptor(fd);
      const tls = checkServerTls(options);
      loop.checkClosed();
      const context = captureContext();
      return beginConnection(loop, attempt, adoptConnected(fd), factory, {}, tls, context);
    },
    ([transport]) => transport.abort(),
  );
}

/**
 * The sockets of a server on a path: one, bound to it. A socket file that nobody listens on is replaced.
 * @throws Node's system error
 * @internal
 */
export async function bindUnixSockets(
  loop: LoopCore,
  where: UnixPath | null,
  options: ServerOptions,
): Promise<ListeningSocket[]> {
  checkServerArguments(null, null, options);
  loop.checkClosed();
  if (options.fd !== undefined) {
    checkAlone(options.fd, where);
    return [adoptListening(loop, options.fd, 'unix', options.cleanupSocket ?? true)];
  }
  const name = nameOf(where as UnixPath);
  const slot = native.localBind(name, options.cleanupSocket ?? true);
  if (slot < 0) throw errorOf(slot, 'listen', name);
  const address = String(native.socketAddress(slot, false));
  return [new ListeningSocket(loop, slot, { address })];
}

/** loop.createUnixServer(), as its docstring says. @internal */
export async function createUnixServer(
  loop: LoopCore,
  factory: () => BaseProtocol,
  where: UnixPath | null,
  options: ServerOptions = {},
): Promise<Server> {
  checkFactory(factory, 'factory');
  checkOptions(options);
  const secured = acceptTls(options, factory);
  const sockets = await bindUnixSockets(loop, where, options);
  return beginServing(new Server(loop, sockets, backlogOf(options), secured), options);
}
