/** A process that may open few files and serves in every way. Its parent says when they run out, and when not. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { getRunningLoop, type Server } from 'aionode';
import { addressOf, CARRIED, KINDS, placeIn } from '../support/kinds.js';

const [, , folder = ''] = process.argv;
const taken: number[] = [];
const servers: Server[] = [];

const tell = (message: unknown) => process.send?.(message);

process.on('message', (order: 'take' | 'free all' | { free: number }) => {
  if (order === 'take') {
    try {
      for (;;) taken.push(openSync('/dev/null', 'r'));
    } catch (error) {
      tell({ full: (error as NodeJS.ErrnoException).code });
    }
  } else {
    for (const fd of taken.splice(0, order === 'free all' ? taken.length : order.free))
      closeSync(fd);
  }
});

process.on('disconnect', () => process.exit());

getRunningLoop().setExceptionHandler((_loop, { exception, socket }) => {
  const { code, syscall } = exception as NodeJS.ErrnoException;
  const index = servers.findIndex((one) => one.sockets[0] === socket);
  tell({ index, code, syscall });
});

for (const [at, carried] of Object.values(CARRIED).entries()) {
  for (const [name, make] of Object.entries(KINDS)) {
    const own = path.join(folder, `${at}${name}`);
    mkdirSync(own);
    servers.push(await make().serve(placeIn(own, carried), carried.ofServer));
  }
}
tell(servers.map(addressOf));
