// Queue, PriorityQueue and LifoQueue.
// Floor 9.
//
// A put wakes a getter, and a get wakes a putter; neither is handed anything. Woken, it looks again in its
// task's own step, and waits again if somebody was faster. Who is cancelled after it was woken wakes the
// next one, so no item and no free place is forgotten.

import { inspect } from 'node:util';
import { checkFunction, checkInteger } from './arguments.ts';
import { QueueEmpty, QueueFull, QueueShutDown } from './exceptions.ts';
import { describeState } from './format.ts';
import type { Future } from './futures.ts';
import { Heap, isLess } from './heap.ts';
import { addInlineAwait } from './inline.ts';
import { Pulling } from './pulling.ts';
import { Ring } from './ring.ts';
import type { LoopCore } from './turns.ts';
import { Waiter, WaitingLine } from './waiters.ts';

/** Where the items are, and in which order they leave. @internal */
export interface Store<T> {
  readonly size: number;
  push(item: T): void;
  /** Takes the next item. The store may not be empty. */
  take(): T;
  clear(): void;
}

class QueueGet<T> extends Waiter<T> {
  private readonly queue: Queue<T>;

  constructor(queue: Queue<T>) {
    super();
    this.queue = queue;
  }

  protected override begin(): void {
    const queue = this.queue;
    if (!queue.empty()) this.completeWithAny(queue.getNowait());
    else {
      if (queue.isShutDown) throw shutDown('get()', 'is empty');
      queue.getters.add(this);
    }
  }

  protected override passOn(): void {
    const queue = this.queue;
    if (!queue.empty() && this.cancellation === undefined) queue.getters.wakeNext();
  }
}
addInlineAwait(QueueGet);

class QueuePut<T> extends Waiter<void> {
  private readonly queue: Queue<T>;
  private readonly item: T;

  constructor(queue: Queue<T>, item: T) {
    super();
    this.queue = queue;
    this.item = item;
  }

  protected override begin(): void {
    const queue = this.queue;
    if (queue.full() && !queue.isShutDown) queue.putters.add(this);
    else {
      queue.putNowait(this.item);
      this.complete();
    }
  }

  protected override passOn(): void {
    const queue = this.queue;
    if (!queue.full() && this.cancellation === undefined) queue.putters.wakeNext();
  }
}
addInlineAwait(QueuePut);

class QueueJoin<T> extends Waiter<void> {
  private readonly queue: Queue<T>;

  constructor(queue: Queue<T>) {
    super();
    this.queue = queue;
  }

  protected override begin(): void {
    if (this.queue.unfinished === 0) this.complete();
    else this.queue.joiners.add(this);
  }

  protected override woke(): void {
    this.complete();
  }

  protected override passOn(): void {}
}
addInlineAwait(QueueJoin);

/** `for await` over a queue: it has no end but shutdown(). */
class Items<T> extends Pulling<T> {
  private readonly queue: Queue<T>;

  constructor(queue: Queue<T>) {
    super();
    this.queue = queue;
  }

  protected override pull(): Future<T> {
    return this.queue.get();
  }

  protected override isEndError(error: unknown): boolean {
    return error instanceof QueueShutDown;
  }
}

function shutDown(operation: string, state: string): QueueShutDown {
  return new QueueShutDown(`${operation}: the queue was shut down and ${state}`);
}

/**
 * Hands items from tasks to tasks, first in, first out. With a `maxsize`, put() waits while the queue is
 * full. It belongs to the loop in which it is first waited for.
 *
 * An item that is itself a promise is awaited by `await queue.get()`, as JavaScript does with every
 * promise; put it into an array or object to hand it on unawaited.
 *
 * **Fairness:** getters, and likewise putters, are woken in the order of their arrival. A getNowait(), or
 * a get() that finds an item, may overtake a getter that was woken and has not run yet; that one then
 * waits again, at the end of the line.
 * @example
 * ```ts
 * const queue = new Queue<string>(10);
 * const worker = createTask(async () => {
 *   for await (const url of queue) {
 *     await load(url);
 *     queue.taskDone();
 *   }
 * });
 * await queue.put('http://localhost/');
 * await queue.join();
 * queue.shutdown();
 * ```
 * @see asyncio.Queue
 * @public
 */
