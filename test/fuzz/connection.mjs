/**
 * One connection of a round, and its two sides.
 *
 * The client sends a head, which names the connection and both lengths, and its bytes; the server answers with
 * its own from the moment in which it has the head. A connection is clean until one side decides to break it:
 * a clean one must carry everything and end in order, a broken one must not carry anything else.
 */
import { ExceptionGroup } from 'aionode';
import { Random } from '../support/random.mjs';
import { Incoming, Outgoing } from './content.mjs';

const HEAD_BYTES = 12;
const LENGTHS = [0, 1, 100, 5000, 70_000, 400_000];
const BROKEN_PER_MILLE = 250;
const HOWS = ['abort', 'close', 'cancel'];
const DELAYS_MS = [0, 0, 1, 2, 5, 10];

function someLength(random) {
  return random.chance(500) ? random.pick(LENGTHS) : random.integer(random.pick(LENGTHS) + 1);
}

export class Connection {
  constructor(id, random, report) {
    this.id = id;
    this.request = someLength(random);
    this.answer = someLength(random);
    this.report = report;
    /** What has broken it. */
    this.broken = undefined;
    /** Who breaks it, how and when; undefined: nobody. */
    this.plan = random.chance(BROKEN_PER_MILLE)
      ? {
          role: random.pick(['client', 'server']),
          how: random.pick(HOWS),
          afterMs: random.pick(DELAYS_MS),
        }
      : undefined;
    this.served = false;
    this.kinds = [];
    this.ends = Promise.withResolvers?.() ?? deferred();
    this.running = 0;
  }

  get head() {
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32LE(this.id, 0);
    head.writeUInt32LE(this.request, 4);
    head.writeUInt32LE(this.answer, 8);
    return head;
  }

  toString() {
    const plan = this.plan === undefined ? 'clean' : JSON.stringify(this.plan);
    return `connection ${this.id} (${this.kinds.join(' to ')}, ${this.request} and ${this.answer} bytes, ${plan})`;
  }
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

export class Side {
  #round;
  #head = Buffer.alloc(0);
  #timer;
  #over = false;
  /** Breaks it off, by its name. */
  breakers = {};

  /** @param connection - undefined for a server, which learns it from the head */
  constructor(role, kind, round, connection) {
    this.role = role;
    this.kind = kind;
    this.#round = round;
    this.random = Random.for(round.seed, connection?.id ?? round.nextServer());
    this.incoming = undefined;
    this.outgoing = undefined;
    if (connection !== undefined) this.#meet(connection);
  }

  #meet(connection) {
    this.connection = connection;
    connection.kinds.push(this.kind);
    connection.running += 1;
    const { id, request, answer } = connection;
    if (this.role === 'client') {
      this.outgoing = new Outgoing(2 * id, request, connection.head);
      this.incoming = new Incoming(2 * id + 1, answer);
    } else {
      this.outgoing = new Outgoing(2 * id + 1, answer);
      this.incoming = new Incoming(2 * id, request);
    }
    const { plan } = connection;
    if (plan?.role !== this.role) return;
    this.#timer = setTimeout(() => this.#break(plan.how), plan.afterMs);
  }

  #break(how) {
    if (this.#over) return;
    const breaks = this.breakers[how] ?? this.breakers.abort;
    if (breaks === undefined) {
      // It is not open yet.
      this.#timer = setTimeout(() => this.#break(how), 1);
      return;
    }
    this.connection.broken ??= `${this.role}: ${how}`;
    breaks();
  }

  /** Whether it can end its sending before its receiving: not over TLS. */
  get mayHalfClose() {
    return !this.#round.hasTls;
  }

  /** Whether the connection was broken by one of its sides. */
  get isBroken() {
    return this.connection === undefined
      ? this.#round.isAnyBroken()
      : this.connection.broken !== undefined;
  }

  get hasReceived() {
    return this.incoming?.isAtEnd === true;
  }

  get hasSent() {
    return this.outgoing?.isAtEnd === true;
  }

  /** How many bytes a read may wait for. */
  get expected() {
    return this.incoming === undefined ? HEAD_BYTES - this.#head.length : this.incoming.left;
  }

  /** Bytes came. */
  feed(chunk) {
    let rest = chunk;
    if (this.incoming === undefined) {
      const length = Math.min(HEAD_BYTES - this.#head.length, chunk.length);
      this.#head = Buffer.concat([this.#head, chunk.subarray(0, length)]);
      rest = chunk.subarray(length);
      if (this.#head.length < HEAD_BYTES) return;
      this.#meet(this.#round.connectionOf(this.#head));
    }
    try {
      this.incoming.check(rest);
    } catch (error) {
      this.wrong(error.message);
    }
  }

  wrong(what) {
    this.#round.report(`${this.role} of ${this.connection ?? 'an unknown connection'}: ${what}`);
  }

  /** A connection that nobody has broken must not fail. */
  failed(error) {
    if (this.isBroken) return;
    const errors = error instanceof ExceptionGroup ? error.errors : [error];
    for (const one of errors) this.wrong(one?.stack ?? String(one));
  }

  /** The side has ended. */
  over() {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    if (!this.isBroken && !(this.hasReceived && this.hasSent)) {
      this.wrong(`ended with ${this.outgoing?.left} bytes to send, ${this.expected} to receive`);
    }
    if (this.connection === undefined) return;
    this.connection.running -= 1;
    if (this.connection.running === 0) this.connection.ends.resolve();
  }
}
