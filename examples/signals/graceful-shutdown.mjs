// @ts-check
/**
 * A server that stops without cutting anybody off, as process managers expect.
 *
 * Every line is a job, answered half a second later. On SIGTERM or SIGINT the server stops accepting, closes
 * the connections that wait for nothing, lets the jobs finish within the grace period, and aborts the rest.
 * Its exit code says whether anybody was cut off. A second signal ends it at once.
 *
 *     node examples/signals/graceful-shutdown.mjs [--port 8000] [--grace 5]
 *     nc 127.0.0.1 8000           and from another terminal: kill PID
 */
import { parseArgs } from 'node:util';
import { Event, getRunningLoop, run, sleep, startServer } from 'aionode';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8000' },
    grace: { type: 'string', default: '5' },
  },
});

/** Half a second of work for a line. */
const JOB_SECONDS = 0.5;
/** @type {readonly NodeJS.Signals[]} */
const SIGNALS = ['SIGINT', 'SIGTERM'];

/**
 * Connections between two jobs: nothing is lost when they are closed.
 * @type {Set<import('aionode').StreamWriter>}
 */
const idle = new Set();
const stop = new Event();

/** @type {import('aionode').ClientConnectedCallback} */
async function serve(reader, writer) {
  try {
    while (!stop.isSet()) {
      idle.add(writer);
      const line = await reader.readline();
      idle.delete(writer);
      if (line.length === 0) break;
      await sleep(JOB_SECONDS);
      writer.write(`done: ${line}`);
      await writer.drain();
    }
  } finally {
    idle.delete(writer);
    writer.close();
  }
}

await run(async () => {
  const loop = getRunningLoop();
  const server = await startServer(serve, '127.0.0.1', Number(values.port));
  for (const signal of SIGNALS) loop.addSignalHandler(signal, () => stop.set());
  console.log(`process ${process.pid} listens on port ${server.sockets[0]?.port}`);

  await stop.wait();
  for (const signal of SIGNALS) loop.removeSignalHandler(signal);
  for (const writer of idle) writer.close();
  const busy = [...server.handlers];
  console.log(`stopping, ${busy.length} connected`);

  await server.shutdown(Number(values.grace));
  const cutOff = busy.filter((task) => task.cancelled()).length;
  console.log(cutOff === 0 ? 'everybody was served' : `${cutOff} cut off`);
  process.exitCode = cutOff === 0 ? 0 : 1;
});
