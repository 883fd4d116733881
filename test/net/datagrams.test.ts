/** UDP endpoints: what is sent arrives once and whole, and every error reaches who should know. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { describe, it } from 'node:test';
import {
  type CancelledError,
  createTask,
  type DatagramOptions,
  DatagramProtocol,
  type DatagramTransport,
  type EventLoop,
  getRunningLoop,
  iscancelled,
  newEventLoop,
  Queue,
  type SocketAddress,
  sleep,
} from 'aionode';
import { handleCount, inLoop, LOCALHOST, patternBytes, roundsUntil } from '../support/net.js';

const MOST_IPV4 = 65_507;
const MOST_IPV6 = 65_527;

interface Arrival {
  readonly data: Buffer;
  readonly address: SocketAddress;
}

/** Keeps what it is told. */
class Recorder extends DatagramProtocol {
  readonly calls: string[] = [];
  readonly arrivals = new Queue<Arrival>();
  readonly errors = new Queue<NodeJS.ErrnoException>();
  readonly lost = getRunningLoop().createFuture<unknown>();

  override connectionMade(): void {
    this.calls.push('connectionMade');
  }
  override datagramReceived(data: Buffer, address: SocketAddress): void {
    this.calls.push(`datagramReceived ${data.length}`);
    this.arrivals.putNowait({ data, address });
  }
  override errorReceived(error: unknown): void {
    this.calls.push('errorReceived');
    this.errors.putNowait(error as NodeJS.ErrnoException);
  }
  override pauseWriting(): void {
    this.calls.push('pauseWriting');
  }
  override resumeWriting(): void {
    this.calls.push('resumeWriting');
  }
  override connectionLost(error: unknown): void {
    this.calls.push('connectionLost');
    this.lost.setResult(error);
  }

  async text(): Promise<string> {
    return (await this.arrivals.get()).data.toString();
  }
}

interface Endpoint {
  readonly transport: DatagramTransport;
  readonly protocol: Recorder;
  readonly address: SocketAddress;
}

async function open(options: DatagramOptions): Promise<Endpoint> {
  const loop = getRunningLoop();
  const [transport, protocol] = await loop.createDatagramEndpoint(() => new Recorder(), options);
  return { transport, protocol, address: transport.getExtraInfo('sockname') };
}

const openLocal = () => open({ localAddr: [LOCALHOST, 0] });

/** Runs `body` with an endpoint that receives from anybody and one that is connected to it. */
async function withPair(body: (server: Endpoint, client: Endpoint) => Promise<void>) {
  const server = await openLocal();
  const client = await open({ remoteAddr: server.address });
  try {
    await body(server, client);
  } finally {
    client.transport.abort();
    server.transport.abort();
    await client.protocol.lost;
    await server.protocol.lost;
  }
}

async function close(...endpoints: Endpoint[]): Promise<void> {
  for (const { transport } of endpoints) transport.close();
  for (const { protocol } of endpoints) assert.equal(await protocol.lost, null);
}

/** Hands over to the loop with whatever was sent, and takes it in one poll. */
const oneStep = () => sleep(0);

const withIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
)
  ? {}
  : { skip: 'this machine has no IPv6' };

