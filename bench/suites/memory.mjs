import { inProcessSuite } from './in-process.mjs';

// What each one does is said where it is done, in the programs in memory/.
export const memory = inProcessSuite({
  name: 'memory',
  folder: 'memory',
  title: 'In one process, memory that is held',
  metrics: {
    heap: { label: 'JavaScript heap, after garbage collection', unit: 'bytes', better: 'lower' },
    rss: { label: 'resident memory', unit: 'bytes', better: 'lower' },
  },
  benchmarks: [
    { name: 'per sleeping task', mostRounds: 3 },
    { name: 'per finished task', mostRounds: 3 },
    { name: 'per cancelled timer', mostRounds: 3 },
  ],
  isFresh: true,
});
