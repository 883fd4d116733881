// @ts-check
/**
 * A Redis client in a hundred lines: pipelining, errors, blocking commands that can be cancelled.
 *
 *   node examples/network/redis-client.mjs [port]
 *
 * Commands are written as they come, and answered in their order: `await gather(...)` over a thousand
 * of them takes one round trip. Values come as Buffers, numbers, null and arrays; an answer that is an
 * error rejects that command alone. Protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
import { createTask, Future, gather, openConnection, run, TimeoutError, waitFor } from 'aionode';

/** @typedef {Buffer | number | string | null | Error | unknown[]} Value */

export class RedisError extends Error {
  name = 'RedisError';
}

export class RedisClient {
  #reader;
  #writer;
  /** Commands without an answer yet, the oldest first. @type {Future<Value>[]} */
  #unanswered = [];
  #receiving;

  /** @param {string} host @param {number} port */
  static async connect(host, port) {
    return new RedisClient(...(await openConnection(host, port)));
  }

  /** @param {import('aionode').StreamReader} reader @param {import('aionode').StreamWriter} writer */
  constructor(reader, writer) {
    this.#reader = reader;
    this.#writer = writer;
    this.#receiving = createTask(() => this.#receive(), { name: 'redis' });
  }

  /** Sends a command; resolves to its answer. @param {...(string | number | Uint8Array)} words */
  async command(...words) {
    if (this.#receiving.done()) throw new RedisError('the connection is closed');
    this.#writer.write(`*${words.length}\r\n`);
    for (const word of words) {
      const bytes = typeof word === 'object' ? word : Buffer.from(String(word));
      this.#writer.writelines([`$${bytes.length}\r\n`, bytes, '\r\n']);
    }
    /** @type {Future<Value>} */
    const answer = new Future();
    this.#unanswered.push(answer);
    await this.#writer.drain();
    return answer;
  }

  /** Closes the connection; what is not answered yet is rejected. */
  async close() {
    this.#writer.close();
    await this.#receiving;
  }

  async #receive() {
    let reason = /** @type {unknown} */ (new RedisError('the connection was closed'));
    try {
      for (;;) {
        const value = await this.#readValue();
        const answer = this.#unanswered.shift();
        if (answer === undefined || answer.done()) continue; // its task was cancelled meanwhile
        if (value instanceof RedisError) answer.setException(value);
        else answer.setResult(value);
      }
    } catch (error) {
      if (!this.#writer.isClosing()) reason = error;
    } finally {
      this.#writer.close();
      for (const answer of this.#unanswered) if (!answer.done()) answer.setException(reason);
    }
  }

  /** @returns {Promise<Value>} */
  async #readValue() {
    const line = String(await this.#reader.readuntil('\r\n')).slice(0, -2);
    const rest = line.slice(1);
    switch (line[0]) {
      case '+':
        return rest;
      case '-':
        return new RedisError(rest);
      case ':':
        return Number(rest);
      case '$': {
        if (rest === '-1') return null;
        const bytes = await this.#reader.readexactly(Number(rest) + 2);
        return bytes.subarray(0, -2);
      }
      case '*': {
        if (rest === '-1') return null;
        const values = [];
        for (let left = Number(rest); left > 0; left--) values.push(await this.#readValue());
        return values;
      }
      default:
        throw new RedisError(`not the Redis protocol: ${line}`);
    }
  }
}

async function main() {
  const redis = await RedisClient.connect('127.0.0.1', Number(process.argv[2] ?? 6379));
  await redis.command('SET', 'greeting', 'hello');
  console.log(`GET: ${await redis.command('GET', 'greeting')}`);
  await redis.command('DEL', 'counter', 'jobs');
  const counts = await gather(...Array(1000).fill(() => redis.command('INCR', 'counter')));
  console.log(`1000 x INCR in one round trip: ${counts[0]} to ${counts.at(-1)}`);
  await redis.command('INCR', 'greeting').catch((error) => console.log(`INCR: ${error.message}`));
  try {
    await waitFor(() => redis.command('BLPOP', 'jobs', 0), 0.2);
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    console.log('BLPOP: no job in 0.2 s');
  }
  await redis.close();
}

if (process.argv[1] === import.meta.filename) await run(main);
