/** `ioredis` over aionode's sockets, against a real Redis server. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { run } from 'aionode';
import { AbstractConnector, Redis } from 'ioredis';
import { missing } from './programs.js';
import { RealServer } from './servers.js';
import { connectedSocket } from './sockets.js';

describe('ioredis', { skip: missing('redis-server') }, () => {
  let server: RealServer;
  before(async () => {
    server = await RealServer.redis();
  });
  after(() => server.stop());

  async function connected(
    body: (redis: Redis) => Promise<void>,
    to: { port: number } | { path: string } = server,
  ): Promise<void> {
    class Connector extends AbstractConnector {
      constructor() {
        super(1000);
      }

      override async connect(): Promise<Socket> {
        this.connecting = true;
        this.stream = await connectedSocket(to);
        return this.stream as Socket;
      }
    }
    await run(async () => {
      const redis = new Redis({ Connector });
      try {
        await body(redis);
      } finally {
        const ended = once(redis, 'end');
        redis.disconnect();
        await ended;
      }
    });
  }

  it('sets and gets', () =>
    connected(async (redis) => {
      assert.equal(await redis.set('greeting', 'grüß dich'), 'OK');
      assert.equal(await redis.get('greeting'), 'grüß dich');
      await assert.rejects(redis.incr('greeting'), /not an integer/);
    }));

  it('sets and gets over a Unix socket', () =>
    connected(
      async (redis) => {
        await redis.set('path', 'unix');
        assert.equal(await redis.get('path'), 'unix');
      },
      { path: `${server.folder}/redis.sock` },
    ));

  it('carries large values and long pipelines', () =>
    connected(async (redis) => {
      const bytes = Buffer.alloc(3_000_000, Buffer.from(Array.from({ length: 256 }, (_, i) => i)));
      await redis.set('bytes', bytes);
      assert.deepEqual(await redis.getBuffer('bytes'), bytes);
      await redis.del('counter');
      const pipeline = redis.pipeline();
      for (let i = 0; i < 5000; i++) pipeline.incr('counter');
      const answers = (await pipeline.exec()) ?? [];
      assert.deepEqual(answers.at(-1), [null, 5000]);
    }));

  it('subscribes, and connects anew when the server hangs up', () =>
    connected(async (redis) => {
      const listener = redis.duplicate();
      await listener.subscribe('news');
      const heard = once(listener, 'message');
      await redis.publish('news', 'hello');
      assert.deepEqual(await heard, ['news', 'hello']);
      const again = once(redis, 'ready');
      await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no').catch(() => {});
      await again;
      assert.equal(await redis.ping(), 'PONG');
      listener.disconnect();
    }));
});
