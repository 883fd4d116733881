// transfer(): what goes to another thread by changing hands instead of being copied.
// Floor 1.
//
// The mark is kept beside the value, not in a wrapper: so the value keeps its type, and what a function
// returns may be marked by code that does not know who sends it.
import type { MessagePort } from 'node:worker_threads';
import { invalidArgType } from './arguments.ts';

/** What postMessage() can transfer; @types/node has changed its name. @public */
export type TransferItem = NonNullable<Parameters<MessagePort['postMessage']>[1]>[number];

const marks = new WeakMap<object, readonly TransferItem[]>();

function listFor(value: object): readonly TransferItem[] {
  if (!ArrayBuffer.isView(value)) return [value as TransferItem];
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
export function transfer<T extends object>(value: T, list?: readonly TransferItem[]): T {
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
export function takeTransfers(values: readonly unknown[]): TransferItem[] {
  const taken: TransferItem[] = [];
  for (const value of values) {
    if (typeof value !== 'object' || value === null) continue;
    const list = marks.get(value);
    if (list === undefined) continue;
    marks.delete(value);
    taken.push(...list);
  }
  return taken;
}
