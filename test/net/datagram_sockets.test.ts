/** The socket of a UDP endpoint: its options, multicast, and sockets that come as file descriptors. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type DatagramOptions,
  DatagramProtocol,
  type DatagramTransportSocket,
  getRunningLoop,
} from 'aionode';
import { close, type Endpoint, oneStep, open, openLocal } from '../support/datagrams.js';
import { withDescriptor } from '../support/descriptors.js';
import { inLoop, LOCALHOST } from '../support/net.js';

const NO_DESCRIPTORS: string | false =
  process.platform === 'win32' && 'Windows has no file descriptors of sockets';
const GROUP = '239.255.43.21';
const NOT_A_GROUP = '10.1.2.3';

const socketOf = ({ transport }: Endpoint): DatagramTransportSocket =>
  transport.getExtraInfo('socket');

async function withOpen(
  endpoints: readonly DatagramOptions[],
  body: (...opened: Endpoint[]) => Promise<void>,
): Promise<void> {
  const opened: Endpoint[] = [];
  try {
    for (const options of endpoints) opened.push(await open(options));
    await body(...opened);
  } finally {
    for (const endpoint of opened) await close(endpoint);
  }
}

const everywhere = (port: number) => ['0.0.0.0', port] as const;

describe('the socket of an endpoint', () => {
  it(
    'has the addresses, and a descriptor until the endpoint is closed',
    inLoop(async () => {
      const server = await openLocal();
      const client = await open({ remoteAddr: server.address });
      const [own, connected] = [socketOf(server), socketOf(client)];
      assert.deepEqual(own.getsockname(), server.address);
      assert.deepEqual(connected.getpeername(), server.address);
      assert.throws(() => own.getpeername(), { code: 'ENOTCONN', syscall: 'getpeername' });
      if (NO_DESCRIPTORS === false) assert.ok(own.fileno() > 2);
      await close(client);
      await close(server);
      assert.equal(own.fileno(), -1);
      const closed = { code: 'EBADF' };
      assert.throws(() => own.getsockname(), closed);
      assert.throws(() => own.setTTL(1), closed);
      assert.throws(() => own.addMembership(GROUP), closed);
    }),
  );

  it(
    'setBroadcast() allows what the system refuses without it, from that call on',
    inLoop(() =>
      withOpen([{ family: 4 }], async (endpoint) => {
        const to = ['127.255.255.255', 9] as const;
        endpoint.transport.sendto('x', to);
        assert.equal((await endpoint.protocol.errors.get()).code, 'EACCES');
        socketOf(endpoint).setBroadcast(true);
        endpoint.transport.sendto('allowed', to);
        socketOf(endpoint).setBroadcast(false);
        endpoint.transport.sendto('refused', to);
        assert.equal((await endpoint.protocol.errors.get()).code, 'EACCES');
        await oneStep();
        assert.equal(endpoint.protocol.errors.qsize(), 0);
      }),
    ),
  );

  it(
    'checks what it is given',
    inLoop(() =>
      withOpen([{ family: 4 }], async (endpoint) => {
        const socket = socketOf(endpoint);
        const range = { code: 'ERR_OUT_OF_RANGE' };
        const type = { code: 'ERR_INVALID_ARG_TYPE' };
        assert.throws(() => socket.setTTL(0), range);
        assert.throws(() => socket.setTTL(256), range);
        assert.throws(() => socket.setMulticastTTL(-1), range);
        assert.throws(() => socket.setMulticastTTL('1' as never), type);
        assert.throws(() => socket.setMulticastLoopback(1 as never), type);
        assert.throws(() => socket.setMulticastInterface(null as never), type);
        assert.throws(() => socket.setMulticastInterface('eth0'), { code: 'EINVAL' });
        assert.throws(() => socket.addMembership(5 as never), type);
        assert.throws(() => socket.addMembership(GROUP, {} as never), type);
        assert.throws(() => socket.addMembership(NOT_A_GROUP), { code: 'EINVAL' });
        assert.throws(() => socket.addSourceSpecificMembership('', GROUP), {
          code: 'ERR_INVALID_ARG_VALUE',
        });
        assert.throws(() => socket.dropMembership(GROUP, LOCALHOST), {
          code: 'EADDRNOTAVAIL',
          syscall: 'setsockopt',
        });
      }),
    ),
  );
});

describe('multicast', () => {
  /** Two endpoints on one port, and one that sends to groups by the loopback interface. */
  const withGroup = (body: (one: Endpoint, two: Endpoint, sender: Endpoint) => Promise<void>) =>
    withOpen([{ localAddr: everywhere(0), reuseAddress: true }], ({ address }) =>
      withOpen(
        [
          { localAddr: everywhere(address[1]), reuseAddress: true },
          { localAddr: everywhere(address[1]), reuseAddress: true },
          { family: 4 },
        ],
        async (one, two, sender) => {
          socketOf(sender).setMulticastInterface(LOCALHOST);
          await body(one as Endpoint, two as Endpoint, sender as Endpoint);
        },
      ),
    );
  const send = (sender: Endpoint, to: Endpoint, text: string) =>
    sender.transport.sendto(text, [GROUP, to.address[1]]);

  it(
    'every member of the group on one port gets what is sent',
    inLoop(() =>
      withGroup(async (one, two, sender) => {
        for (const each of [one, two]) socketOf(each).addMembership(GROUP, LOCALHOST);
        for (const enabled of [false, true]) socketOf(sender).setMulticastLoopback(enabled);
        socketOf(sender).setMulticastTTL(0);
        send(sender, one, 'to both');
        assert.equal(await one.protocol.text(), 'to both');
        assert.equal(await two.protocol.text(), 'to both');
        assert.throws(() => socketOf(one).addMembership(GROUP, LOCALHOST), { code: 'EADDRINUSE' });
        // Whoever is bound to all addresses may hear more on Linux: the system knows who is a member.
        socketOf(one).dropMembership(GROUP, LOCALHOST);
        assert.throws(() => socketOf(one).dropMembership(GROUP, LOCALHOST), {
          code: 'EADDRNOTAVAIL',
        });
        socketOf(one).addMembership(GROUP, LOCALHOST);
        send(sender, one, 'to both again');
        assert.equal(await two.protocol.text(), 'to both again');
        assert.equal(await one.protocol.text(), 'to both again');
      }),
    ),
  );

  it(
    'of one source only',
    inLoop(() =>
      withGroup(async (one, two, sender) => {
        const member = socketOf(one);
        member.addSourceSpecificMembership('127.0.0.2', GROUP, LOCALHOST);
        socketOf(two).addMembership(GROUP, LOCALHOST);
        send(sender, one, 'from another source');
        assert.equal(await two.protocol.text(), 'from another source');
        member.dropSourceSpecificMembership('127.0.0.2', GROUP, LOCALHOST);
        member.addSourceSpecificMembership(LOCALHOST, GROUP, LOCALHOST);
        send(sender, one, 'from this one');
        assert.equal(await one.protocol.text(), 'from this one');
      }),
    ),
  );

  it(
    'without reuseAddress a port has one socket',
    inLoop(() =>
      withOpen([{ localAddr: everywhere(0) }], async ({ address }) => {
        for (const reuseAddress of [false, true]) {
          await assert.rejects(
            async () => open({ localAddr: everywhere(address[1]), reuseAddress }),
            {
              code: 'EADDRINUSE',
            },
          );
        }
      }),
    ),
  );
});

