// fromDuplex() and toDuplex(): what Node's world has as a reader and a writer, and the other way round.
// Floor 10.
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { checkFlag, checkOptions, invalidArgType } from './arguments.ts';
import { checkDuplex, DuplexTransport, type NodeStream } from './duplex_transport.ts';
import { RuntimeError } from './exceptions.ts';
import { type StreamOptions, StreamReader } from './reading.ts';
import { currentLoop } from './running.ts';
import { SecureStreamDuplex } from './secure_duplex.ts';
import { StreamDuplex } from './stream_duplex.ts';
import { StreamProtocol } from './stream_protocol.ts';
import { StreamWriter } from './streams.ts';

const adopted = new WeakSet<NodeStream>();

/**
 * Adopts a stream of Node's: an http 'upgrade' socket, process.stdin, a channel of some library. From now
 * on it belongs to the reader and the writer: who has listeners on it should only watch. A stream that is
 * only readable gives a writer that cannot write; one that is only writable a reader at its end. Bytes
 * that it has buffered are read first.
 * @param options - `limit` in bytes, as for openConnection()
 * @throws TypeError when `duplex` is no stream, carries objects or strings, or is read by somebody else;
 * RuntimeError when it was adopted before
 * @example
 * ```ts
 * const [reader, writer] = fromDuplex(socket);
 * const line = await reader.readline();
 * ```
 * @public
 */
export function fromDuplex(
  duplex: NodeStream,
  options: StreamOptions = {},
): [StreamReader, StreamWriter] {
  checkDuplex(duplex);
  checkOptions(options);
  if (adopted.has(duplex)) {
    throw new RuntimeError(
      'fromDuplex() was called on this stream before: use that reader and writer',
    );
  }
  const loop = currentLoop();
  loop.checkClosed();
  const reader = new StreamReader(options);
  const protocol = new StreamProtocol(loop, reader);
  const transport = new DuplexTransport(loop, duplex, protocol);
  adopted.add(duplex);
  reader.setTransport(transport);
  transport.begin();
  return [reader, new StreamWriter(transport, protocol)];
}

/** Readers that belong to a Duplex. */
const handedOver = new WeakSet<StreamReader>();

/** Options of toDuplex(). @public */
export interface ToDuplexOptions {
  /** false (the default, as of a net.Socket): ends the writing side when the peer has ended its own. */
  allowHalfOpen?: boolean | undefined;
}

/** @throws TypeError unless they are a StreamReader and a StreamWriter @internal */
export function checkStreams(reader: unknown, writer: unknown): void {
  if (!(reader instanceof StreamReader)) {
    throw invalidArgType('reader', 'an instance of StreamReader', reader);
  }
  if (!(writer instanceof StreamWriter)) {
    throw invalidArgType('writer', 'an instance of StreamWriter', writer);
  }
}

/**
 * Hands a connection to Node's world: a Duplex for whatever wants one, such as http.request()'s
 * `createConnection`. From now on the reader and the writer belong to it. Bytes that the reader has
 * buffered come first; ending it half-closes the connection, destroying it closes the connection.
 *
 * It has a little of net.Socket: setTimeout(), setNoDelay(), setKeepAlive(), ref(), unref(), destroySoon(), readyState,
 * addresses; over TLS also of tls.TLSSocket: encrypted, authorized, alpnProtocol, getPeerCertificate(), ...
 * @throws TypeError when the first arguments are no StreamReader and StreamWriter; RuntimeError when they
 * belong to a Duplex already
 * @example
 * ```ts
 * const [reader, writer] = await openConnection('127.0.0.1', 8080);
 * http.get('http://localhost/', { createConnection: () => toDuplex(reader, writer) });
 * ```
 * @public
 */
export function toDuplex(
  reader: StreamReader,
  writer: StreamWriter,
  options: ToDuplexOptions = {},
): Duplex {
  checkStreams(reader, writer);
  checkOptions(options);
  checkFlag(options.allowHalfOpen, 'options.allowHalfOpen');
  if (handedOver.has(reader)) throw new RuntimeError('This connection belongs to a Duplex already');
  handedOver.add(reader);
  const allowHalfOpen = options.allowHalfOpen ?? false;
  const { protocol, transport } = writer;
  const tls: TLSSocket | null = transport.getExtraInfo('ssl_object');
  return tls === null
    ? new StreamDuplex(reader, protocol, transport, allowHalfOpen)
    : new SecureStreamDuplex(reader, protocol, transport, allowHalfOpen, tls);
}