export class Queue<T = unknown> implements AsyncIterable<T> {
  /** How many items the queue may hold; 0 or less: any number. */
  readonly maxsize: number;
  /** @internal */
  loop: LoopCore | undefined = undefined;
  /** @internal */
  readonly getters: WaitingLine = new WaitingLine(this);
  /** @internal */
  readonly putters: WaitingLine = new WaitingLine(this);
  /** @internal */
  readonly joiners: WaitingLine = new WaitingLine(this);
  /** How many items were put and not reported by taskDone(). @internal */
  unfinished = 0;
  /** @internal */
  isShutDown = false;
  private readonly store: Store<T>;
  private readonly limit: number;

  /**
   * @param maxsize - how many items the queue may hold; 0 or less, or Infinity: any number
   * @throws RangeError when `maxsize` is not an integer
   */
  constructor(maxsize?: number);
  /** @internal */
  constructor(maxsize: number | undefined, store: Store<T>);
  constructor(maxsize = 0, store?: Store<T>) {
    if (maxsize !== Number.POSITIVE_INFINITY) checkInteger(maxsize, 'maxsize');
    this.maxsize = maxsize;
    this.limit = maxsize > 0 ? maxsize : Number.POSITIVE_INFINITY;
    // Whoever passes more than maxsize to a Queue, as Python once let them, gets a queue all the same.
    this.store = store instanceof Heap || store instanceof Stack ? store : new Ring<T>();
  }

  /** How many items are in the queue. @see asyncio.Queue.qsize */
  qsize(): number {
    return this.store.size;
  }

  /** Whether there is no item in the queue. @see asyncio.Queue.empty */
  empty(): boolean {
    return this.store.size === 0;
  }

  /** Whether there are `maxsize` items in the queue. @see asyncio.Queue.full */
  full(): boolean {
    return this.store.size >= this.limit;
  }

  /**
   * Waits until there is an item and takes it.
   *
   * **Cancellation:** no item is lost: it is taken in the step in which the await ends.
   *
   * **Fairness:** getters are woken in the order of their arrival; see Queue.
   * @throws QueueShutDown when the queue was shut down and is empty
   * @throws RuntimeError when the queue belongs to another event loop
   * @see asyncio.Queue.get
   */
  get(): Future<T> {
    return new QueueGet<T>(this);
  }

  /**
   * Takes an item without waiting.
   * @throws QueueEmpty when there is none; QueueShutDown when there will never be one
   * @see asyncio.Queue.get_nowait
   */
  getNowait(): T {
    if (this.store.size === 0) {
      if (this.isShutDown) throw shutDown('getNowait()', 'is empty');
      throw new QueueEmpty('getNowait(): the queue is empty');
    }
    const item = this.store.take();
    this.putters.wakeNext();
    return item;
  }

  /**
   * Waits until there is room and puts `item` into the queue.
   *
   * **Cancellation:** the item is not in the queue.
   *
   * **Fairness:** putters are woken in the order of their arrival; see Queue.
   * @throws QueueShutDown when the queue was shut down, also while waiting
   * @throws RuntimeError when the queue belongs to another event loop
   * @see asyncio.Queue.put
   */
  put(item: T): Future<void> {
    return new QueuePut<T>(this, item);
  }

  /**
   * Puts `item` into the queue without waiting.
   * @throws QueueFull when there is no room; QueueShutDown when the queue was shut down
   * @see asyncio.Queue.put_nowait
   */
  putNowait(item: T): void {
    if (this.isShutDown) throw shutDown('put', 'takes no more items');
    if (this.store.size >= this.limit) {
      throw new QueueFull(`putNowait(): the queue is full (maxsize ${this.maxsize})`);
    }
    this.store.push(item);
    this.unfinished += 1;
    this.getters.wakeNext();
  }

