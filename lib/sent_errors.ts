// Errors on their way to another thread.
// Floor 1.
//
// Structured cloning turns every error into one of eight built-in classes and drops its own properties.
// Here the class (the nearest that both threads know), name, message, stack, cause, the errors of a group
// and all own properties arrive. What cannot be cloned is left out.
import { inspect, types } from 'node:util';
import * as ours from './exceptions.ts';

interface Field {
  readonly key: string;
  readonly value: unknown;
  readonly enumerable: boolean;
}

interface SentError {
  /** The nearest class in its prototype chain that every thread knows. */
  readonly type: string;
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause: Sent | undefined;
  readonly errors: Sent[] | undefined;
  readonly fields: Field[];
}

/** Something thrown, ready to be posted. @internal */
export type Sent = { readonly error: SentError } | { readonly value: unknown };

const classes = new Map<string, { readonly prototype: object }>(
  [
    ...[Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError],
    ...[AggregateError, DOMException, ...Object.values(ours).filter(isErrorClass)],
  ].map((type) => [type.name, type]),
);

function isErrorClass(exported: unknown): exported is typeof Error {
  return typeof exported === 'function' && exported.prototype instanceof Error;
}

/** Carried in places of their own. */
const kOwnPlaces = new Set(['message', 'stack', 'cause', 'errors']);
/** Longer chains of causes are cut: no reader gets that far. */
const kDeepest = 16;

/** Of any realm, as long as it looks like one. */
function isErrorLike(thrown: unknown): thrown is Error {
  return types.isNativeError(thrown) || thrown instanceof Error;
}

function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

/** Who has a class of his own of that name may have no errors in it. */
function canBeGroup({ errors }: { errors?: unknown }): boolean {
  return Array.isArray(errors) && errors.length > 0;
}

function knownClass(error: object): string {
  for (let proto = Object.getPrototypeOf(error); proto !== null; ) {
    const name = proto.constructor?.name;
    if (classes.has(name) && (name !== 'ExceptionGroup' || canBeGroup(error))) return name;
    proto = Object.getPrototypeOf(proto);
  }
  return 'Error';
}

/** Of a class that only the sender knows, its name is what arrives. */
function nameOf(error: Error, type: string): string {
  const { name } = error;
  // A DOMException has its name from a getter, which its prototype cannot be asked for.
  if (type === 'DOMException') return name;
  const inherited = classes.get(type)?.prototype as Error;
  if (name !== inherited.name) return String(name);
  return error.constructor?.name === 'NodeError' ? name : (error.constructor?.name ?? name);
}

function fieldsOf(error: Error): Field[] {
  const fields: Field[] = [];
  for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(error))) {
    if (kOwnPlaces.has(key) || !('value' in property) || !isCloneable(property.value)) continue;
    fields.push({ key, value: property.value, enumerable: property.enumerable === true });
  }
  return fields;
}

function send(thrown: unknown, path: readonly unknown[]): Sent | undefined {
  if (!isErrorLike(thrown)) return isCloneable(thrown) ? { value: thrown } : undefined;
  if (path.includes(thrown) || path.length === kDeepest) return undefined;
  const below = [...path, thrown];
  const type = knownClass(thrown);
  const { errors } = thrown as { errors?: unknown };
  return {
    error: {
      type,
      name: nameOf(thrown, type),
      message: String(thrown.message),
      stack: thrown.stack === undefined ? undefined : String(thrown.stack),
      cause: Object.hasOwn(thrown, 'cause') ? send(thrown.cause, below) : undefined,
      errors: Array.isArray(errors)
        ? errors.map((error) => send(error, below) ?? described(error))
        : undefined,
      fields: fieldsOf(thrown),
    },
  };
}

/** What was thrown, as something that can be posted. Never throws itself. @internal */
export function sendError(thrown: unknown): Sent {
  let sent: Sent | undefined;
  try {
    sent = send(thrown, []);
  } catch {
    // A getter or a proxy that throws: what there is to say is said below.
  }
  return sent ?? described(thrown);
}

/** Stands for what cannot be sent. */
function described(thrown: unknown): Sent {
  return send(new Error(`thrown in another thread: ${describe(thrown)}`), []) as Sent;
}

function describe(thrown: unknown): string {
  try {
    return inspect(thrown, { depth: 1 });
  } catch {
    return typeof thrown;
  }
}

function make({ type, name, message, errors }: SentError): Error {
  if (type === 'DOMException') return new DOMException(message, name);
  if (type === 'ExceptionGroup') {
    const text = message.replace(/ \(\d+ sub-exceptions?\)$/, '');
    return new ours.ExceptionGroup((errors as Sent[]).map(receiveError), text);
  }
  const error = new Error(message);
  const { prototype } = classes.get(type) ?? Error;
  return prototype === Error.prototype ? error : Object.setPrototypeOf(error, prototype);
}

/** What was thrown in the other thread, of this thread's classes. @internal */
export function receiveError(sent: Sent): unknown {
  if ('value' in sent) return sent.value;
  const { name, message, stack, cause, errors, fields } = sent.error;
  const error = make(sent.error);
  const hidden = (key: string, value: unknown): void => {
    Object.defineProperty(error, key, {
      value,
      enumerable: false,
      writable: true,
      configurable: true,
    });
  };
  if (error.message !== message) hidden('message', message);
  if (error.name !== name) hidden('name', name);
  hidden('stack', stack);
  if (cause !== undefined) hidden('cause', receiveError(cause));
  if (errors !== undefined && !Object.hasOwn(error, 'errors')) {
    hidden('errors', errors.map(receiveError));
  }
  for (const { key, value, enumerable } of fields) {
    Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
  }
  return error;
}
