/** Protocols over TCP: what they are told, in asyncio's order. The twin is oracle/protocols.py. */
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { describe } from 'node:test';
import { getRunningLoop, Queue, RuntimeError, type Server } from 'aionode';
import { connectNodeSocket, LOCALHOST, MIB, portOf } from '../support/net.js';
import { compareWithAsyncio, python, type Scenario } from '../support/oracle.js';
import {
  type Actions,
  Buffered,
  fail,
  nameOf,
  Plain,
  type Recorder,
  settle,
  snakeCase,
} from '../support/recorders.js';

/** As Python prints it. */
const list = (numbers: readonly number[]) => `[${numbers.join(', ')}]`;

/** The other end: a socket of Node's, which reads when it is told to. */
class Peer {
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  send(text: string): void {
    this.socket.write(text);
  }

  end(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  async readAllOf(total: number): Promise<void> {
    let rest = total;
    for await (const chunk of this.socket.iterator({ destroyOnReturn: false })) {
      rest -= (chunk as Buffer).length;
      if (rest <= 0) return;
    }
  }

  async readAll(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.socket.iterator({ destroyOnReturn: false })) {
      chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks);
  }
}

/** Runs `body` with a server of `make` protocols; `connect` gives both ends of a new connection. */
async function withServer<P extends Recorder>(
  make: () => P,
  body: (connect: () => Promise<[P, Peer]>) => Promise<void>,
): Promise<void> {
  const made = new Queue<P>();
  const peers: Peer[] = [];
  const factory = () => {
    const protocol = make();
    made.putNowait(protocol);
    return protocol;
  };
  const server: Server = await getRunningLoop().createServer(factory, LOCALHOST, 0);
  try {
    await body(async () => {
      const peer = new Peer(await connectNodeSocket(portOf(server)));
      peers.push(peer);
      return [await made.get(), peer];
    });
  } finally {
    server.close();
    for (const peer of peers) peer.socket.destroy();
  }
}

async function withOne<P extends Recorder>(
  kind: new (trace: string[], on: Actions) => P,
  trace: string[],
  scenario: (protocol: P, peer: Peer) => Promise<void>,
  on: Actions = {},
): Promise<void> {
  await withServer(
    () => new kind(trace, on),
    async (connect) => {
      const [protocol, peer] = await connect();
      await settle();
      await scenario(protocol, peer);
      await protocol.lost;
      await settle();
    },
  );
}

async function sendAndEnd(_protocol: Recorder, peer: Peer): Promise<void> {
  peer.send('abc');
  await settle();
  peer.end();
}

const much = Buffer.alloc(16 * MIB, 'x');

