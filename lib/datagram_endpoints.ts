// loop.createDatagramEndpoint(): where an endpoint is bound and connected to, or what socket it takes over.
// Floor 8.
import { inspect } from 'node:util';
import { newAddressRecord, readAddress, type SocketAddress, writeAddress } from './addresses.ts';
import { adoptDatagrams } from './adopting.ts';
import { checkFactory, checkFlag, checkOptions, outOfRange } from './arguments.ts';
import { type Attempt, made, OpenOperation } from './attempts.ts';
import { type Context, captureContext } from './context.ts';
import { checkAddress, DatagramSocket, type Remote } from './datagrams.ts';
import { checkDescriptor } from './descriptors.ts';
import type { Future } from './futures.ts';
import { native } from './native.ts';
import { type DatagramProtocol, makeProtocol } from './protocols.ts';
import { checkFamily, resolveHost } from './resolver.ts';
import { systemError } from './system_errors.ts';
import type { DatagramTransport } from './transport_types.ts';
import type { LoopCore } from './turns.ts';

/** Options of loop.createDatagramEndpoint(). @public */
export interface DatagramOptions {
  /** Where to receive: a host name or address, and a port (0: the system chooses one). */
  localAddr?: SocketAddress | undefined;
  /** The one peer: nothing is received from others, and sendto() needs no address. */
  remoteAddr?: SocketAddress | undefined;
  /** 4 or 6; needed when neither address is given. */
  family?: 0 | 4 | 6 | undefined;
  /**
   * Whether several sockets may be bound to one port, each of which gets what is sent to a multicast group. Of
   * what is sent to one address only one of them gets it, so this is for multicast alone.
   */
  reuseAddress?: boolean | undefined;
  /** Whether several sockets may be bound to one port, which the system then spreads the datagrams over. */
  reusePort?: boolean | undefined;
  /** Whether broadcast addresses may be sent to. The system is not told of `remoteAddr` then. */
  allowBroadcast?: boolean | undefined;
  /**
   * A UDP socket to use instead, bound or connected as it may be; there are no other options then. It belongs
   * to the transport and is closed with it; when this throws for an argument, it is still the caller's.
   */
  fd?: number | undefined;
}

/** A socket that receives. */
interface Opened {
  readonly slot: number;
  readonly family: 4 | 6;
  readonly remote: Remote | null;
}

interface Candidate {
  readonly family: 4 | 6;
  readonly local: SocketAddress | null;
  readonly remote: SocketAddress | null;
}

function checkDatagramOptions(options: DatagramOptions): void {
  checkOptions(options);
  checkFamily(options.family, 'options.family');
  const { reuseAddress, reusePort, allowBroadcast } = options;
  checkFlag(reuseAddress, 'options.reuseAddress');
  checkFlag(reusePort, 'options.reusePort');
  checkFlag(allowBroadcast, 'options.allowBroadcast');
  if (options.localAddr !== undefined) checkAddress(options.localAddr, 'options.localAddr');
  if (options.remoteAddr !== undefined) checkAddress(options.remoteAddr, 'options.remoteAddr');
  if (options.fd === undefined) return;
  checkDescriptor(options.fd, 'options.fd');
  const { fd, ...others } = options;
  const other = Object.entries(others).find(([, value]) => Boolean(value));
  if (other !== undefined) throw outOfRange('options.fd', `undefined with options.${other[0]}`, fd);
}

async function resolve(
  given: SocketAddress | undefined,
  family: 0 | 4 | 6,
  attempt: Attempt,
): Promise<{ family: 4 | 6; address: SocketAddress | null }[]> {
  if (given === undefined)
    return [4 as const, 6 as const].map((f) => ({ family: f, address: null }));
  const [host, port] = given;
  const looking = (lookup: Future<unknown>) => attempt.waitsFor(lookup);
  const found = await resolveHost(host, port, family, looking);
  return found.map((one) => ({ family: one.family, address: [one.address, port] as const }));
}

