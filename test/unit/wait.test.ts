/** wait() and asCompleted(). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ALL_COMPLETED,
  asCompleted,
  coroutine,
  createTask,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  Future,
  Queue,
  sleep,
  type Task,
  TimeoutError,
  wait,
} from 'aionode';
import { inLoop, settle } from '../support/tasks.js';

/** A task that ends after that many passes of the loop. */
function after<T>(passes: number, result: T): Task<T> {
  return createTask(async () => {
    for (let i = 0; i < passes; i++) await sleep(0);
    return result;
  });
}

function failing(passes: number): Task<never> {
  return createTask(async () => {
    for (let i = 0; i < passes; i++) await sleep(0);
    throw new Error('failing');
  });
}

describe('wait()', () => {
  it(
    'waits for all by default',
    inLoop(async () => {
      const tasks = [after(3, 'a'), after(1, 'b'), failing(2)];
      const [done, pending] = await wait(tasks);
      assert.deepEqual([...done], tasks);
      assert.equal(pending.size, 0);
      assert.equal(tasks[2]?.exception() instanceof Error, true);
      assert.equal((await wait(new Set(tasks), { returnWhen: ALL_COMPLETED }))[0].size, 3);
    }),
  );

  it(
    'FIRST_COMPLETED: returns with what is done, and cancels nothing',
    inLoop(async () => {
      const slow = new Future<string>();
      const fast = after(2, 'fast');
      const [done, pending] = await wait([slow, fast], { returnWhen: FIRST_COMPLETED });
      assert.deepEqual([...done], [fast]);
      assert.deepEqual([...pending], [slow]);
      assert.equal(slow.done(), false);
    }),
  );

  it(
    'FIRST_EXCEPTION: a failure ends it, a cancel does not',
    inLoop(async () => {
      const never = new Future<never>();
      const cancelled = after(100, 0);
      const failed = failing(3);
      cancelled.cancel();
      const [done, pending] = await wait<Future<unknown>>([never, cancelled, failed], {
        returnWhen: FIRST_EXCEPTION,
      });
      assert.deepEqual([...done], [cancelled, failed]);
      assert.deepEqual([...pending], [never]);
      assert.ok(failed.exception());
    }),
  );

  it(
    'returns what it has at the timeout',
    inLoop(async () => {
      const never = new Future<void>();
      const quick = after(1, 1);
      await quick;
      const [done, pending] = await wait<Future<unknown>>([never, quick], { timeout: 0 });
      assert.deepEqual([...done], [quick]);
      assert.deepEqual([...pending], [never]);
      const [none, both] = await wait([never], { timeout: 0 });
      assert.equal(none.size, 0);
      assert.equal(both.size, 1);
      const [all] = await wait([quick], { timeout: null });
      assert.equal(all.size, 1);
    }),
  );

  it(
    'cancelled, it leaves the futures running and no callback behind',
    inLoop(async () => {
      const future = new Future<number>();
      const waiter = createTask(() => wait([future]));
      await settle();
      waiter.cancel();
      await settle();
      assert.equal(waiter.cancelled(), true);
      assert.equal(future.done(), false);
      future.setResult(1);
      assert.equal(await future, 1);
    }),
  );

  it(
    'counts duplicates once and takes any iterable',
    inLoop(async () => {
      const task = after(1, 'x');
      function* both() {
        yield task;
        yield task;
      }
      const [done] = await wait(both());
      assert.deepEqual([...done], [task]);
    }),
  );

  it(
    'adopts promises',
    inLoop(async () => {
      const [done] = await wait([Promise.resolve(5)] as never);
      const [future] = [...(done as Set<Future<number>>)];
      assert.ok(future instanceof Future);
      assert.equal(future.result(), 5);
    }),
  );

  it(
    'waits for queue.get() and the like',
    inLoop(async () => {
      const queue = new Queue<string>();
      const get = queue.get();
      const never = new Queue<string>().get();
      createTask(async () => queue.putNowait('item'));
      const [done, pending] = await wait([get, never], { returnWhen: FIRST_COMPLETED });
      assert.deepEqual([...done], [get]);
      assert.equal(get.result(), 'item');
      for (const other of pending) other.cancel();
    }),
  );

  it(
    'refuses what is not a collection of futures',
    inLoop(async () => {
      const work = coroutine(async () => {});
      for (const wrong of [
        after(1, 1),
        work(),
        1,
        null,
        [() => 1],
        [async () => {}],
        [work()],
        [1],
        'ab',
      ]) {
        await assert.rejects(wait(wrong as never), { name: 'TypeError', message: /"fs"/ });
      }
      await assert.rejects(wait([]), { name: 'RangeError', message: /"fs"/ });
      const future = after(1, 1);
      await assert.rejects(wait([future], { returnWhen: 'SOME' as never }), RangeError);
      await assert.rejects(wait([future], { timeout: '1' as never }), TypeError);
      await assert.rejects(wait([future], { timeout: Number.NaN }), RangeError);
    }),
  );
});

