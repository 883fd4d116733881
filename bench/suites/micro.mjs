import { inProcessSuite } from './in-process.mjs';

// What each one does is said where it is done, in the programs in micro/.
export const micro = inProcessSuite({
  name: 'micro',
  folder: 'micro',
  title: 'In one process, operations per second',
  metrics: {
    rate: { label: 'operations per second', unit: 'k op/s', better: 'higher' },
    cpu: { label: 'CPU time per operation, all threads', unit: 'ns', better: 'lower' },
  },
  benchmarks: [
    { name: 'sleep(0), 1 task', bystander: true },
    { name: 'sleep(0), 1,000 tasks' },
    { name: 'callSoon chain' },
    { name: 'create + await, 100k' },
    { name: 'create 100k, await all' },
    { name: 'gather 10k' },
    { name: 'queue, maxsize 1' },
    { name: 'queue, unbounded' },
    { name: 'futures to and fro' },
    { name: 'timers', lines: ['timers, arm 1M', 'timers, cancel 1M'], mostRounds: 3 },
    { name: 'lock, 100 tasks' },
    { name: 'event to and fro' },
    { name: 'semaphore, 100 tasks' },
    { name: 'condition to and fro' },
    { name: 'await, done', bystander: true },
    { name: 'await, thenable' },
    { name: 'await, pending', bystander: true },
    { name: 'await, async call', bystander: true },
    { name: 'thread round trip' },
  ],
});
