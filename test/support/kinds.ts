/** The ways to work with a connection, so that one test can be made of all: streams, protocols of both kinds. */
import path from 'node:path';
import {
  BaseProtocol,
  type ConnectOptions,
  createTask,
  getRunningLoop,
  openConnection,
  openUnixConnection,
  type Server,
  type ServerOptions,
  type ServerSocket,
  type StreamReader,
  type StreamWriter,
  startServer,
  startUnixServer,
  type Transport,
} from 'aionode';
import { LOCALHOST } from './net.js';
import { CLIENT, echo, SERVER } from './tls.js';

/** Of a Unix socket, or of TCP. */
export type Address = string | readonly [host: string, port: number];

export interface Kind {
  /** A server that sends back what it is sent. */
  serve(at: Address, options?: ServerOptions): Promise<Server>;
  /** A client that sends back what it is sent. */
  connect(at: Address, options?: ConnectOptions): Promise<Transport>;
  /** What both were told of beginnings and ends. */
  readonly calls: string[];
}

const endOf = (error: unknown): string =>
  error === null ? 'lost' : `lost ${(error as NodeJS.ErrnoException).code}`;

class Told extends BaseProtocol {
  protected transport!: Transport;
  private readonly calls: string[];

  constructor(calls: string[]) {
    super();
    this.calls = calls;
  }

  override connectionMade(transport: Transport): void {
    this.transport = transport;
    this.calls.push('made');
  }

  override connectionLost(error: unknown): void {
    this.calls.push(endOf(error));
  }
}

class Echo extends Told {
  dataReceived(data: Buffer): void {
    this.transport.write(data);
  }
}

class BufferedEcho extends Told {
  private readonly memory = Buffer.alloc(100);

  getBuffer(): Buffer {
    return this.memory;
  }

  bufferUpdated(length: number): void {
    this.transport.write(this.memory.subarray(0, length));
  }
}

function ofStreams(): Kind {
  const calls: string[] = [];
  const handler = async (...streams: [StreamReader, StreamWriter]): Promise<void> => {
    calls.push('made');
    let failure: unknown = null;
    try {
      await echo(...streams);
    } catch (error) {
      failure = error;
    }
    calls.push(endOf(failure));
  };
  return {
    calls,
    serve: (at, options) =>
      typeof at === 'string'
        ? startUnixServer(handler, at, options)
        : startServer(handler, ...at, options),
    async connect(at, options) {
      const streams = await (typeof at === 'string'
        ? openUnixConnection(at, options)
        : openConnection(...at, options));
      createTask(() => handler(...streams));
      return streams[1].transport as Transport;
    },
  };
}

function ofProtocols(Protocol: typeof Echo | typeof BufferedEcho): Kind {
  const calls: string[] = [];
  const factory = () => new Protocol(calls);
  return {
    calls,
    serve(at, options) {
      const loop = getRunningLoop();
      return typeof at === 'string'
        ? loop.createUnixServer(factory, at, options)
        : loop.createServer(factory, ...at, options);
    },
    async connect(at, options) {
      const loop = getRunningLoop();
      const opened =
        typeof at === 'string'
          ? loop.createUnixConnection(factory, at, options)
          : loop.createConnection(factory, ...at, options);
      return (await opened)[0];
    },
  };
}

/** What carries the bytes. */
export interface Carried {
  readonly unix: boolean;
  readonly ofServer: ServerOptions;
  readonly ofClient: ConnectOptions;
}

const TLS = { ofServer: SERVER, ofClient: CLIENT };
const PLAIN = { ofServer: {}, ofClient: {} };
const OVER_TCP: Record<string, Carried> = {
  TCP: { unix: false, ...PLAIN },
  TLS: { unix: false, ...TLS },
};
const OVER_UNIX: Record<string, Carried> = {
  Unix: { unix: true, ...PLAIN },
  'TLS over Unix': { unix: true, ...TLS },
};
export const CARRIED: Readonly<Record<string, Carried>> =
  process.platform === 'win32' ? OVER_TCP : { ...OVER_TCP, ...OVER_UNIX };

/** Where a server of a test may listen, and where it then does. */
export const placeIn = (folder: string, { unix }: Carried): Address =>
  unix ? path.join(folder, 'socket') : [LOCALHOST, 0];

export function addressOf(server: Server): Address {
  const { address, port } = server.sockets[0] as ServerSocket;
  return port === undefined ? address : [address, port];
}

/** Each call makes a kind whose `calls` are its own. */
export const KINDS: Readonly<Record<string, () => Kind>> = {
  streams: ofStreams,
  Protocol: () => ofProtocols(Echo),
  BufferedProtocol: () => ofProtocols(BufferedEcho),
};
