/** Errors of UDP endpoints: every one reaches who should know, and the endpoint goes on. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type DatagramOptions, getRunningLoop } from 'aionode';
import {
  close,
  MOST_IPV4,
  open,
  openLocal,
  Recorder,
  withEndpoints,
  withIpv6,
} from '../support/datagrams.js';
import { handleCount, inLoop, LOCALHOST, roundsUntil } from '../support/net.js';

describe('errors', () => {
  it(
    'a datagram that is too long: EMSGSIZE, and the endpoint goes on',
    inLoop(() =>
      withEndpoints(async (server, client) => {
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
      withEndpoints(async (server, client) => {
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
      withEndpoints(async (server, client) => {
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
