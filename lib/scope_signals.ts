// The AbortSignal of a scope: how a cancel gets into calls that are not ours.
// Floor 5.
//
// A scope that waits for a foreign promise cannot be interrupted, so its cancel waits for its next await of
// something of ours. A call that was given the signal ends by itself, and its error brings the same cancel
// into the code. Then it has come, and must not come a second time, into the clean-up. Nobody tells us
// which await a foreign promise ends, but who makes an error of our reason has to read it: so the signal
// notices when `reason` is read.
//
// Node's own code reads it for nothing else. Other code may read it for a look; it counts when it does so
// while the signal is aborted and the scope's code goes on at once.

import { setMaxListeners } from 'node:events';
import { callSites } from './debug.ts';
import type { CancelledError } from './exceptions.ts';
import { setImmediate } from './node_timers.ts';
import { currentScope, type Scope } from './scopes.ts';
import { onAbort } from './signals.ts';

/** Whether the code that called `callee` is Node's. */
function isCalledByNode(callee: (this: never) => unknown): boolean {
  return callSites(1, callee)[0]?.getFileName()?.startsWith('node:') === true;
}

const kOwner = Symbol('aionode.scope');

type OwnedSignal = AbortSignal & { [kOwner]: ScopeSignal };

/** What our signals have beside the methods of all; set on each, which costs less than properties of its own. */
const noticing: object = Object.create(AbortSignal.prototype, {
  reason: {
    configurable: true,
    get: function reason(this: OwnedSignal): unknown {
      return this[kOwner].readBy(reason);
    },
  },
  throwIfAborted: {
    configurable: true,
    writable: true,
    value(this: OwnedSignal): void {
      this[kOwner].throwIfAborted();
    },
  },
});

class ScopeSignal {
  readonly #scope: Scope;
  readonly #controller = new AbortController();
  #reason: CancelledError | undefined = undefined;
  #aborting = false;
  #stopFollowing: (() => void) | undefined = undefined;

  constructor(scope: Scope) {
    this.#scope = scope;
    const { signal } = this.#controller;
    // Any number of waits of the scope may listen.
    setMaxListeners(0, signal);
    Object.setPrototypeOf(signal, noticing);
    (signal as OwnedSignal)[kOwner] = this;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: CancelledError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.end();
    this.#aborting = true;
    this.#controller.abort(reason);
    this.#aborting = false;
  }

  follow(outer: ScopeSignal): void {
    const follow = () => this.abort(outer.#reason as CancelledError);
    if (outer.#reason !== undefined) follow();
    else this.#stopFollowing = onAbort(outer.signal, follow);
  }

  end(): void {
    this.#stopFollowing?.();
    this.#stopFollowing = undefined;
  }

  readBy(callee: (this: never) => unknown): unknown {
    if (this.#reason !== undefined) this.#noticeReader(callee);
    return this.#reason;
  }

  throwIfAborted(): void {
    if (this.#reason === undefined) return;
    if (currentScope()?.root === this.#scope.root) this.#tell(true);
    throw this.#reason;
  }

  #noticeReader(callee: (this: never) => unknown): void {
    const running = currentScope()?.root === this.#scope.root;
    if (this.#aborting && running) return;
    if (isCalledByNode(callee)) this.#tell(true);
    else if (this.#aborting) {
      this.#tell(true);
      setImmediate(() => this.#tell(false));
    }
  }

  /** Only of code that waits for nothing of ours: else the cancel has another way. */
  #tell(told: boolean): void {
    if (this.#scope.suspensions().length === 0) this.#scope.tell(told);
  }
}

/** The signal of `scope`, made at the first use. It is aborted when the scope, or one around it, is cancelled. */
function signalOf(scope: Scope): ScopeSignal {
  const { cancellation } = scope;
  if (cancellation.signal === undefined) {
    const made = new ScopeSignal(scope);
    cancellation.signal = made;
    const { asked } = cancellation;
    if (asked !== undefined) made.abort(asked.error());
    else if (scope.parent !== null && !scope.ended) made.follow(signalOf(scope.parent));
  }
  return cancellation.signal as ScopeSignal;
}

/** @internal */
export function abortSignalOf(scope: Scope): AbortSignal {
  return signalOf(scope).signal;
}
