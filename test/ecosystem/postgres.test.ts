/** `pg` over aionode's sockets, against a real PostgreSQL server. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { gather, Lock, run, TimeoutError, waitFor } from 'aionode';
import pg from 'pg';
import { missing } from './programs.js';
import { RealServer } from './servers.js';
import { connectedSocket } from './sockets.js';

/** pg calls connect() on the socket that it is given; ours is connected already. */
function connectable(socket: Socket): Socket {
  return Object.assign(socket, {
    connect: () => {
      process.nextTick(() => socket.emit('connect'));
      return socket;
    },
  });
}

describe('pg', { skip: missing('postgres', 'initdb') }, () => {
  let server: RealServer;
  before(async () => {
    server = await RealServer.postgres();
  });
  after(() => server.stop());

  async function connected(
    body: (client: pg.Client) => Promise<void>,
    to: { port: number } | { path: string } = server,
  ): Promise<void> {
    await run(async () => {
      const socket = await connectedSocket(to);
      const client = new pg.Client({
        user: 'aionode',
        database: 'postgres',
        stream: () => connectable(socket),
      });
      await client.connect();
      try {
        await body(client);
      } finally {
        await client.end();
      }
    });
  }

  it('queries', () =>
    connected(async (client) => {
      const { rows } = await client.query('select $1::int + 1 as next, $2::text as text', [
        41,
        'grüß dich',
      ]);
      assert.deepEqual(rows, [{ next: 42, text: 'grüß dich' }]);
      await assert.rejects(client.query('select 1 / 0'), /division by zero/);
    }));

  it('queries over a Unix socket', () =>
    connected(
      async (client) => {
        assert.equal((await client.query('select 1 as one')).rows[0].one, 1);
      },
      { path: `${server.folder}/.s.PGSQL.${server.port}` },
    ));

  it('carries large values both ways', () =>
    connected(async (client) => {
      const bytes = Buffer.alloc(3_000_000, Buffer.from(Array.from({ length: 256 }, (_, i) => i)));
      const { rows } = await client.query('select $1::bytea as bytes', [bytes]);
      assert.deepEqual(rows[0].bytes, bytes);
      const many = await client.query(
        'select i, repeat($1, 100) from generate_series(1, 20000) i',
        ['x'],
      );
      assert.equal(many.rows.length, 20_000);
    }));

  it('answers many tasks that take turns', () =>
    connected(async (client) => {
      const lock = new Lock();
      const ask = (i: number) => () =>
        lock.with(
          async () => (await client.query('select $1::int * 2 as twice', [i])).rows[0].twice,
        );
      const numbers = Array.from({ length: 200 }, (_, i) => i);
      assert.deepEqual(
        await gather(...numbers.map(ask)),
        numbers.map((i) => i * 2),
      );
    }));

  it('a query that takes too long does not hold up its task', () =>
    connected(async (client) => {
      const slow = client.query('select pg_sleep(0.3)');
      await assert.rejects(waitFor(slow, 0.01), TimeoutError);
      await slow;
      assert.equal((await client.query('select 1 as one')).rows[0].one, 1);
    }));
});