describe('sockets as file descriptors', { skip: NO_DESCRIPTORS }, () => {
  const takingOver = (body: string) => `
    import { DatagramProtocol, getRunningLoop } from 'aionode';
    const loop = getRunningLoop();
    class Answering extends DatagramProtocol {
      connectionMade(transport) {
        this.transport = transport;
      }
      datagramReceived(data, address) {
        this.answer(data, address);
        this.transport.close();
      }
      answer(data, address) {
        this.transport.sendto('answer to ' + data, address);
      }
    }
    ${body}
  `;

  /** Starts `code` in a process that takes over an endpoint's socket, which this one closes. */
  async function handOver(endpoint: Endpoint, code: string): Promise<() => Promise<string>> {
    const output = withDescriptor(socketOf(endpoint).fileno(), takingOver(code));
    await close(endpoint);
    return () => output;
  }

  it(
    'that are bound are received on, and stay as they are',
    inLoop(async () => {
      const bound = await openLocal();
      const output = await handOver(
        bound,
        `
          const [transport] = await loop.createDatagramEndpoint(() => new Answering(), { fd: 3 });
          const again = () => loop.createDatagramEndpoint(() => new Answering(), { fd: 3 });
          await again().catch((error) => console.log(error.code));
          const address = transport.getExtraInfo('sockname');
          console.log(address[1], transport.getExtraInfo('peername'));
          const sharing = { localAddr: address, reuseAddress: true };
          await loop.createDatagramEndpoint(() => new Answering(), sharing)
            .catch((error) => console.log(error.code));
          try {
            transport.sendto('to nobody');
          } catch (error) {
            console.log(error.code);
          }
        `,
      );
      await withOpen([{ remoteAddr: bound.address }], async (client) => {
        client.transport.sendto('request');
        assert.equal(await client.protocol.text(), 'answer to request');
      });
      assert.equal(
        await output(),
        `ERR_RUNTIME\n${bound.address[1]} null\nEADDRINUSE\nERR_INVALID_ARG_TYPE\n`,
      );
    }),
  );

  it(
    'that are connected need no address',
    inLoop(async () => {
      const server = await openLocal();
      const output = await handOver(
        await open({ remoteAddr: server.address }),
        `
          Answering.prototype.answer = (data, address) => console.log(String(data), address[1]);
          const [transport] = await loop.createDatagramEndpoint(() => new Answering(), { fd: 3 });
          console.log(transport.getExtraInfo('peername')[1]);
          transport.sendto('hello');
        `,
      );
      const { data, address } = await server.protocol.arrivals.get();
      assert.equal(data.toString(), 'hello');
      server.transport.sendto('welcome', address);
      const port = server.address[1];
      assert.equal(await output(), `${port}\nwelcome ${port}\n`);
      await close(server);
    }),
  );

  it(
    'are refused when they are something else, or come with other options',
    inLoop(async () => {
      const loop = getRunningLoop();
      const factory = () => new DatagramProtocol();
      const server = await openLocal();
      const own = socketOf(server).fileno();
      const cases: [DatagramOptions, string][] = [
        [{ fd: own }, 'ERR_RUNTIME'],
        [{ fd: own, localAddr: server.address }, 'ERR_OUT_OF_RANGE'],
        [{ fd: own, allowBroadcast: true }, 'ERR_OUT_OF_RANGE'],
        [{ fd: 1 << 20 }, 'EBADF'],
        [{ fd: -1 }, 'ERR_OUT_OF_RANGE'],
        [{ fd: '3' as never }, 'ERR_INVALID_ARG_TYPE'],
        [{ fd: 0 }, 'ERR_OUT_OF_RANGE'],
      ];
      for (const [options, code] of cases) {
        await assert.rejects(async () => loop.createDatagramEndpoint(factory, options), { code });
      }
      await close(server);
    }),
  );
});
