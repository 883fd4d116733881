/** Many clients at once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTask, gather, openConnection, sleep, startServer } from 'aionode';
import { handleCount, inLoop, LOCALHOST, portOf, roundsUntil, withServer } from '../support/net.js';

const CLIENTS = 2000;

describe(`${CLIENTS} clients`, { timeout: 120_000 }, () => {
  it(
    'are connected at the same time, each gets its own answer, and all end',
    inLoop(async () => {
      let open = 0;
      await withServer(
        async (reader, writer) => {
          open += 1;
          for await (const line of reader) writer.write(line);
          writer.close();
        },
        async (port, server) => {
          const clients = await gather(
            ...Array.from({ length: CLIENTS }, () => () => openConnection(LOCALHOST, port)),
          );
          for (const [index, [, writer]] of clients.entries()) writer.write(`${index}\n`);
          for (const [index, [reader]] of clients.entries()) {
            assert.equal((await reader.readline()).toString(), `${index}\n`);
          }
          assert.equal(open, CLIENTS);
          assert.equal(server.handlers.size, CLIENTS);
          assert.equal(handleCount(), 2 * CLIENTS + 1);
          for (const [, writer] of clients) writer.close();
          await roundsUntil(() => server.handlers.size === 0, 'handlers are left');
        },
        { backlog: CLIENTS },
      );
    }),
  );

  it(
    'are all let go when the first of them has the server closed and aborted',
    inLoop(async () => {
      let accepted = 0;
      const server = await startServer(
        (_reader, writer) => {
          accepted += 1;
          server.close();
          server.abortClients();
          writer.write('never sent');
        },
        LOCALHOST,
        0,
        { backlog: CLIENTS },
      );
      const port = portOf(server);
      const clients = Array.from({ length: CLIENTS }, () =>
        createTask(async () => {
          const [reader, writer] = await openConnection(LOCALHOST, port);
          try {
            await reader.read();
          } finally {
            writer.close();
          }
        }),
      );
      await gather(...clients, { returnExceptions: true });
      await server.waitClosed();
      assert.ok(accepted >= 1);
      await sleep(0);
    }),
  );
});
