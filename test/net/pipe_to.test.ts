/** StreamReader.pipeTo(): over connections that the system joins, and over others. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import {
  CancelledError,
  createSubprocessExec,
  createTask,
  gather,
  getRunningLoop,
  openConnection,
  PIPE,
  Protocol,
  StreamReader,
  type StreamWriter,
  sleep,
  TaskGroup,
  type Transport,
} from 'aionode';
import {
  type Handler,
  inLoop,
  LOCALHOST,
  MIB,
  patternBytes,
  portOf,
  roundsUntil,
  withPair,
  withServer,
  writeInPieces,
} from '../support/net.js';
import { descriptorCount, inFolder } from '../support/pipes.js';
import { CONNECTIONS, digest, LARGE, onRoute, settled, withRoute } from '../support/routes.js';

describe('pipeTo', () => {
  for (const [incoming, open] of Object.entries(CONNECTIONS)) {
    for (const [outgoing, openOther] of Object.entries(CONNECTIONS)) {
      it(
        `moves everything and passes the end on: ${incoming} to ${outgoing}`,
        inLoop(async () => {
          const bytes = patternBytes(5 * MIB + 1);
          await withRoute(
            async ({ sender, from, to, receiver }) => {
              const moving = createTask(() => from.reader.pipeTo(to.writer));
              const writing = createTask(async () => {
                await writeInPieces(sender.writer, bytes, 70_001);
                if (sender.writer.canWriteEof()) sender.writer.writeEof();
                else sender.writer.close();
              });
              const received = await receiver.reader.readexactly(bytes.length);
              assert.equal(digest(received), digest(bytes));
              assert.equal(await moving, bytes.length);
              await writing;
              if (!to.writer.canWriteEof()) to.writer.close();
              assert.equal((await receiver.reader.read()).length, 0);
            },
            open,
            openOther,
          );
        }),
      );
    }
  }

  it(
    'begins with what is buffered, and what has arrived meanwhile',
    onRoute(async ({ sender, from, to, receiver }) => {
      sender.writer.write('one two ');
      assert.equal((await from.reader.readexactly(4)).toString(), 'one ');
      sender.writer.write('three ');
      const moving = createTask(() => from.reader.pipeTo(to.writer));
      assert.equal((await receiver.reader.readexactly(10)).toString(), 'two three ');
      sender.writer.write('four');
      sender.writer.writeEof();
      assert.equal((await receiver.reader.read()).toString(), 'four');
      assert.equal(await moving, 14);
    }),
  );

  it(
    'goes on with a reader that was full, and had paused',
    onRoute(async ({ sender, from, to, receiver }) => {
      const bytes = patternBytes(LARGE);
      const writing = createTask(() => writeInPieces(sender.writer, bytes, MIB));
      await settled(() => from.reader.buffered);
      assert.ok(from.reader.buffered > 128 * 1024);
      const moving = createTask(() => from.reader.pipeTo(to.writer));
      assert.equal(digest(await receiver.reader.readexactly(LARGE)), digest(bytes));
      await writing;
      sender.writer.writeEof();
      assert.equal(await moving, LARGE);
    }),
  );

  it(
    'answers each message without waiting for more',
    onRoute(async ({ sender, from, to, receiver }) => {
      const moving = createTask(() =>
        gather(from.reader.pipeTo(to.writer), to.reader.pipeTo(from.writer)),
      );
      for (let i = 0; i < 100; i++) {
        const message = `${i}\n`;
        sender.writer.write(message);
        assert.equal((await receiver.reader.readline()).toString(), message);
        receiver.writer.write(message);
        assert.equal((await sender.reader.readline()).toString(), message);
      }
      sender.writer.writeEof();
      receiver.writer.writeEof();
      assert.deepEqual(await moving, [290, 290]);
    }),
  );

  it(
    'holds the sender back while the receiver does not read',
    onRoute(async ({ sender, from, to, receiver }) => {
      const bytes = patternBytes(LARGE);
      const moving = createTask(() => from.reader.pipeTo(to.writer));
      let written = 0;
      const writing = createTask(async () => {
        for (; written < LARGE; written += MIB) {
          sender.writer.write(bytes.subarray(written, written + MIB));
          await sender.writer.drain();
        }
        sender.writer.writeEof();
      });
      await settled(() => written);
      assert.ok(written < LARGE, 'the sender was not held back');
      assert.ok(to.writer.transport.getWriteBufferSize() <= 256 * 1024);
      assert.equal(from.reader.buffered, 0);
      assert.equal(digest(await receiver.reader.read()), digest(bytes));
      assert.equal(await moving, LARGE);
      await writing;
    }),
  );

  it(
    'moves a given number of bytes, and leaves the rest to other reads',
    onRoute(async ({ sender, from, to, receiver }) => {
      sender.writer.write('header|');
      await from.reader.readuntil('|');
      const moving = createTask(() => from.reader.pipeTo(to.writer, { count: 10 }));
      await sleep(0);
      sender.writer.write('0123456789abc');
      assert.equal(await moving, 10);
      assert.equal((await from.reader.readexactly(3)).toString(), 'abc');
      assert.equal(await from.reader.pipeTo(to.writer, { count: 0 }), 0);
      sender.writer.write('de');
      sender.writer.writeEof();
      assert.equal(await from.reader.pipeTo(to.writer, { count: 10 }), 2);
      assert.equal((await receiver.reader.read()).toString(), '0123456789de');
    }),
  );

  it(
    'leaves the writer open with { end: false }',
    onRoute(async ({ sender, from, to, receiver }) => {
      sender.writer.write('piped ');
      sender.writer.writeEof();
      await from.reader.pipeTo(to.writer, { end: false });
      to.writer.write('and more');
      to.writer.writeEof();
      assert.equal((await receiver.reader.read()).toString(), 'piped and more');
    }),
  );

  it(
    'loses nothing when it is cancelled, flowing or held up',
    onRoute(async ({ sender, from, to, receiver }) => {
      const bytes = patternBytes(LARGE);
      const writing = createTask(async () => {
        await writeInPieces(sender.writer, bytes, 100_003);
        sender.writer.writeEof();
      });
      let received = 0;
      const hash = createHash('sha256');
      const take = async (most: number) => {
        const chunk = await receiver.reader.read(most);
        received += chunk.length;
        hash.update(chunk);
      };
      for (let round = 0; round < 20; round++) {
        const moving = createTask(() => from.reader.pipeTo(to.writer));
        if (round % 2 === 0) await settled(() => to.writer.transport.getWriteBufferSize());
        else for (let i = 0; i < round; i++) await take(100_000);
        moving.cancel();
        await assert.rejects(moving, CancelledError);
        // Between two of them the stream is read as any other.
        const chunk = await from.reader.readexactly(1000);
        to.writer.write(chunk);
      }
      const moving = createTask(() => from.reader.pipeTo(to.writer));
      while (!receiver.reader.atEof()) await take(MIB);
      assert.equal(received, LARGE);
      assert.equal(hash.digest('hex'), digest(bytes));
      await moving;
      await writing;
    }),
  );

  it(
    'lets others write to the same writer, each write in one piece',
    onRoute(async ({ sender, from, to, receiver }) => {
      const bytes = Buffer.alloc(LARGE, 'x');
      const moving = createTask(() => from.reader.pipeTo(to.writer));
      const writing = createTask(async () => {
        await writeInPieces(sender.writer, bytes, MIB);
        sender.writer.writeEof();
      });
      await settled(() => to.writer.transport.getWriteBufferSize());
      const unsent = to.writer.transport.getWriteBufferSize();
      to.writer.write('<first>');
      to.writer.write('<second>');
      assert.equal(to.writer.transport.getWriteBufferSize(), unsent + 15);
      const received = (await receiver.reader.read()).toString();
      assert.equal(received.length, LARGE + 15);
      assert.ok(received.includes('x<first><second>x'));
      assert.equal(await moving, LARGE);
      await writing;
    }),
  );

  it(
    'comes after a file that is being sent, and a file after it',
    onRoute(async ({ sender, from, to, receiver }) => {
      await inFolder(async (folder) => {
        const file = path.join(folder, 'file');
        const bytes = patternBytes(24 * MIB);
        writeFileSync(file, bytes);
        const loop = getRunningLoop();
        const sending = createTask(() => loop.sendfile(to.writer.transport, file));
        await sleep(0);
        sender.writer.write('piped');
        const moving = createTask(() => from.reader.pipeTo(to.writer, { count: 5 }));
        await settled(() => from.reader.buffered);
        const received = await receiver.reader.readexactly(bytes.length + 5);
        assert.equal(digest(received.subarray(0, -5)), digest(bytes));
        assert.equal(received.subarray(-5).toString(), 'piped');
        assert.equal(await sending, bytes.length);
        assert.equal(await moving, 5);
        const flowing = createTask(() => from.reader.pipeTo(to.writer));
        await sleep(0);
        if (process.platform === 'linux') {
          await assert.rejects(loop.sendfile(to.writer.transport, file), {
            name: 'RuntimeError',
            message: /Another sendfile\(\) or pipeTo\(\) is under way/,
          });
        }
        sender.writer.writeEof();
        await flowing;
      });
    }),
  );

  it(
    'merges two readers into one writer',
    onRoute(async ({ sender, from, to, receiver }) => {
      await withPair(async (otherSender, otherFrom) => {
        const moving = createTask(() =>
          gather(
            from.reader.pipeTo(to.writer, { end: false }),
            otherFrom.reader.pipeTo(to.writer, { end: false }),
          ),
        );
        const size = 4 * MIB;
        const writing = createTask(async () => {
          for (const [{ writer }, byte] of [
            [sender, 'a'],
            [otherSender, 'b'],
          ] as const) {
            await writeInPieces(writer, Buffer.alloc(size, byte), 99_999);
            writer.writeEof();
          }
        });
        const received = await receiver.reader.readexactly(2 * size);
        const count = received.reduce((sum, byte) => sum + (byte === 97 ? 1 : 0), 0);
        assert.equal(count, size);
        assert.deepEqual(await moving, [size, size]);
        await writing;
      });
    }),
  );

  it(
    'sends a connection back to itself',
    inLoop(async () => {
      await withPair(async (far, ours) => {
        const moving = createTask(() => ours.reader.pipeTo(ours.writer));
        const bytes = patternBytes(LARGE);
        const writing = createTask(async () => {
          await writeInPieces(far.writer, bytes, MIB);
          far.writer.writeEof();
        });
        assert.equal(digest(await far.reader.read()), digest(bytes));
        assert.equal(await moving, LARGE);
        await writing;
      });
    }),
  );

  it(
    'moves what is fed by hand, before and between what comes',
    onRoute(async ({ sender, from, to, receiver }) => {
      from.reader.feedData(Buffer.from('by hand '));
      const moving = createTask(() => from.reader.pipeTo(to.writer));
      assert.equal((await receiver.reader.readexactly(8)).toString(), 'by hand ');
      await settled(() => from.reader.buffered);
      from.reader.feedData(Buffer.from('again '));
      assert.equal((await receiver.reader.readexactly(6)).toString(), 'again ');
      sender.writer.write('from afar ');
      assert.equal((await receiver.reader.readexactly(10)).toString(), 'from afar ');
      from.reader.feedEof();
      assert.equal(await moving, 24);
      assert.equal((await receiver.reader.read()).length, 0);

      const alone = new StreamReader();
      alone.feedData(Buffer.from('alone'));
      alone.feedEof();
      await withPair(async (far, ours) => {
        assert.equal(await alone.pipeTo(ours.writer), 5);
        assert.equal((await far.reader.read()).toString(), 'alone');
      });
    }),
  );

  it(
    'takes anything that has the methods of a writer',
    onRoute(async ({ sender, from }) => {
      const calls: string[] = [];
      const target = {
        write: (data: Uint8Array) => {
          if (data.length > 0) calls.push(`write ${Buffer.from(data)}`);
        },
        drain: async () => void calls.push('drain'),
        canWriteEof: () => true,
        writeEof: () => void calls.push('writeEof'),
      };
      sender.writer.write('some');
      const moving = createTask(() => from.reader.pipeTo(target));
      await roundsUntil(() => calls.length === 2, 'the first bytes');
      sender.writer.write('more');
      await roundsUntil(() => calls.length === 4, 'the second bytes');
      sender.writer.writeEof();
      assert.equal(await moving, 8);
      assert.deepEqual(calls, ['write some', 'drain', 'write more', 'drain', 'writeEof']);
    }),
  );

  it(
    'moves the output of one process to another',
    inLoop(async () => {
      const bytes = 8 * MIB;
      const script = `process.stdout.write(Buffer.alloc(${bytes}, 'y'))`;
      const one = await createSubprocessExec(process.execPath, ['-e', script], { stdout: PIPE });
      const count = `let n = 0; process.stdin.on('data', (d) => (n += d.length)).on('end', () => console.log(n))`;
      const other = await createSubprocessExec(process.execPath, ['-e', count], {
        stdin: PIPE,
        stdout: PIPE,
      });
      assert.equal(await one.stdout.pipeTo(other.stdin), bytes);
      assert.equal((await other.stdout.read()).toString(), `${bytes}\n`);
      await gather(one.wait(), other.wait());
    }),
  );

  it(
    'stands still while reading is paused on the transport',
    onRoute(async ({ sender, from, to, receiver }) => {
      const moving = createTask(() => from.reader.pipeTo(to.writer));
      await settled(() => from.reader.buffered);
      const transport = from.writer.transport as Transport;
      transport.pauseReading();
      sender.writer.write('held');
      await settled(() => receiver.reader.buffered);
      assert.equal(receiver.reader.buffered, 0);
      transport.resumeReading();
      assert.equal((await receiver.reader.readexactly(4)).toString(), 'held');
      sender.writer.writeEof();
      assert.equal(await moving, 4);
    }),
  );
});

describe("pipeTo in a protocol's callback", () => {
  it(
    'leaves the other events of the poll to those whom they are for, once',
    onRoute(async ({ sender, from, to, receiver }) => {
      const loop = getRunningLoop();
      const received: string[] = [];
      let moving: Promise<number> | undefined;
      class Starts extends Protocol {
        override dataReceived(data: Buffer): void {
          received.push(data.toString());
          // The others are told before this call returns.
          if (received.length === 1) moving = from.reader.pipeTo(to.writer);
        }
      }
      const server = await loop.createServer(() => new Starts(), LOCALHOST, 0);
      const writers: StreamWriter[] = [];
      for (let i = 0; i < 3; i++) {
        writers.push((await openConnection(LOCALHOST, portOf(server)))[1]);
      }
      for (const [i, writer] of writers.entries()) writer.write(`${i}`);
      sender.writer.write('piped');
      assert.equal((await receiver.reader.readexactly(5)).toString(), 'piped');
      await roundsUntil(() => received.length >= 3, 'three messages');
      await settled(() => received.length);
      assert.deepEqual(received.sort(), ['0', '1', '2']);
      sender.writer.writeEof();
      assert.equal(await moving, 5);
      for (const writer of writers) writer.close();
      await server.shutdown(1);
    }),
  );
});

describe('a proxy by pipeTo', () => {
  it(
    'serves many connections at once, and mixes none of them up',
    inLoop(async () => {
      const before = descriptorCount();
      const echo: Handler = async (reader, writer) => {
        await reader.pipeTo(writer);
        writer.close();
      };
      await withServer(echo, (target) => {
        const handler: Handler = async (reader, writer) => {
          const [upReader, upWriter] = await openConnection(LOCALHOST, target);
          await TaskGroup.run((group) => {
            group.createTask(() => reader.pipeTo(upWriter));
            group.createTask(() => upReader.pipeTo(writer));
          });
          upWriter.close();
          writer.close();
        };
        return withServer(handler, async (port) => {
          const client = async (seed: number) => {
            const bytes = patternBytes(MIB + seed, seed + 1);
            const [reader, writer] = await openConnection(LOCALHOST, port);
            const writing = createTask(async () => {
              await writeInPieces(writer, bytes, 10_000 + seed);
              writer.writeEof();
            });
            // Every other one reads late, so that its bytes are held up.
            if (seed % 2 === 0) await writing;
            assert.equal(digest(await reader.read()), digest(bytes), `client ${seed}`);
            await writing;
            writer.close();
          };
          await gather(...Array.from({ length: 20 }, (_, seed) => client(seed)));
        });
      });
      await roundsUntil(() => descriptorCount() === before, 'descriptors are left');
    }),
  );
});
