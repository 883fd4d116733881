/**
 * Arguments that nobody should pass. All are harmless: numbers may be taken for file descriptors, so there
 * are none that Node's own could have; texts may be run as commands or made files.
 */
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { BufferedProtocol, DatagramProtocol, DEVNULL, PIPE, Protocol, sleep } from 'aionode';
import { LOCALHOST } from '../net.js';
import type { Random } from './random.js';

/** What junk throws of its own accord: no error of the package's. */
class JunkError extends Error {}

function thrown(): never {
  throw new JunkError('thrown by junk');
}

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function detached(): Uint8Array {
  const bytes = new Uint8Array(8);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  return bytes;
}

/** Detached only when whoever was given it has taken hold of it. */
function soonDetached(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  setImmediate(() => structuredClone(bytes, { transfer: [bytes.buffer] }));
  return bytes;
}

const throwsAtEverything: ProxyHandler<object> = {
  get: thrown,
  has: thrown,
  ownKeys: thrown,
  getPrototypeOf: thrown,
  apply: thrown,
};

/** A coroutine that fails is an unhandled rejection of its caller's making when it is called as a callback. */
async function waits(): Promise<void> {
  try {
    await sleep(0.001);
  } catch {}
}

async function fails(): Promise<never> {
  const failing = Promise.reject(new JunkError('rejected by junk'));
  return failing;
}

const numbers = [
  [-1, 0, 1, 2, 0.5, -0, Number.NaN, Infinity, -Infinity, 2 ** 31, 2 ** 32, -(2 ** 31)],
  [2 ** 53, 1e308, -1e308, Number.MIN_VALUE, 65_535, 65_536],
].flat();

const texts = [
  ['', 'x', '\0', 'a\0b', '\ud800', 'a'.repeat(70_000), '-1', '1', '__proto__', 'constructor'],
  [LOCALHOST, '::1', '0.0.0.0', '999.1.1.1', 'localhost', 'fe80::1%nowhere', '224.0.0.1'],
  ['SIGINT', 'SIGKILL', 'SIGNOTHING', 'peername', 'pipe', 'utf8', '\n'],
].flat();

/** A name for the report, and how to make one. */
type Value = readonly [name: string, make: () => unknown];

const simple: Value[] = [
  ...[undefined, null, true, false, 10n, Symbol.iterator, Symbol('junk'), ...numbers].map(
    (value): Value => [String(value), () => value],
  ),
  ...texts.map((text): Value => [JSON.stringify(text.slice(0, 12)), () => text]),
  ['PIPE', () => PIPE],
  ['DEVNULL', () => DEVNULL],
];

const objects: Value[] = [
  ['{}', () => ({})],
  ['[]', () => []],
  ['[[]]', () => [[]]],
  ['[undefined]', () => [undefined]],
  ['a sparse array', () => new Array(3)],
  ['an object without a prototype', () => Object.create(null)],
  ['a frozen object', () => Object.freeze({})],
  ['a Map', () => new Map([[1, 2]])],
  ['a Set', () => new Set(['x'])],
  ['a Date', () => new Date(Number.NaN)],
  ['a RegExp', () => /x/],
  ['a boxed number', () => Object(1)],
  ['a boxed text', () => Object('x')],
  ['an Error', () => new JunkError('junk')],
  ['a frozen Error', () => Object.freeze(new JunkError('junk'))],
  ['an aborted signal', () => AbortSignal.abort(new JunkError('aborted'))],
  ['a signal', () => new AbortController().signal],
  ['an AbortController', () => new AbortController()],
  ['a lookalike of a signal', () => ({ aborted: false })],
  ['an EventEmitter', () => new EventEmitter()],
  ['a stream', () => new PassThrough().on('error', () => {})],
  ['an ended stream', () => new PassThrough().on('error', () => {}).end()],
  ['a destroyed stream', () => new PassThrough().on('error', () => {}).destroy()],
  ['a ReadableStream', () => new ReadableStream()],
  ['a URL', () => new URL('file:///x')],
  ['a URL of the web', () => new URL('http://localhost/')],
  ['a proxy', () => new Proxy({}, {})],
  ['a proxy that throws', () => new Proxy({}, throwsAtEverything)],
  ['a revoked proxy', () => revoked({})],
  ['a revoked proxy of an array', () => revoked([])],
  ['a getter that throws', () => Object.defineProperty({}, 'limit', { get: thrown })],
  ['a toString() that throws', () => ({ toString: thrown, valueOf: thrown })],
  ['an iterable that throws', () => ({ [Symbol.iterator]: thrown })],
  ['a lookalike of an array', () => ({ length: 2 ** 32, 0: 'x' })],
];

