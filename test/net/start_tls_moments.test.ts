/** loop.startTls() at odd moments: nothing that was sent is lost, and a protocol is told of one end only. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import tls, { type TLSSocket } from 'node:tls';
import {
  createTask,
  fromDuplex,
  getRunningLoop,
  RuntimeError,
  sleep,
  type Transport,
} from 'aionode';
import { type Place, withProtocols } from '../support/carriers.js';
import { MemoryDuplex } from '../support/memory-duplex.js';
import { inLoop, MIB, roundsUntil } from '../support/net.js';
import { Plain, settle } from '../support/recorders.js';
import { SERVER, TRUST } from '../support/tls.js';

const MUCH = 8 * MIB;
/** Passes after which the client's first message may find us. */
const PASSES = 4;

const secured = (transport: Transport, protocol: Plain) =>
  getRunningLoop().startTls(transport, protocol, SERVER.ssl, { serverSide: true });

function clientOver(socket: Socket): TLSSocket {
  const client = tls.connect({ socket, ...TRUST, servername: 'localhost' });
  client.on('error', () => {});
  return client;
}

/** Runs `body` with a server's protocol in clear text and its client's socket. */
async function withClear(
  trace: string[],
  body: (protocol: Plain, socket: Socket, place: Place) => Promise<void>,
): Promise<void> {
  const protocol = new Plain(trace);
  const factory = () => protocol;
  await withProtocols('TCP', factory, async (place) => {
    const socket = await place.dial();
    await roundsUntil(() => protocol.transport !== undefined, 'no connection');
    await settle();
    await body(protocol, socket, place);
  });
}

async function exchange(encrypted: Transport, client: TLSSocket, trace: string[]): Promise<void> {
  client.write('hello');
  await roundsUntil(() => trace.includes('data hello'), 'nothing came');
  encrypted.write('hello back');
  assert.equal(String(await readSome(client)), 'hello back');
}

describe('loop.startTls() of a transport in use', () => {
  for (let passes = 0; passes < PASSES; passes++) {
    it(
      `takes a handshake whose first message arrived and was not delivered yet, after ${passes} passes`,
      inLoop(async () => {
        const trace: string[] = [];
        await withClear(trace, async (protocol, socket) => {
          const { transport } = protocol;
          const client = clientOver(socket);
          // Paused when it is its turn to be delivered, not when it arrives.
          getRunningLoop().callSoon(() => transport.pauseReading());
          for (let pass = 0; pass < passes; pass++) await sleep(0);
          const encrypted = await secured(transport, protocol);
          await exchange(encrypted, client, trace);
          client.destroy();
          await protocol.lost;
        });
      }),
    );
  }

  it(
    'sends what was written before first, though it had paused the protocol',
    inLoop(async () => {
      const trace: string[] = [];
      await withClear(trace, async (protocol, socket) => {
        const { transport } = protocol;
        transport.write(Buffer.alloc(MUCH, 'x'));
        assert.deepEqual(trace, ['made', 'pause']);
        const upgraded = createTask(() => secured(transport, protocol));
        let clear = 0;
        while (clear < MUCH) clear += (await readSome(socket)).length;
        assert.equal(clear, MUCH);
        const client = clientOver(socket);
        await exchange(await upgraded, client, trace);
        client.destroy();
        await protocol.lost;
      });
    }),
  );

  it(
    'twice at once is an error of the second call alone, as is a call when it is done',
    inLoop(async () => {
      const trace: string[] = [];
      await withClear(trace, async (protocol, socket) => {
        const { transport } = protocol;
        const client = clientOver(socket);
        const first = createTask(() => secured(transport, protocol));
        const second = createTask(() => secured(transport, protocol));
        await assert.rejects(async () => second, RuntimeError);
        const encrypted = await first;
        await assert.rejects(async () => secured(transport, protocol), RuntimeError);
        await exchange(encrypted, client, trace);
        client.destroy();
        await protocol.lost;
      });
      assert.equal(trace.filter((event) => event.startsWith('lost')).length, 1);
    }),
  );

  it(
    'that is closing or closed rejects, and the protocol is told of the end once',
    inLoop(async () => {
      for (const end of ['close', 'abort'] as const) {
        const trace: string[] = [];
        await withClear(trace, async (protocol) => {
          const { transport } = protocol;
          transport[end]();
          await assert.rejects(async () => secured(transport, protocol), { code: 'ECONNRESET' });
          await protocol.lost;
          await assert.rejects(async () => secured(transport, protocol), { code: 'ECONNRESET' });
          await settle();
        });
        assert.deepEqual(trace, ['made', 'lost']);
      }
    }),
  );

  it(
    'after writeEof() is refused, and the connection stays as it is',
    inLoop(async () => {
      const trace: string[] = [];
      await withClear(trace, async (protocol, socket) => {
        protocol.transport.writeEof();
        const refused = { name: 'RuntimeError', message: /after writeEof\(\)/ };
        await assert.rejects(async () => secured(protocol.transport, protocol), refused);
        socket.write('still here');
        await roundsUntil(() => trace.includes('data still here'), 'nothing came');
      });
    }),
  );

  it(
    'that is closed while it waits rejects, and the protocol is told of the end once',
    inLoop(async () => {
      const trace: string[] = [];
      await withClear(trace, async (protocol) => {
        const upgraded = createTask(() => secured(protocol.transport, protocol));
        await sleep(0);
        protocol.transport.close();
        await assert.rejects(async () => upgraded, { code: 'ECONNRESET' });
        await settle();
      });
      assert.deepEqual(trace, ['made', 'lost ConnectionResetError']);
    }),
  );
});

describe('writer.startTls() over a stream of Node’s', () => {
  it(
    'goes on when what was under way before is written, however little it is',
    inLoop(async () => {
      const duplex = new MemoryDuplex();
      duplex.slow = true;
      const [, writer] = fromDuplex(duplex);
      writer.write('ab');
      writer.write('c');
      const upgraded = createTask(() => writer.startTls(TRUST, { serverHostname: 'localhost' }));
      const finish = () => {
        duplex.finishWrite?.();
        return duplex.written.some((chunk) => chunk.length > 100);
      };
      await roundsUntil(finish, 'the handshake does not begin');
      assert.equal(duplex.text.slice(0, 3), 'abc');
      upgraded.cancel();
      await assert.rejects(async () => upgraded, { name: 'CancelledError' });
    }),
  );
});

/** What is there of a socket's bytes, or comes next. */
async function readSome(socket: Socket): Promise<Buffer> {
  for (;;) {
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null) return chunk;
    await new Promise((resolve) => socket.once('readable', resolve));
  }
}
