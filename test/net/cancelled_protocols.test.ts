/**
 * A program of protocols that is cancelled at each of its awaits, after no round of the loop, after one, and so
 * on: its `finally` ends what it opened, and the server serves the next client as if nothing had been.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import {
  createTask,
  type Future,
  getRunningLoop,
  Protocol,
  type Server,
  type Transport,
} from 'aionode';
import { CARRIERS, type Carrier, type Place, withProtocols } from '../support/carriers.js';
import { inLoop, LOCALHOST, MIB, portOf, roundsUntil } from '../support/net.js';
import { descriptorCount, inFolder } from '../support/pipes.js';
import { TRUST } from '../support/tls.js';

/** More than any of the programs takes. */
const ENOUGH_ROUNDS = 2000;
/** So much that drain has something to wait for. */
const MUCH = 4 * MIB;

/** Each wait of a program is a Future that one of the methods settles. */
class Awaitable extends Protocol {
  transport!: Transport;
  received = 0;
  private readonly closed: Future<unknown> = getRunningLoop().createFuture<unknown>();
  private flowing: Future<void> | undefined;
  private reading: Future<void> | undefined;

  override connectionMade(transport: Transport): void {
    this.transport = transport;
  }

  override dataReceived(data: Buffer): void {
    this.received += data.length;
    if (this.reading?.done() === false) this.reading.setResult();
  }

  override pauseWriting(): void {
    this.flowing = getRunningLoop().createFuture<void>();
  }

  override resumeWriting(): void {
    if (this.flowing?.done() === false) this.flowing.setResult();
  }

  override connectionLost(error: unknown): void {
    for (const waiting of [this.flowing, this.reading]) {
      if (waiting?.done() === false) waiting.setResult();
    }
    if (!this.closed.done()) this.closed.setResult(error);
  }

  async drained(): Promise<void> {
    await this.flowing;
  }

  async read(length: number): Promise<void> {
    while (this.received < length && !this.transport.isClosing()) {
      this.reading = getRunningLoop().createFuture<void>();
      await this.reading;
    }
  }

  async lost(): Promise<void> {
    await this.closed;
  }
}

/** Sends back what it gets, at the pace of the other side. */
class Echo extends Awaitable {
  override dataReceived(data: Buffer): void {
    this.transport.write(data);
  }

  override pauseWriting(): void {
    this.transport.pauseReading();
  }

  override resumeWriting(): void {
    this.transport.resumeReading();
  }
}

/** Connects, writes, drains, reads, sends a file, closes; `done` tells how far it came. */
async function program(place: Place, file: string, done: string[]): Promise<void> {
  const step = async <T>(name: string, waiting: PromiseLike<T>): Promise<T> => {
    const result = await waiting;
    done.push(name);
    return result;
  };
  const [transport, protocol] = await step(
    'connect',
    place.connect(() => new Awaitable()),
  );
  try {
    transport.write(Buffer.alloc(MUCH));
    await step('drain', protocol.drained());
    await step('read', protocol.read(MUCH));
    const sent = await step('sendfile', getRunningLoop().sendfile(transport, file));
    await step('the answer', protocol.read(MUCH + sent));
    transport.close();
    await step('close', protocol.lost());
  } finally {
    transport.abort();
  }
}

async function cancelEverywhere(carrier: Carrier, place: Place): Promise<void> {
  await inFolder(async (folder) => {
    const file = path.join(folder, 'file');
    writeFileSync(file, Buffer.alloc(100_000));
    await program(place, file, []);
    const before = descriptorCount() ?? 0;
    const reached = new Set<string>();
    for (let rounds = 0; ; rounds++) {
      assert.ok(rounds < ENOUGH_ROUNDS, 'it does not end');
      const done: string[] = [];
      const task = createTask(() => program(place, file, done));
      for (let round = 0; round < rounds; round++) await new Promise((r) => setImmediate(r));
      if (!task.cancel()) break;
      await assert.rejects(async () => task, { name: 'CancelledError' });
      for (const name of done) reached.add(name);
    }
    await roundsUntil(() => (descriptorCount() ?? 0) <= before, 'descriptors are left');
    assert.ok(reached.has('connect') && reached.has('drain'), `${carrier}: ${[...reached]}`);
  });
}

describe('a program of protocols that is cancelled at any moment leaves nothing', () => {
  for (const carrier of CARRIERS) {
    it(
      `over ${carrier}`,
      inLoop(() =>
        withProtocols(
          carrier,
          () => new Echo(),
          (place) => cancelEverywhere(carrier, place),
        ),
      ),
    );
  }
});

describe('a task that starts a server of protocols and is cancelled', () => {
  it(
    'has a server or none: nothing listens that nobody knows of',
    inLoop(async () => {
      const loop = getRunningLoop();
      const start = () => loop.createServer(() => new Protocol(), 'localhost', 0);
      await (await start()).shutdown();
      const before = descriptorCount() ?? 0;
      for (let rounds = 0, ended = false; !ended; rounds++) {
        assert.ok(rounds < ENOUGH_ROUNDS, 'it does not end');
        let server: Server | undefined;
        const task = createTask(async () => {
          server = await start();
        });
        for (let round = 0; round < rounds; round++) await new Promise((r) => setImmediate(r));
        ended = !task.cancel();
        if (!ended) await assert.rejects(async () => task, { name: 'CancelledError' });
        await server?.shutdown();
      }
      await roundsUntil(() => (descriptorCount() ?? 0) <= before, 'something listens');
    }),
  );
});

it('a loop that is closed with everything under way leaves no descriptor', async () => {
  const play = inLoop(async () => {
    const loop = getRunningLoop();
    const server = await loop.createServer(() => new Echo(), LOCALHOST, 0);
    const connect = () => loop.createConnection(() => new Awaitable(), LOCALHOST, portOf(server));
    const [writing] = await connect();
    writing.write(Buffer.alloc(MUCH));
    const [paused] = await connect();
    paused.pauseReading();
    const [closing] = await connect();
    closing.write(Buffer.alloc(MUCH));
    closing.close();
    const [sending] = await connect();
    createTask(() => loop.sendfile(sending, process.execPath));
    const [upgrading, protocol] = await connect();
    const tls = loop.startTls(upgrading, protocol, TRUST, { serverHostname: 'localhost' });
    createTask(tls);
    createTask(() => connect());
    await new Promise((resolve) => setImmediate(resolve));
  });
  await play();
  const before = descriptorCount() ?? 0;
  await play();
  await roundsUntil(() => (descriptorCount() ?? 0) <= before, 'descriptors are left');
});