describe('sending and receiving', () => {
  it(
    'a connected endpoint and one for all: datagrams go to and fro',
    inLoop(() =>
      withPair(async (server, client) => {
        client.transport.sendto('ping');
        const { data, address } = await server.protocol.arrivals.get();
        assert.equal(data.toString(), 'ping');
        assert.deepEqual(address, client.address);
        server.transport.sendto('pong', address);
        const answer = await client.protocol.arrivals.get();
        assert.equal(answer.data.toString(), 'pong');
        assert.deepEqual(answer.address, server.address);
        assert.deepEqual(client.transport.getExtraInfo('peername'), server.address);
        assert.equal(server.transport.getExtraInfo('peername'), null);
        assert.equal(server.transport.getExtraInfo('nonsense', 7), 7);
        assert.equal(server.transport.getProtocol(), server.protocol);
      }),
    ),
  );

  it(
    'with sockets of node:dgram',
    inLoop(async () => {
      const server = await openLocal();
      const peer = createSocket('udp4');
      peer.send('to aionode', server.address[1], LOCALHOST);
      const { data, address } = await server.protocol.arrivals.get();
      assert.equal(data.toString(), 'to aionode');
      const answered = once(peer, 'message');
      server.transport.sendto(new Uint8Array([1, 2, 3]), [LOCALHOST, address[1]]);
      const [bytes] = (await answered) as [Buffer];
      assert.deepEqual([...bytes], [1, 2, 3]);
      peer.close();
      await close(server);
    }),
  );

  it(
    'boundaries are kept, empty datagrams among them, in order',
    inLoop(() =>
      withPair(async (server, client) => {
        const lengths = Array.from({ length: 60 }, (_, i) => (i % 7 === 0 ? 0 : i * 13));
        for (const length of lengths) client.transport.sendto(patternBytes(length, length + 1));
        for (const length of lengths) {
          const { data } = await server.protocol.arrivals.get();
          assert.deepEqual(data, patternBytes(length, length + 1));
        }
      }),
    ),
  );

  it(
    'text is sent as UTF-8',
    inLoop(() =>
      withPair(async (server, client) => {
        client.transport.sendto('grüße €');
        client.transport.sendto('ü'.repeat(5000));
        assert.equal(await server.protocol.text(), 'grüße €');
        assert.equal(await server.protocol.text(), 'ü'.repeat(5000));
      }),
    ),
  );

  it(
    'the memory given to sendto() is the caller’s again',
    inLoop(() =>
      withPair(async (server, client) => {
        for (const length of [10, 10_000]) {
          const bytes = Buffer.alloc(length, 'a');
          client.transport.sendto(bytes);
          bytes.fill('b');
          const { data } = await server.protocol.arrivals.get();
          assert.deepEqual(data, Buffer.alloc(length, 'a'));
        }
      }),
    ),
  );

  it(
    'the bytes received are the receiver’s for good',
    inLoop(() =>
      withPair(async (server, client) => {
        const kept: Buffer[] = [];
        for (let i = 0; i < 50; i++) {
          client.transport.sendto(patternBytes(1000, i + 1));
          kept.push((await server.protocol.arrivals.get()).data);
        }
        kept.forEach((data, i) => {
          assert.deepEqual(data, patternBytes(1000, i + 1));
        });
      }),
    ),
  );

  it(
    'the largest datagrams, more in one poll than the receive memory holds',
    inLoop(async () => {
      const servers = await Promise.all(Array.from({ length: 8 }, openLocal));
      const sender = await open({ family: 4 });
      const inTheBuffer = [0, 1];
      for (const i of inTheBuffer) {
        servers.forEach(({ address }, n) => {
          sender.transport.sendto(patternBytes(MOST_IPV4, 1 + n + 100 * i), address);
          sender.transport.sendto(patternBytes(20 + n, 7), address);
        });
      }
      for (const i of inTheBuffer) {
        for (const [n, { protocol }] of servers.entries()) {
          const large = await protocol.arrivals.get();
          assert.ok(large.data.equals(patternBytes(MOST_IPV4, 1 + n + 100 * i)));
          const small = await protocol.arrivals.get();
          assert.deepEqual(small.data, patternBytes(20 + n, 7));
        }
      }
      await close(sender, ...servers);
    }),
  );

  it(
    'the largest IPv6 datagrams, one after the other',
    withIpv6,
    inLoop(async () => {
      const server = await open({ localAddr: ['::1', 0] });
      const client = await open({ remoteAddr: server.address });
      for (let i = 1; i <= 2; i++) client.transport.sendto(patternBytes(MOST_IPV6, i));
      client.transport.sendto('end');
      for (let i = 1; i <= 2; i++) {
        const { data, address } = await server.protocol.arrivals.get();
        assert.ok(data.equals(patternBytes(MOST_IPV6, i)));
        assert.deepEqual(address, client.address);
      }
      assert.equal(await server.protocol.text(), 'end');
      await close(server, client);
    }),
  );

  it(
    'a socket of both families has mapped addresses, and answers them',
    withIpv6,
    inLoop(async () => {
      const server = await open({ localAddr: ['::', 0] });
      const client = await open({ remoteAddr: [LOCALHOST, server.address[1]] });
      client.transport.sendto('by IPv4');
      const { address } = await server.protocol.arrivals.get();
      assert.equal(address[0], `::ffff:${LOCALHOST}`);
      server.transport.sendto('mapped', address);
      server.transport.sendto('plain', client.address);
      assert.equal(await client.protocol.text(), 'mapped');
      assert.equal(await client.protocol.text(), 'plain');
      await close(server, client);
    }),
  );

  it(
    'more peers than there are addresses kept: each gets its answer',
    inLoop(async () => {
      const server = await openLocal();
      const peers = await Promise.all(
        Array.from({ length: 1200 }, () => open({ remoteAddr: server.address })),
      );
      const seen = new Map<number, SocketAddress>();
      for (const peer of peers) {
        peer.transport.sendto(String(peer.address[1]));
        const { data, address } = await server.protocol.arrivals.get();
        assert.equal(Number(data), address[1]);
        seen.set(address[1], address);
      }
      assert.equal(seen.size, peers.length);
      for (const [port, address] of seen) {
        server.transport.sendto(`for ${port}`, address);
        await oneStep();
      }
      for (const { protocol, address } of peers) {
        assert.equal(await protocol.text(), `for ${address[1]}`);
      }
      await close(server, ...peers);
    }),
  );

  it(
    'a peer has one address array, which is frozen',
    inLoop(() =>
      withPair(async (server, client) => {
        client.transport.sendto('1');
        client.transport.sendto('2');
        const [first, second] = [
          await server.protocol.arrivals.get(),
          await server.protocol.arrivals.get(),
        ];
        assert.equal(first.address, second.address);
        assert.ok(Object.isFrozen(first.address));
      }),
    ),
  );

  it(
    'a connected endpoint hears nobody but its peer',
    inLoop(() =>
      withPair(async (server, client) => {
        const stranger = await openLocal();
        stranger.transport.sendto('from a stranger', client.address);
        server.transport.sendto('from the peer', client.address);
        assert.equal(await client.protocol.text(), 'from the peer');
        assert.equal(client.protocol.arrivals.qsize(), 0);
        await close(stranger);
      }),
    ),
  );

  it(
    'allowBroadcast: a broadcast address may be sent to, EACCES without',
    inLoop(async () => {
      const broadcast = '127.255.255.255';
      const server = await open({ localAddr: ['0.0.0.0', 0] });
      const target: SocketAddress = [broadcast, server.address[1]];
      const without = await open({ family: 4 });
      without.transport.sendto('x', target);
      const error = await without.protocol.errors.get();
      assert.equal(error.code, 'EACCES');
      const client = await open({ remoteAddr: target, allowBroadcast: true });
      assert.equal(client.transport.getExtraInfo('peername'), null);
      client.transport.sendto('to all');
      client.transport.sendto('again', target);
      if (process.platform === 'linux') {
        assert.equal(await server.protocol.text(), 'to all');
        assert.equal(await server.protocol.text(), 'again');
      }
      assert.throws(() => client.transport.sendto('x', [LOCALHOST, 9]), {
        code: 'ERR_OUT_OF_RANGE',
      });
      await close(server, without, client);
    }),
  );
});

