// Futures that are promises underneath, so that an await of one is that of a native promise.
// Floor 7.
//
// WHY. An await of a thenable costs V8 three microtasks and a promise of its own, an await of a native
// promise one microtask. V8 takes an object for a promise, as it is, when it was constructed as one and its
// `constructor` is Promise.
//
// HOW. Such a future is constructed as a promise, on which Future's methods are found. V8 asks for its
// `constructor` in the awaiting frame, and the answer says which way the await goes:
//
//   Promise    V8 attaches the await to the promise underneath. The future registers it now, and settles
//              the promise when it ends.
//   the class  V8 calls `then`, which registers the await (thens.ts). So it is for the second await of a
//              pending future, since each is to end in an entry of its own, and for all that fail at once.
//
// `constructor` may be read by somebody who then awaits nothing. What was registered for him ends without
// an effect: to who cancels, an await counts only when something was attached to the promise, and a
// promise without that is never rejected. Showing a future by console.log() is not taken for an await.
//
// Tasks and users' own classes derived from Future are no promises underneath.
import { inspect } from 'node:util';
import { debugging, noteCreation } from './debug.ts';
import { Future, kPending } from './futures.ts';
import { native } from './native.ts';
import { NativePromise } from './native_promise.ts';
import { addThen, type Resolve } from './thens.ts';
import type { LoopCore } from './turns.ts';

let noteMade: (future: object, loop: LoopCore | undefined) => void = noteCreation;

/** Has debug mode call `note` for each that is made, instead of noteCreation(). @internal */
export function setCreationNote(note: typeof noteMade): void {
  noteMade = note;
}

let taken: Resolve;

function take(resolve: Resolve): void {
  taken = resolve;
}

const PromiseOfAny = NativePromise as unknown as new (
  executor: (resolve: Resolve) => void,
) => object;

class Underneath extends PromiseOfAny {
  /** What is derived from it by V8, whoever asks it to, is a native promise. */
  static get [Symbol.species](): unknown {
    return NativePromise;
  }

  // As in Future, whose methods use them.
  readonly loop: LoopCore | undefined;
  readonly state: number;
  readonly value: unknown;
  readonly aside: undefined;
  /** Settles the promise underneath. */
  readonly resolve: Resolve;

  constructor(loop: LoopCore | undefined) {
    super(take);
    this.loop = loop;
    this.state = kPending;
    this.value = undefined;
    this.aside = undefined;
    this.resolve = taken;
    if (debugging) noteMade(this, loop);
  }
}
Object.setPrototypeOf(Underneath.prototype, Future.prototype);

/** @internal */
export const PromiseFuture = Underneath as unknown as abstract new <T>(
  loop: LoopCore | undefined,
) => Future<T> & { resolve: Resolve };

const { promiseHasHandler } = native;

/** Whether something was attached to the promise underneath. @internal */
export function isAttachedTo(future: Future<unknown>): boolean {
  return promiseHasHandler?.(future) === true;
}

/** A future that console.log() is showing: it reads `constructor` before it calls what shows it. */
let shown: unknown;

const show = Future.prototype[inspect.custom];

function showNow(this: Future<unknown>, ...args: Parameters<typeof show>): string {
  shown = undefined;
  return show.apply(this, args);
}

/**
 * Gives a class of promise futures its ways to be awaited. `attach` is asked in the awaiting frame whether the
 * await goes to the promise underneath.
 * @param asClass - what `constructor` is if not
 * @internal
 */
export function addAwait<F extends Future<unknown>>(
  type: { prototype: F },
  attach: (future: F) => boolean,
  asClass: object = type,
): void {
  const { prototype } = type;
  addThen(type);
  // What nobody may be waiting for cannot be told from what somebody does.
  if (promiseHasHandler === undefined) {
    Object.defineProperty(prototype, 'constructor', { configurable: true, value: asClass });
    return;
  }
  Object.defineProperty(prototype, 'constructor', {
    configurable: true,
    get(this: F) {
      if (this === prototype || this === shown || debugging) return asClass;
      return attach(this) ? NativePromise : asClass;
    },
  });
  Object.defineProperty(prototype, inspect.custom, {
    configurable: true,
    get(this: F) {
      shown = this;
      return showNow;
    },
  });
}
