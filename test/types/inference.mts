// Type-checked by every supported TypeScript, compiled down and run: what a user's program infers.
import {
  ALL_COMPLETED,
  asCompleted,
  type Bytes,
  type Coroutine,
  coroutine,
  createTask,
  type Future,
  gather,
  Lock,
  Queue,
  Runner,
  run,
  StreamReader,
  shield,
  sleep,
  startServer,
  type Task,
  TaskGroup,
  type Timeout,
  timeout,
  wait,
  waitFor,
} from 'aionode';

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only if A and B are one and the same type. */
const same = <A, B>(..._: Same<A, B> extends true ? [] : [never]): void => {};

const one = async () => 1;
const two = coroutine(async (text: string, times?: number) => text.repeat(times ?? 1));
same<typeof two, (text: string, times?: number) => Coroutine<string>>();

const result = await run(async () => {
  // Tasks
  const task = createTask(one);
  same<typeof task, Task<number>>();
  const awaited = await task;
  same<typeof awaited, number>();
  const ofCoroutine = createTask(two('a'));
  same<typeof ofCoroutine, Task<string>>();
  same<Awaited<ReturnType<typeof two>>, string>();

  // Groups of awaitables
  const all = await gather(one, two('b'), Promise.resolve(true), sleep(0, 'slept'));
  same<typeof all, [number, string, boolean, string]>();
  const kept = await gather(one, two('c'), { returnExceptions: true });
  same<typeof kept, [number | Error, string | Error]>();
  const [done, pending] = await wait([createTask(one), createTask(one)], {
    returnWhen: ALL_COMPLETED,
  });
  same<typeof done, Set<Task<number>>>();
  same<typeof pending, Set<Task<number>>>();
  for await (const finished of asCompleted([createTask(one)])) {
    same<typeof finished, Task<number>>();
  }
  const completed: AsyncIterable<Task<number>> & Iterable<PromiseLike<number>> = asCompleted([
    createTask(one),
  ]);
  for await (const _ of completed);
  for (const next of asCompleted([two('d')])) {
    const value = await next;
    same<typeof value, string>();
  }
  const shielded = shield(one);
  same<typeof shielded, Future<number>>();
  await shielded;

  // Limits
  const limited = timeout(10, async (scope) => {
    same<typeof scope, Timeout>();
    return 'in time' as const;
  });
  same<typeof limited, Promise<'in time'>>();
  await limited;
  const waited = await waitFor(one, null);
  same<typeof waited, number>();
  const grouped = await TaskGroup.run(async (group) => {
    const child = group.createTask(two('e'));
    same<typeof child, Task<string>>();
    return child;
  });
  same<typeof grouped, string>();

  // Bytes
  const reader = new StreamReader();
  reader.feedData(new Uint8Array([110]));
  reader.feedEof();
  const bytes = await reader.read();
  same<typeof bytes, Bytes>();
  await new Blob([bytes]).text();

  // Queues and locks
  const queue = new Queue<{ id: number }>();
  queue.putNowait({ id: 1 });
  const item = await queue.get();
  same<typeof item, { id: number }>();
  // @ts-expect-error another type of item
  if (queue.full()) queue.putNowait('text');
  const lock = new Lock();
  {
    using _held = await lock.acquire();
    if (!lock.locked()) throw new Error('it is held in the block');
  }
  if (lock.locked()) throw new Error('it is released after the block');
  {
    await using background = createTask(() => sleep(3600));
    same<typeof background, Task<void>>();
  }

  // A handler may return a promise of anything, and an option that is undefined is as good as none
  const server = await startServer((reader, writer) => reader.pipeTo(writer), '127.0.0.1', 0, {
    limit: undefined,
  });
  server.close();

  // @ts-expect-error a delay is a number
  if (queue.full()) sleep('1');
  return awaited + all[0];
});
same<typeof result, number>();

{
  await using runner = new Runner();
  const text = await runner.run(two('f', 3));
  same<typeof text, string>();
  console.log(result, text);
}
