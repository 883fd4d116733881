/** Brings aionode into each of the states in which a thread may end. */
import { strict as assert } from 'node:assert';
import {
  createTask,
  type DatagramOptions,
  DatagramProtocol,
  getRunningLoop,
  openConnection,
  Queue,
  run,
  type Server,
  type StreamReader,
  type StreamWriter,
  sleep,
  startServer,
} from 'aionode';
import type { Scenario } from './scenario.js';

/** A state that was entered: it still works, and it can be let go so that the thread ends by itself. */
export interface Held {
  use(): Promise<unknown>;
  release(): Promise<unknown>;
}

const nothing = async () => {};
const FAR_S = 3600;
// More than both socket buffers hold, so that part of it has to wait.
const LARGE = 32 * 1024 * 1024;

async function idle(): Promise<Held> {
  return { use: nothing, release: nothing };
}

async function pendingTimer(): Promise<Held> {
  const loop = getRunningLoop();
  const timer = loop.callLater(FAR_S, () => {});
  return {
    use: () => new Promise((resolve) => loop.callLater(0.001, resolve, undefined)),
    // Replaced by one that fires: a pending timer holds the thread until then.
    async release() {
      timer.cancel();
      loop.callLater(0.001, () => {});
    },
  };
}

async function busyTasks(): Promise<Held> {
  let steps = 0;
  let isOver = false;
  const step = async () => {
    for (; !isOver; steps++) await sleep(0);
  };
  for (let i = 0; i < 10; i++) createTask(step);
  return {
    async use() {
      const before = steps;
      await sleep(0);
      await sleep(0);
      assert.ok(steps > before);
    },
    async release() {
      isOver = true;
    },
  };
}

interface Connection {
  server: Server;
  near: [StreamReader, StreamWriter];
  far: [StreamReader, StreamWriter];
}

async function connect(): Promise<Connection> {
  let accept: (streams: [StreamReader, StreamWriter]) => void;
  const accepted = new Promise<[StreamReader, StreamWriter]>((resolve) => {
    accept = resolve;
  });
  const server = await startServer((reader, writer) => accept([reader, writer]), '127.0.0.1', 0);
  const near = await openConnection('127.0.0.1', server.sockets[0]?.port ?? 0);
  return { server, near, far: await accepted };
}

async function openSocket(): Promise<Held> {
  const { server, near, far } = await connect();
  const exchange = async () => {
    near[1].write('ping');
    assert.equal(String(await far[0].readexactly(4)), 'ping');
    far[1].write('pong');
    assert.equal(String(await near[0].readexactly(4)), 'pong');
  };
  await exchange();
  return {
    use: exchange,
    async release() {
      near[1].close();
      assert.equal((await far[0].read()).length, 0);
      far[1].close();
      server.close();
    },
  };
}

async function writeInFlight(): Promise<Held> {
  const { server, near, far } = await connect();
  near[1].write(Buffer.alloc(LARGE, 'x'));
  assert.ok(near[1].transport.getWriteBufferSize() > 0);
  return {
    use: async () => near[1].write('!'),
    async release() {
      near[1].close();
      server.close();
      assert.ok((await far[0].read()).length >= LARGE);
      far[1].close();
    },
  };
}

/** Two endpoints, and a datagram that waits for the look-up of a host. */
async function datagrams(): Promise<Held> {
  const loop = getRunningLoop();
  const arrivals = new Queue<string>();
  class Arrivals extends DatagramProtocol {
    override datagramReceived(data: Buffer): void {
      arrivals.putNowait(String(data));
    }
  }
  const open = (options: DatagramOptions) =>
    loop.createDatagramEndpoint(() => new Arrivals(), options);
  const [far] = await open({ localAddr: ['127.0.0.1', 0] });
  const [near] = await open({ remoteAddr: far.getExtraInfo('sockname') });
  const exchange = async () => {
    near.sendto('ping');
    assert.equal(await arrivals.get(), 'ping');
    far.sendto('pong', near.getExtraInfo('sockname'));
    assert.equal(await arrivals.get(), 'pong');
  };
  await exchange();
  far.sendto('', ['localhost', 9]);
  assert.ok(far.getWriteBufferSize() > 0);
  return {
    use: exchange,
    async release() {
      near.close();
      far.close();
    },
  };
}

const ENTER: Record<Scenario['state'], () => Promise<Held>> = {
  idle,
  'pending timer': pendingTimer,
  'busy tasks': busyTasks,
  'open socket': openSocket,
  'write in flight': writeInFlight,
  datagrams,
};

/** Enters the state with tasks having run before, so that no loop is in its first state. */
export async function enter(state: Scenario['state']): Promise<Held> {
  await run(async () => sleep(0));
  return ENTER[state]();
}