describe('host names', () => {
  it(
    'are looked up for the endpoint and for sendto()',
    inLoop(async () => {
      const server = await open({ localAddr: ['localhost', 0], family: 4 });
      assert.equal(server.address[0], LOCALHOST);
      const client = await open({ remoteAddr: ['localhost', server.address[1]], family: 4 });
      client.transport.sendto('no address');
      client.transport.sendto('as a number', server.address);
      client.transport.sendto('by its name', ['localhost', server.address[1]]);
      for (const text of ['no address', 'as a number', 'by its name']) {
        assert.equal(await server.protocol.text(), text);
      }
      const other = await open({ family: 4 });
      other.transport.sendto('to a name', ['localhost', server.address[1]]);
      assert.equal(await server.protocol.text(), 'to a name');
      await close(server, client, other);
    }),
  );

  it(
    'what waits for a look-up counts in the write buffer, and close() sends it first',
    inLoop(async () => {
      const server = await openLocal();
      const { transport, protocol } = await open({ family: 4 });
      transport.setWriteBufferLimits({ high: 10 });
      assert.deepEqual(transport.getWriteBufferLimits(), [2, 10]);
      transport.sendto('', ['localhost', server.address[1]]);
      assert.equal(transport.getWriteBufferSize(), 8);
      assert.deepEqual(protocol.calls, ['connectionMade']);
      transport.sendto('last', ['localhost', server.address[1]]);
      assert.equal(transport.getWriteBufferSize(), 20);
      assert.deepEqual(protocol.calls, ['connectionMade', 'pauseWriting']);
      transport.close();
      const texts = [await server.protocol.text(), await server.protocol.text()];
      assert.deepEqual(texts.sort(), ['', 'last']);
      assert.equal(await protocol.lost, null);
      const expected = ['connectionMade', 'pauseWriting', 'resumeWriting', 'connectionLost'];
      assert.deepEqual(protocol.calls, expected);
      await close(server);
    }),
  );

  it(
    'abort() drops what waits for a look-up',
    inLoop(async () => {
      const server = await openLocal();
      const { transport, protocol } = await open({ family: 4 });
      transport.sendto('dropped', ['localhost', server.address[1]]);
      transport.abort();
      assert.equal(await protocol.lost, null);
      assert.equal(transport.getWriteBufferSize(), 0);
      await close(server);
      assert.equal(server.protocol.arrivals.qsize(), 0);
    }),
  );

  it(
    'a name without an address: errorReceived() for sendto(), an error of the endpoint otherwise',
    inLoop(async () => {
      const notFound = { code: 'ENOTFOUND', syscall: 'getaddrinfo' };
      const { transport, protocol } = await open({ family: 4 });
      transport.sendto('nowhere', ['', 9]);
      const { code, syscall } = await protocol.errors.get();
      assert.deepEqual({ code, syscall }, notFound);
      transport.close();
      await protocol.lost;
      await assert.rejects(open({ remoteAddr: ['', 9] }), notFound);
      await assert.rejects(open({ localAddr: [LOCALHOST, 0], family: 6 }), notFound);
    }),
  );
});

