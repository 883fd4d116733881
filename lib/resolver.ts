// Host names to addresses, by node:dns.
// Floor 7.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { wrapFuture } from './futures.ts';

/** @public */
export interface AddressInfo {
  family: 4 | 6;
  address: string;
  port: number;
}

/**
 * The addresses of a host, in the order in which they should be tried.
 * @param host - a name or a numeric address
 * @param family - 4, 6, or 0 for both
 * @throws Node's error of dns.lookup (ENOTFOUND, ...)
 * @internal
 */
export async function resolveHost(
  host: string,
  port: number,
  family: 0 | 4 | 6,
): Promise<AddressInfo[]> {
  const numeric = isIP(host);
  if (numeric !== 0 && (family === 0 || family === numeric)) {
    return [{ family: numeric as 4 | 6, address: host, port }];
  }
  const found = await wrapFuture(lookup(host, { all: true, family, verbatim: true }));
  return found.map((one) => ({ family: one.family as 4 | 6, address: one.address, port }));
}
