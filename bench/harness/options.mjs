import { parseArgs } from 'node:util';
import { peerNames } from './peers.mjs';

export const usage = `usage: node bench/run.mjs [NAME ...] [options]

  NAME            a suite, or a part of the names of the lines to run; all if there is none
  --rounds N      rounds (7; with --quick 3)
  --quick         fewer and shorter rounds
  --peers A,B     only these of ${peerNames.join(', ')}
  --node PATH     the Node that runs aionode and the Node peers (this one)
  --json FILE     also write everything as JSON; - writes it to stdout instead of the tables
  --list          print the names of suites and lines`;

function positiveInteger(name, text) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name}: not a positive integer`);
  return value;
}

function peerList(text) {
  const peers = text.split(',');
  const unknown = peers.find((peer) => !peerNames.includes(peer));
  if (unknown !== undefined) throw new Error(`--peers: ${unknown} is none of ${peerNames}`);
  return peers;
}

export function parseOptions(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      json: { type: 'string' },
      list: { type: 'boolean', default: false },
      node: { type: 'string', default: process.execPath },
      peers: { type: 'string' },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
    },
  });
  return {
    names: positionals,
    json: values.json ?? null,
    list: values.list,
    node: values.node,
    peers: values.peers === undefined ? null : peerList(values.peers),
    rounds: positiveInteger('--rounds', values.rounds ?? (values.quick ? 3 : 7)),
    sliceSeconds: values.quick ? 0.2 : 0.4,
  };
}
