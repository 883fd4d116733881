/** Queue, PriorityQueue, LifoQueue: order, waiting, cancellation, join and shutdown. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import {
  createTask,
  gather,
  LifoQueue,
  PriorityQueue,
  Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  RuntimeError,
  run,
  sleep,
  type Task,
} from 'aionode';
import { inLoop, settle } from '../support/tasks.js';

function drain<T>(queue: Queue<T>): T[] {
  const items: T[] = [];
  while (!queue.empty()) items.push(queue.getNowait());
  return items;
}

describe('Queue', () => {
  it(
    'gives items in the order in which they were put',
    inLoop(async () => {
      const queue = new Queue<number>();
      for (let i = 0; i < 100; i++) await queue.put(i);
      assert.equal(queue.qsize(), 100);
      for (let i = 0; i < 100; i++) assert.equal(await queue.get(), i);
      assert.equal(queue.empty(), true);
    }),
  );

  it(
    'keeps the order through growing, shrinking and wrapping around',
    inLoop(async () => {
      const queue = new Queue<number>();
      let put = 0;
      let got = 0;
      for (const [more, fewer] of [
        [10, 7],
        [1000, 990],
        [5, 18],
        [3000, 2999],
        [40, 41],
      ] as const) {
        for (let i = 0; i < more; i++) queue.putNowait(put++);
        for (let i = 0; i < fewer; i++) assert.equal(queue.getNowait(), got++);
      }
      assert.equal(put, got);
    }),
  );

  it(
    'with a maxsize, put() waits for room and putNowait() throws QueueFull',
    inLoop(async () => {
      const queue = new Queue<string>(1);
      await queue.put('a');
      assert.equal(queue.full(), true);
      assert.throws(() => queue.putNowait('b'), QueueFull);
      const putter = createTask(() => queue.put('b'));
      await settle();
      assert.equal(putter.done(), false);
      assert.equal(await queue.get(), 'a');
      await putter;
      assert.equal(await queue.get(), 'b');
      assert.throws(() => queue.getNowait(), QueueEmpty);
    }),
  );

  it('takes any number of items for a maxsize of 0, less, or Infinity', () => {
    for (const maxsize of [undefined, 0, -1, Number.POSITIVE_INFINITY]) {
      const queue = new Queue<number>(maxsize);
      for (let i = 0; i < 50; i++) queue.putNowait(i);
      assert.equal(queue.full(), false);
    }
    assert.equal(new Queue(3).maxsize, 3);
  });

  it('refuses a maxsize that is no integer', () => {
    assert.throws(() => new Queue('1' as never), { name: 'TypeError', message: /"maxsize"/ });
    assert.throws(() => new Queue(1.5), { name: 'RangeError', message: /"maxsize"/ });
    assert.throws(() => new Queue(Number.NaN), RangeError);
  });

  it(
    'a get() that nobody awaits takes nothing',
    inLoop(async () => {
      const queue = new Queue<number>();
      void queue.get();
      queue.putNowait(1);
      await settle();
      assert.equal(queue.getNowait(), 1);
    }),
  );

  it(
    'wakes getters in the order of their arrival',
    inLoop(async () => {
      const queue = new Queue<number>();
      const got: string[] = [];
      const getters = ['A', 'B', 'C'].map((name) =>
        createTask(async () => {
          got.push(`${name}${await queue.get()}`);
        }),
      );
      await settle();
      for (let i = 0; i < 3; i++) queue.putNowait(i);
      await gather(...getters);
      assert.deepEqual(got, ['A0', 'B1', 'C2']);
    }),
  );

  it(
    'a getter that was overtaken waits again at the end of the line',
    inLoop(async () => {
      const queue = new Queue<number>();
      const got: string[] = [];
      const getters = ['A', 'B'].map((name) =>
        createTask(async () => {
          got.push(`${name}${await queue.get()}`);
        }),
      );
      await settle();
      queue.putNowait(1);
      assert.equal(queue.getNowait(), 1);
      await settle();
      queue.putNowait(2);
      queue.putNowait(3);
      await gather(...getters);
      assert.deepEqual(got, ['B2', 'A3']);
    }),
  );

  it(
    'a cancelled getter that was woken wakes the next one',
    inLoop(async () => {
      const queue = new Queue<number>();
      const first = createTask(() => queue.get());
      const second = createTask(() => queue.get());
      await settle();
      queue.putNowait(1);
      first.cancel();
      assert.equal(await second, 1);
      assert.equal(first.cancelled(), true);
    }),
  );

  it(
    'a cancelled putter that was woken wakes the next one',
    inLoop(async () => {
      const queue = new Queue<string>(1);
      queue.putNowait('held');
      const first = createTask(() => queue.put('first'));
      const second = createTask(() => queue.put('second'));
      await settle();
      assert.equal(queue.getNowait(), 'held');
      first.cancel();
      await second;
      assert.deepEqual(drain(queue), ['second']);
    }),
  );

  it(
    'loses no item to cancelled getters, in any order of cancels and puts',
    inLoop(async () => {
      for (let pattern = 0; pattern < 64; pattern++) {
        const queue = new Queue<number>();
        const getters: Task<number>[] = [];
        for (let i = 0; i < 3; i++) getters.push(createTask(() => queue.get()));
        await settle();
        let put = 0;
        for (let bit = 0; bit < 6; bit++) {
          if (pattern & (1 << bit)) getters[bit % 3]?.cancel();
          else queue.putNowait(put++);
          if (bit === 2) await sleep(0);
        }
        await settle();
        const got = getters.filter((task) => task.done() && !task.cancelled());
        const items = [...got.map((task) => task.result()), ...drain(queue)];
        assert.deepEqual(
          items.sort((a, b) => a - b),
          [...Array(put).keys()],
          `pattern ${pattern}`,
        );
        for (const task of getters) task.cancel();
        await settle();
      }
    }),
  );

  it(
    'ten thousand cancelled getters cost no more than a line each',
    inLoop(async () => {
      const queue = new Queue<number>();
      const getters: Task<number>[] = [];
      for (let i = 0; i < 10_000; i++) getters.push(createTask(() => queue.get()));
      await sleep(0);
      const last = createTask(() => queue.get());
      await sleep(0);
      // From the back, which is the expensive end for a search from the front.
      for (const getter of getters.reverse()) getter.cancel();
      queue.putNowait(1);
      assert.equal(await last, 1);
      assert.equal(
        getters.every((getter) => getter.cancelled()),
        true,
      );
    }),
  );

  it(
    'join() waits for a taskDone() for every item',
    inLoop(async () => {
      const queue = new Queue<number>();
      await queue.join();
      queue.putNowait(1);
      queue.putNowait(2);
      const joined = createTask(() => queue.join());
      await queue.get();
      queue.taskDone();
      await settle();
      assert.equal(joined.done(), false);
      await queue.get();
      queue.taskDone();
      assert.equal(await joined, undefined);
      assert.throws(() => queue.taskDone(), { name: 'RangeError', message: /taskDone\(\)/ });
    }),
  );

  it(
    'join() returns although an item is put before its task runs',
    inLoop(async () => {
      const queue = new Queue<number>();
      queue.putNowait(1);
      const joined = createTask(() => queue.join());
      await settle();
      queue.taskDone();
      queue.putNowait(2);
      await joined;
    }),
  );

  it(
    'for await takes items until shutdown',
    inLoop(async () => {
      const queue = new Queue<number>();
      const taken: number[] = [];
      const reader = createTask(async () => {
        for await (const item of queue) taken.push(item);
      });
      await settle();
      for (let i = 0; i < 3; i++) await queue.put(i);
      queue.shutdown();
      await reader;
      assert.deepEqual(taken, [0, 1, 2]);
    }),
  );

  it(
    'leaving an iteration that waits takes no item',
    inLoop(async () => {
      const queue = new Queue<string>();
      queue.putNowait('a');
      // It reads one item ahead.
      for await (const item of Readable.from(queue)) {
        assert.equal(item, 'a');
        break;
      }
      await settle();
      queue.putNowait('b');
      await settle();
      assert.equal(queue.getNowait(), 'b');
    }),
  );

  it(
    'for await passes on a cancel, and every other error',
    inLoop(async () => {
      const queue = new Queue<number>();
      const reader = createTask(async () => {
        for await (const _ of queue);
      });
      await settle();
      reader.cancel();
      await assert.rejects(reader, { code: 'ERR_CANCELLED' });
      queue.putNowait(7);
      assert.equal(queue.getNowait(), 7);
    }),
  );

  it('belongs to the loop in which it was first waited for', async () => {
    const queue = new Queue<number>(1);
    await run(async () => {
      const getter = createTask(() => queue.get());
      await settle();
      queue.putNowait(1);
      assert.equal(await getter, 1);
    });
    await run(async () => {
      // What needs no waiting works anywhere.
      await queue.put(2);
      assert.equal(await queue.get(), 2);
      await assert.rejects(
        queue.get(),
        (error) => error instanceof RuntimeError && /different event loop/.test(error.message),
      );
    });
  });
});

describe('Queue.shutdown()', () => {
  it(
    'lets getters drain the queue, then throws QueueShutDown',
    inLoop(async () => {
      const queue = new Queue<number>();
      queue.putNowait(1);
      queue.shutdown();
      queue.shutdown();
      await assert.rejects(queue.put(2), QueueShutDown);
      assert.throws(() => queue.putNowait(2), QueueShutDown);
      assert.equal(await queue.get(), 1);
      await assert.rejects(queue.get(), QueueShutDown);
      assert.throws(() => queue.getNowait(), QueueShutDown);
    }),
  );

  it(
    'ends everyone who waits',
    inLoop(async () => {
      const empty = new Queue<number>();
      const full = new Queue<number>(1);
      full.putNowait(1);
      const waiting = [
        createTask(() => empty.get()),
        createTask(() => empty.get()),
        createTask(() => full.put(2)),
      ];
      await settle();
      empty.shutdown();
      full.shutdown();
      for (const task of waiting) await assert.rejects(task, QueueShutDown);
      assert.deepEqual(drain(full), [1]);
    }),
  );

  it(
    'a getter that was woken for an item still gets it',
    inLoop(async () => {
      const queue = new Queue<number>();
      const getter = createTask(() => queue.get());
      await settle();
      queue.putNowait(1);
      queue.shutdown();
      assert.equal(await getter, 1);
    }),
  );

  it(
    'immediate: throws the items away and unblocks join()',
    inLoop(async () => {
      const queue = new Queue<number>();
      queue.putNowait(1);
      queue.putNowait(2);
      const joined = createTask(() => queue.join());
      await settle();
      queue.shutdown(true);
      assert.equal(queue.qsize(), 0);
      await joined;
      await assert.rejects(queue.get(), QueueShutDown);
    }),
  );

  it(
    'immediate: join() still waits for items that were taken',
    inLoop(async () => {
      const queue = new Queue<number>();
      queue.putNowait(1);
      queue.putNowait(2);
      await queue.get();
      queue.shutdown();
      queue.shutdown(true);
      const joined = createTask(() => queue.join());
      await settle();
      assert.equal(joined.done(), false);
      queue.taskDone();
      await joined;
    }),
  );
});

describe('PriorityQueue', () => {
  it('gives the smallest first: numbers, strings, bigints', () => {
    for (const [items, sorted] of [
      [
        [3, 1, 2],
        [1, 2, 3],
      ],
      [
        ['b', 'a', 'ab'],
        ['a', 'ab', 'b'],
      ],
      [
        [2n, 1, 3n],
        [1, 2n, 3n],
      ],
    ] as const) {
      const queue = new PriorityQueue<unknown>();
      for (const item of items) queue.putNowait(item);
      assert.deepEqual(drain(queue), sorted);
    }
  });

  it('compares arrays as tuples: by the first elements that differ, then by length', () => {
    const queue = new PriorityQueue<unknown[]>();
    const last = [2, 'a'];
    for (const item of [last, [1, 'b', 0], [1, 'b'], [1, [2, 3]].slice(0, 1), [1, 'a', 9]]) {
      queue.putNowait(item);
    }
    assert.deepEqual(drain(queue), [[1], [1, 'a', 9], [1, 'b'], [1, 'b', 0], last]);
    const nested = new PriorityQueue<[number, number[]]>();
    for (const item of [
      [1, [2, 2]],
      [1, [2, 1]],
    ] as [number, number[]][]) {
      nested.putNowait(item);
    }
    assert.deepEqual(drain(nested), [
      [1, [2, 1]],
      [1, [2, 2]],
    ]);
  });

  it("gives ties in the order of Python's heapq", () => {
    // heapq pushes and pops of (priority, name), compared by priority alone.
    const queue = new PriorityQueue<[number, string]>(0, (a, b) => a[0] - b[0]);
    for (const [i, name] of [...'abcdefgh'].entries()) queue.putNowait([i % 2, name]);
    const names = drain(queue).map(([, name]) => name);
    assert.equal(names.join(''), 'acgefhbd');
  });

  it('agrees with sorting, for many items', () => {
    const queue = new PriorityQueue<number>();
    const items: number[] = [];
    let seed = 1;
    for (let i = 0; i < 2000; i++) {
      seed = (seed * 48271) % 2147483647;
      items.push(seed % 500);
      queue.putNowait(seed % 500);
    }
    assert.deepEqual(
      drain(queue),
      items.sort((a, b) => a - b),
    );
  });

  it('takes a compare function', () => {
    const queue = new PriorityQueue<{ rank: number }>(0, (a, b) => b.rank - a.rank);
    for (const rank of [1, 3, 2]) queue.putNowait({ rank });
    assert.deepEqual(
      drain(queue).map(({ rank }) => rank),
      [3, 2, 1],
    );
    assert.throws(() => new PriorityQueue(0, 1 as never), {
      name: 'TypeError',
      message: /"compare"/,
    });
  });

  it(
    'refuses an item without an order, and keeps what it had',
    inLoop(async () => {
      const queue = new PriorityQueue<unknown>();
      queue.putNowait([1, { name: 'a' }]);
      await assert.rejects(queue.put([1, { name: 'b' }]), {
        name: 'TypeError',
        message: /compare function/,
      });
      assert.throws(() => queue.putNowait('text'), TypeError);
      assert.equal(queue.qsize(), 1);
      assert.deepEqual(await queue.get(), [1, { name: 'a' }]);
      queue.taskDone();
      await queue.join();
    }),
  );

  it(
    'wakes a getter, and waits at its maxsize, like any queue',
    inLoop(async () => {
      const queue = new PriorityQueue<number>(2);
      const getter = createTask(() => queue.get());
      await settle();
      queue.putNowait(2);
      queue.putNowait(1);
      assert.equal(await getter, 1);
      await queue.put(0);
      const putter = createTask(() => queue.put(5));
      await settle();
      assert.equal(putter.done(), false);
      assert.equal(await queue.get(), 0);
      await putter;
      assert.deepEqual(drain(queue), [2, 5]);
    }),
  );
});

describe('LifoQueue', () => {
  it(
    'gives the last item first',
    inLoop(async () => {
      const queue = new LifoQueue<number>(3);
      for (let i = 0; i < 3; i++) await queue.put(i);
      assert.equal(queue.full(), true);
      assert.deepEqual(drain(queue), [2, 1, 0]);
      queue.putNowait(9);
      queue.shutdown(true);
      assert.equal(queue.empty(), true);
    }),
  );
});
