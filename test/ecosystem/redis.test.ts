/** examples/network/redis-client.mjs against a real Redis server. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { gather, run, TaskGroup, TimeoutError, waitFor } from 'aionode';
import { EXAMPLES, Program } from '../support/example-process.js';
import { missing } from './programs.js';
import { RealServer } from './servers.js';

const example = path.join(EXAMPLES, 'network', 'redis-client.mjs');

describe('the Redis client of the examples', { skip: missing('redis-server') }, () => {
  let server: RealServer;
  before(async () => {
    server = await RealServer.redis();
  });
  after(() => server.stop());

  /** The body has a connection, which is closed after it. */
  async function connected(
    body: (
      // biome-ignore lint/suspicious/noExplicitAny: the example is JavaScript
      redis: any,
    ) => Promise<void>,
  ): Promise<void> {
    const { RedisClient } = await import(pathToFileURL(example).href);
    await run(async () => {
      const redis = await RedisClient.connect('127.0.0.1', server.port);
      try {
        await body(redis);
      } finally {
        await redis.close();
      }
    });
  }

  it('runs its own demonstration', async () => {
    const { code, stdout, stderr } = await new Program(
      process.execPath,
      example,
      String(server.port),
    ).ended;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.equal(
      stdout,
      'GET: hello\n' +
        '1000 x INCR in one round trip: 1 to 1000\n' +
        'INCR: ERR value is not an integer or out of range\n' +
        'BLPOP: no job in 0.2 s\n',
    );
  });

  it('carries every byte, megabytes at a time', () =>
    connected(async (redis) => {
      const value = Buffer.alloc(5_000_000, Buffer.from(Array.from({ length: 256 }, (_, i) => i)));
      assert.equal(await redis.command('SET', 'large', value), 'OK');
      assert.deepEqual(await redis.command('GET', 'large'), value);
      assert.equal(await redis.command('GET', 'no such key'), null);
      assert.deepEqual(await redis.command('MGET', 'no such key', 'no other'), [null, null]);
    }));

  it('answers of a hundred tasks reach the task that asked', () =>
    connected(async (redis) => {
      const ask = (i: number) => async () => {
        await redis.command('SET', `key ${i}`, i);
        assert.equal(String(await redis.command('GET', `key ${i}`)), String(i));
      };
      await gather(...Array.from({ length: 100 }, (_, i) => ask(i)));
    }));

  it('a command that was given up does not disturb the order of the answers', () =>
    connected(async (redis) => {
      await assert.rejects(
        waitFor(() => redis.command('BLPOP', 'empty', 1), 0.01),
        TimeoutError,
      );
      assert.equal(String(await redis.command('ECHO', 'still in order')), 'still in order');
    }));

  it('an error is that of its command alone', () =>
    connected(async (redis) => {
      await TaskGroup.run(async (group) => {
        group.createTask(() => assert.rejects(redis.command('NO SUCH COMMAND'), /unknown command/));
        group.createTask(async () => assert.equal(await redis.command('PING'), 'PONG'));
      });
    }));

  it('who waits is told when the connection is lost', () =>
    connected(async (redis) => {
      const waiting = redis.command('BLPOP', 'empty', 0);
      const told = assert.rejects(waiting, (error: Error) => error.name !== 'TimeoutError');
      const { RedisClient } = await import(pathToFileURL(example).href);
      const other = await RedisClient.connect('127.0.0.1', server.port);
      await other.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await other.close();
      await told;
    }));
});
