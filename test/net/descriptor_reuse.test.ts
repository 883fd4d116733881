/**
 * Descriptors that are used again: connections open, end in every way and open again at once, so that the
 * system gives out the same descriptors. Each byte belongs to its connection, and none of them is left.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  BaseProtocol,
  createTask,
  type Future,
  gather,
  getRunningLoop,
  type StreamReader,
  type StreamWriter,
  sleep,
  type Transport,
} from 'aionode';
import {
  CARRIERS,
  type Carrier,
  type Place,
  reset,
  withProtocols,
  withStreams,
} from '../support/carriers.js';
import { inLoop, roundsUntil } from '../support/net.js';
import { descriptorCount } from '../support/pipes.js';

const CLIENTS = 12;
const CONNECTIONS = 25;
const WORD = 4;
const SIZES = [WORD, 40, 4000, 70_000];
/** In which a connection that was accepted can end when its client does. */
const BROKEN = new Set(['ECONNRESET', 'EPIPE']);

const kWays = ['close', 'abort', 'reset', 'cancel', 'answered'] as const;

/** What a connection sends: its number, over and over. */
function words(id: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += WORD) bytes.writeUInt32LE(id, at);
  return bytes;
}

/** Takes the bytes of one connection, and compares each with the number that it began with. */
class Checker {
  received = 0;
  id: number | undefined;
  private readonly word = Buffer.alloc(WORD);

  constructor(id?: number) {
    this.id = id;
    if (id !== undefined) this.word.writeUInt32LE(id);
  }

  take(data: Buffer): void {
    for (const byte of data) {
      const at = this.received % WORD;
      if (this.id === undefined && this.received < WORD) this.word[at] = byte;
      else if (byte !== this.word[at]) assert.fail('a byte of another connection');
      this.received += 1;
    }
  }
}

/** Checks what comes and, as a server's, sends it back. */
class Checked extends BaseProtocol {
  readonly lost: Future<void> = getRunningLoop().createFuture<void>();
  readonly checker: Checker;
  private readonly answers: boolean;
  transport!: Transport;
  onData = () => {};

  constructor(id?: number) {
    super();
    this.checker = new Checker(id);
    this.answers = id === undefined;
  }

  override connectionMade(transport: Transport): void {
    this.transport = transport;
  }

  protected take(data: Buffer): void {
    this.checker.take(data);
    if (this.answers) this.transport.write(data);
    this.onData();
  }

  override pauseWriting(): void {
    this.transport.pauseReading();
  }

  override resumeWriting(): void {
    this.transport.resumeReading();
  }

  override connectionLost(error: unknown): void {
    this.onData();
    this.lost.setResult();
    assert.ok(error === null || BROKEN.has((error as NodeJS.ErrnoException).code as string));
  }
}

class Whole extends Checked {
  dataReceived(data: Buffer): void {
    this.take(data);
  }
}

class InPieces extends Checked {
  readonly memory = Buffer.alloc(1000);

  getBuffer(): Buffer {
    return this.memory;
  }

  bufferUpdated(length: number): void {
    this.take(this.memory.subarray(0, length));
  }
}

type Way = (typeof kWays)[number];
/** One connection, from its opening to its end. */
type Session = (place: Place, id: number, size: number, way: Way) => Promise<void>;

async function resetInTheMiddle(place: Place, id: number, size: number): Promise<void> {
  const socket = await place.dial();
  socket.write(words(id, size));
  reset(socket);
}

/** Gives up `connecting` while it is under way, or ends what it has opened. */
async function giveUp<T>(
  connecting: Future<T>,
  rounds: number,
  end: (opened: T) => void,
): Promise<void> {
  const task = createTask(connecting);
  for (let round = 0; round < rounds; round++) await new Promise((r) => setImmediate(r));
  if (task.cancel()) await assert.rejects(async () => task, { name: 'CancelledError' });
  else end(await task);
}

