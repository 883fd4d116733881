/** toThread(): what can be sent to a thread, and what comes back. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import {
  CancelledError,
  coroutine,
  createTask,
  type Future,
  gather,
  getRunningLoop,
  isfuture,
  toThread,
  transfer,
  workerModule,
} from 'aionode';
import { inLoop } from '../support/tasks.js';

/** What an await threw. */
async function errorOf(outcome: PromiseLike<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await outcome;
  } catch (error) {
    return error as never;
  }
  return assert.fail('nothing was thrown');
}

const moduleOf = (source: string) => `data:text/javascript,${encodeURIComponent(source)}`;

describe('functions', () => {
  it(
    'of any form are sent by their source',
    inLoop(async () => {
      function declared(a: number, b: number) {
        return a + b;
      }
      const methods = {
        plain(n: number) {
          return n + 1;
        },
        async later(n: number) {
          await null;
          return n + 2;
        },
        *'with a name'(n: number) {
          yield n;
        },
      };
      assert.equal(await toThread(declared, 1, 2), 3);
      assert.equal(await toThread((n: number) => n * 2, 4), 8);
      assert.equal(await toThread(async (n: number) => n * 2, 4), 8);
      assert.equal(await toThread(methods.plain, 1), 2);
      assert.equal(await toThread(methods.later, 1), 3);
      assert.equal(await toThread(Function('return 5 // and a comment') as () => number), 5);
      const generator = await errorOf(toThread(methods['with a name'] as never, 1 as never));
      assert.match(generator.message, /^What with a name\(\) returned cannot be sent/);
    }),
  );

  it(
    'run in another thread, with what is global there',
    inLoop(async () => {
      const { isMainThread, threadId } = await import('node:worker_threads');
      const there = await toThread(async () => {
        const threads = await import('node:worker_threads');
        return { isMainThread: threads.isMainThread, threadId: threads.threadId };
      });
      assert.equal(isMainThread, true);
      assert.equal(there.isMainThread, false);
      assert.notEqual(there.threadId, threadId);
      assert.equal(await toThread(() => typeof process.version), 'string');
    }),
  );

  it(
    'are compiled once, however often the same source comes',
    inLoop(async () => {
      const stackOf = () => new Error().stack?.split('\n')[1];
      const first = await toThread(stackOf);
      assert.equal(await toThread(stackOf), first);
      // More of them than a worker keeps.
      const total = 1_500;
      let sum = 0;
      for (let i = 0; i < total; i++)
        sum += await toThread(Function(`return ${i}`) as () => number);
      assert.equal(sum, (total * (total - 1)) / 2);
      assert.equal(await toThread(stackOf), first);
    }),
  );

  it(
    'that see more than their arguments fail with a hint',
    inLoop(async () => {
      const outside = 5;
      const error = await errorOf(toThread(() => outside));
      assert.equal(error.name, 'ReferenceError');
      assert.match(error.message, /^outside is not defined \(a function that is sent/);
      assert.equal(error.stack?.split('\n')[0], `ReferenceError: ${error.message}`);
    }),
  );

  it(
    'that have no source are refused at once',
    inLoop(async () => {
      class Class {}
      const bound = ((n: number) => n).bind(null);
      for (const fn of [JSON.parse, bound, Class, new Proxy(() => {}, {})]) {
        assert.throws(() => toThread(fn as never), {
          name: 'TypeError',
          code: 'ERR_INVALID_ARG_VALUE',
          message: /cannot be sent to a thread/,
        });
      }
      for (const fn of [undefined, null, 'f', {}]) {
        assert.throws(() => toThread(fn as never), { code: 'ERR_INVALID_ARG_TYPE' });
      }
      const object = coroutine(async () => {})();
      assert.throws(() => toThread(object as never), { code: 'ERR_INVALID_ARG_TYPE' });
      object.close();
      const getter = Object.getOwnPropertyDescriptor(
        {
          get x() {
            return 1;
          },
        },
        'x',
      )?.get;
      const error = await errorOf(toThread(getter as never));
      assert.equal(error.name, 'TypeError');
      assert.match(error.message, /^The text of the function is not one that can be called: get x/);
    }),
  );

  it('may be sent outside run(), too', async () => {
    const future = toThread((n: number) => n + 1, 1);
    assert.ok(isfuture(future));
    assert.equal(await future, 2);
  });
});

describe('arguments and results', () => {
  it(
    'are cloned',
    inLoop(async () => {
      const values = [
        ...[undefined, null, true, 0, -0, 1n, 'text', Number.NaN],
        ...[[], {}, [1, [2]], { a: { b: new Date(0) } }, new Map([[1, new Set([2])]]), /x/g],
        ...[new Uint16Array([1, 2]), new ArrayBuffer(3), new RangeError('as a value')],
      ];
      for (const value of values) assert.deepEqual(await toThread((x: unknown) => x, value), value);
      const shared = new Int32Array(new SharedArrayBuffer(4));
      await toThread((array: Int32Array) => void Atomics.store(array, 0, 7), shared);
      assert.equal(shared[0], 7);
    }),
  );

  it(
    'stay Buffers if they are some, and only their own bytes are sent',
    inLoop(async () => {
      const pooled = Buffer.from('pooled');
      assert.ok(pooled.buffer.byteLength > pooled.byteLength);
      const seen = await toThread(
        (first: Buffer, second: Uint8Array, third: { inner: Buffer }) => [
          Buffer.isBuffer(first) && first.toString(),
          Buffer.isBuffer(second),
          Buffer.isBuffer(third.inner),
          first.buffer.byteLength,
          second.join(),
        ],
        pooled,
        new Uint8Array([9, 1, 2, 9]).subarray(1, 3),
        { inner: pooled },
      );
      assert.deepEqual(seen, ['pooled', false, false, 6, '1,2']);
      const result = await toThread(() => Buffer.from('result'));
      assert.ok(Buffer.isBuffer(result));
      assert.equal(result.toString(), 'result');
      assert.equal(result.buffer.byteLength, 6);
    }),
  );

  it(
    'that cannot be cloned fail the call, and the thread goes on',
    inLoop(async () => {
      function named(x: unknown) {
        return x;
      }
      const sent = await errorOf(toThread(named, () => {}));
      assert.equal(sent.name, 'TypeError');
      assert.match(sent.message, /^An argument of named\(\) cannot be sent to another thread: /);
      assert.equal((sent.cause as Error).name, 'DataCloneError');
      const returned = await errorOf(toThread(() => ({ deep: () => {} })));
      assert.equal(returned.name, 'TypeError');
      assert.match(returned.message, /^What the function returned cannot be sent/);
      assert.equal((returned.cause as Error).name, 'DataCloneError');
      for (const make of ['() => () => {}', '() => Symbol()', '() => new WeakMap()']) {
        const fn = Function(`return (${make})()`) as () => unknown;
        assert.equal((await errorOf(toThread(fn))).name, 'TypeError', make);
      }
      assert.equal(await toThread(named, 1), 1);
    }),
  );

  it(
    'a thenable is awaited, and what is not one is not',
    inLoop(async () => {
      assert.equal(
        await toThread(() => ({ then: (give: (n: number) => void) => give(3) }) as never),
        3,
      );
      assert.deepEqual(await toThread(() => ({ then: 3 }) as never), { then: 3 });
      const error = await errorOf(
        toThread(() => ({
          get then(): never {
            throw new RangeError('getter');
          },
        })),
      );
      assert.deepEqual([error.name, error.message], ['RangeError', 'getter']);
    }),
  );
});

describe('transfer()', () => {
  it(
    'moves an argument',
    inLoop(async () => {
      const bytes = new Uint8Array([1, 2, 3]);
      const buffer = bytes.buffer;
      assert.equal(transfer(bytes), bytes);
      assert.equal(await toThread((array: Uint8Array) => array.length, bytes), 3);
      assert.equal(buffer.byteLength, 0);
      const part = Buffer.allocUnsafeSlow(8).fill('x').subarray(2, 4);
      assert.equal(await toThread((array: Buffer) => array.toString(), transfer(part)), 'xx');
      assert.equal(part.byteLength, 0);
    }),
  );

  it(
    'moves what is in an argument, and ports',
    inLoop(async () => {
      const image = { name: 'it', pixels: new Uint8Array(8) };
      await toThread((i: typeof image) => i.pixels.length, transfer(image, [image.pixels.buffer]));
      assert.equal(image.pixels.length, 0);
      const { port1, port2 } = new MessageChannel();
      await toThread((port) => {
        port.postMessage('from there');
        port.close();
      }, transfer(port2));
      const [message] = await new Promise<unknown[]>((resolve) =>
        port1.once('message', (...args) => resolve(args)),
      );
      assert.equal(message, 'from there');
      port1.close();
    }),
  );

  it(
    'moves a result',
    inLoop(async () => {
      const kept = workerModule<{ make(): Uint8Array; left(): number }>(
        moduleOf(`
          import { transfer } from ${JSON.stringify(import.meta.resolve('aionode'))};
          let bytes;
          export function make() { bytes = new Uint8Array(5); return transfer(bytes); }
          export function left() { return bytes.length; }`),
      );
      assert.equal((await kept.make()).length, 5);
      assert.equal(await kept.left(), 0);
    }),
  );

  it(
    'fails the call when something cannot be moved',
    inLoop(async () => {
      const error = await errorOf(toThread((x: object) => x, transfer({}, [{} as never])));
      assert.equal(error.name, 'TypeError');
      const value = {};
      transfer(value, [{} as never]);
      await errorOf(toThread((x: object) => x, value));
      assert.deepEqual(await toThread((x: object) => x, value), {}, 'a mark counts once');
      assert.throws(() => transfer(1 as never), { code: 'ERR_INVALID_ARG_TYPE' });
      assert.throws(() => transfer(null as never), { code: 'ERR_INVALID_ARG_TYPE' });
      assert.throws(() => transfer({}, {} as never), { code: 'ERR_INVALID_ARG_TYPE' });
    }),
  );

  it(
    'leaves shared memory shared',
    inLoop(async () => {
      const shared = new Uint8Array(new SharedArrayBuffer(2));
      await toThread((array: Uint8Array) => void array.fill(1, 0, 1), transfer(shared));
      assert.deepEqual([...shared], [1, 0]);
    }),
  );
});

it(
  'may be given to createTask(), as a coroutine in asyncio',
  inLoop(async () => {
    assert.equal(await createTask(toThread((a: number, b: number) => a + b, 1, 1)), 2);
    assert.throws(() => createTask(getRunningLoop().runInExecutor(null, () => 1)), TypeError);
  }),
);

describe('errors', () => {
  it(
    'come back with class, message, stack, cause and own properties',
    inLoop(async () => {
      const error = await errorOf(
        toThread(function fails() {
          const cause = Object.assign(new RangeError('deep'), { n: 1 });
          throw Object.assign(new TypeError('outer', { cause }), {
            code: 'E_MINE',
            list: [1, { two: 2 }],
            bytes: new Uint8Array([1]),
            notCloneable() {},
          });
        }),
      );
      assert.ok(error instanceof TypeError);
      assert.equal(error.message, 'outer');
      assert.match(error.stack as string, /^TypeError: outer\n +at fails /);
      assert.deepEqual(Object.keys(error), ['code', 'list', 'bytes']);
      assert.deepEqual(
        [error.code, error.list, error.bytes],
        ['E_MINE', [1, { two: 2 }], new Uint8Array([1])],
      );
      const cause = error.cause as Error & { n: number };
      assert.ok(cause instanceof RangeError);
      assert.deepEqual([cause.message, cause.n], ['deep', 1]);
    }),
  );

  it(
    'of a class that only the function knows keep its name and its nearest known class',
    inLoop(async () => {
      const error = await errorOf(
        toThread(() => {
          class ParseError extends SyntaxError {
            line = 3;
          }
          throw new ParseError('mine');
        }),
      );
      assert.ok(error instanceof SyntaxError);
      assert.deepEqual([error.name, error.message, error.line], ['ParseError', 'mine', 3]);
    }),
  );

  it(
    "of Node's, of the DOM and of aionode's classes are these",
    inLoop(async () => {
      const missing = await errorOf(
        toThread(async () => (await import('node:fs/promises')).readFile('/no/such/file')),
      );
      assert.deepEqual(
        [missing.code, missing.syscall, missing.path],
        ['ENOENT', 'open', '/no/such/file'],
      );
      assert.equal(typeof missing.errno, 'number');
      const checked = await errorOf(toThread(() => Buffer.alloc('x' as never)));
      assert.ok(checked instanceof TypeError);
      assert.equal(checked.code, 'ERR_INVALID_ARG_TYPE');
      const aborted = await errorOf(toThread(() => AbortSignal.abort().throwIfAborted()));
      assert.ok(aborted instanceof DOMException);
      assert.equal(aborted.name, 'AbortError');
      const many = await errorOf(toThread(() => Promise.any([Promise.reject(new EvalError('e'))])));
      assert.ok(many instanceof AggregateError);
      assert.ok((many.errors as unknown[])[0] instanceof EvalError);
      const own = workerModule<{ cancelled(): void; group(): void }>(
        moduleOf(`
          import { CancelledError, ExceptionGroup } from ${JSON.stringify(import.meta.resolve('aionode'))};
          export function cancelled() { throw new CancelledError('there'); }
          export function group() { throw new ExceptionGroup([new TypeError('t'), new Error('e')], 'two'); }`),
      );
      const cancelled = await errorOf(own.cancelled());
      assert.ok(cancelled instanceof CancelledError);
      assert.deepEqual([cancelled.message, cancelled.code], ['there', 'ERR_CANCELLED']);
      const group = (await errorOf(own.group())) as never as import('aionode').ExceptionGroup;
      assert.equal(group.message, 'two (2 sub-exceptions)');
      assert.equal(group.subgroup((e) => e instanceof TypeError)?.message, 'two (1 sub-exception)');
    }),
  );

  it(
    'of a group that cannot be sent are described; a class of that name may be anybody’s',
    inLoop(async () => {
      const own = workerModule<{ unsendable(): void; foreign(): void }>(
        moduleOf(`
          import { ExceptionGroup } from ${JSON.stringify(import.meta.resolve('aionode'))};
          export function unsendable() { throw new ExceptionGroup([() => 1], 'one'); }
          const theirs = { ExceptionGroup: class ExceptionGroup extends Error {} };
          export function foreign() { throw new theirs.ExceptionGroup('mine'); }`),
      );
      const group = (await errorOf(own.unsendable())) as never as AggregateError;
      assert.equal(group.message, 'one (1 sub-exception)');
      assert.match((group.errors[0] as Error).message, /thrown in another thread: \[Function/);
      const foreign = await errorOf(own.foreign());
      assert.deepEqual([foreign.name, foreign.message], ['ExceptionGroup', 'mine']);
    }),
  );

  it(
    'may be anything',
    inLoop(async () => {
      for (const thrown of [5, 'text', null, undefined, { a: [1] }]) {
        const fn = Function('value', 'throw value') as (value: unknown) => void;
        const outcome = await toThread(fn, thrown).then(
          () => assert.fail('nothing was thrown'),
          (error) => error,
        );
        assert.deepEqual(outcome, thrown);
      }
      const uncloneable = await errorOf(
        toThread(() => {
          throw () => 1;
        }),
      );
      assert.match(uncloneable.message, /thrown in another thread: \[Function/);
      const hostile = await errorOf(
        toThread(() => {
          throw new Proxy(new Error('hostile'), {
            get() {
              throw new Error('trap');
            },
          });
        }),
      );
      assert.ok(hostile instanceof Error);
      const circular = await errorOf(
        toThread(() => {
          const error = new Error('circular');
          error.cause = error;
          throw error;
        }),
      );
      assert.deepEqual([circular.message, circular.cause], ['circular', undefined]);
    }),
  );
});

describe('workerModule()', () => {
  const source = `
    let calls = 0;
    export function count(by) { calls += by; return calls; }
    export default async (text) => text.toUpperCase();
    export const value = 5;`;

  it(
    'runs what a module exports, and keeps its state per thread',
    inLoop(async () => {
      const work = workerModule<{
        count(by: number): number;
        default(text: string): Promise<string>;
        value: number;
      }>(moduleOf(source));
      const one: Future<number> = work.count(2);
      assert.equal(await one, 2);
      assert.equal(await work.count(3), 5);
      assert.equal(await toThread(work.count, 1), 6);
      assert.equal(await work.default('loud'), 'LOUD');
      assert.equal(work.count, work.count);
      assert.equal(work.count.name, 'count');
      assert.equal(await Promise.resolve(work), work, 'it is no thenable');
    }),
  );

  it(
    'takes URLs, built-in modules, absolute paths and CommonJS',
    inLoop(async () => {
      const crypto = workerModule<typeof import('node:crypto')>('node:crypto');
      assert.match(await crypto.randomUUID(), /^[0-9a-f-]{36}$/);
      const path = workerModule<typeof import('node:path')>(new URL('node:path'));
      assert.equal(await path.basename('/a/b'), 'b');
      const folder = await mkdtemp(join(tmpdir(), 'aionode-'));
      const file = join(folder, 'work.cjs');
      await writeFile(file, 'const all = { hidden: () => "found" }; module.exports = all;');
      const hidden = workerModule<{ hidden(): string }>(file);
      assert.equal(await hidden.hidden(), 'found');
      await rm(folder, { recursive: true });
    }),
  );

  it(
    'says what is missing',
    inLoop(async () => {
      const work = workerModule<Record<string, () => void>>(moduleOf(source));
      const missing = await errorOf(work.nothing?.() as never);
      assert.equal(missing.name, 'TypeError');
      assert.match(missing.message, /exports no function "nothing", but: count, default, value$/);
      assert.equal((await errorOf(work.value?.() as never)).name, 'TypeError');
      const nowhere = workerModule<Record<string, () => void>>('file:///no/such/module.mjs');
      assert.equal((await errorOf(nowhere.f?.() as never)).code, 'ERR_MODULE_NOT_FOUND');
      const broken = workerModule<Record<string, () => void>>(
        moduleOf('throw new URIError("top")'),
      );
      assert.equal((await errorOf(broken.f?.() as never)).name, 'URIError');
      for (const module of ['./work.js', 'work', 5, undefined, null]) {
        assert.throws(() => workerModule(module as never), { code: 'ERR_INVALID_ARG_TYPE' });
      }
    }),
  );
});

describe('AsyncLocalStorage', () => {
  it(
    'does not travel, and is here again after the await',
    inLoop(async () => {
      const storage = new AsyncLocalStorage<number>();
      await storage.run(1, async () => {
        assert.equal(await toThread(() => 5), 5);
        assert.equal(storage.getStore(), 1);
      });
      const seen = await gather(
        ...[1, 2, 3].map(
          (n) => () =>
            storage.run(n, async () => [await toThread((x: number) => x, n), storage.getStore()]),
        ),
      );
      assert.deepEqual(seen, [
        [1, 1],
        [2, 2],
        [3, 3],
      ]);
    }),
  );
});
