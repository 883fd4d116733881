import { inProcessSuite } from './in-process.mjs';

// What each one does is said where it is done, in the programs in processes/.
export const processes = inProcessSuite({
  name: 'processes',
  folder: 'processes',
  title: 'Child processes, operations per second (a process, or a MiB)',
  metrics: {
    rate: { label: 'operations per second', unit: 'k op/s', better: 'higher' },
    cpu: { label: "CPU time per operation, the parent's", unit: 'ns', better: 'lower' },
  },
  benchmarks: [
    { name: 'true, one by one' },
    { name: 'true, 8 at a time' },
    { name: 'read from a child' },
    { name: 'through cat' },
  ],
});
