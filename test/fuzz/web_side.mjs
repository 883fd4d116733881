/** A side of a connection that is a pair of web streams, by toWeb(). */
const SIZES = [1, 100, 4000, 30_000, 200_000];

async function pause(random) {
  if (random.chance(200)) await new Promise((resolve) => setTimeout(resolve, random.integer(4)));
}

async function send(side, writer) {
  const { random } = side;
  while (side.outgoing === undefined) {
    if (side.gone) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  while (!side.hasSent) {
    await pause(random);
    const written = writer.write(side.outgoing.take(random.pick(SIZES)));
    if (random.chance(500)) await written;
    else written.catch(() => {});
    await writer.ready;
  }
  if (side.mayHalfClose && random.chance(400)) await writer.close();
}

async function receive(side, reader, brings) {
  const { random } = side;
  while (side.incoming === undefined || side.expected > 0) {
    await pause(random);
    const { done, value } = brings
      ? await reader.read(new Uint8Array(1 + random.integer(5000)))
      : await reader.read();
    if (done) {
      if (!side.isBroken) side.wrong(`the peer has ended, ${side.expected} bytes early`);
      side.gone = true;
      return;
    }
    side.feed(Buffer.from(value));
  }
}

export async function runWeb(side, { readable, writable }) {
  const brings = side.random.chance(500);
  const reader = readable.getReader(brings ? { mode: 'byob' } : {});
  const writer = writable.getWriter();
  const drop = () => {
    reader.cancel().catch(() => {});
    writer.abort().catch(() => {});
  };
  Object.assign(side.breakers, { abort: drop, close: () => writer.abort().catch(() => {}) });
  // Whoever waits for neither is told by the calls above.
  writer.closed.catch(() => {});
  reader.closed.catch(() => {});
  try {
    await Promise.all([send(side, writer), receive(side, reader, brings)]);
    await writer.close().catch((error) => {
      // It was closed by the sender.
      if (!(error instanceof TypeError)) throw error;
    });
    await reader.cancel();
  } catch (error) {
    side.gone = true;
    side.failed(error);
    drop();
  } finally {
    side.over();
  }
}
