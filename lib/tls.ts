// TLS: how a transport in clear text becomes an encrypted one, on either side.
// Floor 9.
//
// The bytes of a TLS connection flow through Node's own sockets: node:tls is fast over a native handle and
// slow over a stream written in JavaScript. So our transport connects or accepts, and then hands its file
// descriptor over to a net.Socket, which node:tls takes. Where that is impossible (Windows, transports of
// other kinds, no descriptor left for the copy that is handed over) node:tls gets a Duplex.
//
// What arrived in clear text and was not read yet goes to the TLS side as well, never to the reader:
// "STARTTLS\r\n" followed by commands in the same packet must not look as if they had been encrypted.
import { closeSync } from 'node:fs';
import { isIP, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import tls, { type TLSSocket } from 'node:tls';
import { invalidArgType } from './arguments.ts';
import type { Context } from './context.ts';
import { DuplexTransport } from './duplex_transport.ts';
import { CancelledError, RuntimeError } from './exceptions.ts';
import { type Future, kFinished } from './futures.ts';
import { closeSlot } from './io_events.ts';
import { BaseProtocol, type InternalProtocol, kInternal, makeProtocol } from './protocols.ts';
import { StreamReader } from './reading.ts';
import { ReadyCall } from './ready.ts';
import { StreamDuplex } from './stream_duplex.ts';
import { StreamProtocol } from './stream_protocol.ts';
import { disconnected, Handshake } from './tls_handshake.ts';
import {
  checkServerTls,
  type TlsClient,
  type TlsOptions,
  type TlsSide,
  type TlsTimeouts,
} from './tls_options.ts';
import { TlsTransport } from './tls_transport.ts';
import { TransportBase } from './transport_base.ts';
import { SocketTransport } from './transports.ts';
import type { LoopCore } from './turns.ts';

/** Node's own timer of the handshake comes after ours. */
const kNeverMs = 2 ** 31 - 1;

/** Takes what arrives between the clear text and the handshake. */
class Collector extends BaseProtocol implements InternalProtocol {
  readonly [kInternal] = true as const;
  readonly parts: Buffer[] = [];
  ended = false;
  /** Something that was written is not sent yet. */
  unsent = false;
  /** Called when everything written was sent, or the connection has ended. */
  changed: (() => void) | undefined = undefined;

  get isIdle(): boolean {
    return this.ended || !this.unsent;
  }

  dataReceived(data: Buffer): void {
    this.parts.push(data);
  }

  eofReceived(): boolean {
    this.ended = true;
    this.changed?.();
    return true;
  }

  override connectionLost(): void {
    this.eofReceived();
  }

  override pauseWriting(): void {
    this.unsent = true;
  }

  override resumeWriting(): void {
    this.unsent = false;
    this.changed?.();
  }
}

/** Starts the handshake over `stream`; `done` is to be finished with the TLSSocket. */
type Secure = (stream: Duplex, handshake: Handshake, done: Future<TLSSocket>) => void;

function finishWith(done: Future<TLSSocket>, socket: TLSSocket): void {
  // So that Node ends nothing at the peer's end before eofReceived() has written its last.
  socket.allowHalfOpen = true;
  if (done.done()) socket.destroy();
  else done.finish(kFinished, socket);
}

function secureAsClient({ options, name }: TlsClient): Secure {
  return (stream, handshake, done) => {
    // An address may be in a certificate, but not in SNI.
    const servername = isIP(name) === 0 ? name : '';
    const host = name === '' ? {} : { host: name };
    const all = { ...options, ...host, servername, socket: stream };
    const socket = tls.connect(all as tls.ConnectionOptions);
    socket.once('secureConnect', () => finishWith(done, socket));
    socket.on('error', (error) => handshake.fail(error));
    socket.once('close', () => handshake.fail(disconnected()));
  };
}

/**
 * The server side: one tls.Server, which holds the context and does what servers do (SNI, ALPN, tickets,
 * client certificates), and gets its connections from us.
 */
class TlsServer {
  readonly options: TlsOptions;
  private readonly server: tls.Server;
  private readonly waiting = new WeakMap<object, [Handshake, Future<TLSSocket>]>();

  /** @throws what node:tls throws for unusable certificates and keys */
  constructor(options: TlsOptions) {
    this.options = options;
    const all = { ...options, handshakeTimeout: kNeverMs };
    this.server = tls.createServer(all as tls.TlsOptions);
    this.server.on('secureConnection', (socket: TLSSocket) => {
      socket.on('error', () => {});
      const found = this.take(socket);
      if (found === undefined) socket.destroy();
      else finishWith(found[1], socket);
    });
    this.server.on('tlsClientError', (error: unknown, socket: TLSSocket) => {
      this.take(socket)?.[0].fail(error);
    });
  }

  readonly secure: Secure = (stream, handshake, done) => {
    this.waiting.set(stream, [handshake, done]);
    // After 'tlsClientError', which says more.
    stream.once('close', () => handshake.fail(disconnected()));
    this.server.emit('connection', stream);
  };

  /**
   * tls.Server does not say whose handshake ended but by these properties: the socket that was given, or
   * what Node wrapped around a Duplex that is no socket.
   */
  private take(socket: TLSSocket): [Handshake, Future<TLSSocket>] | undefined {
    const { _parent, ssl } = socket as unknown as {
      _parent?: object | null;
      ssl?: { _parentWrap?: { stream?: object } } | null;
    };
    return this.waiting.get(_parent ?? ssl?._parentWrap?.stream ?? this);
  }
}

/** Takes the connection away from its transport, as a stream that gives `bytes` first. */
function takeOver(raw: TransportBase, collector: Collector, already: Buffer): Duplex {
  let stream: Duplex | undefined;
  if (raw instanceof SocketTransport) {
    const fd = raw.releaseDescriptor();
    if (fd >= 0) stream = socketOver(fd);
  } else if (raw instanceof DuplexTransport) {
    stream = raw.releaseStream();
  }
  const bytes = Buffer.concat([already, ...collector.parts]);
  if (stream !== undefined) {
    if (collector.ended) {
      stream.destroy();
      throw disconnected();
    }
    if (bytes.length > 0) stream.unshift(bytes);
    return stream;
  }
  const { loop } = raw;
  const reader = new StreamReader();
  const protocol = new StreamProtocol(loop, reader);
  raw.setProtocol(protocol);
  raw.setWriteBufferLimits();
  reader.setTransport(raw);
  reader.receive(bytes);
  raw.resumeReading();
  if (!raw.hasBegun) raw.announce();
  return new StreamDuplex(reader, protocol, raw, true);
}

function socketOver(fd: number): Socket {
  try {
    return new Socket({ fd });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Waits until nothing of the clear text is under way any more. */
async function settle(raw: TransportBase, collector: Collector, handshake: Handshake) {
  raw.setProtocol(collector);
  raw.deliverArrivals();
  raw.pauseReading();
  raw.flush();
  raw.setWriteBufferLimits({ high: 0 });
  // Who was paused already is not told that again.
  collector.unsent = raw.getWriteBufferSize() > 0;
  // What a protocol of the user's was to be told by entries goes to the collector now.
  const passed = handshake.step<void>();
  handshake.loop.enqueue(
    new ReadyCall(() => {
      if (!passed.done()) passed.finish(kFinished, undefined);
    }),
  );
  await passed;
  if (!collector.isIdle) {
    const idle = handshake.step<void>();
    collector.changed = () => {
      if (collector.isIdle && !idle.done()) idle.finish(kFinished, undefined);
    };
    await idle;
  }
  if (collector.ended || raw.isClosing()) throw disconnected();
}

/** Makes `raw` a TLS connection of `protocol`, which is not told; after an error the connection is gone. */
async function upgrade(
  raw: TransportBase,
  collector: Collector,
  already: Buffer,
  handshake: Handshake,
  protocol: BaseProtocol,
  options: TlsOptions,
  secure: Secure,
): Promise<TlsTransport> {
  const { loop, owner, context } = raw;
  const { shutdown } = handshake.timeouts;
  const places = ['peername', 'sockname'].map((name) => [name, raw.getExtraInfo(name)] as const);
  let stream: Duplex | undefined;
  try {
    await settle(raw, collector, handshake);
    stream = takeOver(raw, collector, already);
    handshake.over(stream);
    owner?.attach(handshake);
    const done = handshake.step<TLSSocket>();
    secure(stream, handshake, done);
    const socket = await done;
    const transport = new TlsTransport(loop, socket, protocol, owner, context, options, shutdown);
    for (const [name, place] of places) if (place !== null) transport.setExtraInfo(name, place);
    owner?.attach(transport);
    return transport;
  } catch (error) {
    if (stream === undefined) raw.abort();
    else stream.destroy();
    throw error;
  } finally {
    handshake.end();
    owner?.detach(handshake);
  }
}

const kNothing = Buffer.alloc(0);

/** Transports in use that TLS has taken over. */
const upgraded = new WeakSet<TransportBase>();

function ignoreStep(): void {}

/**
 * Encrypts a connection that was just made; its slot is ours from now on. `protocol` is told by announce().
 * @param onStep - is told each future that is awaited
 * @internal
 */
export function connectTls(
  loop: LoopCore,
  slot: number,
  protocol: BaseProtocol,
  context: Context | undefined,
  side: TlsSide,
  onStep: (future: Future<unknown>) => void,
): Promise<TlsTransport> {
  let options: TlsOptions;
  let secure: Secure;
  try {
    [options, secure] = secureAs(side);
  } catch (error) {
    closeSlot(slot);
    throw error;
  }
  const collector = new Collector();
  const raw = new SocketTransport(loop, slot, collector, null, context);
  const handshake = new Handshake(loop, side.timeouts, onStep);
  return upgrade(raw, collector, kNothing, handshake, protocol, options, secure);
}

/** The protocol of an accepted connection: makes the handshake, then hands the connection on. */
class AcceptTls extends Collector {
  private readonly server: TlsServer;
  private readonly timeouts: TlsTimeouts;
  private readonly protocol: BaseProtocol;

  constructor(server: TlsServer, timeouts: TlsTimeouts, protocol: BaseProtocol) {
    super();
    this.server = server;
    this.timeouts = timeouts;
    this.protocol = protocol;
  }

  override connectionMade(raw: TransportBase): void {
    void this.accept(raw);
  }

  /** As in asyncio a handshake that fails is nobody's error: it is told in debug mode only. */
  private async accept(raw: TransportBase): Promise<void> {
    const { loop } = raw;
    const handshake = new Handshake(loop, this.timeouts, ignoreStep);
    try {
      const { options, secure } = this.server;
      const { protocol } = this;
      const transport = await upgrade(raw, this, kNothing, handshake, protocol, options, secure);
      transport.announce();
    } catch (error) {
      if (!loop.debug) return;
      loop.callExceptionHandler({
        message: 'TLS handshake of an incoming connection failed',
        exception: error,
      });
    }
  }
}

/**
 * What makes the protocols of a server's connections: those of the factory, behind TLS if the options ask for it.
 * @throws what node:tls throws for unusable certificates and keys
 * @internal
 */
export function acceptTls(
  options: Parameters<typeof checkServerTls>[0],
  factory: () => BaseProtocol,
): () => BaseProtocol {
  const secured = checkServerTls(options);
  if (secured === null) return () => makeProtocol(factory);
  const server = new TlsServer(secured.server);
  return () => new AcceptTls(server, secured.timeouts, makeProtocol(factory));
}

/** The contexts of servers that upgrade single connections, by the options they were made from. */
const serversOf = new WeakMap<TlsOptions, TlsServer>();

function serverOf(options: TlsOptions): TlsServer {
  let server = serversOf.get(options);
  if (server === undefined) {
    server = new TlsServer(options);
    serversOf.set(options, server);
  }
  return server;
}

function secureAs(side: TlsSide): [TlsOptions, Secure] {
  if ('server' in side) return [side.server, serverOf(side.server).secure];
  return [side.options, secureAsClient(side)];
}

/**
 * Encrypts a connection that is in use. `protocol` goes on with the transport that is returned, from begin()
 * on; if the handshake fails it is told of the end of the connection.
 * @param already - bytes that arrived and were not taken
 * @param onStep - is told each future that is awaited
 * @internal
 */
export async function upgradeToTls(
  raw: unknown,
  protocol: BaseProtocol,
  side: TlsSide,
  already: Buffer,
  onStep: (future: Future<unknown>) => void,
): Promise<TlsTransport> {
  if (!(raw instanceof TransportBase)) {
    throw invalidArgType('transport', 'a transport of bytes', raw);
  }
  if (upgraded.has(raw)) {
    throw new RuntimeError(
      'This transport is encrypted already: use the one that startTls() gives',
    );
  }
  if (raw.endedWriting) {
    throw new RuntimeError('startTls() after writeEof(): a handshake needs both directions');
  }
  // Whoever is its protocol was told of that end, or is going to be.
  if (raw.isClosing()) throw disconnected();
  const { loop } = raw;
  const [options, secure] = secureAs(side);
  upgraded.add(raw);
  const handshake = new Handshake(loop, side.timeouts, onStep);
  try {
    return await upgrade(raw, new Collector(), already, handshake, protocol, options, secure);
  } catch (error) {
    raw.handOverFailed();
    // A cancel is the end that this side wanted; to those that wait for it, it would be a cancel of theirs.
    const end = error instanceof CancelledError ? null : error;
    const lost = () => raw.inContext(() => protocol.connectionLost(end));
    loop.enqueue(new ReadyCall(lost, 'connectionLost'));
    throw error;
  }
}
