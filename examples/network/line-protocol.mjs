// @ts-check
/**
 * A service of lines by a Protocol, without a task per client: a calculator.
 *
 *   node examples/network/line-protocol.mjs [port]
 *   echo '1 2 3' | nc 127.0.0.1 8888
 *
 * Each line of numbers is answered by their sum. A client that does not read its answers is not served on
 * until it has read them, and a line that is too long ends its connection.
 */
import { getRunningLoop, Protocol, run } from 'aionode';

const LONGEST_LINE = 64 * 1024;
const NEWLINE = 10;

/** @param {string} line */
function answer(line) {
  const sum = line
    .trim()
    .split(/\s+/)
    .reduce((total, word) => total + Number(word), 0);
  return Number.isNaN(sum) ? 'error: a number that is none\n' : `${sum}\n`;
}

class LineService extends Protocol {
  /** @type {import('aionode').Transport | null} */
  #transport = null;
  /** The beginning of a line whose end has not come. @type {Buffer} */
  #partial = Buffer.alloc(0);

  /** @override @param {import('aionode').Transport} transport */
  connectionMade(transport) {
    this.#transport = transport;
  }

  /** @override @param {Buffer} data */
  dataReceived(data) {
    const bytes = this.#partial.length === 0 ? data : Buffer.concat([this.#partial, data]);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      this.#transport?.write(answer(bytes.toString('utf8', start, end)));
      start = end + 1;
    }
    this.#partial = bytes.subarray(start);
    if (this.#partial.length > LONGEST_LINE) this.#transport?.abort();
  }

  /** @override */
  pauseWriting() {
    this.#transport?.pauseReading();
  }

  /** @override */
  resumeWriting() {
    this.#transport?.resumeReading();
  }
}

async function main() {
  const port = Number(process.argv[2] ?? 8888);
  const server = await getRunningLoop().createServer(() => new LineService(), '127.0.0.1', port);
  console.log(`serving on port ${server.sockets[0]?.port}`);
  await server.serveForever();
}

await run(main).catch((error) => {
  if (error.code !== 'SIGINT') throw error;
  process.exitCode = 130;
});
