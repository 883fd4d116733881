/**
 * happyEyeballsDelay: a first address that neither answers nor refuses. It is a listener of a thread that
 * stands still and whose backlog is full: Linux drops what else comes to it.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import {
  createTask,
  getRunningLoop,
  openConnection,
  Protocol,
  startServer,
  TimeoutError,
  waitFor,
} from 'aionode';
import { resolvingTo } from '../support/names.js';
import { handleCount, inLoop, roundsUntil } from '../support/net.js';
import { descriptorCount } from '../support/pipes.js';

const HANGING = '127.0.0.2';
const LIVE = '127.0.0.3';
/** In seconds; nothing depends on it but how long the tests take. */
const DELAY = 0.05;
/** In seconds: that something hangs can only be told by waiting. */
const PATIENCE = 0.2;
const BACKLOG = 1;
/** Linux holds one more than it was asked for. */
const HELD = BACKLOG + 1;

const LISTENER = `
  const { createServer } = require('node:net');
  const { parentPort, workerData } = require('node:worker_threads');
  const server = createServer((socket) => socket.on('error', () => {}));
  server.listen({ host: workerData.host, port: 0, backlog: workerData.backlog }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(workerData.gate, 0, 0);
  });
`;

/** Runs `body` with a port of HANGING that hangs until `accept` is called. */
async function whileHanging(
  context: TestContext,
  body: (port: number, accept: () => void) => Promise<void>,
): Promise<void> {
  const gate = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const workerData = { host: HANGING, backlog: BACKLOG, gate };
  const worker = new Worker(LISTENER, { eval: true, workerData });
  const fillers: Socket[] = [];
  const accept = () => {
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
  };
  try {
    const [port] = (await once(worker, 'message')) as [number];
    for (let i = 0; i < HELD; i++) {
      const filler = connect(port, HANGING);
      filler.on('error', () => {});
      await once(filler, 'connect');
      fillers.push(filler);
    }
    const one = waitFor(openConnection(HANGING, port), PATIENCE);
    const hangs = await one.then(
      ([, writer]) => writer.abort(),
      (error) => error instanceof TimeoutError,
    );
    await roundsUntil(() => handleCount() === 0, 'the attempt is not given up');
    if (hangs !== true) context.skip('this system takes more connections than the backlog holds');
    else await body(port, accept);
  } finally {
    accept();
    for (const filler of fillers) filler.destroy();
    await worker.terminate();
  }
}

const skip = process.platform !== 'linux' && 'other systems refuse what a full backlog cannot hold';

describe('an address that hangs', { skip }, () => {
  const test = (name: string, body: (port: number, accept: () => void) => Promise<void>) =>
    it(name, (context) => inLoop(() => whileHanging(context, body))());

  test('does not hold up the next one longer than the delay, and is given up', async (port) => {
    const server = await startServer((_reader, writer) => writer.close(), LIVE, port);
    await resolvingTo([HANGING, LIVE, '127.0.0.4'], async () => {
      const loop = getRunningLoop();
      const options = { happyEyeballsDelay: DELAY };
      const before = descriptorCount();
      const started = loop.time();
      const [reader, writer] = await openConnection('several', port, options);
      assert.ok(loop.time() - started >= DELAY);
      assert.equal(writer.getExtraInfo('peername')[0], LIVE);
      assert.equal((await reader.read()).length, 0);
      writer.close();

      let made = 0;
      const factory = () => {
        made += 1;
        return new Protocol();
      };
      const [transport] = await loop.createConnection(factory, 'several', port, options);
      assert.equal(transport.getExtraInfo('peername')[0], LIVE);
      assert.equal(made, 1);
      transport.abort();
      await server.shutdown();
      await roundsUntil(
        () => (descriptorCount() as number) < (before as number),
        'sockets are left',
      );
    });
  });

  test('is waited for where there is no delay', async (port) => {
    const server = await startServer(() => assert.fail('it was connected to'), LIVE, port);
    await resolvingTo([HANGING, LIVE], async () => {
      const before = descriptorCount() as number;
      await assert.rejects(
        async () => waitFor(openConnection('several', port), PATIENCE),
        TimeoutError,
      );
      await roundsUntil(() => (descriptorCount() as number) <= before, 'a socket is left');
    });
    await server.shutdown();
  });

  test('leaves no socket when all attempts that are under way are cancelled', async (port) => {
    await resolvingTo([HANGING, HANGING, HANGING], async () => {
      const before = descriptorCount() as number;
      const options = { happyEyeballsDelay: 0 };
      const connecting = createTask(() => openConnection('several', port, options));
      await roundsUntil(() => handleCount() === 3, 'not all are tried');
      connecting.cancel();
      await assert.rejects(async () => connecting, { name: 'CancelledError' });
      await roundsUntil(() => (descriptorCount() as number) <= before, 'a socket is left');
    });
  });

  test('is still connected to when the others failed and it answers after all', async (port, accept) => {
    await resolvingTo([HANGING, LIVE], async () => {
      const options = { happyEyeballsDelay: 0 };
      const connecting = createTask(() => openConnection('several', port, options));
      await assert.rejects(async () => openConnection(LIVE, port), { code: 'ECONNREFUSED' });
      accept();
      const [, writer] = await connecting;
      assert.equal(writer.getExtraInfo('peername')[0], HANGING);
      writer.abort();
    });
  });
});