/** The pairs of addresses to try, in the order in which the look-up gave them. */
async function findCandidates(options: DatagramOptions, attempt: Attempt): Promise<Candidate[]> {
  const { localAddr, remoteAddr, family = 0 } = options;
  if (localAddr === undefined && remoteAddr === undefined) {
    if (family === 0) {
      throw outOfRange('options.family', '4 or 6 without localAddr and remoteAddr', family);
    }
    return [{ family, local: null, remote: null }];
  }
  const locals = await resolve(localAddr, family, attempt);
  const remotes = await resolve(remoteAddr, family, attempt);
  const outer = localAddr === undefined ? remotes : locals;
  const families = new Set(outer.map((one) => one.family));
  const candidates = [...families].flatMap((each) =>
    locals
      .filter((local) => local.family === each)
      .flatMap((local) =>
        remotes
          .filter((remote) => remote.family === each)
          .map((remote) => ({ family: each, local: local.address, remote: remote.address })),
      ),
  );
  if (candidates.length === 0) {
    const range = `of the same family as localAddr ${inspect(localAddr)}`;
    throw outOfRange('options.remoteAddr', range, remoteAddr);
  }
  return candidates;
}

function tryTo(
  slot: number,
  syscall: 'bind' | 'connect',
  address: SocketAddress,
): NodeJS.ErrnoException | null {
  const record = newAddressRecord();
  writeAddress(address, record, 0);
  const status =
    syscall === 'bind' ? native.datagramBind(slot, record) : native.datagramConnect(slot, record);
  if (status >= 0) return null;
  return systemError(status, syscall, { address: address[0], port: address[1] });
}

/** A bound and connected socket's slot, or why there is none. */
function openSocket(candidate: Candidate, options: DatagramOptions): number | Error {
  const { family, local, remote } = candidate;
  const { reuseAddress = false, reusePort = false, allowBroadcast = false } = options;
  const slot = native.datagramOpen(family, reuseAddress, reusePort, allowBroadcast);
  if (slot < 0) return systemError(slot, 'socket');
  let error = local === null ? null : tryTo(slot, 'bind', local);
  if (error === null && remote !== null && !allowBroadcast) {
    error = tryTo(slot, 'connect', remote);
  }
  if (error === null) {
    const status = native.datagramReceive(slot, true);
    if (status < 0) error = systemError(status, 'bind');
  }
  if (error === null) return slot;
  native.close(slot);
  return error;
}

function openFirst(candidates: readonly Candidate[], options: DatagramOptions): Opened {
  let first: Error | undefined;
  for (const candidate of candidates) {
    const slot = openSocket(candidate, options);
    if (typeof slot === 'number') {
      const { family, remote: address } = candidate;
      const name = options.remoteAddr as SocketAddress;
      const connected = !options.allowBroadcast;
      return { slot, family, remote: address === null ? null : { name, address, connected } };
    }
    first ??= slot;
  }
  throw first;
}

function adopt(fd: number): Opened {
  const slot = adoptDatagrams(fd);
  const status = native.datagramReceive(slot, true);
  if (status < 0) {
    native.close(slot);
    throw systemError(status, 'bind');
  }
  const record = newAddressRecord();
  native.datagramAddress(slot, true, record);
  const peer = readAddress(record, 0);
  return {
    slot,
    family: native.datagramFamily(slot) as 4 | 6,
    remote: peer === null ? null : { name: peer, address: peer, connected: true },
  };
}

async function openEndpoint<P extends DatagramProtocol>(
  loop: LoopCore,
  attempt: Attempt,
  factory: () => P,
  options: DatagramOptions,
  context: Context | undefined,
): Promise<[DatagramTransport, P]> {
  loop.checkClosed();
  checkFactory(factory, 'factory');
  checkDatagramOptions(options);
  const { fd } = options;
  const candidates = fd === undefined ? await findCandidates(options, attempt) : [];
  loop.checkClosed();
  const { slot, family, remote } = fd === undefined ? openFirst(candidates, options) : adopt(fd);
  let protocol: P;
  try {
    protocol = makeProtocol(factory);
  } catch (error) {
    native.close(slot);
    throw error;
  }
  const transport = new DatagramSocket(loop, slot, family, remote, protocol, context);
  return [await made(attempt, transport, (done) => transport.announce(done)), protocol];
}

/** loop.createDatagramEndpoint(), as its docstring says. @internal */
export function createDatagramEndpoint<P extends DatagramProtocol>(
  loop: LoopCore,
  factory: () => P,
  options: DatagramOptions,
): Future<[DatagramTransport, P]> {
  const context = captureContext();
  return new OpenOperation<[DatagramTransport, P]>(
    (_, attempt) => openEndpoint(loop, attempt, factory, options, context),
    ([transport]) => transport.abort(),
  );
}
