// @ts-check
/**
 * A client for services that answer each line with a line, such as `npm start -- --serve 8888`.
 *
 *   node examples/network/line-client.mjs [port] [question ...]
 *   node examples/network/line-client.mjs 8888 360 999999937
 *
 * Any number of tasks share one connection: a question is written at once, its answer is handed to the
 * task that waits for it. A question that is given up leaves the order of the answers intact. When the
 * connection is lost, those who wait are told, and the next question connects anew.
 */
import { createTask, Future, gather, Lock, openConnection, run, timeout } from 'aionode';

export class LineClient {
  /** @type {import('aionode').StreamWriter | null} */
  #writer = null;
  /** Who waits for an answer, in the order of the questions. @type {Future<string>[]} */
  #waiting = [];
  #connecting = new Lock();
  #host;
  #port;
  /** Lines that the service says first, unasked. */
  #greetings;

  /** @param {string} host @param {number} port @param {{ greetings?: number }} [options] */
  constructor(host, port, { greetings = 0 } = {}) {
    this.#host = host;
    this.#port = port;
    this.#greetings = greetings;
  }

  /** The answer to a line. @param {string} line @param {number} [seconds] until a TimeoutError */
  async ask(line, seconds = 10) {
    return timeout(seconds, async () => {
      const writer = await this.#connected();
      /** @type {Future<string>} */
      const answer = new Future();
      this.#waiting.push(answer);
      writer.write(`${line}\n`);
      await writer.drain();
      return answer;
    });
  }

  close() {
    this.#writer?.close();
  }

  /** One task connects, the others wait for it. */
  #connected() {
    return this.#connecting.with(async () => {
      if (this.#writer !== null && !this.#writer.isClosing()) return this.#writer;
      const [reader, writer] = await openConnection(this.#host, this.#port);
      for (let i = 0; i < this.#greetings; i++) await reader.readline();
      this.#writer = writer;
      createTask(() => this.#receive(reader, writer));
      return writer;
    });
  }

  /** @param {import('aionode').StreamReader} reader @param {import('aionode').StreamWriter} writer */
  async #receive(reader, writer) {
    let reason = new Error('the service closed the connection');
    try {
      for await (const line of reader) {
        const answer = this.#waiting.shift();
        if (answer?.done() === false) answer.setResult(String(line).trimEnd());
      }
    } catch (error) {
      reason = /** @type {Error} */ (error);
    } finally {
      writer.close();
      for (const answer of this.#waiting.splice(0)) {
        if (!answer.done()) answer.setException(reason);
      }
    }
  }
}

async function main() {
  const [port = '8888', ...questions] = process.argv.slice(2);
  const client = new LineClient('127.0.0.1', Number(port), { greetings: 1 });
  const answers = await gather(...questions.map((question) => () => client.ask(question)));
  for (const answer of answers) console.log(answer);
  client.close();
}

if (process.argv[1] === import.meta.filename) await run(main);
