/** Pipes a connection to another with only so many descriptors left; prints what arrived. Started with few allowed. */
import { closeSync, openSync } from 'node:fs';
import { createTask, openConnection, run, startServer } from 'aionode';
import { LOCALHOST, portOf } from '../support/net.js';

const [, , left = '0'] = process.argv;
const BYTES = 1 << 20;

await run(async () => {
  const sink = await startServer(
    async (reader, writer) => {
      writer.write(`${(await reader.read()).length}`);
      writer.close();
    },
    LOCALHOST,
    0,
  );
  const source = await startServer(
    async (reader, writer) => {
      await reader.readexactly(1);
      writer.write(Buffer.alloc(BYTES));
      writer.close();
    },
    LOCALHOST,
    0,
  );
  const [reader, asking] = await openConnection(LOCALHOST, portOf(source));
  const [answer, writer] = await openConnection(LOCALHOST, portOf(sink));
  const moving = createTask(() => reader.pipeTo(writer));
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch {
    for (let i = 0; i < Number(left); i++) closeSync(taken.pop() as number);
  }
  asking.write('!');
  const moved = await moving;
  for (const fd of taken) closeSync(fd);
  console.log(`${moved} moved, ${await answer.read()} arrived`);
  asking.close();
  writer.close();
  await sink.shutdown();
  await source.shutdown();
});
