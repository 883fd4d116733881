import { networkSuite, tlsLoadClient } from './network.mjs';

const KIB = 1024;
const LINE = 100;

const perRequest = {
  cpu: { label: 'server CPU per request', unit: 'us', better: 'lower' },
  rate: { label: 'throughput', unit: 'k req/s', better: 'higher' },
};

const perRequestValues = ({ requests, seconds, cpu }) => ({
  cpu: (cpu / requests) * 1e6,
  rate: requests / seconds / 1e3,
});

export const echo = networkSuite({
  name: 'echo',
  title: 'Echo over streams, one message under way per connection',
  metrics: perRequest,
  lines: [10, 100].flatMap((connections) =>
    [1, 10, 100].map((kib) => ({
      name: `echo ${kib} KiB x ${connections}`,
      server: 'echo',
      client: 'echo',
      connections,
      size: kib * KIB,
    })),
  ),
  values: perRequestValues,
});

export const protocol = networkSuite({
  name: 'protocol',
  title:
    'Echo by a Protocol or a BufferedProtocol (Node and libuv: as echo), one message under way per connection',
  metrics: perRequest,
  lines: ['protocol', 'buffered'].flatMap((server) =>
    [
      [1, 10],
      [10, 10],
      [100, 10],
      [1, 100],
    ].map(([kib, connections]) => ({
      name: `${server} ${kib} KiB x ${connections}`,
      server,
      client: 'echo',
      connections,
      size: kib * KIB,
    })),
  ),
  values: perRequestValues,
});

export const tls = networkSuite({
  name: 'tls',
  title: 'Echo over TLS, 10 connections, one message under way on each',
  metrics: perRequest,
  lines: [1, 100].map((kib) => ({
    name: `TLS echo ${kib} KiB`,
    server: 'echo',
    client: 'tls',
    connections: 10,
    size: kib * KIB,
  })),
  programs: 'tlsServers',
  client: tlsLoadClient,
  values: perRequestValues,
});

export const lines = networkSuite({
  name: 'lines',
  title: 'Lines of 100 bytes, 10 connections or 100; pipelined: 32 in one write',
  metrics: perRequest,
  lines: [
    ['lines one at a time', 1, 10],
    ['lines 32 pipelined', 32, 10],
    ['lines one at a time x 100', 1, 100],
    ['lines 32 pipelined x 100', 32, 100],
  ].map(([name, depth, connections]) => ({
    name,
    server: 'lines',
    client: 'echo',
    connections,
    size: depth * LINE,
    line: LINE,
  })),
  values: perRequestValues,
});

export const datagrams = networkSuite({
  name: 'datagrams',
  title: 'Echo over UDP, one datagram under way per client socket',
  metrics: perRequest,
  programs: 'datagramServers',
  // A request takes so little CPU time that V8 has seen too few of them after the usual warm-up.
  warmUpSeconds: 3,
  lines: [
    [1, 1],
    [1, 10],
    [1, 50],
    [8, 4],
  ].map(([kib, connections]) => ({
    name: `udp ${kib} KiB x ${connections}`,
    server: 'echo',
    client: 'datagrams',
    connections,
    size: kib * KIB,
  })),
  values: perRequestValues,
});

export const connect = networkSuite({
  name: 'connect',
  title: 'Connect, echo 64 bytes, close; 10 at a time',
  metrics: perRequest,
  lines: [{ name: 'connect', server: 'echo', client: 'connect', connections: 10, size: 64 }],
  values: perRequestValues,
});

export const sink = networkSuite({
  name: 'sink',
  title: 'One connection, one way, into read(65536)',
  metrics: {
    rate: { label: 'throughput', unit: 'MB/s', better: 'higher' },
    cpu: { label: 'server CPU per MB', unit: 'us', better: 'lower' },
  },
  lines: [{ name: 'sink', server: 'sink', client: 'sink', connections: 1, size: 256 * KIB }],
  values: ({ bytes, seconds, cpu }) => ({
    rate: bytes / seconds / 1e6,
    cpu: (cpu / bytes) * 1e12,
  }),
});
