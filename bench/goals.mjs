/**
 * What aionode is to reach. A goal bounds a line's metric: with a `reference`, as the ratio to that
 * peer in the same round; without one, as the value itself.
 */
export const goals = [
  ...[
    ['echo 1 KiB x 10', 1.15],
    ['echo 10 KiB x 10', 1.3],
    ['echo 100 KiB x 10', 1.0],
    ...['protocol', 'buffered'].flatMap((server) => [
      [`${server} 1 KiB x 10`, 1.1],
      [`${server} 10 KiB x 10`, 1.2],
      [`${server} 100 KiB x 10`, 0.9],
    ]),
    ['lines one at a time', 1.4],
    ['lines 32 pipelined', 0.4],
    ['connect', 1.5],
  ].map(([line, atMost]) => ({ line, metric: 'cpu', reference: 'libuv', atMost })),
  ...['uvloop', 'node'].flatMap((reference) =>
    ['udp 1 KiB x 1', 'udp 1 KiB x 10', 'udp 1 KiB x 50', 'udp 8 KiB x 4'].map((line) => ({
      line,
      metric: 'cpu',
      reference,
      atMost: 1,
    })),
  ),
  ...['true, one by one', 'true, 8 at a time'].flatMap((line) => [
    { line, metric: 'rate', reference: 'asyncio', atLeast: 1 },
    { line, metric: 'rate', reference: 'node', atLeast: 2.2 },
  ]),
  ...['read from a child', 'through cat'].map((line) => ({
    line,
    metric: 'rate',
    reference: 'uvloop',
    atLeast: 1,
  })),
  ...['TLS echo 1 KiB', 'TLS echo 100 KiB'].map((line) => ({
    line,
    metric: 'cpu',
    reference: 'node',
    atMost: 1,
  })),
  { line: 'proxy', metric: 'cpu', reference: 'node', atMost: 0.6 },
  { line: 'sink', metric: 'rate', reference: 'libuv', atLeast: 0.9 },
  { line: 'idle', metric: 'rss', atMost: 2500 },

  ...[
    ['sleep(0), 1 task', 4],
    ['sleep(0), 1,000 tasks', 2.5],
    ['callSoon chain', 3],
    ['create + await, 100k', 6],
    ['gather 10k', 6],
    ['queue, maxsize 1', 8],
    ['queue, unbounded', 3],
    ['futures to and fro', 6],
    ['lock, 100 tasks', 6],
    ['event to and fro', 6],
    ['semaphore, 100 tasks', 6],
    ['condition to and fro', 6],
  ].map(([line, atLeast]) => ({ line, metric: 'rate', reference: 'uvloop', atLeast })),
  ...['uvloop', 'node'].flatMap((reference) => [
    { line: 'timers, arm 1M', metric: 'rate', reference, atLeast: 8 },
    { line: 'timers, cancel 1M', metric: 'rate', reference, atLeast: 6 },
  ]),
  // At most three times the cost of awaiting a native promise.
  { line: 'await, done', metric: 'rate', reference: 'node', atLeast: 1 / 3 },
  { line: 'await, pending', metric: 'rate', reference: 'node', atLeast: 1 / 3 },
  // Beside a bare message to a worker and back.
  { line: 'thread round trip', metric: 'rate', reference: 'node', atLeast: 0.8 },
  // Code that does not use aionode runs as fast as without it; 15 % is what can be told apart.
  ...['sleep(0), 1 task', 'await, done', 'await, pending', 'await, async call'].map((line) => ({
    line,
    metric: 'rate',
    peer: 'node+aionode',
    reference: 'node',
    atLeast: 0.85,
  })),

  { line: 'per sleeping task', metric: 'heap', atMost: 1024 },
  { line: 'per finished task', metric: 'heap', atMost: 1 },
  { line: 'per cancelled timer', metric: 'heap', atMost: 1 },
];