describe('errors', () => {
  it(
    'a datagram that is too long: EMSGSIZE, and the endpoint goes on',
    inLoop(() =>
      withPair(async (server, client) => {
        const tooLong = Buffer.alloc(MOST_IPV4 + 1);
        client.transport.sendto('before');
        client.transport.sendto(tooLong);
        client.transport.sendto('after');
        assert.deepEqual(client.protocol.calls, ['connectionMade'], 'told in a later step');
        const error = await client.protocol.errors.get();
        assert.equal(error.code, 'EMSGSIZE');
        assert.equal(error.syscall, 'send');
        const { address, port } = error as unknown as { address: string; port: number };
        assert.deepEqual([address, port], server.address);
        assert.equal(await server.protocol.text(), 'before');
        assert.equal(await server.protocol.text(), 'after');
      }),
    ),
  );

  it(
    'one bad datagram among many of a turn: the others are sent',
    inLoop(async () => {
      const server = await openLocal();
      const { transport, protocol } = await open({ family: 4 });
      for (let i = 0; i < 45; i++) {
        transport.sendto(String(i), i % 10 === 3 ? [LOCALHOST, 0] : server.address);
      }
      for (let i = 0; i < 45; i++) {
        if (i % 10 === 3) {
          const { code, port } = (await protocol.errors.get()) as { code?: string; port?: number };
          assert.deepEqual({ code, port }, { code: 'EINVAL', port: 0 });
        } else assert.equal(await server.protocol.text(), String(i));
      }
      transport.sendto('x', [LOCALHOST, 0]);
      transport.close();
      await protocol.lost;
      assert.deepEqual(protocol.calls.slice(-2), ['errorReceived', 'connectionLost']);
      await close(server);
    }),
  );

  it(
    'nobody listens at the peer’s port: ECONNREFUSED to errorReceived(), and the endpoint stays',
    { skip: process.platform === 'win32' && 'Windows does not tell' },
    inLoop(async () => {
      const server = await openLocal();
      const client = await open({ remoteAddr: server.address });
      await close(server);
      await roundsUntil(() => handleCount() === 1, 'the closed socket');
      client.transport.sendto('is anybody there?');
      const error = await client.protocol.errors.get();
      assert.equal(error.code, 'ECONNREFUSED');
      const again = await open({ localAddr: server.address });
      client.transport.sendto('again');
      assert.equal(await again.protocol.text(), 'again');
      await close(again, client);
    }),
  );

  it(
    'an address of the other family: EAFNOSUPPORT or the like',
    withIpv6,
    inLoop(async () => {
      const { transport, protocol } = await open({ family: 4 });
      transport.sendto('x', ['::1', 9]);
      const { syscall } = await protocol.errors.get();
      assert.equal(syscall, 'send');
      transport.close();
      await protocol.lost;
    }),
  );

  it(
    'a protocol that throws: the exception handler is told, the endpoint goes on',
    inLoop((reports) =>
      withPair(async (server, client) => {
        const failure = new Error('of the protocol');
        const { datagramReceived } = server.protocol;
        server.protocol.datagramReceived = () => {
          server.protocol.datagramReceived = datagramReceived;
          throw failure;
        };
        client.transport.sendto('1');
        client.transport.sendto('2');
        assert.equal(await server.protocol.text(), '2');
        const [report] = reports.splice(0);
        assert.equal(report?.exception, failure);
        assert.equal(report?.transport, server.transport);
        assert.equal(report?.protocol, server.protocol);
      }),
    ),
  );

  it(
    'an address that is taken, and one that is not ours',
    inLoop(async () => {
      const { address, transport, protocol } = await openLocal();
      await assert.rejects(open({ localAddr: address }), {
        code: 'EADDRINUSE',
        syscall: 'bind',
        address: address[0],
        port: address[1],
      });
      await assert.rejects(open({ localAddr: ['192.0.2.1', 0] }), {
        code: 'EADDRNOTAVAIL',
        syscall: 'bind',
      });
      transport.close();
      await protocol.lost;
    }),
  );

  it(
    'reusePort lets two endpoints have one port',
    { skip: process.platform === 'win32' && 'Windows has no SO_REUSEPORT' },
    inLoop(async () => {
      const one = await open({ localAddr: [LOCALHOST, 0], reusePort: true });
      const two = await open({ localAddr: one.address, reusePort: true });
      assert.deepEqual(two.address, one.address);
      await close(one, two);
    }),
  );

  it(
    'wrong arguments',
    inLoop(async () => {
      const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
      const range = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };
      const make = (options: unknown) =>
        getRunningLoop().createDatagramEndpoint(() => new Recorder(), options as DatagramOptions);
      for (const options of [
        undefined,
        null,
        { localAddr: LOCALHOST },
        { localAddr: [LOCALHOST] },
        { localAddr: [9, LOCALHOST] },
        { remoteAddr: [LOCALHOST, '9'] },
        { family: '4' },
        { family: 4, reusePort: 1 },
        { family: 4, allowBroadcast: 'yes' },
      ]) {
        await assert.rejects(make(options), type, JSON.stringify(options));
      }
      for (const options of [
        {},
        { family: 5 },
        { localAddr: [LOCALHOST, 65_536] },
        { localAddr: [LOCALHOST, 0], remoteAddr: ['::1', 9] },
      ]) {
        await assert.rejects(make(options), range, JSON.stringify(options));
      }
      const wrongFactory = getRunningLoop().createDatagramEndpoint('no function' as never, {
        family: 4,
      });
      await assert.rejects(wrongFactory, type);

      const { transport, protocol } = await open({ family: 4 });
      const sendto = transport.sendto.bind(transport) as (...args: unknown[]) => void;
      for (const args of [
        [],
        [null],
        [7, [LOCALHOST, 9]],
        [
          [1, 2],
          [LOCALHOST, 9],
        ],
        ['x'],
        ['x', null],
        ['x', LOCALHOST],
        ['x', [LOCALHOST]],
        ['x', [LOCALHOST, 9, 0]],
        ['x', [LOCALHOST, '9']],
        ['x', [null, 9]],
      ]) {
        assert.throws(() => sendto(...args), type, JSON.stringify(args));
      }
      for (const port of [-1, 65_536, 1.5, Number.NaN]) {
        assert.throws(() => sendto('x', [LOCALHOST, port]), range);
      }
      assert.throws(() => transport.setWriteBufferLimits({ high: 1, low: 2 }), range);
      transport.close();
      await protocol.lost;
    }),
  );

  it(
    'a connected endpoint sends to its peer only',
    inLoop(() =>
      withPair(async (server, client) => {
        client.transport.sendto('the very one', server.address);
        client.transport.sendto('the same', [...server.address]);
        assert.throws(() => client.transport.sendto('x', [LOCALHOST, 9]), {
          name: 'RangeError',
          code: 'ERR_OUT_OF_RANGE',
        });
        assert.throws(() => client.transport.sendto('x', ['example', server.address[1]]), {
          code: 'ERR_OUT_OF_RANGE',
        });
        assert.equal(await server.protocol.text(), 'the very one');
        assert.equal(await server.protocol.text(), 'the same');
      }),
    ),
  );

  it(
    'a factory that throws leaves no socket',
    inLoop(async () => {
      const failure = new Error('of the factory');
      const factory = () => {
        throw failure;
      };
      const made = getRunningLoop().createDatagramEndpoint(factory, { family: 4 });
      await assert.rejects(made, failure);
    }),
  );
});

