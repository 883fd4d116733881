// Checks of arguments, with Node's error classes, codes and wording.
// Floor 0: imports nothing of ours.
import { inspect } from 'node:util';

/**
 * The name of a function, or of an object's class; '' where there is none, or a proxy or a getter throws.
 * @internal
 */
export function nameOf(value: object): string {
  try {
    // Of the prototype, since a future takes a look at its own `constructor` for an await.
    const { name } = typeof value === 'function' ? value : Object.getPrototypeOf(value).constructor;
    return typeof name === 'string' ? name : '';
  } catch {
    return '';
  }
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return ` Received ${value}`;
  if (typeof value === 'function')
    return ` Received ${nameOf(value) ? `function ${nameOf(value)}` : 'a function'}`;
  if (typeof value === 'object') {
    const name = nameOf(value);
    return name ? ` Received an instance of ${name}` : ` Received ${inspect(value, { depth: -1 })}`;
  }
  const text = inspect(value, { colors: false });
  return ` Received type ${typeof value} (${text.length > 28 ? `${text.slice(0, 25)}...` : text})`;
}

/** TypeError [ERR_INVALID_ARG_TYPE] in Node's words; `expected` completes "must be ...". @internal */
export function invalidArgType(name: string, expected: string, value: unknown): TypeError {
  const error = new TypeError(`The "${name}" argument must be ${expected}.${describe(value)}`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
}

/** RangeError [ERR_INVALID_ARG_VALUE] in Node's words; `reason` follows the name. @internal */
export function invalidArgValue(name: string, reason: string, value: unknown): RangeError {
  const kind = name.includes('.') ? 'property' : 'argument';
  const error = new RangeError(`The ${kind} '${name}' ${reason}. Received ${inspect(value)}`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
}

/** RangeError [ERR_OUT_OF_RANGE] in Node's words; `range` completes "It must be ...". @internal */
export function outOfRange(name: string, range: string, value: unknown): RangeError {
  const error = new RangeError(
    `The value of "${name}" is out of range. It must be ${range}. Received ${inspect(value)}`,
  );
  return Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
}

/** @internal */
export function checkFunction(value: unknown, name: string): void {
  if (typeof value !== 'function') throw invalidArgType(name, 'of type function', value);
}

/** A function that makes something when it is called: a class does not. @internal */
export function checkFactory(value: unknown, name: string): void {
  checkFunction(value, name);
  if (!/^class\b/.test(Function.prototype.toString.call(value))) return;
  const made = nameOf(value as object);
  throw invalidArgType(name, `a function that makes one: () => new ${made || 'Protocol'}()`, value);
}

/** A number that is not NaN; infinity is allowed. @internal */
export function checkSeconds(value: unknown, name: string): void {
  if (typeof value !== 'number') {
    throw invalidArgType(name, 'of type number (seconds)', value);
  }
  if (Number.isNaN(value)) throw outOfRange(name, 'a number of seconds', value);
}

/** @internal */
export function checkInteger(
  value: unknown,
  name: string,
  least = Number.MIN_SAFE_INTEGER,
  most = Number.MAX_SAFE_INTEGER,
): void {
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value);
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value);
  if (value < least || value > most) throw outOfRange(name, `>= ${least} and <= ${most}`, value);
}

/** @internal */
export function checkPort(value: unknown, name: string): void {
  checkInteger(value, name, 0, 65535);
}

/** @internal */
export function checkString(value: unknown, name: string): void {
  if (typeof value !== 'string') throw invalidArgType(name, 'of type string', value);
}

/** A string that can be handed to the system, which would cut it at a zero byte. @internal */
export function checkText(value: unknown, name: string): void {
  checkString(value, name);
  if ((value as string).includes('\0')) {
    throw invalidArgValue(name, 'must be a string without null bytes', value);
  }
}

/** @internal */
export function checkOptions(value: unknown, name = 'options'): void {
  if (typeof value !== 'object' || value === null)
    throw invalidArgType(name, 'of type object', value);
}

/** Options of which none is ignored: what is misspelt would have no effect. @internal */
export function checkNames(options: object, names: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    const known = names.map((one) => `options.${one}`).join(' and ');
    const error = new TypeError(`options.${name} is not known: there is ${known}`);
    throw Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
  }
}

/** A collection: neither bytes nor a string, which are iterable as well. @internal */
export function checkIterable(value: unknown, name: string, of: string): void {
  const iterable = typeof value === 'object' && value !== null && Symbol.iterator in value;
  if (!iterable || value instanceof Uint8Array) {
    throw invalidArgType(name, `an iterable of ${of}`, value);
  }
}

/** @internal */
export function checkSignal(value: unknown, name: string): void {
  if (typeof value !== 'object' || value === null || !('aborted' in value)) {
    throw invalidArgType(name, 'an instance of AbortSignal', value);
  }
}

/** A stream, or whatever else takes text. @internal */
export function checkWritable(value: unknown, name: string): void {
  if (typeof (value as { write?: unknown } | null)?.write !== 'function') {
    throw invalidArgType(name, 'a writable stream', value);
  }
}

/** A boolean, or undefined for the default. @internal */
export function checkFlag(value: unknown, name: string): void {
  if (value !== undefined && typeof value !== 'boolean') {
    throw invalidArgType(name, 'of type boolean', value);
  }
}

/** @internal */
export function checkBytes(value: unknown, name: string): void {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
    throw invalidArgType(name, 'of type string or an instance of Buffer or Uint8Array', value);
  }
}
