import { idle } from './idle.mjs';
import { connect, datagrams, echo, lines, protocol, sink, tls } from './load.mjs';
import { memory } from './memory.mjs';
import { micro } from './micro.mjs';
import { processes } from './processes.mjs';
import { sockets } from './sockets.mjs';

export const suites = [
  micro,
  memory,
  echo,
  protocol,
  tls,
  lines,
  sink,
  connect,
  datagrams,
  processes,
  sockets,
  idle,
];