describe('the end', () => {
  it(
    'close(): connectionLost(null) once, nothing after it, the addresses stay known',
    inLoop(async () => {
      const server = await openLocal();
      const client = await open({ remoteAddr: server.address });
      client.transport.sendto('sent in the same step');
      client.transport.close();
      client.transport.close();
      client.transport.abort();
      assert.ok(client.transport.isClosing());
      assert.equal(await client.protocol.lost, null);
      assert.equal(await server.protocol.text(), 'sent in the same step');
      server.transport.sendto('too late', client.address);
      await oneStep();
      assert.deepEqual(client.protocol.calls, ['connectionMade', 'connectionLost']);
      assert.deepEqual(client.transport.getExtraInfo('sockname'), client.address);
      assert.deepEqual(client.transport.getExtraInfo('peername'), server.address);
      await close(server);
    }),
  );

  it(
    'abort(): what the system took is sent, then connectionLost(null)',
    inLoop(async () => {
      const server = await openLocal();
      const client = await open({ remoteAddr: server.address });
      client.transport.sendto('sent');
      client.transport.abort();
      assert.equal(await client.protocol.lost, null);
      assert.equal(await server.protocol.text(), 'sent');
      await close(server);
    }),
  );

  it(
    'what arrived before close() is not delivered after it',
    inLoop(() =>
      withPair(async (server, client) => {
        const { datagramReceived } = server.protocol;
        server.protocol.datagramReceived = (data, address) => {
          datagramReceived.call(server.protocol, data, address);
          server.transport.close();
        };
        for (const text of ['1', '2', '3']) client.transport.sendto(text);
        await server.protocol.lost;
        assert.deepEqual(server.protocol.calls, [
          'connectionMade',
          'datagramReceived 1',
          'connectionLost',
        ]);
      }),
    ),
  );

  it(
    'sends after the end are warned of once, at the fifth',
    inLoop(async () => {
      const warnings: Error[] = [];
      const listener = (warning: Error) => warnings.push(warning);
      process.on('warning', listener);
      const endpoint = await open({ remoteAddr: [LOCALHOST, 9] });
      await close(endpoint);
      for (let i = 0; i < 4; i++) endpoint.transport.sendto('x');
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(warnings, []);
      endpoint.transport.sendto('x');
      endpoint.transport.sendto('x', [LOCALHOST, 9]);
      await new Promise((resolve) => setImmediate(resolve));
      process.off('warning', listener);
      assert.deepEqual(
        warnings.map((warning) => (warning as NodeJS.ErrnoException).code),
        ['AIONODE_LOST_WRITE'],
      );
    }),
  );

  it(
    'cancellation while a host is looked up: no socket, no protocol',
    inLoop(async () => {
      let made = 0;
      const factory = () => {
        made += 1;
        return new Recorder();
      };
      const loop = getRunningLoop();
      const task = createTask(() =>
        loop.createDatagramEndpoint(factory, { localAddr: ['localhost', 0] }),
      );
      await oneStep();
      assert.ok(task.cancel());
      await assert.rejects(task, (error: CancelledError) => iscancelled(error));
      assert.equal(made, 0);
      assert.equal(handleCount(), 0);
    }),
  );

  it(
    'cancellation before connectionMade() was called: the endpoint is closed',
    inLoop(async () => {
      const loop = getRunningLoop();
      const protocol = new Recorder();
      const task = createTask(() =>
        loop.createDatagramEndpoint(
          () => {
            loop.callSoon(() => task.cancel());
            return protocol;
          },
          { localAddr: [LOCALHOST, 0] },
        ),
      );
      await assert.rejects(task, (error: CancelledError) => iscancelled(error));
      assert.equal(await protocol.lost, null);
      assert.deepEqual(protocol.calls, ['connectionMade', 'connectionLost']);
    }),
  );

  it('closing the loop closes the socket, and the transport does nothing more', async () => {
    const loop: EventLoop = newEventLoop();
    const [transport, protocol] = await loop.runUntilComplete(() =>
      loop.createDatagramEndpoint(() => new Recorder(), { localAddr: [LOCALHOST, 0] }),
    );
    transport.sendto('looked up while the loop is closed', ['localhost', 9]);
    loop.close();
    await roundsUntil(() => handleCount() === 0, 'the socket');
    assert.ok(transport.isClosing());
    transport.sendto('x', [LOCALHOST, 9]);
    transport.close();
    transport.abort();
    assert.equal(transport.getExtraInfo('sockname'), null);
    assert.equal(transport.getWriteBufferSize(), 0);
    assert.deepEqual(protocol.calls, ['connectionMade']);
    await assert.rejects(
      loop.createDatagramEndpoint(() => new DatagramProtocol(), { family: 4 }),
      { name: 'RuntimeError' },
    );
  });
});

