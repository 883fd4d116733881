// @ts-check
/**
 * A numbering service over UDP: one endpoint that answers, several that ask.
 *
 * An endpoint is a transport, which sends, and a protocol, whose methods are called. They cannot
 * await, so the client's protocol hands what comes to a task by a queue.
 *
 * Prints what is asked and answered, and what becomes of a question that nobody hears.
 */
import { DatagramProtocol, getRunningLoop, Queue, run, sleep, waitFor } from 'aionode';

class Answering extends DatagramProtocol {
  /** @type {import('aionode').DatagramTransport | null} */
  transport = null;
  answered = 0;

  /** @param {import('aionode').DatagramTransport} transport */
  connectionMade(transport) {
    this.transport = transport;
    console.log('server: ready');
  }

  /**
   * @param {Buffer} data
   * @param {import('aionode').SocketAddress} address
   */
  datagramReceived(data, address) {
    this.answered += 1;
    console.log(`server: asked '${data}' (${data.length} bytes)`);
    this.transport?.sendto(`${this.answered}: ${data}`, address);
  }

  /** @param {unknown} error */
  connectionLost(error) {
    console.log('server: gone,', error === null ? 'in order' : error);
  }
}

class Asking extends DatagramProtocol {
  /** @type {Queue<string>} */
  answers = new Queue();
  /** @type {Queue<string>} */
  errors = new Queue();

  /** @param {Buffer} data */
  datagramReceived(data) {
    this.answers.putNowait(String(data));
  }

  /** @param {unknown} error */
  errorReceived(error) {
    const refused = /** @type {NodeJS.ErrnoException} */ (error).code === 'ECONNREFUSED';
    this.errors.putNowait(refused ? 'nobody listens' : String(error));
  }
}

async function main() {
  const loop = getRunningLoop();
  const [server, answering] = await loop.createDatagramEndpoint(() => new Answering(), {
    localAddr: ['127.0.0.1', 0],
  });
  const remoteAddr = server.getExtraInfo('sockname');

  const [client, asking] = await loop.createDatagramEndpoint(() => new Asking(), { remoteAddr });
  for (const question of ['one', 'two', 'three']) {
    client.sendto(question);
    console.log(`client: got '${await waitFor(() => asking.answers.get(), 10)}'`);
  }

  // Without a remote address an endpoint speaks to anybody.
  const [other, listening] = await loop.createDatagramEndpoint(() => new Asking(), { family: 4 });
  other.sendto('four', remoteAddr);
  console.log(`other: got '${await waitFor(() => listening.answers.get(), 10)}'`);
  try {
    client.sendto('x', ['127.0.0.1', 9]);
  } catch {
    console.log('client: has one peer only');
  }

  server.close();
  console.log('server: closing');
  while (!asking.errors.qsize()) {
    client.sendto('is anybody there?');
    await sleep(0.01);
  }
  console.log(`client: ${await asking.errors.get()}`);

  client.close();
  other.abort();
  console.log(`${answering.answered} answers`);
}

await run(main);
