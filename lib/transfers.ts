// transfer(): what goes to another thread by changing hands instead of being copied.
// Floor 1.
//
// The mark is kept beside the value, not in a wrapper: so the value keeps its type, and what a function
// returns may be marked by code that does not know who sends it.
import type { TransferListItem } from 'node:worker_threads';
import { invalidArgType } from './arguments.ts';

const marks = new WeakMap<object, readonly TransferListItem[]>();

function listFor(value: object): readonly TransferListItem[] {
  if (!ArrayBuffer.isView(value)) return [value as TransferListItem];
  // Shared memory needs no transfer: both threads have it.
  return value.buffer instanceof ArrayBuffer ? [value.buffer] : [];
}

/**
 * Marks an argument of toThread(), runInExecutor() or a call of another loop, or the result of a function
 * that runs in a worker, to change hands when it is sent: nothing is copied, and it cannot be used here
 * any more.
 * @param value - the argument or result itself
 * @param list - what in it is transferred: ArrayBuffers, MessagePorts, streams, ...; by default `value`, or
 * its buffer
 * @returns `value`
 * @throws TypeError when `value` is not an object or `list` not an array
 * @example
 * ```ts
 * const digest = await toThread(hash, transfer(bytes));
 * ```
 * @public
 */
export function transfer<T extends object>(value: T, list?: readonly TransferListItem[]): T {
  if (value === null || typeof value !== 'object') {
    throw invalidArgType('value', 'of type object', value);
  }
  if (list !== undefined && !Array.isArray(list)) {
    throw invalidArgType('list', 'an instance of Array', list);
  }
  marks.set(value, list ?? listFor(value));
  return value;
}

/** What is transferred with `values`, which are sent now. A mark counts once. @internal */
export function takeTransfers(values: readonly unknown[]): TransferListItem[] {
  const taken: TransferListItem[] = [];
  for (const value of values) {
    if (typeof value !== 'object' || value === null) continue;
    const list = marks.get(value);
    if (list === undefined) continue;
    marks.delete(value);
    taken.push(...list);
  }
  return taken;
}
