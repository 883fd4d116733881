/** Two connections with ours between them: what comes by the one goes on by the other. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { getRunningLoop, openUnixConnection, startUnixServer } from 'aionode';
import { type Handler, inLoop, MIB, type Pair, roundsUntil, withPair } from './net.js';
import { descriptorCount, inFolder } from './pipes.js';
import { withTlsPair } from './tls.js';

/** Above what the system buffers for two connections. */
export const LARGE = 48 * MIB;

/** One connection: its far end, and ours. */
type Connection = <T>(body: (far: Pair, ours: Pair) => Promise<T>) => Promise<T>;

async function withUnixPair<T>(body: (far: Pair, ours: Pair) => Promise<T>): Promise<T> {
  return inFolder(async (folder) => {
    const accepted = getRunningLoop().createFuture<Pair>();
    const handler: Handler = (reader, writer) => accepted.setResult({ reader, writer });
    const name = path.join(folder, 'socket');
    const server = await startUnixServer(handler, name);
    const [reader, writer] = await openUnixConnection(name);
    try {
      return await body({ reader, writer }, await accepted);
    } finally {
      writer.abort();
      await server.shutdown();
    }
  });
}

export const CONNECTIONS: Record<string, Connection> = {
  TCP: withPair,
  Unix: withUnixPair,
  TLS: withTlsPair,
};

export interface Route {
  /** Writes what is piped. */
  readonly sender: Pair;
  readonly from: Pair;
  readonly to: Pair;
  /** Reads what was piped. */
  readonly receiver: Pair;
}

export async function withRoute<T>(
  body: (route: Route) => Promise<T>,
  incoming: Connection = withPair,
  outgoing: Connection = withPair,
): Promise<T> {
  return incoming((sender, from) =>
    outgoing((receiver, to) => body({ sender, from, to, receiver })),
  );
}

/** A test with two connections; no descriptor may be left. */
export function onRoute(body: (route: Route) => Promise<void>): () => Promise<void> {
  return inLoop(async () => {
    const before = descriptorCount();
    await withRoute(body);
    await roundsUntil(() => descriptorCount() === before, 'descriptors are left');
  });
}

/** Until `taken()` stands still: nobody takes any more. */
export async function settled(taken: () => number): Promise<void> {
  let last = -1;
  let rounds = 0;
  await roundsUntil(() => {
    rounds = taken() === last ? rounds + 1 : 0;
    last = taken();
    return rounds > 50;
  }, 'it goes on');
}

export const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
