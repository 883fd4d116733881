/** A side of a connection that is a Duplex in Node's hands: a socket of its own, or one of ours by toDuplex(). */
import { Socket } from 'node:net';

const SIZES = [1, 100, 4000, 30_000, 200_000];

export function runDuplex(side, duplex) {
  const { random } = side;
  const timers = new Set();
  let closed = false;
  let waiting = false;
  let ended = false;
  Object.assign(side.breakers, {
    abort: () => {
      const isTcp = duplex instanceof Socket && duplex.remotePort !== undefined;
      // Of a socket that is ending Node resets nothing, and never tells of its end.
      if (isTcp && !duplex.encrypted && !ended) duplex.resetAndDestroy();
      else duplex.destroy();
    },
    close: () => duplex.destroy(),
  });

  function later(call) {
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (!closed) call();
    }, random.integer(5));
    timers.add(timer);
  }

  function end() {
    if (ended) return;
    ended = true;
    duplex.end();
  }

  function endIfDone() {
    if (side.hasSent && (side.hasReceived || (side.mayHalfClose && random.chance(300)))) end();
  }

  function goOn() {
    waiting = false;
    pump();
  }

  function pump() {
    if (waiting || closed || ended || side.outgoing === undefined) return;
    while (!side.hasSent) {
      const flows = duplex.write(side.outgoing.take(random.pick(SIZES)));
      if (flows && random.chance(800)) continue;
      waiting = true;
      if (flows) later(goOn);
      else duplex.once('drain', goOn);
      return;
    }
    endIfDone();
  }

  duplex.on('error', (error) => side.failed(error));
  duplex.on('data', (chunk) => {
    side.feed(chunk);
    pump();
    endIfDone();
    if (!random.chance(100)) return;
    duplex.pause();
    later(() => duplex.resume());
  });
  duplex.on('end', () => {
    if (!side.hasReceived && !side.isBroken) {
      side.wrong(`the peer has ended, ${side.expected} bytes early`);
    }
    if (side.isBroken) duplex.destroy();
  });
  return new Promise((resolve) => {
    duplex.on('close', () => {
      closed = true;
      for (const timer of timers) clearTimeout(timer);
      side.over();
      resolve();
    });
    pump();
  });
}
