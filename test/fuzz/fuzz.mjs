// Random connections: every kind of server, client and transport against every other, with random writes,
// reads, pauses, files, half-closes, and some that are broken in the middle. No byte may be lost, or come to
// somebody else; what nobody has broken must end in order; nothing may be left over.
//
//   npm run fuzz
//   npm run fuzz -- --rounds 500 --seed 7000      seeds 7000 to 7499
//
// The same seed decides the same, but not when the system does what it is asked for.
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { allTasks, createTask, gather, getRunningLoop, run } from 'aionode';
import { native } from '../../dist/native.js';
import { Random } from '../support/random.mjs';
import { Connection } from './connection.mjs';
import { KINDS, openProxy, openServer, ROUTES, runClient } from './routes.mjs';

const MOST_CONNECTIONS = 25;
const PROXIED_PER_MILLE = 250;
/** How long what is closing may take: files are closed by threads, which wait for a core. */
const CLOSING_MS = 10_000;
/** A round takes a fraction of a second; this ends one that hangs. */
const HANGS_AFTER_MS = 60_000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
  },
});
const rounds = Number(values.rounds);
const firstSeed = Number(values.seed);

let reported = 0;

class Round {
  #connections = new Map();
  #servers = 0;
  #running = [];

  constructor(seed) {
    this.seed = seed;
    this.random = Random.for(seed, 0);
    this.name = `seed ${seed}`;
    this.hasTls = false;
  }

  report(what) {
    reported += 1;
    console.error(`FAILED: ${this.name}: ${what}`);
  }

  nextServer() {
    this.#servers += 1;
    return 100_000 + this.#servers;
  }

  isAnyBroken() {
    for (const { broken } of this.#connections.values()) if (broken !== undefined) return true;
    return false;
  }

  connectionOf(head) {
    const connection = this.#connections.get(head.readUInt32LE(0));
    if (connection === undefined || !connection.head.equals(head)) {
      this.report(`a server received the head ${head.toString('hex')}`);
      return [...this.#connections.values()][0];
    }
    if (connection.served) this.report(`two servers have ${connection}`);
    connection.served = true;
    return connection;
  }

  /** For what a callback of Node's begins. */
  runs(body) {
    this.#running.push(createTask(body));
  }

  async #client(kind, route, at, connection) {
    try {
      await runClient(kind, route, at, this, connection);
    } catch (error) {
      if (connection.broken === undefined) this.report(`${connection}: ${error?.stack}`);
    }
    if (connection.running > 0) await connection.ends.promise;
  }

  async run() {
    const { random } = this;
    const route = random.pick(ROUTES);
    const kind = random.pick(KINDS);
    this.name += `, ${kind} over ${route}`;
    const server = await openServer(kind, route, this);
    const services = [server];
    let [front, frontRoute] = [server, route];
    if (random.chance(PROXIED_PER_MILLE)) {
      frontRoute = random.pick(ROUTES);
      front = await openProxy(frontRoute, server, route, this);
      services.unshift(front);
      this.name += `, by a proxy over ${frontRoute}`;
    }
    this.hasTls = route === 'tls' || frontRoute === 'tls';
    const clients = [];
    for (let id = 1 + random.integer(MOST_CONNECTIONS); id > 0; id--) {
      const connection = new Connection(id, random);
      this.#connections.set(id, connection);
      const clientKind = random.pick(KINDS);
      clients.push(() => this.#client(clientKind, frontRoute, front.at, connection));
    }
    await gather(...clients);
    for (const service of services) await service.close();
    await gather(...this.#running);
  }

  toString() {
    const waiting = [...this.#connections.values()].filter(({ running }) => running > 0);
    return [`${this.name} hangs`, ...waiting.map(String)].join('\n  ');
  }
}

/** What is open, by descriptor; nothing where the system does not tell. */
function openFiles() {
  const files = new Map();
  if (process.platform !== 'linux') return files;
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      files.set(fd, readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      // That of the reading itself.
    }
  }
  return files;
}

async function settle(files) {
  for (const start = performance.now(); performance.now() - start < CLOSING_MS; ) {
    if (native.handleCount() === 0 && openFiles().size <= files.size && allTasks().size <= 1)
      return;
    await pause(1);
  }
}

async function fuzz() {
  let files;
  for (let index = 0; index < rounds && reported === 0; index++) {
    const round = new Round(firstSeed + index);
    const watchdog = setTimeout(() => {
      console.error(`FAILED: ${round}`);
      process.exit(1);
    }, HANGS_AFTER_MS);
    await run(async () => {
      getRunningLoop().setExceptionHandler((_loop, context) => {
        round.report(`${context.message} ${context.exception?.stack}`);
      });
      await round.run();
      // The first round makes what is made once.
      files ??= openFiles();
      await settle(files);
      if (allTasks().size > 1) round.report(`${allTasks().size - 1} tasks are left over`);
    });
    clearTimeout(watchdog);
    await settle(files);
    if (native.handleCount() > 0) round.report(`${native.handleCount()} handles are left over`);
    for (const [fd, link] of openFiles().size <= files.size ? [] : openFiles()) {
      if (files.get(fd) !== link) round.report(`left open: ${fd}, ${link}`);
    }
  }
}

await fuzz();
if (reported > 0) process.exitCode = 1;
else console.log(`${rounds} rounds: nothing lost, nothing left over`);
