/** Names of hosts that stand for what a test wants. */
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';

async function withLookup(lookup: unknown, body: () => Promise<void>): Promise<void> {
  const real = dns.promises.lookup;
  dns.promises.lookup = lookup as typeof real;
  syncBuiltinESMExports();
  try {
    await body();
  } finally {
    dns.promises.lookup = real;
    syncBuiltinESMExports();
  }
}

/** Has every name stand for `addresses` while `body` runs. */
export async function resolvingTo(addresses: string[], body: () => Promise<void>): Promise<void> {
  const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  await withLookup(async () => found, body);
}

/** Has every look-up fail with Node's error of an unknown name while `body` runs. */
export async function resolvingNothing(body: () => Promise<void>): Promise<void> {
  await withLookup(async (hostname: string) => {
    const error = new Error(`getaddrinfo ENOTFOUND ${hostname}`);
    throw Object.assign(error, { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname });
  }, body);
}
