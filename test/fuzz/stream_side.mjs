/** A side of a connection that works with a StreamReader and a StreamWriter. */
import {
  CancelledError,
  createTask,
  currentTask,
  getRunningLoop,
  IncompleteReadError,
  LimitOverrunError,
  sleep,
  TaskGroup,
  TimeoutError,
  timeout,
} from 'aionode';
import { patternFile } from './files.mjs';

const SIZES = [1, 100, 4000, 30_000, 200_000];

async function pause(random) {
  if (random.chance(200)) await sleep(random.integer(4) / 1000);
  else if (random.chance(300)) await sleep(0);
}

async function send(side, writer) {
  const { random } = side;
  // A server does not know what to answer before it has the head.
  while (side.outgoing === undefined) {
    if (side.gone) return;
    await sleep(0.001);
  }
  const { outgoing } = side;
  while (!outgoing.isAtEnd) {
    await pause(random);
    if (side.isBroken && writer.isClosing()) return;
    if (outgoing.isInPattern && random.chance(60)) {
      const offset = outgoing.place;
      const count = outgoing.skip(random.pick(SIZES));
      const sent = await getRunningLoop().sendfile(writer.transport, patternFile(), {
        offset,
        count,
      });
      if (sent !== count) side.wrong(`sendfile() gave ${sent} for ${count}`);
    } else if (random.chance(200)) {
      const lines = [];
      for (let left = random.integer(20); left > 0; left--) lines.push(outgoing.take(2000));
      writer.writelines(lines);
    } else {
      writer.write(outgoing.take(random.pick(SIZES)));
    }
    if (random.chance(700)) await writer.drain();
  }
  if (side.mayHalfClose && random.chance(400)) writer.writeEof();
}

/** Reads once, by one of the ways there are. Returns what was read. */
async function readSome(side, reader) {
  const { random, incoming } = side;
  const length = Math.min(side.expected, 1 + random.integer(5000));
  switch (random.integer(5)) {
    case 0:
      return reader.readexactly(length);
    case 1:
      if (incoming === undefined) return reader.read(length);
      try {
        return await reader.readuntil(Buffer.of(incoming.upcoming(length - 1)));
      } catch (error) {
        if (error instanceof IncompleteReadError) return error.partial;
        if (error instanceof LimitOverrunError) return reader.read(error.consumed);
        throw error;
      }
    case 2: {
      // What was looked at is still there.
      const seen = Buffer.from(await reader.peek(Math.min(length, 100)));
      const read = await reader.readexactly(seen.length);
      if (!read.equals(seen)) side.wrong('peek() showed something else than what came');
      return read;
    }
    default:
      return reader.read(1 + random.integer(random.pick(SIZES)));
  }
}

/** A read that is given up takes nothing. */
async function readPersistently(side, reader) {
  const { random } = side;
  for (;;) {
    try {
      const way = random.integer(1000);
      if (way < 80) {
        const task = createTask(() => reader.read(1 + random.integer(5000)));
        for (let turns = random.integer(4); turns > 0; turns--) await sleep(0);
        task.cancel();
        return await task;
      }
      if (way < 120) return await timeout(random.integer(3) / 1000, () => reader.read(3000));
      return await readSome(side, reader);
    } catch (error) {
      if (currentTask().cancelling() > 0) throw error;
      if (!(error instanceof CancelledError || error instanceof TimeoutError)) throw error;
    }
  }
}

async function receive(side, reader) {
  while (side.incoming === undefined || side.expected > 0) {
    await pause(side.random);
    const chunk = await readPersistently(side, reader);
    if (chunk.length === 0 && reader.atEof()) {
      if (!side.isBroken) side.wrong(`the peer has ended, ${side.expected} bytes early`);
      side.gone = true;
      return;
    }
    side.feed(chunk);
  }
}

export async function runStreams(side, reader, writer) {
  const task = currentTask();
  Object.assign(side.breakers, {
    abort: () => writer.abort(),
    close: () => writer.close(),
    cancel: () => task.cancel(),
  });
  try {
    await TaskGroup.run((group) => {
      group.createTask(() => send(side, writer));
      group.createTask(() => receive(side, reader));
    });
    writer.close();
    if (side.random.chance(500)) await writer.waitClosed();
  } catch (error) {
    side.gone = true;
    side.failed(error);
    writer.abort();
  } finally {
    side.over();
  }
}
