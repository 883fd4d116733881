// What a scope (scopes.ts) knows once somebody asked it to stop, or for its signal.
// Floor 1.
import { CancelledError } from './exceptions.ts';

/** The AbortSignal of a scope; see scope_signals.ts. */
interface CancelSignal {
  readonly signal: AbortSignal;
  abort(reason: CancelledError): void;
  /** The scope is over: what happens around it is not passed on any more. */
  end(): void;
}

/** One request to cancel. @internal */
export class Request {
  private readonly message: string | undefined;
  private readonly cause: unknown;

  constructor(message: string | undefined, cause: unknown) {
    this.message = message;
    this.cause = cause;
  }

  error(): CancelledError {
    const { message, cause } = this;
    return new CancelledError(message, cause === undefined ? undefined : { cause });
  }
}

/** What is known about cancelling a scope, or a whole task at its root. @internal */
export class Cancellation<Scope> {
  /** An interruption found nothing to cancel and waits for the next await. */
  mustCancel = false;
  /** That interruption is known to the code already. */
  told = false;
  /** By whom this very scope was asked to stop; at the root until all requests are taken back. */
  asked: Request | undefined = undefined;
  /** Of the last interruption that had to wait. */
  message: string | undefined = undefined;
  /** The reason of the signal that cancelled the task. */
  cause: unknown = undefined;
  /** The requests to cancel this very scope that were not taken back; the task's cancel() asks its root. */
  requests = 0;
  /** At the root: the scopes within it that have requests of their own, in the order of the first ones. */
  requested: Set<Scope> | undefined = undefined;
  /** Of the scope's signal, once somebody has asked for that. */
  signal: CancelSignal | undefined = undefined;
}
