/**
 * Calls everything public with junk: `program.js MODE SEED CALLS`. Each call is written to the standard output
 * before it is made, so that the last line names the one which ended the process; a line that begins
 * with '!' tells of a bug, the last one what was called.
 *
 * MODE `members`: functions, constructors, and the members of objects of the package.
 * MODE `borrowed`: methods with `this` of another kind. Objects are in disorder after such a call, so only what
 * ends the process counts.
 */
import { EventEmitter } from 'node:events';
import { writeSync } from 'node:fs';
import * as aionode from 'aionode';
import { resolvingNothing } from '../names.js';
import { isEnginesComplaint, stackOf } from './judge.js';
import { Random } from './random.js';
import { makeSpecimens, type Specimen } from './specimens.js';
import { type PublicType, publicSurface } from './surface.js';
import { JunkSource } from './values.js';

const [, , mode = 'members', seed = '1', callCount = '1000'] = process.argv;
/** Calls are made in rounds, each with a loop and objects of its own: most objects are closed before long. */
const CALLS_OF_A_ROUND = 500;

const random = new Random(Number(seed));
const { types, optionNames } = publicSurface();
const isBorrowing = mode === 'borrowed';
const covered = new Set<string>();

const say = (line: string) => writeSync(1, `${line}\n`);
const reportBug = (what: string, error: unknown) => {
  if (!isBorrowing) say(`! ${what}: ${stackOf(error).split('\n').slice(0, 6).join('\n!     ')}`);
};
const judge = (what: string, error: unknown) => {
  if (isEnginesComplaint(error)) reportBug(what, error);
};

// A callback that is an async function fails unheard: that is junk's own doing.
process.on('unhandledRejection', (reason) => judge('unhandled rejection', reason));
process.on('uncaughtException', (error) => reportBug('uncaught exception', error));

let specimens: Specimen[] = [];
let found: Specimen[] = [];
const typeOfPrototype = new Map<object, string>();

const junk = new JunkSource(random, optionNames, () => {
  const one = random.pick([...specimens, ...found]);
  return one && [`#${one.name}`, () => one.object];
});

/** From the object's own class to the one below Object. */
function* prototypesOf(object: object): Generator<object> {
  for (let at = Object.getPrototypeOf(object); at !== null; at = Object.getPrototypeOf(at)) {
    if (at !== Object.prototype) yield at;
  }
}

function typeOf(object: object): string | undefined {
  for (const prototype of prototypesOf(object)) {
    const type = typeOfPrototype.get(prototype);
    if (type !== undefined) return type;
  }
  return undefined;
}

/** What users may name on an object: the members of its type, what has a symbol, what promises have. */
function membersOf(object: object, type: PublicType): PropertyKey[] {
  const names = new Set<PropertyKey>();
  for (const prototype of prototypesOf(object)) {
    for (const name of Reflect.ownKeys(prototype)) names.add(name);
  }
  for (const name of type.members) names.add(name);
  names.delete('constructor');
  const isPublic = (name: PropertyKey) =>
    typeof name === 'symbol' || type.members.includes(name as string) || name in Promise.prototype;
  return [...names].filter((name) => isPublic(name) && name in object);
}

/** Keeps objects of the package that a call gave, and sees to how its promises end. */
function take(result: unknown, what: string, depth = 0): void {
  if (typeof result !== 'object' || result === null || depth > 2) return;
  try {
    takeObject(result, what, depth);
  } catch {
    // A proxy that may not be looked at.
  }
}

function takeObject(result: object, what: string, depth: number): void {
  if (result instanceof EventEmitter) result.on('error', () => {});
  if (result instanceof Promise || aionode.isfuture(result)) {
    Promise.prototype.then.call(
      (async () => result)(),
      (value) => take(value, what, depth + 1),
      (error) => judge(what, error),
    );
  }
  if (Array.isArray(result)) for (const each of result) take(each, what, depth + 1);
  const type = typeOf(result);
  if (type !== undefined && type !== 'EventLoop') {
    found.push({ type, name: `${type} that was returned`, object: result });
    if (found.length > 50) found.shift();
  }
}

function makeCall(what: string, call: () => unknown): void {
  say(what);
  try {
    take(call(), what);
  } catch (error) {
    judge(what, error);
  }
}

interface Target {
  /** Of the function or type. */
  readonly name: string;
  readonly call: () => void;
}

function callFunction(name: string, fn: (...args: unknown[]) => unknown): void {
  const { names, values } = junk.arguments();
  makeCall(`${name}(${names.join(', ')})`, () => fn(...values));
  covered.add(name);
}

function construct(name: string, Class: new (...args: unknown[]) => unknown): void {
  const { names, values } = junk.arguments();
  makeCall(`new ${name}(${names.join(', ')})`, () => Reflect.construct(Class, values));
  covered.add(name);
}

