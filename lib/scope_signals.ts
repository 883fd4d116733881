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
import type { CancelledError } from './exceptions.ts';
import { currentScope, type Scope } from './scopes.ts';
import { onAbort } from './signals.ts';

/** Whether the code that called `callee` is Node's. */
function isCalledByNode(callee: () => unknown): boolean {
  const { stackTraceLimit, prepareStackTrace } = Error;
  Error.stackTraceLimit = 1;
  Error.prepareStackTrace = (_error, sites) => sites;
  try {
    const holder = {} as { stack: NodeJS.CallSite[] };
    Error.captureStackTrace(holder, callee);
    return holder.stack[0]?.getFileName()?.startsWith('node:') === true;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace;
  }
}

class ScopeSignal {
  readonly #scope: Scope;
  readonly #controller = new AbortController();
  #reason: CancelledError | undefined = undefined;
  #aborting = false;
  #stopFollowing: (() => void) | undefined = undefined;

  constructor(scope: Scope) {
    this.#scope = scope;
    const noticed = (callee: () => unknown): unknown => {
      if (this.#reason !== undefined) this.#noticeReader(callee);
      return this.#reason;
    };
    const { signal } = this.#controller;
    Object.defineProperties(signal, {
      reason: {
        configurable: true,
        get: function reason() {
          return noticed(reason);
        },
      },
      throwIfAborted: {
        configurable: true,
        writable: true,
        value: () => {
          if (!signal.aborted) return;
          if (scope.root === currentScope()?.root) this.#tell(true);
          throw this.#reason;
        },
      },
    });
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

  #noticeReader(callee: () => unknown): void {
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
