/** What becomes of a server's client callback: its errors, its cancellation, its connection. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTask, currentTask, getRunningLoop, openConnection, sleep, type Task } from 'aionode';
import { inLoop, LOCALHOST, roundsUntil, withServer } from '../support/net.js';

const boom = new Error('boom');

describe('a client callback that throws', () => {
  const callbacks = {
    'a plain function': () => {
      throw boom;
    },
    'a function that returns a rejected promise': () => Promise.reject(boom),
    'an async function': async () => {
      throw boom;
    },
    'an async function after an await': async () => {
      await sleep(0);
      throw boom;
    },
  };
  for (const [kind, callback] of Object.entries(callbacks)) {
    it(
      `${kind}: is reported once, its connection closed, and the server lives on`,
      inLoop((reports) =>
        withServer(callback, async (port) => {
          for (let client = 0; client < 2; client++) {
            const [reader, writer] = await openConnection(LOCALHOST, port);
            assert.equal((await reader.read()).length, 0);
            writer.close();
            const taken = reports.splice(0);
            assert.deepEqual(
              taken.map(({ exception }) => exception),
              [boom],
            );
            assert.match(taken[0]?.message as string, /client_connected_cb/);
            assert.ok(taken[0]?.transport);
          }
        }),
      ),
    );
  }

  it(
    'has what it wrote before sent',
    inLoop((reports) =>
      withServer(
        async (_reader, writer) => {
          writer.write('so far');
          throw boom;
        },
        async (port) => {
          const [reader, writer] = await openConnection(LOCALHOST, port);
          assert.equal((await reader.read()).toString(), 'so far');
          writer.close();
          assert.equal(reports.splice(0).length, 1);
        },
      ),
    ),
  );
});

describe('a client callback', () => {
  it(
    'that is async runs as a task, which is in handlers until it is done',
    inLoop(async () => {
      const tasks: (Task | null)[] = [];
      await withServer(
        async (reader, writer) => {
          tasks.push(currentTask());
          await reader.read();
          writer.close();
        },
        async (port, server) => {
          const [, writer] = await openConnection(LOCALHOST, port);
          while (server.handlers.size === 0) await sleep(0);
          assert.deepEqual([...server.handlers], tasks);
          writer.close();
          while (server.handlers.size > 0) await sleep(0);
          assert.equal(tasks[0]?.done(), true);
        },
      );
    }),
  );

  it(
    'that is plain leaves its connection open',
    inLoop(() =>
      withServer(
        (reader, writer) => {
          createTask(async () => {
            writer.write(await reader.readline());
            writer.close();
          });
        },
        async (port, server) => {
          const [reader, writer] = await openConnection(LOCALHOST, port);
          writer.write('later\n');
          assert.equal((await reader.read()).toString(), 'later\n');
          assert.equal(server.handlers.size, 0);
          writer.close();
        },
      ),
    ),
  );

  it(
    'that is cancelled has its connection closed and is not reported',
    inLoop(() =>
      withServer(
        async (reader) => {
          await reader.read();
        },
        async (port, server) => {
          const [reader, writer] = await openConnection(LOCALHOST, port);
          while (server.handlers.size === 0) await sleep(0);
          for (const handler of server.handlers) handler.cancel();
          assert.equal((await reader.read()).length, 0);
          writer.close();
        },
      ),
    ),
  );

  it(
    'has its connection end under it: its reads get EOF, its writes do nothing',
    inLoop(async () => {
      const ended = getRunningLoop().createFuture<number>();
      await withServer(
        async (reader, writer) => {
          const { length } = await reader.read();
          writer.write('nobody reads this');
          writer.close();
          ended.setResult(length);
        },
        async (port) => {
          const [, writer] = await openConnection(LOCALHOST, port);
          writer.write('12345');
          writer.close();
          assert.equal(await ended, 5);
        },
      );
    }),
  );

  it(
    'that closes the server drops the clients that were accepted with it, and leaks none',
    inLoop(async () => {
      const count = 50;
      await withServer(
        (_reader, writer) => writer.close(),
        async (port, server) => {
          const connecting = Array.from({ length: count }, () =>
            createTask(async () => {
              const [reader, writer] = await openConnection(LOCALHOST, port);
              server.close();
              await reader.read();
              writer.close();
            }),
          );
          for (const one of connecting) {
            await one.then(
              () => {},
              (error) => assert.match(error.code, /^ECONN(RESET|REFUSED)$/),
            );
          }
          await server.waitClosed();
          await roundsUntil(() => server.handlers.size === 0, 'handlers are left');
        },
      );
    }),
  );
});
