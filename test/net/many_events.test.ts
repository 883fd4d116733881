/** More events in one poll than the ring between native code and JavaScript holds (1,024). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BaseProtocol, gather, getRunningLoop, sleep, type Transport, Waker, wake } from 'aionode';
import { inLoop, roundsUntil } from '../support/net.js';
import { inFolder, NO_PIPES } from '../support/pipes.js';

const CLIENTS = 1500;
const LENGTH = 64;

class Plain extends BaseProtocol {
  transport!: Transport;

  override connectionMade(transport: Transport): void {
    this.transport = transport;
  }
}

/** Takes what one client sends: a letter and the client's number, over and over. */
class Receiving extends Plain {
  text = '';
  private readonly first: () => void;

  constructor(first: () => void) {
    super();
    this.first = first;
  }

  dataReceived(data: Buffer): void {
    this.first();
    this.text += data.toString('latin1');
  }
}

const message = (letter: string, id: number) => `${letter}${id};`.repeat(LENGTH).slice(0, LENGTH);

describe('more events than the ring holds', () => {
  it(
    'bring each connection its own bytes, though more come while they are told',
    { skip: NO_PIPES },
    inLoop(() =>
      inFolder(async (folder) => {
        const loop = getRunningLoop();
        const path = `${folder}/socket`;
        const received: Receiving[] = [];
        const clients: Plain[] = [];
        let asked = false;
        const sendMore = (): void => {
          if (asked) return;
          asked = true;
          for (const [id, { transport }] of clients.entries()) transport.write(message('B', id));
        };
        const server = await loop.createUnixServer(
          () => {
            const protocol = new Receiving(sendMore);
            received.push(protocol);
            return protocol;
          },
          path,
          { backlog: CLIENTS },
        );
        for (let i = 0; i < CLIENTS; i++) {
          clients.push((await loop.createUnixConnection(() => new Plain(), path))[1]);
        }
        await roundsUntil(() => received.length === CLIENTS, 'not all are accepted');
        for (const [id, { transport }] of clients.entries()) transport.write(message('A', id));
        await roundsUntil(
          () => received.every(({ text }) => text.length === 2 * LENGTH),
          'bytes are missing',
        );
        for (const { text } of received) {
          const id = Number(/^A(\d+);/.exec(text)?.[1]);
          assert.equal(text, message('A', id) + message('B', id));
        }
        for (const { transport } of clients) transport.abort();
        server.close();
        await server.waitClosed();
      }),
    ),
  );

  it(
    'of ends: what is opened meanwhile hears',
    inLoop(async () => {
      for (const one of Array.from({ length: 8000 }, () => new Waker(() => {}))) one.close();
      const wakers: Waker[] = [];
      let woken = 0;
      for (let i = 0; i < 300; i++) {
        await sleep(0);
        wakers.push(new Waker(() => (woken += 1)));
      }
      for (const { id } of wakers) assert.equal(wake(id), true);
      await roundsUntil(() => woken === wakers.length, 'some are deaf');
      for (const waker of wakers) waker.close();
    }),
  );
});

it(
  'close() sends what was written in the callback that came with the news of an empty queue',
  { skip: NO_PIPES },
  inLoop(() =>
    inFolder(async (folder) => {
      const FIRST = 4 << 20;
      const SECOND = 1 << 20;
      const loop = getRunningLoop();
      class Answering extends Plain {
        override connectionMade(transport: Transport): void {
          super.connectionMade(transport);
          transport.write(Buffer.alloc(FIRST));
        }
        dataReceived(): void {
          this.transport.write(Buffer.alloc(SECOND));
          this.transport.close();
        }
      }
      /** Asks for the rest when so many bytes are missing, so that both may come in one poll. */
      class Asking extends Plain {
        readonly ended = loop.createFuture<number>();
        private received = 0;
        private asked = false;
        private readonly missing: number;

        constructor(missing: number) {
          super();
          this.missing = missing;
        }

        dataReceived(data: Buffer): void {
          this.received += data.length;
          if (this.asked || this.received < FIRST - this.missing) return;
          this.asked = true;
          this.transport.write('x');
        }

        override connectionLost(): void {
          this.ended.setResult(this.received);
        }
      }
      const path = `${folder}/socket`;
      const server = await loop.createUnixServer(() => new Answering(), path);
      const ask = async (missing: number) => {
        const [, protocol] = await loop.createUnixConnection(() => new Asking(missing), path);
        assert.equal(await protocol.ended, FIRST + SECOND, `asked with ${missing} missing`);
      };
      for (let missing = 0; missing <= 2 << 20; missing += 64 << 10)
        await gather(() => ask(missing));
      server.close();
      await server.waitClosed();
    }),
  ),
);