describe('asCompleted()', () => {
  it(
    'for await: gives the futures themselves as they are done',
    inLoop(async () => {
      const tasks = [after(5, 'slow'), after(1, 'fast'), after(3, 'middle')];
      const order: number[] = [];
      for await (const task of asCompleted(tasks)) {
        order.push(tasks.indexOf(task));
        assert.equal(task.done(), true);
      }
      assert.deepEqual(order, [1, 2, 0]);
    }),
  );

  it(
    'for..of: gives an awaitable for each next result',
    inLoop(async () => {
      const results: string[] = [];
      for (const next of asCompleted([after(5, 'slow'), after(1, 'fast')])) {
        results.push(await next);
      }
      assert.deepEqual(results, ['fast', 'slow']);
    }),
  );

  it(
    'calls a function as often as it is mentioned, as gather() does',
    inLoop(async () => {
      let calls = 0;
      const call = async () => ++calls;
      const results: number[] = [];
      for (const next of asCompleted([call, call, call])) results.push(await next);
      assert.deepEqual(results, [1, 2, 3]);
    }),
  );

  it(
    'gives iterators that can be iterated',
    inLoop(async () => {
      const results: string[] = [];
      const both = asCompleted([after(1, 'first'), after(2, 'second')]);
      for (const next of both[Symbol.iterator]()) {
        results.push(await next);
        break;
      }
      for await (const task of both[Symbol.asyncIterator]()) results.push(await task);
      assert.deepEqual(results, ['first', 'second']);
    }),
  );

  it(
    'for..of: a failure is thrown by its awaitable',
    inLoop(async () => {
      const outcomes: unknown[] = [];
      for (const next of asCompleted<Task<string>>([failing(1), after(2, 'fine')])) {
        try {
          outcomes.push(await next);
        } catch (error) {
          outcomes.push((error as Error).message);
        }
      }
      assert.deepEqual(outcomes, ['failing', 'fine']);
    }),
  );

  it(
    'for..of: the awaitables can be awaited together',
    inLoop(async () => {
      const all = await Promise.all([...asCompleted([after(4, 'late'), after(1, 'early')])]);
      assert.deepEqual(all, ['early', 'late']);
    }),
  );

  it(
    'makes tasks of functions and coroutines, adopts promises, and drops duplicates',
    inLoop(async () => {
      const task = after(1, 1);
      const work = coroutine(async () => 2)();
      const results: number[] = [];
      for await (const future of asCompleted([
        task,
        task,
        async () => 3,
        work,
        work,
        Promise.resolve(4),
      ])) {
        assert.ok(future instanceof Future);
        results.push(future.result());
      }
      assert.deepEqual(results.sort(), [1, 2, 3, 4]);
    }),
  );

  it(
    'goes on after a break',
    inLoop(async () => {
      const completions = asCompleted([after(1, 'a'), after(2, 'b'), after(3, 'c')]);
      const results: string[] = [];
      for await (const task of completions) {
        results.push(await task);
        break;
      }
      for (const next of completions) {
        results.push(await next);
        break;
      }
      for await (const task of completions) results.push(await task);
      for await (const _ of completions) assert.fail('there is nothing left');
      assert.deepEqual(results, ['a', 'b', 'c']);
    }),
  );

  it(
    'throws TimeoutError for what is not done in time',
    inLoop(async () => {
      const never = new Future<string>();
      const quick = after(1, 'quick');
      await quick;
      const results: string[] = [];
      await assert.rejects(async () => {
        for await (const future of asCompleted([never, quick], {
          timeout: 0,
        })) {
          results.push(await future);
        }
      }, TimeoutError);
      assert.deepEqual(results, ['quick']);
      assert.equal(never.done(), false);
      const [next] = [...asCompleted([never], { timeout: 0 })];
      await assert.rejects(async () => next, TimeoutError);
    }),
  );

  it(
    'a cancelled for await loses no future',
    inLoop(async () => {
      const future = new Future<string>();
      const completions = asCompleted([future]);
      const reader = createTask(async () => {
        for await (const _ of completions);
      });
      await settle();
      reader.cancel();
      await settle();
      future.setResult('kept');
      for await (const done of completions) assert.equal(done.result(), 'kept');
      assert.equal(reader.cancelled(), true);
    }),
  );

  it(
    'nothing to wait for: ends at once',
    inLoop(async () => {
      for await (const _ of asCompleted([], { timeout: 10 })) assert.fail('nothing was given');
      assert.deepEqual([...asCompleted([])], []);
    }),
  );

  it(
    'refuses what is not a collection of awaitables',
    inLoop(async () => {
      for (const wrong of [after(1, 1), 1, null, 'ab', () => []]) {
        assert.throws(() => asCompleted(wrong as never), { name: 'TypeError', message: /"fs"/ });
      }
      assert.throws(() => asCompleted([1] as never), TypeError);
      assert.throws(() => asCompleted([], { timeout: '1' as never }), TypeError);
    }),
  );
});
