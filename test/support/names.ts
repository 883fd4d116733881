/** Names of hosts that stand for what a test wants. */
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';

/** Has every name stand for `addresses` while `body` runs. */
export async function resolvingTo(addresses: string[], body: () => Promise<void>): Promise<void> {
  const { lookup } = dns.promises;
  const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  dns.promises.lookup = (async () => found) as unknown as typeof lookup;
  syncBuiltinESMExports();
  try {
    await body();
  } finally {
    dns.promises.lookup = lookup;
    syncBuiltinESMExports();
  }
}
