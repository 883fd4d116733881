// Host names to addresses, by node:dns.
// Floor 7.
import { V4MAPPED } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { invalidArgType, outOfRange } from './arguments.ts';
import { type Future, wrapFuture } from './futures.ts';

/** libuv's UV_EAI_NONAME, which Node names ENOTFOUND. */
const kNotFound = -3008;

/** @public */
export interface AddressInfo {
  family: 4 | 6;
  address: string;
  port: number;
}

/** @internal */
export function checkFamily(value: unknown, name: string): void {
  if (value === undefined) return;
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value);
  if (value !== 0 && value !== 4 && value !== 6) throw outOfRange(name, 'one of 0, 4, 6', value);
}

/** The error of a host that has no address of the wanted family. @internal */
export function hostNotFound(hostname: string): Error {
  const error = new Error(`getaddrinfo ENOTFOUND ${hostname}`);
  return Object.assign(error, {
    errno: kNotFound,
    code: 'ENOTFOUND',
    syscall: 'getaddrinfo',
    hostname,
  });
}

/**
 * The first address of a host, for what no task waits for.
 * @throws Node's error of dns.lookup (ENOTFOUND, ...)
 * @internal
 */
export async function lookupHost(host: string, family: 4 | 6): Promise<string> {
  if (host === '') throw hostNotFound(host);
  // An IPv6 socket reaches IPv4 hosts by mapped addresses.
  const found = await lookup(host, { family, hints: family === 6 ? V4MAPPED : 0 });
  // A numeric address of the other family is no error to Node.
  if (found.family !== family) throw hostNotFound(host);
  return found.address;
}

/**
 * The addresses of a host, in the order in which they should be tried.
 * @param host - a name or a numeric address
 * @param family - 4, 6, or 0 for both
 * @param pending - is given the Future of the look-up, to be cancelled
 * @throws Node's error of dns.lookup (ENOTFOUND, ...)
 * @internal
 */
export async function resolveHost(
  host: string,
  port: number,
  family: 0 | 4 | 6,
  pending: (lookup: Future<unknown>) => void = () => {},
): Promise<AddressInfo[]> {
  const numeric = isIP(host);
  if (numeric !== 0 && (family === 0 || family === numeric)) {
    return [{ family: numeric as 4 | 6, address: host, port }];
  }
  const future = wrapFuture(lookup(host, { all: true, family, verbatim: true }));
  pending(future);
  const found = await future;
  return found.map((one) => ({ family: one.family as 4 | 6, address: one.address, port }));
}
