/** Anything may be thrown, and comes out as it is. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import {
  CancelledError,
  createTask,
  FIRST_EXCEPTION,
  Future,
  gather,
  getRunningLoop,
  type RuntimeError,
  shield,
  sleep,
  TaskGroup,
  timeout,
  wait,
  waitFor,
} from 'aionode';
import { inLoop } from '../support/tasks.js';

const revoked = Proxy.revocable({}, {});
revoked.revoke();

const guarded = (target: object) =>
  new Proxy(target, {
    get() {
      throw new Error('nobody may look');
    },
  });

const values: Record<string, unknown> = {
  undefined,
  null: null,
  'a string': 'text',
  'a symbol': Symbol('thrown'),
  'a frozen object': Object.freeze({}),
  'a frozen error': Object.freeze(new Error('frozen')),
  'an object without a prototype': Object.create(null),
  'a proxy of an error': new Proxy(new Error('inner'), {}),
  'a proxy that throws': guarded({}),
  'a proxy of an error that throws': guarded(new Error('inner')),
  'a revoked proxy': revoked.proxy,
};

/** In an array, for a promise of the value itself would look for its `then`. */
async function thrownBy(call: () => PromiseLike<unknown>): Promise<[unknown]> {
  try {
    await call();
  } catch (error) {
    return [error];
  }
  throw new Error('nothing was thrown');
}

for (const [name, value] of Object.entries(values)) {
  const fails = async () => {
    throw value;
  };
  const failsLater = async () => {
    await sleep(0);
    throw value;
  };
  describe(`${name} that is thrown`, () => {
    it(
      'comes out of tasks, timeouts, gather() and shield() as it is',
      inLoop(async () => {
        const ways = [
          () => createTask(fails),
          () => createTask(failsLater),
          () => createTask(fails, { eagerStart: true }),
          () => gather(failsLater),
          () => shield(failsLater),
          () => timeout(1000, failsLater),
          () => waitFor(failsLater, 1000),
        ];
        for (const way of ways) {
          const [error] = await thrownBy(way);
          assert.ok(Object.is(error, value), String(way));
        }
      }),
    );

    it(
      'fails a group, and is a failure for wait()',
      inLoop(async () => {
        const [error] = await thrownBy(() =>
          TaskGroup.run((group) => group.createTask(failsLater)),
        );
        assert.ok(Object.is((error as AggregateError).errors[0], value));
        const failing = createTask(fails);
        const waiting = createTask(() => new Future());
        const [done] = await wait([failing, waiting], { returnWhen: FIRST_EXCEPTION });
        assert.ok(done.has(failing) && !done.has(waiting));
        waiting.cancel();
      }),
    );

    it(
      'by a callback is told to the exception handler, and can be printed',
      inLoop(async () => {
        const loop = getRunningLoop();
        const told: unknown[] = [];
        loop.setExceptionHandler((_, context) => told.push(context.exception));
        loop.callSoon(() => {
          throw value;
        });
        await sleep(0);
        loop.setExceptionHandler(null);
        assert.ok(told.length === 1 && Object.is(told[0], value));
      }),
    );
  });
}

it(
  'a frozen CancelledError cancels its task like any other',
  inLoop(async () => {
    const task = createTask(async () => {
      await sleep(0);
      throw Object.freeze(new CancelledError('frozen'));
    });
    await assert.rejects(async () => task, /frozen/);
    assert.equal(task.cancelled(), true);
  }),
);

it(
  'an error whose own way to be shown throws is printed all the same',
  inLoop(async (): Promise<void> => {
    const printed: string[] = [];
    const { write } = process.stderr;
    process.stderr.write = (text) => printed.push(String(text)) > 0;
    try {
      const exception = Object.assign(new Error('hidden'), {
        [inspect.custom](): RuntimeError {
          throw new Error('not shown');
        },
      });
      getRunningLoop().defaultExceptionHandler({ message: 'it failed', exception });
    } finally {
      process.stderr.write = write;
    }
    assert.match(printed.join(''), /it failed(.|\n)*hidden/);
  }),
);
