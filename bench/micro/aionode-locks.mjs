// Left out where the installed aionode has no such names, so that its versions can be compared.
import * as aio from 'aionode';
import { contend, twoPlayers } from './aionode-players.mjs';

async function playEvent(own, other, count) {
  for (let i = 0; i < count; i++) {
    await own.wait();
    own.clear();
    other.set();
  }
}

const batches = {
  // Operation: an acquire with its release.
  'lock, 100 tasks': () => contend(new aio.Lock()),
  'semaphore, 100 tasks': () => contend(new aio.Semaphore(10)),

  // Operation: a move, made when the other task has made its own.
  'event to and fro'() {
    const first = new aio.Event();
    first.set();
    return twoPlayers(playEvent, first, new aio.Event(), 10_000);
  },

  'condition to and fro'() {
    const condition = new aio.Condition();
    let turn = 0;
    return twoPlayers(
      async (own, other, count) => {
        for (let i = 0; i < count; i++) {
          await condition.acquire();
          try {
            await condition.waitFor(() => turn === own);
            turn = other;
            condition.notify();
          } finally {
            condition.release();
          }
        }
      },
      0,
      1,
      5_000,
    );
  },
};

export const lockBatches = aio.Condition === undefined ? {} : batches;
