import { inProcessSuite } from './in-process.mjs';

// What each one does is said where it is done, in the programs in sockets/.
export const sockets = inProcessSuite({
  name: 'sockets',
  folder: 'sockets',
  title:
    'Unix sockets, a proxy, files over sockets: operations per second (a round trip, or a MiB)',
  metrics: {
    rate: { label: 'operations per second', unit: 'k op/s', better: 'higher' },
    cpu: { label: 'CPU time per operation', unit: 'ns', better: 'lower' },
  },
  benchmarks: [
    { name: 'unix echo' },
    { name: 'proxy' },
    { name: 'proxy, by chunks' },
    { name: 'proxy, own memory' },
    { name: 'file' },
  ],
});
