// Host names to addresses and back, by node:dns.
// Floor 7.
import { V4MAPPED } from 'node:dns';
import { lookup, lookupService } from 'node:dns/promises';
import { isIP } from 'node:net';
import {
  checkInteger,
  checkOptions,
  checkPort,
  checkText,
  invalidArgType,
  outOfRange,
} from './arguments.ts';
import { wrapFuture } from './foreign_promises.ts';
import type { Future } from './futures.ts';
import { portOfService, serviceAtPort } from './services.ts';

/** libuv's UV_EAI_NONAME, which Node names ENOTFOUND. */
const kNotFound = -3008;

/** One of the addresses that loop.getaddrinfo() found. @public */
export interface AddressInfo {
  /** Of IP: 4 or 6. */
  family: 4 | 6;
  /** The numeric address. */
  address: string;
  /** The port that was asked for. */
  port: number;
}

/** @internal */
export function checkFamily(value: unknown, name: string): void {
  if (value === undefined) return;
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value);
  if (value !== 0 && value !== 4 && value !== 6) throw outOfRange(name, 'one of 0, 4, 6', value);
}

/** The error of a host that has no address of the wanted family. */
function hostNotFound(hostname: string): Error {
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
 * @param flags - for dns.lookup's `hints`
 * @throws Node's error of dns.lookup (ENOTFOUND, ...), also for an address of another family
 * @internal
 */
export async function resolveHost(
  host: string,
  port: number,
  family: 0 | 4 | 6,
  pending: (lookup: Future<unknown>) => void = () => {},
  flags = 0,
): Promise<AddressInfo[]> {
  const numeric = isIP(host);
  // To Node a numeric address of the other family is no error, and '' is a host.
  if (host === '' || (numeric !== 0 && family !== 0 && family !== numeric)) {
    throw hostNotFound(host);
  }
  if (numeric !== 0) return [{ family: numeric as 4 | 6, address: host, port }];
  const future = wrapFuture(lookup(host, { all: true, family, verbatim: true, hints: flags }));
  pending(future);
  const found = await future;
  return found.map((one) => ({ family: one.family as 4 | 6, address: one.address, port }));
}

/** loop.getaddrinfo(), as its docstring says. @internal */
export async function getaddrinfo(
  host: string | null,
  port: number | string | null,
  options: { family?: 0 | 4 | 6 | undefined; flags?: number | undefined } = {},
): Promise<AddressInfo[]> {
  if (host !== null) checkText(host, 'host');
  checkOptions(options);
  const { family = 0, flags = 0 } = options;
  checkFamily(family, 'options.family');
  checkInteger(flags, 'options.flags', 0);
  let number = 0;
  if (typeof port === 'string') number = await portOfService(port);
  else if (port !== null) number = port;
  checkPort(number, 'port');
  return resolveHost(host ?? 'localhost', number, family, undefined, flags);
}

/** loop.getnameinfo(), as its docstring says. @internal */
export async function getnameinfo(
  address: [host: string, port: number],
): Promise<[host: string, service: string]> {
  if (!Array.isArray(address)) throw invalidArgType('address', 'an array [host, port]', address);
  checkText(address[0], 'address[0]');
  if (isIP(address[0]) === 0) throw outOfRange('address[0]', 'a numeric address', address[0]);
  checkPort(address[1], 'address[1]');
  const [host, port] = address;
  try {
    const { hostname, service } = await wrapFuture(lookupService(host, port));
    return [hostname, service];
  } catch (error) {
    // Node insists on a name; the system would give the address, as it does to asyncio.
    if ((error as NodeJS.ErrnoException).code !== 'ENOTFOUND') throw error;
    return [host, await serviceAtPort(port)];
  }
}
