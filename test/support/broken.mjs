import { IncompleteReadError } from 'aionode';

const CODES = ['ECONNRESET', 'EPIPE', 'ECANCELED', 'ECONNABORTED'];

/** Whether an error is the end of a connection that somebody broke, or closed while it was written to. */
export function isBroken(error) {
  return error instanceof IncompleteReadError || CODES.includes(error?.code);
}
