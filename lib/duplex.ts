// fromDuplex(): what Node's world has, as a reader and a writer.
// Floor 10.
import { checkOptions } from './arguments.ts';
import { checkDuplex, DuplexTransport, type NodeStream } from './duplex_transport.ts';
import { RuntimeError } from './exceptions.ts';
import { type StreamOptions, StreamReader } from './reading.ts';
import { currentLoop } from './running.ts';
import { StreamProtocol, StreamWriter } from './streams.ts';

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
  const reader = new StreamReader({ ...options, loop });
  const protocol = new StreamProtocol(loop, reader);
  const transport = new DuplexTransport(loop, duplex, protocol);
  adopted.add(duplex);
  reader.setTransport(transport);
  transport.begin();
  return [reader, new StreamWriter(transport, protocol)];
}
