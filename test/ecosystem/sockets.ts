/** An aionode connection in the clothes of a net.Socket, for clients that want one. */
import type { Socket } from 'node:net';
import { openConnection, openUnixConnection, toDuplex } from 'aionode';

/** A socket that is connected already. */
export async function connectedSocket(to: { port: number } | { path: string }): Promise<Socket> {
  const [reader, writer] =
    'path' in to ? await openUnixConnection(to.path) : await openConnection('127.0.0.1', to.port);
  return toDuplex(reader, writer) as Socket;
}
