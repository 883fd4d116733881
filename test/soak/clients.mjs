/** The clients of the soak: each goes on until the requests are used up, and misbehaves now and then. */
import { once } from 'node:events';
import { connect } from 'node:net';
import {
  createTask,
  currentTask,
  iscancelled,
  openConnection,
  sleep,
  TimeoutError,
  timeout,
} from 'aionode';
import { isBroken } from '../support/broken.mjs';
import { Random } from '../support/random.mjs';

const HOST = '127.0.0.1';

/** Most messages are short; some are lent a buffer of their own, some are longer than any read. */
const SIZES = [0, 1, 10, 10, 100, 100, 100, 1000, 1000, 5000, 20_000, 100_000];
const RARE_SIZE = 600_000;
const REQUESTS_PER_CONNECTION = 60;

// Out of a thousand.
const RARE = 2;
const READ_CANCELLED = 60;
const READ_TIMED_OUT = 20;
const CLIENT_CANCELLED = 60;
const HANDLER_CANCELLED = 3;
const CONNECTION_ABORTED = 10;
const CONNECTION_RESET = 100;
const CONNECT_CANCELLED = 100;

const pattern = Buffer.alloc(1 << 20);
for (let at = 0; at < pattern.length; at++) pattern[at] = (at * 31 + (at >>> 8) * 17) & 0xff;

/** What happened; `wrong` is what may not. */
export function newCounts() {
  return { answered: 0, broken: 0, cancelled: 0, timedOut: 0, reset: 0, connected: 0, wrong: 0 };
}

export class Client {
  #random;
  #server;
  #port;
  #counts;

  constructor(seed, server, counts) {
    this.#random = new Random(seed);
    this.#server = server;
    this.#port = server.sockets[0].port;
    this.#counts = counts;
  }

  /** `take()` is true for each request that is still to be made. */
  async run(take) {
    const random = this.#random;
    while (take()) {
      if (random.chance(CONNECTION_RESET)) await this.#resetInTheMiddle();
      else if (random.chance(CONNECT_CANCELLED)) await this.#cancelledConnect();
      else if (random.chance(CLIENT_CANCELLED)) await this.#cancelledSession(take);
      else await this.#session(take);
    }
  }

  #message() {
    const random = this.#random;
    const length = random.chance(RARE) ? RARE_SIZE : random.pick(SIZES);
    const start = random.integer(pattern.length - length);
    return pattern.subarray(start, start + length);
  }

  async #session(take) {
    const random = this.#random;
    const [reader, writer] = await openConnection(HOST, this.#port);
    this.#counts.connected += 1;
    try {
      let left = 1 + random.integer(REQUESTS_PER_CONNECTION);
      do {
        const message = this.#message();
        writer.write(`${message.length}\n`);
        writer.write(message);
        if (random.chance(CONNECTION_ABORTED)) return writer.abort();
        if (random.chance(HANDLER_CANCELLED)) this.#cancelSomeHandler();
        await writer.drain();
        await this.#expect(reader, message);
        left -= 1;
      } while (left > 0 && take());
    } catch (error) {
      if (!isBroken(error)) throw error;
      this.#counts.broken += 1;
    } finally {
      writer.close();
    }
  }

  async #expect(reader, message) {
    const line = await this.#persistently(() => reader.readuntil('\n'));
    const body = await this.#persistently(() => reader.readexactly(message.length));
    this.#counts.answered += 1;
    if (Number(line) !== message.length || !body.equals(message)) this.#counts.wrong += 1;
  }

  /** Reads until it is done, though the read is given up now and then: a read given up took nothing. */
  async #persistently(read) {
    const random = this.#random;
    for (;;) {
      try {
        if (random.chance(READ_CANCELLED))
          return await this.#cancelledAfter(random.integer(4), read);
        if (random.chance(READ_TIMED_OUT)) return await timeout(random.integer(3) / 1000, read);
        return await read();
      } catch (error) {
        if (currentTask().cancelling() > 0) throw error;
        if (iscancelled(error)) this.#counts.cancelled += 1;
        else if (error instanceof TimeoutError) this.#counts.timedOut += 1;
        else throw error;
      }
    }
  }

  async #cancelledAfter(passes, read) {
    const task = createTask(read);
    try {
      for (let pass = 0; pass < passes; pass++) await sleep(0);
    } finally {
      task.cancel();
    }
    return task;
  }

  async #cancelledSession(take) {
    const task = createTask(() => this.#session(take));
    await sleep(this.#random.integer(5) / 1000);
    task.cancel();
    try {
      await task;
    } catch (error) {
      if (!iscancelled(error)) throw error;
      this.#counts.cancelled += 1;
    }
  }

  async #cancelledConnect() {
    const task = createTask(async () => (await openConnection(HOST, this.#port))[1]);
    const passes = this.#random.integer(8);
    for (let pass = 0; pass < passes; pass++) await sleep(0);
    task.cancel();
    try {
      (await task).close();
    } catch (error) {
      if (!iscancelled(error)) throw error;
      this.#counts.cancelled += 1;
    }
  }

  #cancelSomeHandler() {
    for (const handler of this.#server.handlers) {
      handler.cancel();
      return;
    }
  }

  /** A socket of Node's, since a reset takes one: ends within the request or within the answer. */
  async #resetInTheMiddle() {
    const random = this.#random;
    const socket = connect(this.#port, HOST);
    socket.on('error', () => {});
    await once(socket, 'connect');
    const message = this.#message();
    const sent = random.integer(message.length + 1);
    socket.write(`${message.length}\n`);
    socket.write(message.subarray(0, sent));
    await sleep(random.integer(3) / 1000);
    socket.resetAndDestroy();
    this.#counts.reset += 1;
  }
}