  /**
   * Reports that the work on an item which was taken is done; join() counts these.
   * @throws RangeError when called more often than items were put
   * @see asyncio.Queue.task_done
   */
  taskDone(): void {
    if (this.unfinished === 0) {
      throw new RangeError('taskDone() called too many times: call it once for each item taken');
    }
    this.unfinished -= 1;
    if (this.unfinished === 0) this.joiners.wakeAll();
  }

  /**
   * Waits until taskDone() was called for every item that was put.
   *
   * **Cancellation:** nothing is lost.
   *
   * **Fairness:** all who wait go on, in the order of their arrival.
   * @throws RuntimeError when the queue belongs to another event loop
   * @see asyncio.Queue.join
   */
  join(): Future<void> {
    return new QueueJoin(this);
  }

  /**
   * Ends the queue: put() fails with QueueShutDown from now on, get() once the queue is empty. Everyone
   * who waits is woken. It may be called again, to add `immediate`.
   * @param immediate - also throws away the items in the queue, which then count as done for join()
   * @see asyncio.Queue.shutdown
   */
  shutdown(immediate = false): void {
    this.isShutDown = true;
    if (immediate) {
      this.unfinished = Math.max(0, this.unfinished - this.store.size);
      this.store.clear();
      if (this.unfinished === 0) this.joiners.wakeAll();
    }
    this.getters.wakeAll();
    this.putters.wakeAll();
  }

  /**
   * Takes items for `for await`, until the queue is shut down and empty.
   *
   * **Cancellation:** no item is lost.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return new Items(this);
  }

  /** @internal */
  [inspect.custom](): string {
    return describeState(this, this.isShutDown ? 'shut down' : 'open', {
      size: this.qsize(),
      maxsize: this.maxsize > 0 ? this.maxsize : undefined,
      unfinished: this.unfinished === 0 ? undefined : this.unfinished,
      getters: this.getters.shown,
      putters: this.putters.shown,
    });
  }
}

/**
 * A Queue that gives the smallest item first: by `compare`, or by `<` on numbers, on strings, and on
 * arrays, whose first elements that differ decide. Items without an order throw TypeError in put().
 * @example
 * ```ts
 * const queue = new PriorityQueue<[priority: number, job: string]>();
 * queue.putNowait([2, 'later']);
 * queue.putNowait([1, 'first']);
 * const [, job] = await queue.get();
 * ```
 * @see asyncio.PriorityQueue
 * @public
 */
export class PriorityQueue<T = unknown> extends Queue<T> {
  /**
   * @param maxsize - how many items the queue may hold; 0 or less, or Infinity: any number
   * @param compare - as Array.sort takes it: negative when `a` comes first
   * @throws TypeError when `compare` is not a function; RangeError when `maxsize` is not an integer
   */
  constructor(maxsize?: number, compare?: (a: T, b: T) => number) {
    if (compare !== undefined) checkFunction(compare, 'compare');
    super(maxsize, new Heap<T>(compare === undefined ? isLess : (a, b) => compare(a, b) < 0));
  }
}

/** Last in, first out. */
class Stack<T> implements Store<T> {
  private readonly items: T[] = [];

  get size(): number {
    return this.items.length;
  }

  push(item: T): void {
    this.items.push(item);
  }

  take(): T {
    return this.items.pop() as T;
  }

  clear(): void {
    this.items.length = 0;
  }
}

/**
 * A Queue that gives the item that was put last first.
 * @example
 * ```ts
 * const queue = new LifoQueue<string>();
 * queue.putNowait('below');
 * queue.putNowait('on top');
 * console.log(queue.getNowait());
 * ```
 * @see asyncio.LifoQueue
 * @public
 */
export class LifoQueue<T = unknown> extends Queue<T> {
  /**
   * @param maxsize - how many items the queue may hold; 0 or less, or Infinity: any number
   * @throws RangeError when `maxsize` is not an integer
   */
  constructor(maxsize?: number) {
    super(maxsize, new Stack<T>());
  }
}
