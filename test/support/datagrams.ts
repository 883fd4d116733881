/** What the tests of UDP share: endpoints that keep what they are told. */
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import {
  type DatagramOptions,
  DatagramProtocol,
  type DatagramTransport,
  getRunningLoop,
  Queue,
  type SocketAddress,
  sleep,
} from 'aionode';
import { LOCALHOST } from './net.js';

/** The longest datagrams. */
export const MOST_IPV4 = 65_507;
export const MOST_IPV6 = 65_527;

interface Arrival {
  readonly data: Buffer;
  readonly address: SocketAddress;
}

/** Keeps what it is told. */
export class Recorder extends DatagramProtocol {
  readonly calls: string[] = [];
  readonly arrivals = new Queue<Arrival>();
  readonly errors = new Queue<NodeJS.ErrnoException>();
  readonly lost = getRunningLoop().createFuture<unknown>();

  override connectionMade(): void {
    this.calls.push('connectionMade');
  }
  override datagramReceived(data: Buffer, address: SocketAddress): void {
    this.calls.push(`datagramReceived ${data.length}`);
    this.arrivals.putNowait({ data, address });
  }
  override errorReceived(error: unknown): void {
    this.calls.push('errorReceived');
    this.errors.putNowait(error as NodeJS.ErrnoException);
  }
  override pauseWriting(): void {
    this.calls.push('pauseWriting');
  }
  override resumeWriting(): void {
    this.calls.push('resumeWriting');
  }
  override connectionLost(error: unknown): void {
    this.calls.push('connectionLost');
    this.lost.setResult(error);
  }

  async text(): Promise<string> {
    return (await this.arrivals.get()).data.toString();
  }
}

export interface Endpoint {
  readonly transport: DatagramTransport;
  readonly protocol: Recorder;
  readonly address: SocketAddress;
}

export async function open(
  options: DatagramOptions,
  factory = () => new Recorder(),
): Promise<Endpoint> {
  const loop = getRunningLoop();
  const [transport, protocol] = await loop.createDatagramEndpoint(factory, options);
  return { transport, protocol, address: transport.getExtraInfo('sockname') };
}

export const openLocal = () => open({ localAddr: [LOCALHOST, 0] });

/** Runs `body` with an endpoint that receives from anybody and one that is connected to it. */
export async function withEndpoints(body: (server: Endpoint, client: Endpoint) => Promise<void>) {
  const server = await openLocal();
  const client = await open({ remoteAddr: server.address });
  try {
    await body(server, client);
  } finally {
    client.transport.abort();
    server.transport.abort();
    await client.protocol.lost;
    await server.protocol.lost;
  }
}

export async function close(...endpoints: Endpoint[]): Promise<void> {
  for (const { transport } of endpoints) transport.close();
  for (const { protocol } of endpoints) assert.equal(await protocol.lost, null);
}

/** Hands over to the loop with whatever was sent, and takes it in one poll. */
export const oneStep = () => sleep(0);

export const withIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
)
  ? {}
  : { skip: 'this machine has no IPv6' };
