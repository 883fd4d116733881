import { chooseCores, residentBytes } from '../harness/machine.mjs';
import { findPeers } from '../harness/peers.mjs';
import { Results } from '../harness/results.mjs';
import { rotate } from '../harness/rotation.mjs';
import { loadClient, startClient, startServer } from './network.mjs';

const CONNECTIONS = 5_000;
// Enough for the server's code to be compiled, too few to leave much memory for reuse.
const WARM_UP_CONNECTIONS = 100;
const MOST_ROUNDS = 3;
const LINE = 'idle';

const collects = (command) => command.includes('--expose-gc');

async function settledMemory(server, command) {
  if (collects(command)) {
    server.program.signal('SIGUSR2');
    await server.program.line();
  }
  return residentBytes(server.pid);
}

async function holding(binary, connections, server, core, body) {
  const load = { client: 'idle', connections, size: 64 };
  const client = startClient(binary, load, server.port, core);
  try {
    await client.line();
    client.send('go');
    await client.line();
    return await body();
  } finally {
    await client.kill();
  }
}

async function measure(binary, command, cores) {
  // Memory once used does not come back, hence a new server each time.
  const server = await startServer(command, 'echo', cores.server);
  try {
    await holding(binary, WARM_UP_CONNECTIONS, server, cores.client, () => {});
    const before = await settledMemory(server, command);
    return await holding(binary, CONNECTIONS, server, cores.client, async () => {
      const after = await settledMemory(server, command);
      return { rss: (after - before) / CONNECTIONS, total: after / 1e6 };
    });
  } finally {
    await server.program.kill();
  }
}

export const idle = {
  name: 'idle',
  title: '5,000 idle connections, each held by a task that waits in read()',
  references: ['libuv', 'node', 'asyncio'],
  metrics: {
    rss: { label: 'resident memory per connection', unit: 'bytes', better: 'lower' },
    total: { label: 'resident memory of the server', unit: 'MB', better: 'lower' },
  },
  lines: [LINE],

  async run(options, _isSelected, progress) {
    progress(LINE);
    const binary = loadClient();
    const cores = chooseCores();
    const { commands, skipped } = findPeers('servers', options);
    const results = new Results();
    await rotate({
      rounds: Math.min(options.rounds, MOST_ROUNDS),
      warmUp: false,
      subjects: new Map(commands),
      line: LINE,
      results,
      measure: async (_, command) => ({ [LINE]: await measure(binary, command, cores) }),
    });
    return { results, skipped };
  },
};
