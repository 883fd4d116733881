/** The life of a UDP endpoint: its protocols, and its end by close, abort and cancellation. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, it } from 'node:test';
import {
  type CancelledError,
  createTask,
  DatagramProtocol,
  type EventLoop,
  getRunningLoop,
  iscancelled,
  newEventLoop,
  type SocketAddress,
} from 'aionode';
import { close, oneStep, open, openLocal, Recorder, withEndpoints } from '../support/datagrams.js';
import { handleCount, inLoop, LOCALHOST, roundsUntil } from '../support/net.js';

describe('protocols', () => {
  it(
    'setProtocol() hands over to another one',
    inLoop(() =>
      withEndpoints(async (server, client) => {
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

it(
  'what a datagram has scheduled comes before the next one, as in asyncio',
  inLoop(async () => {
    const trace: string[] = [];
    const loop = getRunningLoop();
    class Closing extends Recorder {
      override datagramReceived(data: Buffer, address: SocketAddress): void {
        super.datagramReceived(data, address);
        trace.push(`received ${data}`);
        loop.callSoon(() => trace.push(`after ${data}`));
        if (String(data) === '3') loop.callSoon(() => server.transport.close());
      }
    }
    const server = await open({ localAddr: [LOCALHOST, 0] }, () => new Closing());
    const client = await open({ remoteAddr: server.address });
    for (const text of '12345') client.transport.sendto(text);
    await server.protocol.lost;
    const turns = ['1', '2', '3'].flatMap((text) => [`received ${text}`, `after ${text}`]);
    assert.deepEqual(trace, turns);
    await close(client);
  }),
);

describe('the end', () => {
  it(
    'a cancelled createDatagramEndpoint() has closed its socket before whoever waits for it is told',
    inLoop(async () => {
      const protocol = new Recorder();
      const loop = getRunningLoop();
      const opening = createTask(
        loop.createDatagramEndpoint(() => protocol, { localAddr: [LOCALHOST, 0] }),
      );
      await oneStep();
      opening.cancel('no more');
      await assert.rejects(opening, { name: 'CancelledError', message: 'no more' });
      assert.deepEqual(protocol.calls, ['connectionMade', 'connectionLost']);
    }),
  );

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
      withEndpoints(async (server, client) => {
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
