// @ts-check
/**
 * The server: a task for each connection reads lines, a pool of workers behind a bounded queue
 * does the work. When the workers are behind, put() holds the connections back, and these no
 * longer read: the pressure reaches the clients.
 */
import {
  CancelledError,
  createTask,
  currentTask,
  gather,
  getRunningLoop,
  Queue,
  sleep,
  startServer,
  TimeoutError,
  timeout,
} from 'aionode';
import { factorLine, LARGEST, SMALLEST } from './factors.mjs';
import {
  GREETING,
  HELP,
  isHangUp,
  LINE_LIMIT,
  NOT_A_NUMBER,
  STOPPING,
  TOO_LONG,
  TOO_SLOW,
} from './protocol.mjs';

/**
 * @typedef {import('aionode').StreamReader} StreamReader
 * @typedef {import('aionode').StreamWriter} StreamWriter
 * @typedef {{ number: number, answer: import('aionode').Future<string> }} Job
 */

/**
 * Connections that the system keeps until they are accepted. Of more at a time it may lose some
 * without telling their clients, which then wait for ever.
 */
const BACKLOG = 1024;
/** Each job waits this long, in place of the database or disk that a real one would ask. */
const JOB_SECONDS = 0.002;
/** Jobs that may wait, for each worker. */
const JOBS_PER_WORKER = 2;

export class Service {
  /** @type {Queue<Job>} */
  #jobs;
  /** @type {import('aionode').Task<never>[]} */
  #workers;
  /** @type {Set<import('aionode').Task>} */
  #conversations = new Set();
  /** @type {import('aionode').Server | undefined} */
  #server;
  #patience;
  #tally;
  busyWorkers = 0;

  /**
   * @param {{ workers: number, patience: number }} settings
   * @param {import('./tally.mjs').Tally} tally
   */
  constructor({ workers, patience }, tally) {
    this.#patience = patience;
    this.#tally = tally;
    this.#jobs = new Queue(workers * JOBS_PER_WORKER);
    this.#workers = Array.from({ length: workers }, (_, i) =>
      tally.watch(createTask(() => this.#work(), { name: `worker-${i + 1}` })),
    );
  }

  /**
   * @param {string} host
   * @param {number} port
   * @returns {Promise<number>} the port, chosen by the system if 0 was given
   */
  async listen(host, port) {
    this.#server = await startServer(
      (reader, writer) => this.#converse(reader, writer),
      host,
      port,
      {
        limit: LINE_LIMIT,
        backlog: BACKLOG,
      },
    );
    return Number(this.#server.sockets[0]?.port);
  }

  get workers() {
    return this.#workers.length;
  }

  get waitingJobs() {
    return this.#jobs.qsize();
  }

  get queueSize() {
    return this.#jobs.maxsize;
  }

  /** Takes no more connections and waits until those there are have ended, then stops. */
  async finish() {
    this.#server?.close();
    await gather(...this.#conversations, { returnExceptions: true });
    await this.#jobs.join();
    await this.stop();
  }

  /** Cancels what runs and waits until it has ended. */
  async stop() {
    this.#server?.close();
    const tasks = [...this.#conversations, ...this.#workers];
    for (const task of tasks) task.cancel();
    await gather(...tasks, { returnExceptions: true });
    await this.#server?.waitClosed();
  }

  /** @returns {Promise<never>} */
  async #work() {
    for (;;) {
      const { number, answer } = await this.#jobs.get();
      this.busyWorkers++;
      try {
        await sleep(JOB_SECONDS);
        // Whoever asked may have been cancelled meanwhile, and the future with it.
        if (!answer.done()) answer.setResult(factorLine(number));
      } finally {
        this.busyWorkers--;
        this.#jobs.taskDone();
      }
    }
  }

  /**
   * A connection's task.
   *
   * @param {StreamReader} reader
   * @param {StreamWriter} writer
   */
  async #converse(reader, writer) {
    const task = /** @type {import('aionode').Task} */ (currentTask());
    this.#conversations.add(this.#tally.watch(task));
    this.#tally.connections++;
    this.#tally.openConnections++;
    try {
      writer.write(`${GREETING}\n`);
      await this.#answerLines(reader, writer);
    } catch (error) {
      this.#sayGoodBye(writer, error);
    } finally {
      writer.close();
      this.#tally.openConnections--;
      this.#conversations.delete(task);
    }
  }

  /**
   * @param {StreamReader} reader
   * @param {StreamWriter} writer
   */
  async #answerLines(reader, writer) {
    for (;;) {
      const line = await timeout(this.#patience, () => reader.readline());
      const request = line.toString().trim();
      if (line.length === 0 || request === 'quit') return;
      writer.write(`${await this.#answer(request)}\n`);
      await writer.drain();
    }
  }

  /** @param {string} request */
  async #answer(request) {
    if (request === 'help') return HELP;
    if (request === 'stats') return this.#stats();
    const number = Number(request);
    if (!/^\d+$/.test(request) || number < SMALLEST || number > LARGEST) {
      return NOT_A_NUMBER;
    }
    /** @type {Job} */
    const job = { number, answer: getRunningLoop().createFuture() };
    await this.#jobs.put(job);
    return await job.answer;
  }

  #stats() {
    const { connections, openConnections, tasks, timeouts } = this.#tally;
    return [
      `${connections} connections, ${openConnections} open`,
      `${tasks} tasks`,
      `${timeouts} timeouts`,
      `${this.busyWorkers} of ${this.workers} workers busy`,
    ].join('; ');
  }

  /**
   * Tells the peer why its connection ends, where it is still there to hear it.
   *
   * @param {StreamWriter} writer
   * @param {unknown} error
   */
  #sayGoodBye(writer, error) {
    if (error instanceof TimeoutError) {
      this.#tally.timeouts++;
      writer.write(`${TOO_SLOW}\n`);
    } else if (error instanceof RangeError) {
      writer.write(`${TOO_LONG}\n`);
    } else if (error instanceof CancelledError) {
      writer.write(`${STOPPING}\n`);
      throw error;
    } else if (!isHangUp(error)) {
      throw error;
    }
  }
}
