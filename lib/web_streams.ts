// fromWeb() and toWeb(): WHATWG streams (fetch's body, a TransformStream) as a reader and a writer, and
// the other way round.
// Floor 11.
import { Duplex, Readable, Writable } from 'node:stream';
import * as web from 'node:stream/web';
import { checkBytes, checkOptions, invalidArgType } from './arguments.ts';
import { checkStreams, fromDuplex } from './duplex.ts';
import { RuntimeError } from './exceptions.ts';
import type { StreamOptions, StreamReader } from './reading.ts';
import { ReadyCall } from './ready.ts';
import type { StreamWriter } from './streams.ts';
import type { WriteTransport } from './transport_types.ts';

/** What is read at once where nobody brings a buffer. */
const kChunkBytes = 64 * 1024;

/**
 * A pair of web streams of bytes; fromWeb() takes one half as well. Of the global types, be they Node's or
 * those of the DOM.
 * @public
 */
export interface WebStreamPair {
  /** Where bytes come from. */
  readable: ReadableStream<Uint8Array>;
  /** Where bytes go to. */
  writable: WritableStream<Uint8Array>;
}

/**
 * Adopts web streams: fetch's body, a TransformStream, a WebSocketStream. They are locked from now on. With
 * one half missing the writer cannot write, or the reader is at its end.
 * @param options - `limit` in bytes, as for openConnection()
 * @throws TypeError when an argument is no web stream; Node's TypeError [ERR_INVALID_STATE] when it is locked
 * @example
 * ```ts
 * const response = await fetch(url);
 * const [reader] = fromWeb({ readable: response.body });
 * for await (const line of reader) console.log(line.toString());
 * ```
 * @public
 */
export function fromWeb(
  pair: Partial<WebStreamPair>,
  options: StreamOptions = {},
): [StreamReader, StreamWriter] {
  checkOptions(pair, 'pair');
  const { readable, writable } = pair;
  if (!readable && !writable) {
    throw invalidArgType('pair', 'of { readable, writable }, or one of them', pair);
  }
  if (!writable) return fromDuplex(Readable.fromWeb(readable as never), options);
  const stream = readable
    ? Duplex.fromWeb({ readable, writable }, { allowHalfOpen: true })
    : Writable.fromWeb(writable);
  // Node 20's fails there by an error of its own, which nobody can catch: chunks are written one by one.
  Object.assign(stream, { _writev: null });
  return fromDuplex(stream, options);
}

/**
 * Hands a connection to the web's world. The reader and the writer belong to the two streams from now on.
 * `readable` is a byte stream, which also reads into buffers that are brought (`mode: 'byob'`); cancelling
 * it, or aborting `writable`, closes the connection. Closing `writable` half-closes it.
 * @throws TypeError when the arguments are no StreamReader and StreamWriter
 * @public
 */
export function toWeb(reader: StreamReader, writer: StreamWriter): WebStreamPair {
  checkStreams(reader, writer);
  let readableEnded = false;
  let writableEnded = false;
  const closeWhenDone = (): void => {
    if (readableEnded && writableEnded) writer.close();
  };
  const tell = tellOfLoss(reader, writer);
  const readable = new web.ReadableStream(
    {
      type: 'bytes',
      start(controller) {
        tell.readable = controller;
      },
      async pull(controller) {
        if (await pull(reader, controller)) return;
        readableEnded = true;
        closeWhenDone();
      },
      cancel() {
        if (writableEnded) writer.close();
        else writer.abort();
      },
    },
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<Uint8Array>({
    start(controller) {
      tell.writable = controller;
    },
    async write(chunk) {
      checkBytes(chunk, 'chunk');
      writer.write(chunk);
      await writer.drain();
    },
    async close() {
      writableEnded = true;
      if (!writer.canWriteEof()) {
        writer.close();
        await writer.waitClosed();
        return;
      }
      writer.writeEof();
      // Until nothing is left to send.
      (writer.transport as WriteTransport).setWriteBufferLimits({ high: 0 });
      try {
        await writer.drain();
      } catch (error) {
        // The end of a pipe is its close, and none too early for who has nothing left to send.
        if (writer.protocol.lost?.error !== null) throw error;
      }
      closeWhenDone();
    },
    abort() {
      writer.abort();
    },
  });
  return { readable, writable };
}

interface Controllers {
  readable?: ReadableByteStreamController;
  writable?: WritableStreamDefaultController;
}

/** Has both streams fail when the connection breaks, or its loop is closed, while nobody reads or writes. */
function tellOfLoss(reader: StreamReader, { protocol }: StreamWriter): Controllers {
  const controllers: Controllers = {};
  const { loop } = protocol;
  const fail = (error: unknown): void => {
    controllers.writable?.error(error);
    // What came before is still to be read, and the error then.
    if (reader.buffered > 0) return;
    try {
      controllers.readable?.error(error);
    } catch {
      // It is closed.
    }
  };
  const end = (): void => {
    protocol.stopWaiting(watch);
    loop.resources.delete(watch);
  };
  const watch = {
    resume(): void {
      const { lost } = protocol;
      if (lost === undefined) return;
      end();
      if (lost.error !== null) loop.enqueue(new ReadyCall(() => fail(lost.error)));
    },
    loopClosed(): void {
      end();
      fail(new RuntimeError('The event loop of this connection was closed'));
    },
  };
  protocol.wait(watch);
  loop.resources.add(watch);
  return controllers;
}

/** Reads once for the stream's consumer. Returns false at EOF. */
async function pull(
  reader: StreamReader,
  controller: ReadableByteStreamController,
): Promise<boolean> {
  const request = controller.byobRequest;
  const view = request?.view as Uint8Array | null | undefined;
  const chunk = await reader.read(view?.byteLength ?? kChunkBytes);
  if (chunk.length === 0) {
    controller.close();
    request?.respond(0);
    return false;
  }
  if (request === null || view === null || view === undefined) {
    // The stream takes the memory for its own, which a Buffer may share with others.
    controller.enqueue(new Uint8Array(chunk));
  } else {
    new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(chunk);
    request.respond(chunk.length);
  }
  return true;
}
