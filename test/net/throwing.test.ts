/** What becomes of a connection whose protocol throws, over whatever carries it. The twin is oracle/throwing.py. */
import { describe } from 'node:test';
import {
  DatagramProtocol,
  type DatagramTransport,
  getRunningLoop,
  type StreamReader,
  type StreamWriter,
} from 'aionode';
import { type Carrier, withProtocols, withStreams } from '../support/carriers.js';
import { LOCALHOST, MIB } from '../support/net.js';
import { compareWithAsyncio, python, type Scenario } from '../support/oracle.js';
import {
  type Actions,
  Buffered,
  fail,
  Plain,
  type Recorder,
  settle,
  snakeCase,
} from '../support/recorders.js';

type Part = (protocol: Recorder, reader: StreamReader, writer: StreamWriter) => Promise<void>;
type Role = (carrier: Carrier, make: () => Recorder, scenario: Part) => Promise<void>;

const MUCH = Buffer.alloc(8 * MIB, 'x');

/** Runs `scenario` with a protocol of a server and the streams of its client. */
const asServer: Role = async (carrier, make, scenario) => {
  const made = getRunningLoop().createFuture<Recorder>();
  const factory = () => {
    const protocol = make();
    made.setResult(protocol);
    return protocol;
  };
  await withProtocols(carrier, factory, async (place) => {
    const [reader, writer] = await place.open();
    await scenario(await made, reader, writer);
    writer.abort();
  });
};

/** Runs `scenario` with a protocol of a client and the streams of its server. */
const asClient: Role = async (carrier, make, scenario) => {
  const accepted = getRunningLoop().createFuture<[StreamReader, StreamWriter]>();
  const handler = (...streams: [StreamReader, StreamWriter]) => accepted.setResult(streams);
  await withStreams(carrier, handler, async (place) => {
    const protocol = make();
    try {
      await place.connect(() => protocol);
    } catch (error) {
      protocol.trace.push(`connect ${(error as Error).message}`);
      return;
    }
    const [reader, writer] = await accepted;
    await scenario(protocol, reader, writer);
    writer.abort();
  });
};

async function endOf(protocol: Recorder, writer: StreamWriter): Promise<void> {
  writer.close();
  await protocol.lost;
  await settle();
}

const sendAndEnd: Part = async (protocol, _reader, writer) => {
  await settle();
  protocol.trace.push('sent');
  writer.write('abc');
  await settle();
  await endOf(protocol, writer);
};

const readMuch: Part = async (protocol, reader, writer) => {
  await settle();
  for (let part = 0; part < 2; part++) protocol.transport.write(MUCH);
  await reader.readexactly(2 * MUCH.length);
  await settle();
  await endOf(protocol, writer);
};

const methods = {
  made: [Plain, sendAndEnd],
  data: [Plain, sendAndEnd],
  eof: [Plain, sendAndEnd],
  lost: [Plain, sendAndEnd],
  buffer: [Buffered, sendAndEnd],
  updated: [Buffered, sendAndEnd],
  pause: [Plain, readMuch],
  resume: [Plain, readMuch],
} satisfies Record<keyof Actions, [new (trace: string[], on: Actions) => Recorder, Part]>;

const carriers: Record<string, Carrier> = { tcp: 'TCP', unix: 'Unix', tls: 'TLS' };
const roles = { server: asServer, client: asClient };

const scenarios: Record<string, Scenario> = {};
for (const [name, carrier] of Object.entries(carriers)) {
  for (const [roleName, role] of Object.entries(roles)) {
    for (const [method, [Kind, scenario]] of Object.entries(methods)) {
      scenarios[`${method}_of_a_${name}_${roleName}`] = (trace) =>
        role(carrier, () => new Kind(trace, { [method]: fail }), scenario);
    }
  }
}

class Datagrams extends DatagramProtocol {
  private readonly trace: string[];
  private readonly method: string;

  constructor(trace: string[], method: string) {
    super();
    this.trace = trace;
    this.method = method;
  }

  private told(what: string): void {
    this.trace.push(what);
    if (what.startsWith(this.method)) fail();
  }

  override connectionMade(): void {
    this.told('made');
  }

  override datagramReceived(data: Buffer): void {
    this.told(`datagram ${data}`);
  }

  override errorReceived(error: unknown): void {
    const { code } = error as NodeJS.ErrnoException;
    this.told(`error ${code === 'ECONNREFUSED' ? 'ConnectionRefusedError' : code}`);
  }

  override connectionLost(): void {
    this.told('lost');
  }
}

for (const method of ['made', 'error', 'lost']) {
  scenarios[`${method}_of_datagrams`] = async (trace) => {
    const loop = getRunningLoop();
    const [quiet] = await loop.createDatagramEndpoint(() => new DatagramProtocol(), {
      localAddr: [LOCALHOST, 0],
    });
    const remoteAddr = quiet.getExtraInfo('sockname');
    const factory = () => new Datagrams(trace, method);
    const [transport]: [DatagramTransport, Datagrams] = await loop.createDatagramEndpoint(factory, {
      remoteAddr,
    });
    for (const data of ['one', 'two']) {
      quiet.sendto(data, transport.getExtraInfo('sockname'));
      await settle();
    }
    quiet.close();
    await settle();
    // Nobody is there any more, which the system tells.
    transport.sendto('three');
    await settle();
    trace.push(`closing ${python(transport.isClosing())}`);
    transport.close();
    await settle();
  };
}

function kindOf(message: string): string {
  if (message.startsWith('Fatal error')) return 'fatal';
  return message.startsWith('Exception in callback') ? 'callback' : snakeCase(message);
}

describe('a protocol that throws', () => {
  compareWithAsyncio('throwing', scenarios, async (scenario, trace) => {
    getRunningLoop().setExceptionHandler((_loop, context) => {
      const { message } = context.exception as Error;
      const keys = Object.keys(context).sort();
      trace.push(`report ${kindOf(context.message)}: ${message}, ${keys.join(', ')}`);
    });
    await scenario(trace);
  });
});
