// A protocol that answers each datagram.
//
//   aionode-datagrams.mjs echo     prints its port, serves until it is killed
import { DatagramProtocol, getRunningLoop, run } from 'aionode';

class Echo extends DatagramProtocol {
  connectionMade(transport) {
    this.transport = transport;
  }

  datagramReceived(data, address) {
    this.transport.sendto(data, address);
  }
}

await run(async () => {
  const loop = getRunningLoop();
  const [transport] = await loop.createDatagramEndpoint(() => new Echo(), {
    localAddr: ['127.0.0.1', 0],
  });
  console.log(transport.getExtraInfo('sockname')[1]);
  await loop.createFuture();
});
