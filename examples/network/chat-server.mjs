// @ts-check
/**
 * A chat server: who connects and gives a name talks to everybody else.
 *
 *   node examples/network/chat-server.mjs [port]
 *   nc 127.0.0.1 8888
 *
 * The task of a client reads its lines; a second one sends what the others said, from a bounded queue.
 * So a client that does not read holds up nobody: when its queue is full it is dropped. Ctrl-C closes
 * the server, and gives everybody a second to be told what was said last.
 */
import { Queue, QueueFull, run, startServer, TaskGroup, timeout } from 'aionode';

/** @typedef {{ name: string, messages: Queue<string>, drop: () => void }} Member */

const MOST_UNSENT = 100;
const SECONDS_FOR_THE_NAME = 60;

/** @type {Set<Member>} */
const members = new Set();

/** @param {string} message @param {Member} [except] */
function tell(message, except) {
  for (const member of members) {
    if (member === except) continue;
    try {
      member.messages.putNowait(message);
    } catch (error) {
      if (!(error instanceof QueueFull)) throw error;
      members.delete(member);
      member.drop();
    }
  }
}

/** @type {Parameters<typeof startServer>[0]} */
async function chat(reader, writer) {
  writer.write('Your name? ');
  const name = String(await timeout(SECONDS_FOR_THE_NAME, () => reader.readline())).trim();
  if (name === '') return writer.close();

  /** @type {Member} */
  const member = { name, messages: new Queue(MOST_UNSENT), drop: () => writer.abort() };
  writer.write(`Here: ${[...members].map((other) => other.name).join(', ') || 'nobody'}\n`);
  members.add(member);
  tell(`* ${name} has come\n`, member);
  try {
    await TaskGroup.run(async (group) => {
      group.createTask(async () => {
        for await (const message of member.messages) {
          writer.write(message);
          await writer.drain();
        }
      });
      for await (const line of reader) tell(`${name}: ${String(line).trim()}\n`, member);
      members.delete(member);
      member.messages.shutdown();
    });
  } catch (error) {
    if (!writer.isClosing()) throw error;
  } finally {
    members.delete(member);
    tell(`* ${name} has left\n`);
    writer.close();
  }
}

async function main() {
  const server = await startServer(chat, '127.0.0.1', Number(process.argv[2] ?? 8888));
  console.log(`chatting on 127.0.0.1:${server.sockets[0]?.port}`);
  try {
    await server.serveForever();
  } finally {
    await server.shutdown(1);
  }
}

await run(main).catch((error) => {
  if (error.code !== 'SIGINT') throw error;
  process.exitCode = 130;
});