const bytes: Value[] = [
  ['an empty Buffer', () => Buffer.alloc(0)],
  ['a Buffer', () => Buffer.from('abc\n')],
  ['a long Buffer', () => Buffer.alloc(300_000)],
  ['a Uint16Array', () => new Uint16Array(3)],
  ['a Float64Array', () => new Float64Array(1)],
  ['a DataView', () => new DataView(new ArrayBuffer(2))],
  ['an ArrayBuffer', () => new ArrayBuffer(4)],
  ['a SharedArrayBuffer', () => new SharedArrayBuffer(4)],
  ['shared bytes', () => new Uint8Array(new SharedArrayBuffer(4))],
  ['detached bytes', detached],
  ['bytes soon detached', () => soonDetached(10)],
  ['many bytes soon detached', () => soonDetached(300_000)],
  ['a lookalike of bytes', () => Object.create(Uint8Array.prototype)],
  ['a proxy of bytes', () => new Proxy(new Uint8Array(4), {})],
];

const promises: Value[] = [
  ['a promise', () => Promise.resolve(1)],
  ['a promise that never ends', () => new Promise(() => {})],
  ['a lookalike of a promise', () => Object.create(Promise.prototype)],
  ['a proxy of a promise', () => new Proxy(Promise.resolve(1), {})],
  ['a then() that throws', () => ({ then: thrown })],
  ['a getter of then that throws', () => Object.defineProperty({}, 'then', { get: thrown })],
  ['a then() that never calls', () => ({ then: () => {} })],
  ['a then() that is none', () => ({ then: 5 })],
  [
    'a then() that calls twice',
    () => ({ then: (resolve: (value: unknown) => void) => [resolve(1), resolve(2)] }),
  ],
];

/** With a few arguments of their own, which random junk would hardly ever make. */
function specialFunctions(random: Random, junk: () => unknown): Value[] {
  class Bare {}
  /** Its methods are there, and what they return is junk. */
  class Careless extends BufferedProtocol {
    override getBuffer(): Uint8Array {
      return junk() as Uint8Array;
    }
    override eofReceived(): boolean {
      return junk() as boolean;
    }
  }
  class Throwing extends Protocol {
    override connectionMade(): void {
      if (random.chance(0.5)) thrown();
    }
    override dataReceived(): void {
      thrown();
    }
    override connectionLost(): void {
      thrown();
    }
  }
  return [
    ['() => undefined', () => () => undefined],
    ['() => junk', () => () => junk()],
    ['async () => junk', () => async () => junk()],
    ['a function that throws', () => thrown],
    ['an async function that waits', () => waits],
    ['an async function that fails', () => () => fails().catch(thrown)],
    ['a generator function', () => function* () {}],
    ['an async generator function', () => async function* () {}],
    ['a class', () => Bare],
    ['a bound function', () => waits.bind(null)],
    ['a proxy of a function', () => new Proxy(() => {}, {})],
    ['a proxy of a function that throws', () => new Proxy(() => {}, throwsAtEverything)],
    ['a revoked proxy of a function', () => revoked(() => {})],
    ['a factory of Protocols', () => () => new Protocol()],
    ['a factory of careless protocols', () => () => new Careless()],
    ['a factory of throwing protocols', () => () => new Throwing()],
    ['a factory of DatagramProtocols', () => () => new DatagramProtocol()],
  ];
}

/** What calls are made with: junk, objects of the package, objects of options with either in them. */
export class JunkSource {
  private readonly random: Random;
  private readonly optionNames: readonly string[];
  private readonly others: () => Value | undefined;
  private readonly families: readonly Value[][];

  /** `others` gives an object of the package now and then. */
  constructor(random: Random, optionNames: readonly string[], others: () => Value | undefined) {
    this.random = random;
    this.optionNames = optionNames;
    this.others = others;
    const functions = specialFunctions(random, () => this.value()[1]);
    this.families = [simple, simple, objects, bytes, promises, functions];
  }

  /** Any value, with its name. */
  value(): [name: string, value: unknown] {
    if (this.random.chance(0.15)) return this.options();
    const other = this.random.chance(0.2) ? this.others() : undefined;
    const [name, make] = other ?? this.random.pick(this.random.pick(this.families));
    return [name, make()];
  }

  arguments(): { names: string[]; values: unknown[] } {
    const drawn = Array.from({ length: this.random.below(5) }, () => this.value());
    return { names: drawn.map(([name]) => name), values: drawn.map(([, value]) => value) };
  }

  /** Also pairs of a host and a port, and other short arrays. */
  private options(): [name: string, value: unknown] {
    if (this.random.chance(0.3)) {
      const [[first, host], [second, port]] = [this.value(), this.value()];
      return [`[${first}, ${second}]`, [host, port]];
    }
    const bag: Record<string, unknown> = {};
    const named: string[] = [];
    for (let count = 1 + this.random.below(2); count > 0; count--) {
      const option = this.random.pick(this.optionNames);
      const [name, value] = this.value();
      bag[option] = value;
      named.push(`${option}: ${name}`);
    }
    return [`{ ${named.join(', ')} }`, bag];
  }
}
