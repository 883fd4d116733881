/** Whoever stops waiting for an operation that opens something, at whatever moment, leaves nothing open. */
import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import {
  type BaseTransport,
  createTask,
  DatagramProtocol,
  type Future,
  getRunningLoop,
  openConnection,
  openUnixConnection,
  Protocol,
  type StreamWriter,
  sleep,
  startUnixServer,
  type Transport,
  waitFor,
} from 'aionode';
import { inLoop, LOCALHOST, roundsUntil, withServer } from '../support/net.js';
import { descriptorCount, inFolder, makePipe, NO_PIPES } from '../support/pipes.js';
import { CLIENT, echo, SERVER, TRUST } from '../support/tls.js';

/** More than any of the operations takes. */
const ENOUGH_ROUNDS = 400;

interface Operation {
  /** Begins when it is awaited. */
  readonly begin: () => PromiseLike<unknown>;
  /** Ends what a successful one opened. */
  readonly end: (opened: unknown) => void;
  /** Tidies what belongs to the caller. */
  readonly after?: () => void;
}

const endTransport = (opened: unknown) => (opened as [BaseTransport])[0].close();
const endStreams = (opened: unknown) => (opened as [unknown, StreamWriter])[1].abort();

/** Ways not to wait for an operation to its end. */
const ways: Record<string, (begin: () => PromiseLike<unknown>) => Future<unknown>> = {
  'the task that awaits it is cancelled': (begin) => createTask(async () => await begin()),
  'it is a task, and cancelled': (begin) => createTask(begin() as Future<unknown>),
  'waitFor() is cancelled': (begin) => createTask(() => waitFor(begin(), 3600)),
};

/** Gives an operation up after no round of the loop, after one, and so on, until it is done before that. */
async function giveUpAtEachRound(prepare: () => Promise<Operation>): Promise<void> {
  for (const [way, start] of Object.entries(ways)) {
    let before: number | undefined;
    for (let rounds = 0, done = false; !done; rounds++) {
      assert.ok(rounds < ENOUGH_ROUNDS, `${way}: it does not end`);
      const operation = await prepare();
      before ??= descriptorCount();
      const running = start(operation.begin);
      for (let round = 0; round < rounds; round++) {
        await (round % 2 === 0 ? sleep(0) : new Promise((resolve) => setImmediate(resolve)));
      }
      done = running.done();
      if (done) {
        operation.end(await running);
      } else {
        assert.equal(running.cancel(), true);
        await assert.rejects(running, { name: 'CancelledError' });
      }
      operation.after?.();
    }
    if (before !== undefined) {
      const most = before;
      await roundsUntil(
        () => (descriptorCount() as number) <= most,
        `${way}: descriptors are open`,
      );
    }
  }
}

/** Runs `body` beside a server that encrypts each connection at once. */
function withUpgradingServer(body: (port: number) => Promise<void>): Promise<void> {
  return withServer(async (reader, writer) => {
    // A client that gives up may well reset the connection.
    try {
      await writer.startTls(SERVER.ssl);
      await echo(reader, writer);
    } catch {}
    writer.abort();
  }, body);
}

describe('given up at any moment, nothing is left of', () => {
  it(
    'createConnection()',
    inLoop(() =>
      withServer(
        (_reader, writer) => writer.close(),
        (port) =>
          giveUpAtEachRound(async () => ({
            begin: () => getRunningLoop().createConnection(() => new Protocol(), 'localhost', port),
            end: endTransport,
          })),
      ),
    ),
  );

  it(
    'openConnection() with TLS',
    inLoop(() =>
      withServer(
        (reader, writer) => Promise.resolve(echo(reader, writer)).catch(() => {}),
        (port) =>
          giveUpAtEachRound(async () => ({
            begin: () => openConnection(LOCALHOST, port, CLIENT),
            end: endStreams,
          })),
        SERVER,
      ),
    ),
  );

  it(
    'createConnection() with TLS',
    inLoop(() =>
      withServer(
        (reader, writer) => Promise.resolve(echo(reader, writer)).catch(() => {}),
        (port) =>
          giveUpAtEachRound(async () => ({
            begin: () =>
              getRunningLoop().createConnection(() => new Protocol(), LOCALHOST, port, CLIENT),
            end: endTransport,
          })),
        SERVER,
      ),
    ),
  );

  it(
    'createUnixConnection() and openUnixConnection()',
    { skip: NO_PIPES },
    inLoop(() =>
      inFolder(async (folder) => {
        const place = path.join(folder, 'socket');
        const server = await startUnixServer((_reader, writer) => writer.close(), place);
        await giveUpAtEachRound(async () => ({
          begin: () => getRunningLoop().createUnixConnection(() => new Protocol(), place),
          end: endTransport,
        }));
        await giveUpAtEachRound(async () => ({
          begin: () => openUnixConnection(place),
          end: endStreams,
        }));
        await server.shutdown();
      }),
    ),
  );

  it(
    'createDatagramEndpoint()',
    inLoop(() =>
      giveUpAtEachRound(async () => ({
        begin: () =>
          getRunningLoop().createDatagramEndpoint(() => new DatagramProtocol(), {
            localAddr: ['localhost', 0],
            remoteAddr: ['localhost', 9],
          }),
        end: endTransport,
      })),
    ),
  );

  for (const [name, connect, end] of [
    ['connectReadPipe()', 'connectReadPipe', 'readEnd'],
    ['connectWritePipe()', 'connectWritePipe', 'writeEnd'],
  ] as const) {
    it(
      name,
      { skip: NO_PIPES },
      inLoop(() =>
        giveUpAtEachRound(async () => {
          const pipe = await makePipe();
          return {
            begin: () => getRunningLoop()[connect](() => new Protocol(), pipe[end]),
            end: endTransport,
            after: () => {
              const other = end === 'readEnd' ? 'writeEnd' : 'readEnd';
              closeSync(pipe[other]);
            },
          };
        }),
      ),
    );
  }

  it(
    'writer.startTls()',
    inLoop(() =>
      withUpgradingServer((port) =>
        giveUpAtEachRound(async () => {
          const [, writer] = await openConnection(LOCALHOST, port);
          return {
            begin: () => writer.startTls(TRUST, { serverHostname: 'localhost' }),
            end: () => {},
            after: () => writer.abort(),
          };
        }),
      ),
    ),
  );

  it(
    'loop.startTls()',
    inLoop(() =>
      withUpgradingServer((port) =>
        giveUpAtEachRound(async () => {
          const loop = getRunningLoop();
          const [transport, protocol] = await loop.createConnection(
            () => new Protocol(),
            LOCALHOST,
            port,
          );
          return {
            begin: () => loop.startTls(transport, protocol, TRUST, { serverHostname: 'localhost' }),
            end: (encrypted) => (encrypted as Transport).abort(),
            after: () => transport.abort(),
          };
        }),
      ),
    ),
  );
});

it(
  'an operation that nobody awaits does not begin',
  { skip: NO_PIPES },
  inLoop(async () => {
    const loop = getRunningLoop();
    const { readEnd, writeEnd } = await makePipe();
    const factory = () => assert.fail('it began');
    await withServer(factory, async (port) => {
      loop.createConnection(factory, LOCALHOST, port);
      loop.createDatagramEndpoint(factory, { localAddr: [LOCALHOST, 0] });
      loop.connectReadPipe(factory, readEnd);
      loop.connectWritePipe(factory, writeEnd);
      for (let round = 0; round < 20; round++) await sleep(0);
    });
    closeSync(readEnd);
    closeSync(writeEnd);
  }),
);
