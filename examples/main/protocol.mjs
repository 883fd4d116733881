// @ts-check
/** What server and clients say to each other: lines of text, a request and its answer each. */
import { LARGEST, SMALLEST } from './factors.mjs';

export const GREETING = 'a number gets its prime factors; also: help, stats, quit';
export const HELP = `Send a line:
  a whole number from ${SMALLEST} to ${LARGEST}: its prime factors
  stats: what the server has done so far
  help:  this text
  quit:  ends the connection`;

/** The longest line taken, in bytes. */
export const LINE_LIMIT = 1024;

export const NOT_A_NUMBER = `error: not a whole number from ${SMALLEST} to ${LARGEST}; see help`;
export const TOO_LONG = `error: a line of more than ${LINE_LIMIT} bytes`;
export const TOO_SLOW = 'error: no line for too long';
export const STOPPING = 'the server stops';

/**
 * The peer has gone, which ends a conversation like any other.
 *
 * @param {any} error
 */
export const isHangUp = (error) => ['ECONNRESET', 'EPIPE'].includes(error?.code);
