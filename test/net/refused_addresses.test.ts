/** Addresses in use or of other machines, hosts that nobody knows: whoever asks is told, and nothing is left of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { close, open, openLocal } from '../support/datagrams.js';
import { addressOf, CARRIED, KINDS, type Kind, placeIn } from '../support/kinds.js';
import { resolvingNothing, resolvingTo } from '../support/names.js';
import { inLoop, LOCALHOST, systemError } from '../support/net.js';
import { inFolder } from '../support/pipes.js';

const ways = Object.entries(KINDS).flatMap(([kind, make]) =>
  Object.entries(CARRIED).map(([how, carried]) => ({ name: `${kind}, ${how}`, make, carried })),
);

async function isServed(kind: Kind, ...where: Parameters<Kind['connect']>): Promise<void> {
  (await kind.connect(...where)).abort();
}

describe('an address that is in use', () => {
  for (const { name, make, carried } of ways) {
    const { unix, ofServer, ofClient } = carried;

    it(
      `${name}: a second server is refused, the first one goes on`,
      inLoop(() =>
        inFolder(async (folder) => {
          const first = await make().serve(placeIn(folder, carried), ofServer);
          const at = addressOf(first);
          const place = typeof at === 'string' ? { address: at } : { address: at[0], port: at[1] };
          for (const options of [{}, { startServing: false }]) {
            await assert.rejects(make().serve(at, { ...ofServer, ...options }), {
              code: 'EADDRINUSE',
              syscall: 'listen',
              ...place,
            });
          }
          await isServed(make(), at, ofClient);
          await first.shutdown();
        }),
      ),
    );

    if (unix) continue;
    it(
      `${name}: a client's own end, which may have another address`,
      inLoop(async () => {
        const server = await make().serve([LOCALHOST, 0], ofServer);
        const at = addressOf(server) as [string, number];
        const [address, port] = at;
        const kind = make();
        await assert.rejects(kind.connect(at, { ...ofClient, localAddr: at }), {
          ...systemError('EADDRINUSE', 'bind'),
          address,
          port,
        });
        assert.deepEqual(kind.calls, []);
        await resolvingTo([LOCALHOST, '127.0.0.2'], async () => {
          const localAddr: [string, number] = ['several', port];
          const transport = await kind.connect(at, { ...ofClient, localAddr });
          assert.deepEqual(transport.getExtraInfo('sockname'), ['127.0.0.2', port]);
          transport.abort();
        });
        await server.shutdown();
      }),
    );
  }
});

describe('an address of another machine', () => {
  /** Of a network that is for documentation alone. */
  const address = '203.0.113.1';
  for (const { name, make, carried } of ways) {
    if (carried.unix) continue;
    const { ofServer, ofClient } = carried;
    it(
      `${name}: to connect from, to serve at`,
      inLoop(async () => {
        const kind = make();
        const connecting = kind.connect([LOCALHOST, 9], { ...ofClient, localAddr: [address, 0] });
        await assert.rejects(connecting, { ...systemError('EADDRNOTAVAIL', 'bind'), address });
        const serving = kind.serve([address, 0], ofServer);
        await assert.rejects(serving, { ...systemError('EADDRNOTAVAIL', 'listen'), address });
        assert.deepEqual(kind.calls, []);
      }),
    );
  }
});

describe('an unknown host', () => {
  const test = (name: string, body: (unknown: object) => Promise<void>) =>
    it(
      name,
      inLoop(() =>
        resolvingNothing(() =>
          body({ code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'nowhere' }),
        ),
      ),
    );

  for (const { name, make, carried } of ways) {
    if (carried.unix) continue;
    const { ofServer, ofClient } = carried;
    const localAddr: [string, number] = ['nowhere', 0];

    test(`${name}: to connect to, to connect from, to serve at`, async (unknown) => {
      const kind = make();
      await assert.rejects(kind.connect(['nowhere', 80], ofClient), unknown);
      await assert.rejects(kind.connect([LOCALHOST, 80], { ...ofClient, localAddr }), unknown);
      const eyeballs = { ...ofClient, happyEyeballsDelay: 60 };
      await assert.rejects(kind.connect(['nowhere', 80], eyeballs), unknown);
      await assert.rejects(kind.serve(['nowhere', 0], ofServer), unknown);
      assert.deepEqual(kind.calls, []);
    });
  }

  test('datagrams: either end, and to send to', async (unknown) => {
    await assert.rejects(open({ localAddr: ['nowhere', 0] }), unknown);
    await assert.rejects(open({ remoteAddr: ['nowhere', 9] }), unknown);
    const endpoint = await openLocal();
    endpoint.transport.sendto('x', ['nowhere', 9]);
    const error = await endpoint.protocol.errors.get();
    assert.throws(() => {
      throw error;
    }, unknown);
    endpoint.transport.sendto('to itself', endpoint.address);
    assert.equal(await endpoint.protocol.text(), 'to itself');
    await close(endpoint);
  });
});
