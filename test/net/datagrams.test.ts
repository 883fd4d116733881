/** UDP endpoints: what is sent arrives once and whole, by number and by name. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import type { SocketAddress } from 'aionode';
import {
  close,
  MOST_IPV4,
  MOST_IPV6,
  oneStep,
  open,
  openLocal,
  withEndpoints,
  withIpv6,
} from '../support/datagrams.js';
import { inLoop, LOCALHOST, patternBytes } from '../support/net.js';

describe('sending and receiving', () => {
  it(
    'a connected endpoint and one for all: datagrams go to and fro',
    inLoop(() =>
      withEndpoints(async (server, client) => {
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
      withEndpoints(async (server, client) => {
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
      withEndpoints(async (server, client) => {
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
      withEndpoints(async (server, client) => {
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
      withEndpoints(async (server, client) => {
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
      withEndpoints(async (server, client) => {
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
      withEndpoints(async (server, client) => {
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
