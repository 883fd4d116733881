// What an eager task awaits in its first step.
// Floor 8.
//
// The first step of an eager task runs inside createTask(), and what it awaits has to be registered there:
// before the tasks that the caller makes next, as in asyncio. But V8 calls `then` in a microtask, when the
// caller's code is over. So while such a step runs, reading `future.then`, which V8 does in the awaiting
// frame, *reserves* the await: it is registered at once, and the functions that V8 passes later are
// attached to it. A reservation is given up when `then` was not called in time: somebody had a look.
//
// Futures are only made to do so when the first eager task is made: until then an await costs nothing
// more.
import { CoroutineObject } from './coroutines.ts';
import type { Await, Future } from './futures.ts';
import { InlineCoroutine } from './inline.ts';
import { NativePromise } from './native_promise.ts';
import { currentScope, type Scope } from './scopes.ts';
import { areResolvers, type Reject, type Resolve, thenOwners } from './thens.ts';

type Then = (this: unknown, resolve?: unknown, reject?: unknown) => unknown;

let prepared = false;
/** Whether the first step of an eager task is running. */
let stepping = false;
/** The last await that was reserved, while nothing is attached to it. */
let unattached: Reservation | undefined;

/** An await that is registered before V8 tells by which functions it ends. */
class Reservation {
  readonly future: Future<unknown>;
  readonly scope: Scope;
  private ending: { readonly resolve: Resolve; readonly reject: Reject } | undefined = undefined;
  private pass: ((ending: { resolve: Resolve; reject: Reject }) => void) | undefined = undefined;
  private readonly resolve: Resolve;

  constructor(future: Future<unknown>, scope: Scope) {
    this.future = future;
    this.scope = scope;
    this.resolve = (value) => this.settle(({ resolve }) => resolve(value));
    future.startAwait(scope, this.resolve, (error) => this.settle(({ reject }) => reject(error)));
  }

  get attached(): boolean {
    return this.ending !== undefined;
  }

  attach(resolve: Resolve, reject: Reject): void {
    this.ending = { resolve, reject };
    this.pass?.(this.ending);
  }

  /** `then` was read, and not called: nobody awaits. */
  giveUp(): void {
    if (this.attached) return;
    for (const suspension of this.scope.suspensions() as Await[]) {
      if (suspension.resolve !== this.resolve) continue;
      this.scope.resumed(suspension);
      (suspension as { scope: Scope | null }).scope = null;
      if (this.future instanceof InlineCoroutine) this.future.unbegin();
      else this.future.forsake(suspension);
      return;
    }
  }

  private settle(pass: (ending: { resolve: Resolve; reject: Reject }) => void): void {
    if (this.ending === undefined) this.pass = pass;
    else pass(this.ending);
  }
}

/** V8 calls `then` in the microtask after the one that is queued when `then` is read. */
function giveUpUnlessAwaited(reservation: Reservation): void {
  queueMicrotask(() => queueMicrotask(() => reservation.giveUp()));
}

/** The `then` that is read in the first step of an eager task; `original` serves every other call. */
function reservedThen(future: Future<unknown>, scope: Scope, original: Then): Then {
  if (unattached?.future !== future || unattached.scope !== scope || unattached.attached) {
    unattached = new Reservation(future, scope);
    giveUpUnlessAwaited(unattached);
  }
  const reservation = unattached;
  return function (resolve, reject) {
    if (this !== future || reservation.attached) return original.call(this, resolve, reject);
    if (areResolvers(resolve, reject)) {
      reservation.attach(resolve as Resolve, reject as Reject);
      return undefined;
    }
    return new NativePromise((succeed, fail) => {
      reservation.attach(succeed, fail);
    }).then(resolve as never, reject as never);
  };
}

function reserve(prototype: object): void {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, 'then') as PropertyDescriptor;
  Object.defineProperty(prototype, 'then', {
    configurable: true,
    get(this: Future<unknown>): Then {
      const then: Then =
        descriptor.get === undefined ? descriptor.value : descriptor.get.call(this);
      if (!stepping) return then;
      const scope = currentScope();
      return scope === null ? then : reservedThen(this, scope, then);
    },
  });
}

/** The coroutine object that was begun last, while nothing is attached to it. */
let begun: { readonly coroutine: object; readonly outcome: Promise<unknown> } | undefined;

/** A coroutine object that is awaited in such a step begins within it. */
function beginCoroutines(): void {
  const { prototype } = CoroutineObject;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, 'then') as PropertyDescriptor;
  const find = descriptor.get as () => Then;
  Object.defineProperty(prototype, 'then', {
    configurable: true,
    get(this: object): Then {
      const then = find.call(this);
      if (!stepping) return then;
      if (begun?.coroutine !== this) {
        begun = {
          coroutine: this,
          outcome: new NativePromise((resolve, reject) => then.call(this, resolve, reject)),
        };
      }
      const own = begun;
      return (resolve, reject) => {
        if (begun === own) begun = undefined;
        return own.outcome.then(resolve as never, reject as never);
      };
    },
  });
}

/** Runs the first step of an eager task. @internal */
export function stepEagerly(step: () => void): void {
  if (!prepared) {
    prepared = true;
    for (const { prototype } of thenOwners) reserve(prototype);
    beginCoroutines();
  }
  const outer = stepping;
  stepping = true;
  try {
    step();
  } finally {
    stepping = outer;
    if (!outer) unattached = begun = undefined;
  }
}
