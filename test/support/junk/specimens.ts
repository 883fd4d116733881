/**
 * One object or more of every public type that has methods, real sockets and a real child behind them. The key
 * names the type in the API report, after a colon there may be of what kind the object is.
 */
import * as aionode from 'aionode';
import { MemoryDuplex } from '../memory-duplex.js';
import { LOCALHOST, portOf } from '../net.js';
import { makePipe } from '../pipes.js';
import { CLIENT, echo, SERVER } from '../tls.js';

type Makers = Record<string, () => unknown>;

const loop = () => aionode.getRunningLoop();
const forever = () => aionode.sleep(1e6);
const POSIX = process.platform !== 'win32';

const plain: Makers = {
  AsCompleted: () => aionode.asCompleted([aionode.createTask(forever)]),
  Barrier: () => new aionode.Barrier(2),
  BoundedSemaphore: () => new aionode.BoundedSemaphore(1),
  BufferedProtocol: () => new aionode.BufferedProtocol(),
  Condition: () => new aionode.Condition(),
  Coroutine: () => aionode.coroutine(forever)(),
  DatagramProtocol: () => new aionode.DatagramProtocol(),
  Event: () => new aionode.Event(),
  EventLoop: loop,
  'EventLoop: one that does not run': () => aionode.newEventLoop(),
  ExceptionGroup: () => new aionode.ExceptionGroup([new Error('inner')]),
  Future: () => loop().createFuture(),
  'Future: gather()': () => aionode.gather(forever, forever),
  'Future: shield()': () => aionode.shield(aionode.createTask(forever)),
  'Future: sleep()': forever,
  Handle: () => loop().callSoon(() => {}),
  LifoQueue: () => new aionode.LifoQueue(),
  Lock: () => new aionode.Lock(),
  PriorityQueue: () => new aionode.PriorityQueue(),
  Protocol: () => new aionode.Protocol(),
  Queue: () => new aionode.Queue(1),
  Runner: () => new aionode.Runner(),
  Semaphore: () => new aionode.Semaphore(1),
  StreamReader: () => new aionode.StreamReader({ limit: 10 }),
  SubprocessProtocol: () => new aionode.SubprocessProtocol(),
  Task: () => aionode.createTask(forever),
  'Task: one that fails': () =>
    aionode.createTask(async () => {
      throw new Error('a task that fails');
    }),
  TaskGroup: () =>
    new Promise((resolve) => {
      const running = aionode.TaskGroup.run(async (group) => {
        resolve(group);
        await forever();
      });
      running.catch(() => {});
    }),
  ThreadPoolExecutor: () => new aionode.ThreadPoolExecutor({ maxWorkers: 1 }),
  ThreadsafeLoop: () => new aionode.ThreadsafeLoop(loop().exposeThreadsafe({ now: Date.now })),
  Timeout: () =>
    new Promise((resolve) => {
      const running = aionode.timeout(1e6, async (scope) => {
        resolve(scope);
        await forever();
      });
      running.catch(() => {});
    }),
  TimerHandle: () => loop().callLater(1e6, () => {}),
  Waker: () => new aionode.Waker(() => {}),
};

/** What comes of connections and children: several objects from one call. */
async function connected(): Promise<Record<string, unknown>> {
  const server = await aionode.startServer(echo, LOCALHOST, 0);
  const port = portOf(server);
  const [reader, writer] = await aionode.openConnection(LOCALHOST, port);
  const [transport, protocol] = await loop().createConnection(
    () => new aionode.Protocol(),
    LOCALHOST,
    port,
  );
  const [buffered] = await loop().createConnection(
    () => new aionode.BufferedProtocol(),
    LOCALHOST,
    port,
  );
  const [overDuplex, intoDuplex] = aionode.fromDuplex(new MemoryDuplex());
  return {
    Server: server,
    ServerSocket: server.sockets[0],
    StreamReader: reader,
    StreamWriter: writer,
    Transport: transport,
    TransportSocket: transport.getExtraInfo('socket'),
    Protocol: protocol,
    'Transport: buffered': buffered,
    'Transport: of streams': writer.transport,
    'StreamReader: of a Duplex': overDuplex,
    'StreamWriter: into a Duplex': intoDuplex,
    'Transport: of a Duplex': intoDuplex.transport,
  };
}

async function encrypted(): Promise<Record<string, unknown>> {
  const server = await aionode.startServer(echo, LOCALHOST, 0, SERVER);
  const [reader, writer] = await aionode.openConnection(LOCALHOST, portOf(server), CLIENT);
  return {
    'Server: TLS': server,
    'StreamReader: TLS': reader,
    'StreamWriter: TLS': writer,
    'Transport: TLS': writer.transport,
  };
}

async function datagrams(): Promise<Record<string, unknown>> {
  const factory = () => new aionode.DatagramProtocol();
  const localAddr: aionode.SocketAddress = [LOCALHOST, 0];
  const [open] = await loop().createDatagramEndpoint(factory, { localAddr });
  const remoteAddr: aionode.SocketAddress = open.getExtraInfo('sockname');
  const [joined] = await loop().createDatagramEndpoint(factory, { remoteAddr });
  return {
    DatagramTransport: open,
    'DatagramTransport: connected': joined,
    DatagramTransportSocket: open.getExtraInfo('socket'),
  };
}

async function children(): Promise<Record<string, unknown>> {
  const [program, args]: [string, string[]] = POSIX
    ? ['cat', []]
    : [process.execPath, ['--eval', 'process.stdin.pipe(process.stdout)']];
  const child = await aionode.createSubprocessExec(program, args, {
    stdin: aionode.PIPE,
    stdout: aionode.PIPE,
  });
  const factory = () => new aionode.SubprocessProtocol();
  const [transport] = await loop().subprocessExec(factory, program, args, {
    stdin: aionode.PIPE,
    stdout: aionode.PIPE,
  });
  return {
    Process: child,
    'StreamWriter: of a child': child.stdin,
    'StreamReader: of a child': child.stdout,
    SubprocessTransport: transport,
    'WriteTransport: of a child': transport.getPipeTransport(0),
    'ReadTransport: of a child': transport.getPipeTransport(1),
  };
}

async function pipes(): Promise<Record<string, unknown>> {
  if (!POSIX) return {};
  const { readEnd, writeEnd } = await makePipe();
  const factory = () => new aionode.Protocol();
  const [readTransport] = await loop().connectReadPipe(factory, readEnd);
  const [writeTransport] = await loop().connectWritePipe(factory, writeEnd);
  return { ReadTransport: readTransport, WriteTransport: writeTransport };
}

export interface Specimen {
  /** As the API report names it. */
  readonly type: string;
  readonly name: string;
  readonly object: object;
}

/** A fresh set; called by a task. */
export async function makeSpecimens(): Promise<Specimen[]> {
  const made: [name: string, object: unknown][] = [];
  for (const [name, make] of Object.entries(plain)) {
    const object = make();
    made.push([name, object instanceof Promise ? await object : object]);
  }
  for (const group of [connected, encrypted, datagrams, children, pipes]) {
    made.push(...Object.entries(await group()));
  }
  return made.map(([name, object]) => {
    if (typeof object !== 'object' || object === null) throw new Error(`no ${name} was made`);
    return { type: name.replace(/:.*/, ''), name, object };
  });
}
