// A smallest first store: a binary heap that compares in the order of Python's heapq, so that items
// which compare equal come out as they do there.
// Floor 1.
//
// Every comparison is made before anything moves: when one throws, the heap is as it was before.
import { inspect } from 'node:util';

/** Whether `a` comes before `b`. @internal */
export type Less<T> = (a: T, b: T) => boolean;

function isNumeric(x: unknown): x is number {
  return typeof x === 'number' || typeof x === 'bigint' || typeof x === 'boolean';
}

function areEqual(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => areEqual(item, b[i]));
  }
  // biome-ignore lint/suspicious/noDoubleEquals: 1 and 1n are equal, as 1 and 1.0 are in Python
  return isNumeric(a) && isNumeric(b) ? a == b : a === b;
}

/**
 * `<` of Python: on numbers, on strings, and on arrays by their first elements that differ.
 * @throws TypeError where there is no order
 * @internal
 */
export function isLess(a: unknown, b: unknown): boolean {
  if (isNumeric(a) && isNumeric(b)) return a < b;
  if (typeof a === 'string' && typeof b === 'string') return a < b;
  if (Array.isArray(a) && Array.isArray(b)) {
    const shorter = Math.min(a.length, b.length);
    for (let i = 0; i < shorter; i++) if (!areEqual(a[i], b[i])) return isLess(a[i], b[i]);
    return a.length < b.length;
  }
  const brief = { depth: 0, maxStringLength: 28, maxArrayLength: 4 };
  throw new TypeError(
    `There is no order between ${inspect(a, brief)} and ${inspect(b, brief)}: give the ` +
      'PriorityQueue a compare function, or items [priority, number, value] that never tie',
  );
}

/** @internal */
export class Heap<T> {
  readonly #items: T[] = [];
  readonly #less: Less<T>;

  constructor(less: Less<T>) {
    this.#less = less;
  }

  get size(): number {
    return this.#items.length;
  }

  push(item: T): void {
    const items = this.#items;
    let place = items.length;
    while (place > 0 && this.#less(item, items[(place - 1) >> 1] as T)) place = (place - 1) >> 1;
    for (let hole = items.length; hole > place; hole = (hole - 1) >> 1) {
      items[hole] = items[(hole - 1) >> 1] as T;
    }
    items[place] = item;
  }

  /** Takes the smallest item. The heap may not be empty. */
  take(): T {
    const items = this.#items;
    const last = items.length - 1;
    const place = this.#placeOfLast(last);
    let moving = items.pop() as T;
    if (last === 0) return moving;
    for (let hole = place; hole > 0; hole = (hole - 1) >> 1) {
      const above = items[hole] as T;
      items[hole] = moving;
      moving = above;
    }
    const smallest = items[0] as T;
    items[0] = moving;
    return smallest;
  }

  clear(): void {
    this.#items.length = 0;
  }

  /** Where the last item goes when the smallest leaves: down to a leaf by the smaller child, then up. */
  #placeOfLast(last: number): number {
    const items = this.#items;
    let place = 0;
    for (let child = 1; child < last; child = 2 * place + 1) {
      const right = child + 1;
      place = right < last && !this.#less(items[child] as T, items[right] as T) ? right : child;
    }
    const item = items[last] as T;
    while (place > 0 && this.#less(item, items[place] as T)) place = (place - 1) >> 1;
    return place;
  }
}