function useMember({ object, type, name }: Specimen, key: PropertyKey): void {
  const what = `#${name}.${String(key)}`;
  const { names, values } = junk.arguments();
  for (const each of types[type]?.lineage ?? []) covered.add(each);
  if (types[type]?.assignable.includes(key as string) && random.chance(0.5)) {
    makeCall(`${what} = ${names[0]}`, () => Reflect.set(object, key, values[0]));
    return;
  }
  makeCall(`${what}(${names.join(', ')})`, () => {
    const member = Reflect.get(object, key);
    if (typeof member !== 'function') return member;
    if (!isBorrowing) return Reflect.apply(member, object, values);
    const self = random.chance(0.5) ? junk.value()[1] : random.pick(specimens).object;
    return Reflect.apply(member, random.chance(0.5) ? self : object, values);
  });
}

/** Those without a public constructor are left to the other mode. */
const isPublicConstructor = (name: string, Class: { length: number }) =>
  Class.length === 0 || !hidesConstructor.has(name);
const hidesConstructor = new Set(['Server', 'StreamWriter']);

/** Every function, constructor and member once, in random order; those of names that were not called yet are last. */
function targets(): Target[] {
  const all: Target[] = [];
  for (const [name, value] of Object.entries(aionode)) {
    if (typeof value !== 'function') continue;
    const type = types[name];
    if (type === undefined) all.push({ name, call: () => callFunction(name, value as never) });
    else {
      if (isBorrowing || isPublicConstructor(name, value)) {
        all.push({ name, call: () => construct(name, value as never) });
      }
      for (const key of Object.getOwnPropertyNames(value)) {
        const member = Reflect.get(value, key);
        if (typeof member !== 'function' || !Object.hasOwn(value, key)) continue;
        const call = () => callFunction(`${name}.${key}`, member.bind(value) as never);
        all.push({ name, call });
      }
    }
  }
  for (const specimen of [...specimens, ...found]) {
    const type = types[specimen.type];
    if (type === undefined) throw new Error(`the API report knows no ${specimen.type}`);
    for (const key of membersOf(specimen.object, type)) {
      all.push({ name: specimen.type, call: () => useMember(specimen, key) });
    }
  }
  random.shuffle(all);
  const isNew = ({ name }: Target) => !covered.has(name);
  return [...all.filter((target) => !isNew(target)), ...all.filter(isNew)];
}

const isPublicClass = (value: unknown): value is new () => object => typeof value === 'function';

function learnTypes(): void {
  for (const [name, value] of Object.entries(aionode)) {
    if (isPublicClass(value) && types[name] !== undefined) {
      typeOfPrototype.set(value.prototype, name);
    }
  }
  for (const { type, object } of specimens) {
    typeOfPrototype.set(Object.getPrototypeOf(object), type);
  }
}

/** The rest of the process goes on, whatever has become of the loop. */
const roundOfNode = () => new Promise<void>((resolve) => setImmediate(resolve));

async function pause(): Promise<void> {
  const kind = random.below(30);
  try {
    if (kind < 4) await roundOfNode();
    else if (kind < 6) await Promise.race([aionode.sleep(0), roundOfNode()]);
    else if (kind === 6) await new Promise((resolve) => setTimeout(resolve, 2));
  } catch {
    // The main task was cancelled, or the loop stopped.
  }
}

let left = Number(callCount);

async function makeCalls(calls: number): Promise<void> {
  const waiting: Target[] = [];
  for (let made = 0; made < calls && left > 0; made++) {
    if (waiting.length === 0) waiting.push(...targets());
    left -= 1;
    waiting.pop()?.call();
    await pause();
  }
}

async function round(): Promise<void> {
  let finish = (): void => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const main = async () => {
    try {
      const loop = aionode.getRunningLoop();
      loop.setExceptionHandler((_loop, { message, exception }) => judge(message, exception));
      specimens = await makeSpecimens();
      found = [];
      learnTypes();
      await makeCalls(CALLS_OF_A_ROUND);
    } finally {
      finish();
    }
  };
  // Junk may keep the end of run() from coming: a shutdown() of its own, a body that never ends.
  const running = aionode.run(main).catch((error) => {
    say(`run() failed: ${stackOf(error)}`);
    judge('run()', error);
  });
  await Promise.race([running, finished]);
  await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 500))]);
  // Outside of any loop.
  await makeCalls(50);
}

await resolvingNothing(async () => {
  while (left > 0) await round();
});
say(`= ${JSON.stringify([...covered])}`);
try {
  process.exit(0);
} catch {
  // What ends with the process may be in disorder; a second call does not ask it again.
  process.exit(0);
}
