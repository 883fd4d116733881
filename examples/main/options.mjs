// @ts-check
/** The command line of main.mjs. */
import { parseArgs } from 'node:util';

export const USAGE = `usage: npm start -- [options]

  --clients N         clients at the same time (300)
  --workers N         workers in the pool (64)
  --seconds S         how long the load lasts (4)
  --patience S        how long the server waits for a line (1; with --serve 60)
  --serve PORT        no load: serve until Ctrl-C, for nc, telnet and others (0: any free port)
  --host ADDRESS      where the server listens (127.0.0.1)
  --help              this text`;

/** A command line that makes no sense; the message says why. */
export class UsageError extends Error {}

/**
 * @typedef {object} Options
 * @property {boolean} help
 * @property {number} clients
 * @property {number} workers
 * @property {number} seconds
 * @property {number} patience
 * @property {string} host
 * @property {number | null} port  null: no --serve
 */

const TEXT = /** @type {const} */ ({ type: 'string' });

/** @param {string[]} args */
function parse(args) {
  try {
    return parseArgs({
      args,
      allowPositionals: false,
      options: {
        clients: TEXT,
        workers: TEXT,
        seconds: TEXT,
        patience: TEXT,
        serve: TEXT,
        host: TEXT,
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message);
  }
}

/**
 * @param {string} name
 * @param {string} text
 * @param {number} low
 * @param {number} high
 */
function integer(name, text, low, high) {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < low || value > high) {
    throw new UsageError(`--${name} takes a whole number from ${low} to ${high}, not '${text}'`);
  }
  return value;
}

/**
 * @param {string} name
 * @param {string} text
 */
function seconds(name, text) {
  const value = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || value === 0 || value > 3600) {
    throw new UsageError(`--${name} takes seconds, above 0 and up to 3600, not '${text}'`);
  }
  return value;
}

/**
 * @param {string[]} args
 * @returns {Options}
 */
export function parseOptions(args) {
  const given = parse(args);
  const patience = given.patience ?? (given.serve === undefined ? '1' : '60');
  return {
    help: given.help ?? false,
    clients: integer('clients', given.clients ?? '300', 3, 10_000),
    workers: integer('workers', given.workers ?? '64', 1, 10_000),
    seconds: seconds('seconds', given.seconds ?? '4'),
    patience: seconds('patience', patience),
    host: given.host ?? '127.0.0.1',
    port: given.serve === undefined ? null : integer('serve', given.serve, 0, 65_535),
  };
}