const scenarios: Record<string, Scenario> = {
  life: (trace) => withOne(Plain, trace, sendAndEnd),

  eof_keeps_open(trace) {
    const scenario = async ({ transport }: Plain, peer: Peer) => {
      peer.end();
      await settle();
      const [closing, reading] = [transport.isClosing(), transport.isReading()].map(python);
      trace.push(`closing ${closing} reading ${reading}`);
      transport.write('late');
      transport.close();
      trace.push(`peer ${await peer.readAll()}`);
    };
    return withOne(Plain, trace, scenario, { eof: () => true });
  },

  data_raises: (trace) => withOne(Plain, trace, sendAndEnd, { data: fail }),
  eof_raises: (trace) => withOne(Plain, trace, sendAndEnd, { eof: fail }),
  made_raises: (trace) => withOne(Plain, trace, sendAndEnd, { made: fail }),
  lost_raises: (trace) => withOne(Plain, trace, sendAndEnd, { lost: fail }),

  paused_when_made(trace) {
    const made = ({ transport }: Plain) => {
      transport.pauseReading();
      transport.pauseReading();
    };
    const scenario = async ({ transport }: Plain, peer: Peer) => {
      peer.send('abc');
      await settle();
      trace.push(`reading ${python(transport.isReading())}`);
      transport.resumeReading();
      transport.resumeReading();
      trace.push(`reading ${python(transport.isReading())}`);
      await settle();
      peer.end();
    };
    return withOne(Plain, trace, scenario, { made });
  },

  paused_by_data(trace) {
    const scenario = async ({ transport }: Plain, peer: Peer) => {
      peer.send('abc');
      await settle();
      peer.send('def');
      peer.end();
      await settle();
      trace.push('resume reading');
      transport.resumeReading();
      await settle();
      transport.resumeReading();
    };
    return withOne(Plain, trace, scenario, { data: (p) => p.transport.pauseReading() });
  },

  closed_while_paused(trace) {
    const scenario = async ({ transport }: Plain, peer: Peer) => {
      peer.send('abc');
      await settle();
      transport.close();
      transport.resumeReading();
      trace.push(`reading ${python(transport.isReading())}`);
    };
    return withOne(Plain, trace, scenario, { made: (p) => p.transport.pauseReading() });
  },

  writes_and_closes_when_made(trace) {
    const made = ({ transport }: Plain) => {
      transport.write('hello ');
      transport.writelines(['wor', Buffer.from('ld')]);
      transport.close();
      transport.close();
      trace.push(`closing ${python(transport.isClosing())}`);
    };
    const scenario = async (_protocol: Plain, peer: Peer) => {
      trace.push(`peer ${await peer.readAll()}`);
    };
    return withOne(Plain, trace, scenario, { made });
  },

  closes_at_data(trace) {
    const data = ({ transport }: Plain) => {
      transport.close();
      transport.write('too late');
    };
    const scenario = async (_protocol: Plain, peer: Peer) => {
      peer.send('abc');
      trace.push(`peer ${await peer.readAll()}`);
    };
    return withOne(Plain, trace, scenario, { data });
  },

  aborts_at_data: (trace) =>
    withOne(Plain, trace, sendAndEnd, { data: (p) => p.transport.abort() }),

  writes_after_eof(trace) {
    const scenario = async ({ transport }: Plain, peer: Peer) => {
      trace.push(python(transport.canWriteEof()));
      transport.write('abc');
      transport.writeEof();
      transport.writeEof();
      assert.throws(() => transport.write('x'), RuntimeError);
      trace.push('RuntimeError');
      trace.push(`peer ${await peer.readAll()}`);
      peer.send('answer');
      await settle();
      peer.end();
    };
    return withOne(Plain, trace, scenario);
  },

  reset_by_peer: (trace) => withOne(Plain, trace, async (_, peer) => peer.reset()),
  reset_of_a_buffered: (trace) => withOne(Buffered, trace, async (_, peer) => peer.reset()),

  buffered_life(trace) {
    const scenario = async (_protocol: Buffered, peer: Peer) => {
      peer.send('abcdefghij');
      await settle();
      peer.end();
    };
    return withOne(Buffered, trace, scenario);
  },

  buffered_closes(trace) {
    const scenario = async (_protocol: Buffered, peer: Peer) => peer.send('abcdefghij');
    return withOne(Buffered, trace, scenario, { updated: (p) => p.transport.close() });
  },

  buffered_pauses(trace) {
    const scenario = async ({ transport }: Buffered, peer: Peer) => {
      peer.send('abcdef');
      await settle();
      trace.push('resume reading');
      transport.resumeReading();
      await settle();
      transport.resumeReading();
      peer.end();
    };
    return withOne(Buffered, trace, scenario, { updated: (p) => p.transport.pauseReading() });
  },

  empty_buffer(trace) {
    const buffer = (protocol: Buffered) => {
      protocol.buffer = Buffer.alloc(0);
    };
    return withOne(Buffered, trace, sendAndEnd, { buffer });
  },

  buffer_raises: (trace) => withOne(Buffered, trace, sendAndEnd, { buffer: fail }),
  updated_raises: (trace) => withOne(Buffered, trace, sendAndEnd, { updated: fail }),

  switches_of_protocol(trace) {
    const scenario = async (first: Plain, peer: Peer) => {
      const { transport } = first;
      const second = new Buffered(trace);
      const third = new Plain(trace);
      second.transport = third.transport = transport;
      peer.send('one');
      await settle();
      transport.setProtocol(second);
      trace.push(python(transport.getProtocol() === second));
      peer.send('two');
      await settle();
      transport.setProtocol(third);
      peer.send('six');
      await settle();
      peer.end();
      await third.lost;
      first.lost.setResult();
    };
    return withOne(Plain, trace, scenario);
  },

  switches_inside_data(trace) {
    let second: Buffered | undefined;
    const data = ({ transport }: Plain) => {
      second = new Buffered(trace);
      transport.setProtocol(second);
    };
    const scenario = async (first: Plain, peer: Peer) => {
      peer.send('one');
      await settle();
      peer.send('two');
      await settle();
      peer.end();
      await second?.lost;
      first.lost.setResult();
    };
    return withOne(Plain, trace, scenario, { data });
  },

  a_slow_reader(trace) {
    const scenario = async ({ transport }: Plain, peer: Peer) => {
      transport.write(much);
      trace.push(`buffered ${python(transport.getWriteBufferSize() > 0)}`);
      transport.close();
      trace.push(`read ${(await peer.readAll()).length}`);
    };
    return withOne(Plain, trace, scenario);
  },

  resumed_writer_goes_on(trace) {
    const resume = ({ transport }: Plain) => {
      transport.write('more');
      getRunningLoop().callSoon(() => transport.close());
    };
    const scenario = async ({ transport }: Plain, peer: Peer) => {
      transport.write(much);
      trace.push(`read ${(await peer.readAll()).length}`);
    };
    return withOne(Plain, trace, scenario, { resume });
  },

  pause_raises(trace) {
    const scenario = async ({ transport }: Plain, peer: Peer) => {
      transport.write(much);
      transport.close();
      trace.push(`read ${(await peer.readAll()).length}`);
    };
    return withOne(Plain, trace, scenario, { pause: fail });
  },

  abort_drops_the_buffer(trace) {
    const scenario = async ({ transport }: Plain) => {
      transport.write(much);
      transport.abort();
      trace.push(`closing ${python(transport.isClosing())}`);
      trace.push(`buffered ${transport.getWriteBufferSize()}`);
    };
    return withOne(Plain, trace, scenario);
  },

  no_water(trace) {
    const scenario = async ({ transport }: Plain, peer: Peer) => {
      transport.setWriteBufferLimits({ high: 0 });
      transport.write('small');
      trace.push(list(transport.getWriteBufferLimits()));
      transport.write(much);
      transport.close();
      trace.push(`read ${(await peer.readAll()).length}`);
    };
    return withOne(Plain, trace, scenario);
  },

  limits(trace) {
    const scenario = async ({ transport }: Plain) => {
      for (const given of [{}, { high: 100 }, { low: 10 }, { high: 50, low: 50 }]) {
        transport.setWriteBufferLimits(given);
        trace.push(list(transport.getWriteBufferLimits()));
      }
      assert.throws(() => transport.setWriteBufferLimits({ high: 1, low: 2 }), RangeError);
      trace.push('ValueError');
      transport.close();
    };
    return withOne(Plain, trace, scenario);
  },

  limits_of_a_full_buffer(trace) {
    const scenario = async ({ transport }: Plain, peer: Peer) => {
      transport.write(much);
      transport.setWriteBufferLimits({ high: 64 * MIB, low: 32 * MIB });
      trace.push('raised');
      await peer.readAllOf(much.length);
      await settle();
      transport.write(much);
      transport.setWriteBufferLimits({ high: 1 });
      trace.push('lowered');
      transport.close();
      await peer.readAll();
    };
    return withOne(Plain, trace, scenario);
  },

  two_in_one_poll(trace) {
    const loop = getRunningLoop();
    const soon = (text: string) => loop.callSoon(() => trace.push(`soon ${text}`));
    const data = () => soon(String(trace.at(-1)).slice('data '.length));
    return withServer(
      () => new Plain(trace, { data }),
      async (connect) => {
        const [one, peerOfOne] = await connect();
        const [two, peerOfTwo] = await connect();
        await settle();
        peerOfOne.send('1');
        peerOfTwo.send('2');
        await settle();
        one.transport.close();
        two.transport.close();
        await one.lost;
        await two.lost;
      },
    );
  },

  behind_what_is_ready(trace) {
    const loop = getRunningLoop();
    return withServer(
      () => new Plain(trace),
      async (connect) => {
        const [protocol, peer] = await connect();
        await settle();
        peer.send('abc');
        loop.callSoon(() => loop.callSoon(() => trace.push('ready before')));
        await settle();
        protocol.transport.close();
        await protocol.lost;
      },
    );
  },

  async a_client(trace) {
    const accepted = getRunningLoop().createFuture<Peer>();
    const listener = createServer({ allowHalfOpen: true }, (socket) =>
      accepted.setResult(new Peer(socket)),
    );
    await new Promise<void>((resolve) => void listener.listen(0, LOCALHOST, resolve));
    const { port } = listener.address() as { port: number };
    const [transport, protocol] = await getRunningLoop().createConnection(
      () => new Plain(trace),
      LOCALHOST,
      port,
    );
    trace.push('connected');
    const knowsPeer = () => {
      const [host, itsPort] = transport.getExtraInfo('peername');
      return python(host === LOCALHOST && itsPort === port);
    };
    trace.push(python(transport.getProtocol() === protocol));
    trace.push(knowsPeer());
    trace.push(python(transport.getExtraInfo('socket').fileno() > 2));
    const peer = await accepted;
    peer.send('abc');
    await settle();
    peer.end();
    await protocol.lost;
    trace.push(knowsPeer());
    trace.push(transport.getExtraInfo('unknown', 'fallback'));
    peer.socket.destroy();
    listener.close();
  },
};

describe('protocols over TCP', () => {
  compareWithAsyncio('protocols', scenarios, async (scenario, trace) => {
    getRunningLoop().setExceptionHandler((_loop, { message, exception }) => {
      const what = message.startsWith('Exception in callback') ? 'callback' : snakeCase(message);
      trace.push(`report ${what}: ${nameOf(exception)}`);
    });
    await scenario(trace);
  });
});
