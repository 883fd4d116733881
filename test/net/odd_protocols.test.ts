/** Protocols that are none, that are changed at odd moments, or that call their transport from every method. */
import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  BufferedProtocol,
  type DatagramProtocol,
  getRunningLoop,
  Protocol,
  type Transport,
} from 'aionode';
import { CARRIERS, withProtocols, withStreams } from '../support/carriers.js';
import { inLoop, LOCALHOST, roundsUntil } from '../support/net.js';
import { descriptorCount, makePipe, NO_PIPES } from '../support/pipes.js';
import { type Actions, Buffered, Plain, settle } from '../support/recorders.js';
import { endOf } from '../support/tls.js';

const TYPE_ERROR = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
const NO_PROTOCOLS: readonly unknown[] = [undefined, null, 5, {}, Promise.resolve(new Protocol())];
const factoryOf = (value: unknown) => () => value as Protocol;

/** A protocol to which everything is done that a transport offers, in every method, and then `last`. */
function busybody(trace: string[], last: (transport: Transport) => void): Actions {
  const act = ({ transport }: { transport: Transport }): void => {
    transport.write('x');
    transport.pauseReading();
    transport.resumeReading();
    transport.setProtocol(transport.getProtocol());
    transport.setWriteBufferLimits({ high: 0 });
    transport.setWriteBufferLimits();
    last(transport);
    assert.equal(transport.isReading(), !transport.isClosing());
  };
  const lost = (protocol: Plain & Buffered): void => {
    act(protocol);
    trace.push(`size ${protocol.transport.getWriteBufferSize()}`);
  };
  return { made: act, data: act, eof: act, updated: act, lost };
}

for (const carrier of CARRIERS) {
  describe(`what is no protocol, over ${carrier}`, () => {
    it(
      'is refused of a server’s factory: the client is let go, the error reported',
      inLoop(async (reports) => {
        for (const value of NO_PROTOCOLS) {
          await withProtocols(carrier, factoryOf(value), async (place) => {
            const peer = await place.dial().catch(() => null);
            if (peer !== null) {
              peer.resume();
              await endOf(peer);
            }
          });
          const errors = reports.splice(0).map(({ exception }) => (exception as Error).name);
          assert.deepEqual(errors, ['TypeError']);
        }
      }),
    );

    it(
      'is refused of a client’s factory, and its socket closed',
      inLoop(() =>
        withStreams(
          carrier,
          (_reader, writer) => writer.close(),
          async (place) => {
            const before = descriptorCount();
            for (const value of NO_PROTOCOLS) {
              await assert.rejects(async () => place.connect(factoryOf(value)), TYPE_ERROR);
            }
            await roundsUntil(() => descriptorCount() === before, 'a socket is left');
          },
        ),
      ),
    );

    it(
      'is refused by setProtocol(), and the old one goes on',
      inLoop(async () => {
        const trace: string[] = [];
        const protocol = new Plain(trace);
        await withProtocols(
          carrier,
          () => protocol,
          async (place) => {
            const peer = await place.dial();
            await roundsUntil(() => protocol.transport !== undefined, 'no connection');
            for (const value of NO_PROTOCOLS) {
              assert.throws(() => protocol.transport.setProtocol(value as Protocol), TYPE_ERROR);
            }
            assert.equal(protocol.transport.getProtocol(), protocol);
            // A TLS client that leaves the server's tickets unread resets the connection.
            peer.resume();
            peer.end('abc');
            await protocol.lost;
          },
        );
        assert.deepEqual(trace, ['made', 'data abc', 'eof', 'lost']);
      }),
    );
  });

  describe(`protocols that interfere, over ${carrier}`, () => {
    for (const Kind of [Plain, Buffered]) {
      for (const [how, last] of [
        ['nothing more', () => {}],
        ['close()', (transport: Transport) => transport.close()],
        ['abort()', (transport: Transport) => transport.abort()],
      ] as const) {
        it(
          `a ${Kind.name} protocol may call all of its transport in every method, ${how} last`,
          inLoop(async () => {
            const trace: string[] = [];
            const made: (Plain | Buffered)[] = [];
            const factory = () => {
              const protocol = new Kind(trace, busybody(trace, last));
              made.push(protocol);
              return protocol;
            };
            await withProtocols(carrier, factory, async (place) => {
              const peer = await place.dial();
              peer.resume();
              peer.end('abc');
              await roundsUntil(() => made.length > 0, 'no connection');
              await made[0]?.lost;
              await endOf(peer);
            });
            const told = trace.filter((event) => event !== 'pause' && event !== 'resume');
            assert.equal(told[0], 'made');
            assert.deepEqual(told.slice(-2), ['lost', 'size 0']);
            assert.equal(told.filter((event) => event === 'lost').length, 1);
            assert.ok(told.filter((event) => event === 'eof').length <= 1);
            if (how !== 'nothing more') assert.deepEqual(told, ['made', 'lost', 'size 0']);
          }),
        );
      }
    }

    it(
      'getBuffer() may hand over to a protocol of the other kind: it gets the bytes',
      inLoop(async () => {
        const trace: string[] = [];
        const second = new Plain(trace);
        const buffer = ({ transport }: Buffered) => transport.setProtocol(second);
        await withProtocols(
          carrier,
          () => new Buffered(trace, { buffer }),
          async (place) => {
            (await place.dial()).end('abc');
            await second.lost;
          },
        );
        assert.deepEqual(trace, ['made', 'buffer', 'data abc', 'eof', 'lost']);
      }),
    );

    it(
      'getBuffer() may close the transport: what is read into it is told, as in asyncio',
      inLoop(async () => {
        const trace: string[] = [];
        let protocol: Buffered | undefined;
        const buffer = ({ transport }: Buffered) => transport.close();
        const factory = () => {
          protocol = new Buffered(trace, { buffer });
          return protocol;
        };
        await withProtocols(carrier, factory, async (place) => {
          (await place.dial()).end('abcdefgh');
          await roundsUntil(() => protocol !== undefined, 'no connection');
          await protocol?.lost;
        });
        assert.deepEqual(trace, ['made', 'buffer', 'updated abcd', 'lost']);
      }),
    );

    for (const call of ['close', 'pauseReading'] as const) {
      it(
        `bufferUpdated() that calls ${call}() is called no more, though there are bytes left`,
        inLoop(async () => {
          const trace: string[] = [];
          let protocol: Buffered | undefined;
          const updated = ({ transport }: Buffered) => transport[call]();
          const factory = () => {
            protocol = new Buffered(trace, { updated });
            return protocol;
          };
          await withProtocols(carrier, factory, async (place) => {
            const peer = await place.dial();
            peer.write('abcdefgh');
            await roundsUntil(() => trace.includes('updated abcd'), 'nothing came');
            await settle();
            if (call === 'close') return;
            assert.deepEqual(trace, ['made', 'buffer', 'updated abcd']);
            protocol?.transport.resumeReading();
            await roundsUntil(() => trace.includes('updated efgh'), 'the rest did not come');
          });
          if (call === 'close') assert.deepEqual(trace, ['made', 'buffer', 'updated abcd', 'lost']);
        }),
      );
    }
  });
}