function sessionOf(Kind: new (id?: number) => Checked): Session {
  return async (place, id, size, way) => {
    if (way === 'reset') return resetInTheMiddle(place, id, size);
    const connecting = place.connect(() => new Kind(id));
    if (way === 'cancel') return giveUp(connecting, id % 3, ([transport]) => transport.abort());
    const [transport, protocol] = await connecting;
    const answered = getRunningLoop().createFuture<void>();
    protocol.onData = () => {
      const wanted = way === 'answered' ? size : WORD;
      const over = protocol.checker.received >= wanted || transport.isClosing();
      if (over && !answered.done()) answered.setResult();
    };
    for (let sent = 0; sent < size; sent += SIZES[1] as number) {
      transport.write(words(id, Math.min(SIZES[1] as number, size - sent)));
    }
    await answered;
    if (way === 'answered') assert.equal(protocol.checker.received, size);
    transport[way === 'abort' ? 'abort' : 'close']();
    await protocol.lost;
  };
}

const streamSession: Session = async (place, id, size, way) => {
  if (way === 'reset') return resetInTheMiddle(place, id, size);
  const connecting = place.open();
  if (way === 'cancel') return giveUp(connecting, id % 3, ([, writer]) => writer.abort());
  const [reader, writer] = await connecting;
  const checker = new Checker(id);
  writer.write(words(id, size));
  checker.take(await reader.readexactly(way === 'answered' ? size : WORD));
  if (way === 'abort') writer.abort();
  writer.close();
  await writer.waitClosed().catch(() => {});
};

async function echoStreams(reader: StreamReader, writer: StreamWriter): Promise<void> {
  const checker = new Checker();
  try {
    for await (const chunk of reader.chunks()) {
      checker.take(chunk);
      writer.write(chunk);
      await writer.drain();
    }
  } catch (error) {
    if (!BROKEN.has((error as NodeJS.ErrnoException).code as string)) throw error;
  } finally {
    writer.close();
  }
}

async function load(place: Place, session: Session): Promise<void> {
  const client = async (number: number) => {
    for (let i = 0; i < CONNECTIONS; i++) {
      const id = number * CONNECTIONS + i + 1;
      const size = SIZES[(id * 7) % SIZES.length] as number;
      await session(place, id, size, kWays[(id * 3) % kWays.length] as Way);
    }
  };
  await gather(...Array.from({ length: CLIENTS }, (_, number) => () => client(number)));
}

async function check(
  serve: (body: (place: Place) => Promise<void>) => Promise<void>,
  session: Session,
): Promise<void> {
  await serve((place) => session(place, 1, WORD, 'answered'));
  const before = descriptorCount() ?? 0;
  let most = 0;
  await serve(async (place) => {
    const counting = createTask(async () => {
      for (;;) {
        most = Math.max(most, descriptorCount() ?? 0);
        await sleep(0);
      }
    });
    await load(place, session);
    counting.cancel();
  });
  await roundsUntil(() => (descriptorCount() ?? 0) <= before, 'descriptors are left');
  // Both ends of each connection are here: descriptors were used many times over.
  assert.ok(most - before < CLIENTS * CONNECTIONS, `${most - before} descriptors at once`);
}

const kinds: Record<string, (carrier: Carrier) => Promise<void>> = {
  streams: (carrier) => check((body) => withStreams(carrier, echoStreams, body), streamSession),
};
for (const [name, Kind] of [
  ['protocols', Whole],
  ['buffered protocols', InPieces],
] as const) {
  kinds[name] = (carrier) =>
    check((body) => withProtocols(carrier, () => new Kind(), body), sessionOf(Kind));
}

for (const carrier of CARRIERS) {
  describe(`connections over ${carrier} that come and go`, () => {
    for (const [name, play] of Object.entries(kinds)) {
      it(
        `${name}: no byte goes astray, no descriptor is left`,
        inLoop(() => play(carrier)),
      );
    }
  });
}
