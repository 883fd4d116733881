// What the Node programs of the processes suite share; processes.py has the same figures.
export const MEBIBYTE = 1 << 20;
/** Bytes that go through a pipe in one batch. */
export const SIZE = 64 * MEBIBYTE;
export const CHUNK = Buffer.alloc(64 * 1024);
/** The program that writes SIZE bytes, and its arguments. */
export const SOURCE = ['/usr/bin/head', ['-c', `${SIZE}`, '/dev/zero']];

/** The batches of processes that only start and end; `gather` runs functions side by side. */
export const startBatches = (start, gather) => ({
  // Operation: a process from its start to its end.
  async 'true, one by one'() {
    for (let i = 0; i < 20; i++) await start();
    return 20;
  },

  async 'true, 8 at a time'() {
    let left = 40;
    const starter = async () => {
      while (left-- > 0) await start();
    };
    await gather(...new Array(8).fill(starter));
    return 40;
  },
});
