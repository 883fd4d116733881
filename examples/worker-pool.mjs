// @ts-check
/**
 * A producer and a pool of consumers on each of the three queues.
 *
 * The queue holds four items at most, so that the producer waits whenever the workers are behind.
 * join() waits until every item was reported by taskDone(); the workers, which would wait for
 * ever, are cancelled then. Of the items that wait, the workers get the oldest from a Queue, the
 * smallest from a PriorityQueue and the newest from a LifoQueue.
 *
 * Prints what is put and who takes it.
 */
import { createTask, gather, LifoQueue, PriorityQueue, Queue, run, sleep } from 'aionode';

const ITEMS = [5, 2, 8, 1, 7, 3, 6, 4];
const MAXSIZE = 4;

/** @param {Queue<number>} queue */
async function produce(queue) {
  for (const item of ITEMS) {
    await queue.put(item);
    console.log(`put ${item}, ${queue.qsize()} in the queue`);
  }
}

/**
 * @param {string} name
 * @param {Queue<number>} queue
 */
async function consume(name, queue) {
  for (;;) {
    const item = await queue.get();
    console.log(`${name} takes ${item}`);
    await sleep(0);
    queue.taskDone();
  }
}

/**
 * @param {string} title
 * @param {Queue<number>} queue
 */
async function pool(title, queue) {
  console.log(`${title}:`);
  const workers = ['A', 'B'].map((name) => createTask(() => consume(name, queue)));
  await produce(queue);
  await queue.join();
  for (const worker of workers) worker.cancel();
  await gather(...workers, { returnExceptions: true });
  console.log(`left: ${queue.qsize()}, workers cancelled: ${workers.every((w) => w.cancelled())}`);
}

async function main() {
  await pool('Queue', new Queue(MAXSIZE));
  await pool('PriorityQueue', new PriorityQueue(MAXSIZE));
  await pool('LifoQueue', new LifoQueue(MAXSIZE));
}

await run(main);