it(
  'eofReceived() that keeps the connection open and reads on is called once',
  inLoop(async () => {
    const trace: string[] = [];
    const eof = ({ transport }: Plain) => {
      transport.pauseReading();
      transport.resumeReading();
      transport.setProtocol(new Buffered(trace));
      transport.setProtocol(new Plain(trace));
      return true;
    };
    await withProtocols(
      'TCP',
      () => new Plain(trace, { eof }),
      async (place) => {
        (await place.dial()).end();
        await roundsUntil(() => trace.includes('eof'), 'no end');
        await settle();
      },
    );
    assert.deepEqual(trace, ['made', 'eof', 'lost']);
  }),
);

it(
  'a protocol’s own fields do not change how it is called',
  inLoop(async () => {
    const trace: string[] = [];
    class WithFields extends Plain {
      readonly internal = true;
    }
    await withProtocols(
      'TCP',
      () => new WithFields(trace),
      async (place) => {
        const peer = await place.dial();
        await settle();
        peer.write('abc');
        getRunningLoop().callSoon(() => trace.push('ready before'));
        await settle();
      },
    );
    assert.deepEqual(trace.slice(0, 3), ['made', 'ready before', 'data abc']);
  }),
);

it(
  'what is no protocol is refused for datagrams and pipes too',
  { skip: NO_PIPES },
  inLoop(async () => {
    const loop = getRunningLoop();
    const { readEnd, writeEnd } = await makePipe();
    const before = descriptorCount();
    for (const value of NO_PROTOCOLS) {
      const factory = factoryOf(value) as unknown as () => DatagramProtocol;
      const localAddr: [string, number] = [LOCALHOST, 0];
      for (const opened of [
        loop.createDatagramEndpoint(factory, { localAddr }),
        loop.connectReadPipe(factory, readEnd),
        loop.connectWritePipe(factory, writeEnd),
      ]) {
        await assert.rejects(async () => opened, TYPE_ERROR);
      }
    }
    await roundsUntil(() => descriptorCount() === before, 'a descriptor is left');
    for (const fd of [readEnd, writeEnd]) closeSync(fd);
  }),
);

it(
  'writelines() with one item that is no bytes sends none of them',
  inLoop(async () => {
    const protocol = new Plain([]);
    await withProtocols(
      'TCP',
      () => protocol,
      async (place) => {
        const peer = await place.dial();
        await roundsUntil(() => protocol.transport !== undefined, 'no connection');
        const lines = ['one', 5 as unknown as string];
        assert.throws(() => protocol.transport.writelines(lines), TYPE_ERROR);
        protocol.transport.write('two');
        protocol.transport.close();
        const chunks: Buffer[] = [];
        for await (const chunk of peer) chunks.push(chunk as Buffer);
        assert.equal(Buffer.concat(chunks).toString(), 'two');
      },
    );
  }),
);

it(
  'a BufferedProtocol without getBuffer() ends its connection with an error',
  inLoop(async (reports) => {
    const lost = getRunningLoop().createFuture<unknown>();
    class Unfinished extends BufferedProtocol {
      override connectionLost(error: unknown): void {
        lost.setResult(error);
      }
    }
    await withProtocols(
      'TCP',
      () => new Unfinished(),
      async (place) => {
        (await place.dial()).write('abc');
        assert.match(String(await lost), /getBuffer/);
      },
    );
    assert.equal(reports.splice(0).length, 1);
  }),
);
