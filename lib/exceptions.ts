// The errors of asyncio, by their names there, each with a stable `code`.
// Floor 1.
import {
  checkFunction,
  checkInteger,
  checkIterable,
  checkString,
  invalidArgType,
} from './arguments.ts';

/**
 * Raised at the await of a task that was cancelled.
 *
 * In Python it escapes `except Exception`; a JavaScript `catch` sees everything, so a handler that
 * catches broadly should pass it on: `catch (e) { if (iscancelled(e)) throw e; ... }`.
 * @public
 */
export class CancelledError extends Error {
  /** Never changes. */
  readonly code = 'ERR_CANCELLED';
  /** @param message - null, as Python's None, is none */
  constructor(message?: string | null, options?: ErrorOptions) {
    super(message ?? undefined, options);
  }
}

/** `instanceof`, for what anybody may have thrown: a proxy can make that throw. @internal */
export function isError<T extends Error>(
  error: unknown,
  type: abstract new (...args: never[]) => T,
): error is T {
  try {
    return error instanceof type;
  } catch {
    return false;
  }
}

/**
 * The CancelledError that `error` is or, as an AbortError, came from; null if it is no cancel. Of a SuppressedError the
 * error of the disposal counts, as in Python the one that came last.
 * @internal
 */
export function cancellationIn(error: unknown): CancelledError | null {
  if (isError(error, CancelledError)) return error;
  if (!isError(error, Error)) return null;
  try {
    const { name, cause, error: last } = error as Error & { error?: unknown };
    if (name === 'AbortError') return isError(cause, CancelledError) ? cause : null;
    return name === 'SuppressedError' && last !== error ? cancellationIn(last) : null;
  } catch {
    // Thrown by a proxy, or by a getter of the error's class.
    return null;
  }
}

/** Gives `error` the reason of the signal that cancelled its task, unless it has one or cannot take it. @internal */
export function explain(error: CancelledError, cause: unknown): void {
  if (cause !== undefined && error.cause === undefined && Object.isExtensible(error)) {
    error.cause = cause;
  }
}

/** The deadline of `timeout()` or `waitFor()` passed. @public */
export class TimeoutError extends Error {
  /** Never changes. */
  readonly code = 'ERR_TIMEOUT';
}

/** The operation is not allowed in this state of a Future or Task. @public */
export class InvalidStateError extends Error {
  /** Never changes. */
  readonly code = 'ERR_INVALID_STATE';
}

/** Thrown where asyncio raises RuntimeError. @public */
export class RuntimeError extends Error {
  /** 'ERR_RUNTIME'; 'ERR_DEADLOCK' and 'ERR_WORKER_ENDED' where a program may want to tell them apart. */
  readonly code: string = 'ERR_RUNTIME';
}

/** `getNowait()` found the queue empty. @public */
export class QueueEmpty extends Error {
  /** Never changes. */
  readonly code = 'ERR_QUEUE_EMPTY';
}

/** `putNowait()` found the queue full. @public */
export class QueueFull extends Error {
  /** Never changes. */
  readonly code = 'ERR_QUEUE_FULL';
}

/** The queue was shut down. @public */
export class QueueShutDown extends Error {
  /** Never changes. */
  readonly code = 'ERR_QUEUE_SHUT_DOWN';
}

/** The barrier was aborted or reset while tasks waited. @public */
export class BrokenBarrierError extends RuntimeError {
  /** Never changes. */
  override readonly code = 'ERR_BROKEN_BARRIER';
}

/** The system cannot send this file over this transport. @public */
export class SendfileNotAvailableError extends RuntimeError {
  /** Never changes. */
  override readonly code = 'ERR_SENDFILE_NOT_AVAILABLE';
}

/**
 * The stream ended before what was asked for had arrived.
 * @public
 */
export class IncompleteReadError extends Error {
  /** Never changes. */
  readonly code = 'ERR_INCOMPLETE_READ';
  /** The bytes that did arrive; they are no longer in the stream's buffer. */
  readonly partial: Buffer;
  /** How many bytes were asked for; `null` when the end was a separator. */
  readonly expected: number | null;
  constructor(partial: Buffer, expected: number | null) {
    if (!(partial instanceof Uint8Array)) {
      throw invalidArgType('partial', 'an instance of Buffer', partial);
    }
    if (expected !== null) checkInteger(expected, 'expected');
    super(
      `${partial.length} bytes read on a total of ${expected === null ? 'undefined' : expected} expected bytes`,
    );
    this.partial = partial;
    this.expected = expected;
  }
}

/**
 * The separator was not found within the limit. The bytes stay in the buffer.
 * @public
 */
export class LimitOverrunError extends Error {
  /** Never changes. */
  readonly code = 'ERR_LIMIT_OVERRUN';
  /** How many bytes can be read and thrown away before trying again. */
  readonly consumed: number;
  constructor(message: string, consumed: number) {
    super(message);
    this.consumed = consumed;
  }
}

/**
 * Several errors at once: what a TaskGroup throws. `errors` holds them.
 * @public
 */
export class ExceptionGroup extends AggregateError {
  /** Never changes. */
  readonly code = 'ERR_EXCEPTION_GROUP';

  constructor(errors: Iterable<unknown>, message = 'unhandled errors') {
    checkIterable(errors, 'errors', 'errors');
    checkString(message, 'message');
    const list = [...errors];
    if (list.length === 0) {
      throw new RangeError('The argument "errors" must hold at least one error. Received none');
    }
    super(list, `${message} (${list.length} sub-exception${list.length === 1 ? '' : 's'})`);
    this.#text = message;
  }

  #text: string;

  /**
   * Splits the group, nested groups included, into what `test` accepts and the rest; either may be
   * `null`. A nested group keeps its place and its message.
   */
  split(test: (e: unknown) => boolean): [ExceptionGroup | null, ExceptionGroup | null] {
    checkFunction(test, 'test');
    if (test(this)) return [this, null];
    const matching: unknown[] = [];
    const rest: unknown[] = [];
    for (const error of this.errors) {
      if (error instanceof ExceptionGroup) {
        const [yes, no] = error.split(test);
        if (yes !== null) matching.push(yes);
        if (no !== null) rest.push(no);
      } else if (test(error)) {
        matching.push(error);
      } else {
        rest.push(error);
      }
    }
    return [this.#derive(matching), this.#derive(rest)];
  }

  /** What `test` accepts, as a group of the same shape; `null` when nothing matches. */
  subgroup(test: (e: unknown) => boolean): ExceptionGroup | null {
    return this.split(test)[0];
  }

  #derive(errors: unknown[]): ExceptionGroup | null {
    if (errors.length === 0) return null;
    if (errors.length === this.errors.length && errors.every((e, i) => e === this.errors[i])) {
      return this;
    }
    const derived = new ExceptionGroup(errors, this.#text);
    if (this.stack !== undefined) derived.stack = this.stack;
    if (this.cause !== undefined) derived.cause = this.cause;
    return derived;
  }
}

for (const type of [
  CancelledError,
  TimeoutError,
  InvalidStateError,
  RuntimeError,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  BrokenBarrierError,
  SendfileNotAvailableError,
  IncompleteReadError,
  LimitOverrunError,
  ExceptionGroup,
]) {
  // On the prototype, as the built-in errors have it: not an own property of every instance.
  Object.defineProperty(type.prototype, 'name', {
    value: type.name,
    configurable: true,
    writable: true,
  });
}
