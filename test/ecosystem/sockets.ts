/** An aionode connection in the clothes of a net.Socket, for clients that want one. */
import type { Socket } from 'node:net';
import { openConnection, toDuplex } from 'aionode';

/** A socket that is connected already. */
export async function connectedSocket(to: { port: number }): Promise<Socket> {
  const [reader, writer] = await openConnection('127.0.0.1', to.port);
  return toDuplex(reader, writer) as Socket;
}
