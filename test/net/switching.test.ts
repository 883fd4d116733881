/** transport.setProtocol() in the middle of a stream, between protocols of both kinds. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BufferedProtocol, getRunningLoop, Protocol, type Transport } from 'aionode';
import { connectNodeSocket, inLoop, LOCALHOST, portOf, roundsUntil } from '../support/net.js';

const TEXT = 'abcdefghijklmnopqrstuvwxyz'.repeat(40);

/** Appends what it is given to `log`, and hands over to the next of `protocols` after each call. */
function relay(log: string[], size: number) {
  let transport: Transport;
  let turn = 0;
  const next = () => {
    turn += 1;
    transport.setProtocol(turn % 2 === 0 ? buffered : whole);
  };

  class Whole extends Protocol {
    override dataReceived(data: Buffer): void {
      log.push(data.toString());
      next();
    }
  }

  class Buffered extends BufferedProtocol {
    readonly #memory = Buffer.alloc(size);
    override connectionMade(made: Transport): void {
      transport = made;
    }
    override getBuffer(): Buffer {
      return this.#memory;
    }
    override bufferUpdated(length: number): void {
      log.push(this.#memory.toString('utf8', 0, length));
      next();
    }
  }

  const whole = new Whole();
  const buffered = new Buffered();
  return buffered;
}

describe('a protocol that hands over to one of the other kind', () => {
  for (const size of [1, 5, 400]) {
    it(
      `loses no byte and turns none round, with a buffer of ${size}`,
      inLoop(async () => {
        const log: string[] = [];
        const server = await getRunningLoop().createServer(() => relay(log, size), LOCALHOST, 0);
        const peer = await connectNodeSocket(portOf(server));
        for (let at = 0; at < TEXT.length; at += 100) peer.write(TEXT.slice(at, at + 100));
        await roundsUntil(() => log.join('').length === TEXT.length, 'bytes are missing');
        assert.equal(log.join(''), TEXT);
        assert.ok(log.length > 1);
        peer.destroy();
        await server.shutdown();
      }),
    );
  }
});
