// @ts-check
/** The clients: each talks to the server over a socket of its own, again and again. */
import { createTask, getRunningLoop, openConnection, TimeoutError, waitFor } from 'aionode';
import { isAnswer, SMALLEST } from './factors.mjs';
import { isHangUp, TOO_SLOW } from './protocol.mjs';

/**
 * @typedef {object} Target
 * @property {string} host
 * @property {number} port
 * @property {number} end  when to stop, on the loop's clock
 * @property {import('./tally.mjs').Tally} tally
 */

const REQUESTS_PER_VISIT = 50;
const LARGEST_ASKED = 1_000_000;
/** An impatient client's visit is cancelled after up to this many seconds. */
const IMPATIENCE = 0.1;

const randomNumber = () => SMALLEST + Math.floor(Math.random() * LARGEST_ASKED);

/**
 * Connects, hands reader and writer to the body and closes, however the body ends.
 *
 * @param {Target} target
 * @param {(...streams: Awaited<ReturnType<typeof openConnection>>) => Promise<void>} body
 */
async function connected({ host, port, tally }, body) {
  const [reader, writer] = await openConnection(host, port);
  try {
    await reader.readline(); // the greeting
    await body(reader, writer);
  } catch (error) {
    if (!isHangUp(error)) throw error;
    tally.drops++;
  } finally {
    writer.close();
  }
}

/**
 * Asks until the visit is over, or until the server ends it: on a machine that stalls even a
 * steady client may be too slow.
 *
 * @param {Target} target
 */
async function visit(target) {
  const loop = getRunningLoop();
  await connected(target, async (reader, writer) => {
    for (let i = 0; i < REQUESTS_PER_VISIT && loop.time() < target.end; i++) {
      const number = randomNumber();
      const asked = loop.time();
      writer.write(`${number}\n`);
      await writer.drain();
      const line = (await reader.readline()).toString().trimEnd();
      if (line === TOO_SLOW) {
        target.tally.drops++;
        return;
      }
      if (!isAnswer(line, number)) throw new Error(`asked for ${number}, got '${line}'`);
      target.tally.answered(loop.time() - asked);
    }
  });
}

/** @param {Target} target */
export async function steadyClient(target) {
  while (getRunningLoop().time() < target.end) await visit(target);
}

/**
 * Gives its visits little time; waitFor() cancels those that take longer, in the middle of
 * whatever they await.
 *
 * @param {Target} target
 */
export async function impatientClient(target) {
  while (getRunningLoop().time() < target.end) {
    const task = target.tally.watch(createTask(() => visit(target)));
    try {
      await waitFor(task, Math.random() * IMPATIENCE);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    }
  }
}

/**
 * Never finishes a line and waits for the server to lose patience.
 *
 * @param {Target} target
 * @returns {Promise<never>}
 */
export async function slowClient(target) {
  for (;;) {
    await connected(target, async (reader, writer) => {
      writer.write('12');
      const farewell = (await reader.read()).toString().trimEnd();
      if (farewell !== TOO_SLOW) throw new Error(`a slow client got '${farewell}'`);
      target.tally.drops++;
    });
  }
}
