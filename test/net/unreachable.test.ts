/** Addresses that the system refuses to send to: told at once, and the next address of the host is tried. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { SocketAddress } from 'aionode';
import { close, open, withIpv6 } from '../support/datagrams.js';
import { KINDS } from '../support/kinds.js';
import { resolvingTo } from '../support/names.js';
import { freePort, inLoop, LOCALHOST, portOf, systemError } from '../support/net.js';
import { CLIENT, SERVER } from '../support/tls.js';

/** TCP goes to one host, so that Linux has no route to all of them, with or without a network. */
const NOWHERE = '255.255.255.255';

const ways = Object.entries(KINDS).flatMap(([kind, make]) =>
  [
    ['', {}, {}],
    [', TLS', CLIENT, SERVER],
    [', happy eyeballs', { happyEyeballsDelay: 60 }, {}],
  ].map(([how, options, ofServer]) => ({ name: `${kind}${how}`, make, options, ofServer })),
) as { name: string; make: (typeof KINDS)[string]; options: object; ofServer: object }[];

/** What Node's net is told, at once. */
async function codeOfNode(port: number): Promise<string | undefined> {
  const socket = connect(port, NOWHERE);
  try {
    const answer = once(socket, 'error') as Promise<[NodeJS.ErrnoException]>;
    const later = new Promise<[]>((resolve) => setImmediate(() => setImmediate(resolve, [])));
    return (await Promise.race([answer, later]))[0]?.code;
  } finally {
    socket.on('error', () => {}).destroy();
  }
}

describe('connecting to an unreachable address', () => {
  for (const { name, make, options, ofServer } of ways) {
    const test = (what: string, body: (port: number, code: string) => Promise<void>) =>
      it(`${name}: ${what}`, async (context: TestContext) => {
        const port = await freePort();
        const code = await codeOfNode(port);
        if (code === undefined) context.skip(`${NOWHERE} does not fail at once on this system`);
        else await inLoop(() => body(port, code))();
      });

    test('rejects with the system’s error', async (port, code) => {
      const kind = make();
      await assert.rejects(kind.connect([NOWHERE, port], options), {
        ...systemError(code, 'connect'),
        message: `connect ${code} ${NOWHERE}:${port}`,
        address: NOWHERE,
        port,
      });
      assert.deepEqual(kind.calls, []);
    });

    test('the next address of the host is tried', async () => {
      const server = await make().serve([LOCALHOST, 0], ofServer);
      await resolvingTo([NOWHERE, LOCALHOST, '127.0.0.4'], async () => {
        const transport = await make().connect(['several', portOf(server)], options);
        assert.equal(transport.getExtraInfo('peername')[0], LOCALHOST);
        transport.abort();
      });
      await server.shutdown();
    });

    test('all errors are in one where no address answers', async (port, code) => {
      await resolvingTo([NOWHERE, LOCALHOST], async () => {
        await assert.rejects(make().connect(['several', port], options), {
          code,
          syscall: 'connect',
          message:
            `Multiple exceptions: connect ${code} ${NOWHERE}:${port}, ` +
            `connect ECONNREFUSED ${LOCALHOST}:${port}`,
        });
      });
    });
  }
});

/** What Node's datagrams are told when they connect from `local`. */
async function codeOfNodeDatagrams(local: string, remote: string): Promise<string | undefined> {
  const socket = createSocket(local.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.bind(0, local);
    await once(socket, 'listening');
    return await new Promise((resolve) => {
      socket.connect(9, remote, ((error?: NodeJS.ErrnoException) =>
        resolve(error?.code)) as () => void);
    });
  } finally {
    socket.close();
  }
}

describe('a datagram endpoint', () => {
  const cases = [
    // Broadcasting takes allowBroadcast.
    ['127.0.0.1', NOWHERE, {}],
    // IPv6's own address of this machine has no route to an address of IPv4.
    ['::1', '::ffff:127.0.0.1', withIpv6],
  ] as const;
  for (const [local, remote, options] of cases) {
    const test = (what: string, body: (code: string) => Promise<void>) =>
      it(`${remote}: ${what}`, options, async (context) => {
        const code = await codeOfNodeDatagrams(local, remote);
        if (code === undefined) context.skip(`${remote} can be reached on this system`);
        else await inLoop(() => body(code))();
      });
    const localAddr: SocketAddress = [local, 0];

    test('one that is connected rejects with the system’s error', async (code) => {
      const opening = open({ localAddr, remoteAddr: [remote, 9] });
      await assert.rejects(opening, {
        ...systemError(code, 'connect'),
        message: `connect ${code} ${remote}:9`,
        address: remote,
        port: 9,
      });
    });

    test('the next address of the host is tried', async (code) => {
      await resolvingTo([remote, local, remote], async () => {
        const endpoint = await open({ localAddr, remoteAddr: ['several', 9] });
        assert.deepEqual(endpoint.transport.getExtraInfo('peername'), [local, 9]);
        await close(endpoint);
      });
      await resolvingTo([remote, remote], async () => {
        await assert.rejects(open({ localAddr, remoteAddr: ['several', 9] }), { code });
      });
    });

    test('errorReceived() is told of a send, and the endpoint goes on', async (code) => {
      const endpoint = await open({ localAddr });
      endpoint.transport.sendto('x', [remote, 9]);
      endpoint.transport.sendto('to itself', endpoint.address);
      const error = await endpoint.protocol.errors.get();
      const { syscall, address, port } = error as unknown as Record<string, unknown>;
      assert.deepEqual(
        { code: error.code, syscall, address, port },
        { code, syscall: 'send', address: remote, port: 9 },
      );
      assert.equal(await endpoint.protocol.text(), 'to itself');
      await close(endpoint);
    });
  }
});