describe('protocols', () => {
  it(
    'setProtocol() hands over to another one',
    inLoop(() =>
      withPair(async (server, client) => {
        const second = new Recorder();
        client.transport.sendto('1');
        assert.equal(await server.protocol.text(), '1');
        server.transport.setProtocol(second);
        assert.equal(server.transport.getProtocol(), second);
        client.transport.sendto('2');
        assert.equal(await second.text(), '2');
        server.transport.close();
        await second.lost;
        server.protocol.lost.setResult(null);
        assert.deepEqual(second.calls, ['datagramReceived 1', 'connectionLost']);
      }),
    ),
  );

  it(
    'a protocol with nothing overridden takes everything in silence',
    inLoop(async () => {
      const server = await openLocal();
      const loop = getRunningLoop();
      const [transport] = await loop.createDatagramEndpoint(() => new DatagramProtocol(), {
        remoteAddr: server.address,
      });
      transport.sendto(Buffer.alloc(70_000));
      transport.sendto('x');
      const { address } = await server.protocol.arrivals.get();
      server.transport.sendto('y', address);
      await oneStep();
      transport.close();
      await close(server);
    }),
  );

  it(
    'its methods run in the context in which the endpoint was made',
    inLoop(async () => {
      const storage = new AsyncLocalStorage<string>();
      const seen: (string | undefined)[] = [];
      class Observer extends Recorder {
        override connectionMade(): void {
          seen.push(storage.getStore());
        }
        override datagramReceived(data: Buffer, address: SocketAddress): void {
          seen.push(storage.getStore());
          super.datagramReceived(data, address);
        }
      }
      const loop = getRunningLoop();
      const [transport, protocol] = await storage.run('outer', () =>
        loop.createDatagramEndpoint(() => new Observer(), { localAddr: [LOCALHOST, 0] }),
      );
      storage.run('of the sender', () =>
        transport.sendto('to itself', transport.getExtraInfo('sockname')),
      );
      await protocol.arrivals.get();
      assert.deepEqual(seen, ['outer', 'outer']);
      transport.close();
      await protocol.lost;
    }),
  );
});
