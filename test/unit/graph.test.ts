/** captureCallGraph(), formatCallGraph() and printCallGraph(). */
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import {
  captureCallGraph,
  createTask,
  currentTask,
  Event,
  Future,
  type FutureCallGraph,
  formatCallGraph,
  gather,
  printCallGraph,
  shield,
  sleep,
  type Task,
  TaskGroup,
  wait,
  waitFor,
} from 'aionode';
import { inLoop } from '../support/tasks.js';

/** The graph as names only. */
function names(graph: FutureCallGraph): unknown[] {
  const name = graph.future instanceof Future && 'getName' in graph.future;
  return [name ? (graph.future as Task).getName() : 'future', ...graph.awaitedBy.map(names)];
}

/** The names above `task` once `waiter` waits for it in the way of `body`. */
async function above(body: (task: Task<void>) => PromiseLike<unknown>): Promise<unknown> {
  const event = new Event();
  const task = createTask(
    async () => {
      await event.wait();
    },
    { name: 'task' },
  );
  const waiter = createTask(async () => body(task), { name: 'waiter' });
  await sleep(0);
  await sleep(0);
  const graph = captureCallGraph(task) as FutureCallGraph;
  event.set();
  await waiter;
  assert.deepEqual(names(captureCallGraph(task) as FutureCallGraph), ['task']);
  return names(graph);
}

describe('captureCallGraph', () => {
  const ways: Record<string, (task: Task<void>) => PromiseLike<unknown>> = {
    await: async (task) => {
      await task;
    },
    gather: (task) => gather(task, sleep(0)),
    wait: (task) => wait([task]),
    shield: async (task) => {
      await shield(task);
    },
    waitFor: (task) => waitFor(task, 10),
    'Promise.all': (task) => Promise.all([task]),
    'a group': (task) =>
      TaskGroup.run(async () => {
        await task;
      }),
  };
  for (const [way, body] of Object.entries(ways)) {
    it(
      `knows who waits by ${way}`,
      inLoop(async () => assert.deepEqual(await above(body), ['task', ['waiter']])),
    );
  }

  it(
    'knows that the parent of a TaskGroup waits for its children',
    inLoop(async () => {
      await TaskGroup.run(async (group) => {
        const child = group.createTask(async () => sleep(0), { name: 'child' });
        const graph = captureCallGraph(child) as FutureCallGraph;
        assert.equal(graph.awaitedBy[0]?.future, currentTask());
      });
    }),
  );

  it(
    'of a future has no stack',
    inLoop(async () => {
      const future = new Future<void>();
      const task = createTask(async () => future);
      await sleep(0);
      const graph = captureCallGraph(future) as FutureCallGraph;
      assert.equal(graph.future, future);
      assert.deepEqual(graph.callStack, []);
      assert.deepEqual(
        graph.awaitedBy.map((waiter) => waiter.future),
        [task],
      );
      future.setResult();
      await task;
    }),
  );

  it(
    'of the running task has its frames, innermost first',
    inLoop(async () => {
      function inner(limit?: number) {
        const graph = captureCallGraph(null, limit === undefined ? {} : { limit });
        return (graph as FutureCallGraph).callStack;
      }
      async function outer() {
        return [inner(), inner(1), inner(-1), inner(0)];
      }
      const [all = [], outermost, innermost, none] = await outer();
      assert.match(all[0] ?? '', /^inner \(/);
      assert.match(all[1] ?? '', /^(async )?outer \(/);
      assert.deepEqual(outermost, all.slice(-1));
      assert.match(innermost?.[0] ?? '', /^inner \(/);
      assert.equal(innermost?.length, 1);
      assert.deepEqual(none, []);
      const skipping = captureCallGraph(null, { depth: 2 }) as FutureCallGraph;
      assert.equal(skipping.callStack.length, (captureCallGraph()?.callStack.length ?? 0) - 1);
    }),
  );

  it('is null outside a task', () => {
    assert.equal(captureCallGraph(), null);
    assert.equal(formatCallGraph(), '');
  });

  it('takes futures only', () => {
    assert.throws(() => captureCallGraph(Promise.resolve() as never), {
      code: 'ERR_INVALID_ARG_TYPE',
    });
    assert.throws(() => captureCallGraph(null, { limit: 1.5 }), { code: 'ERR_OUT_OF_RANGE' });
  });
});

describe('formatCallGraph', () => {
  it(
    'shows stacks and who waits, level by level',
    inLoop(async () => {
      const event = new Event();
      const leaf = createTask(
        async function leafBody() {
          await event.wait();
        },
        { name: 'leaf' },
      );
      const top = createTask(
        async function topBody() {
          await gather(leaf);
        },
        { name: 'top' },
      );
      await sleep(0);
      await sleep(0);
      const text = formatCallGraph(leaf).replaceAll(/id=0x[0-9a-f]+/g, 'id');
      assert.equal(
        text,
        [
          "* Task(name='leaf', id)",
          '  + Call stack:',
          '  |   awaits event wait',
          '  |   async leafBody()',
          '  + Awaited by:',
          "    * Task(name='top', id)",
          '      + Call stack:',
          '      |   awaits a Gathering',
          '      |   async topBody()',
        ].join('\n'),
      );
      let printed = '';
      const file = new Writable({
        write(chunk, _encoding, done) {
          printed += chunk;
          done();
        },
      });
      printCallGraph(leaf, { file });
      assert.equal(printed, `${formatCallGraph(leaf)}\n`);
      event.set();
      await top;
    }),
  );

  it(
    'names a cycle of waiting',
    inLoop(async () => {
      const tasks: Task[] = [];
      tasks.push(createTask(async () => tasks[1], { name: 'a' }) as Task);
      tasks.push(createTask(async () => gather(tasks[0] as Task), { name: 'b' }) as Task);
      await sleep(0);
      await sleep(0);
      assert.match(formatCallGraph(tasks[0]), /cycle of waiting: a -> b -> a/);
      for (const task of tasks) task.cancel();
      await wait(tasks);
    }),
  );
});
