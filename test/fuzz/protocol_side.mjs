/** A side of a connection that is a Protocol, or a BufferedProtocol, or now the one and now the other. */
import { BufferedProtocol, getRunningLoop, Protocol } from 'aionode';
import { patternFile } from './files.mjs';

const SIZES = [1, 100, 4000, 30_000, 200_000];
const BUFFERS = [1, 50, 5000, 65_536];
const UNTOUCHED = 0xaa;

class ProtocolSide {
  #side;
  #transport;
  #loop = getRunningLoop();
  #timers = new Set();
  #writingPaused = false;
  #readingPaused = false;
  #sendingFile = false;
  #eofs = 0;
  #eofWritten = false;
  #buffer;
  #closed = false;
  #lost = false;
  #pumping = false;

  constructor(side) {
    this.#side = side;
  }

  /** What the transport calls. */
  face(buffered) {
    const face = buffered ? new BufferedProtocol() : new Protocol();
    const calls = {
      connectionMade: (transport) => this.#made(transport),
      connectionLost: (error) => this.#ended(error),
      pauseWriting: () => this.#pauseWriting(),
      resumeWriting: () => this.#resumeWriting(),
      eofReceived: () => this.#eofReceived(),
      dataReceived: (chunk) => this.#received(chunk),
      getBuffer: () => this.#getBuffer(),
      bufferUpdated: (length) => this.#bufferUpdated(length),
    };
    for (const name of Object.keys(calls)) if (name in face) face[name] = calls[name];
    return face;
  }

  #check(holds, what) {
    if (!holds) this.#side.wrong(what);
  }

  #later(ms, call) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#lost) call();
    }, ms);
    this.#timers.add(timer);
  }

  #made(transport) {
    this.#check(this.#transport === undefined, 'connectionMade() was called twice');
    this.#transport = transport;
    Object.assign(this.#side.breakers, {
      abort: () => {
        this.#closed = true;
        transport.abort();
      },
      close: () => this.#close(),
    });
    if (this.#side.random.chance(300)) {
      const high = this.#side.random.integer(100_000);
      transport.setWriteBufferLimits({ high });
    }
    if (this.#side.random.chance(100)) this.#pauseReading();
    this.#pump();
  }

  #close() {
    this.#closed = true;
    this.#transport.close();
  }

  #ended(error) {
    this.#check(!this.#lost, 'connectionLost() was called twice');
    this.#lost = true;
    for (const timer of this.#timers) clearTimeout(timer);
    if (error !== null) this.#side.failed(error);
    this.#side.over();
  }

  #pauseWriting() {
    this.#check(!this.#lost && !this.#writingPaused, 'pauseWriting() out of order');
    this.#writingPaused = true;
  }

  #resumeWriting() {
    this.#check(!this.#lost && this.#writingPaused, 'resumeWriting() out of order');
    this.#writingPaused = false;
    this.#pump();
  }

  #eofReceived() {
    this.#eofs += 1;
    this.#check(this.#eofs === 1 && !this.#closed && !this.#lost, 'eofReceived() out of order');
    if (!this.#side.hasReceived && !this.#side.isBroken) {
      this.#side.wrong(`the peer has ended, ${this.#side.expected} bytes early`);
    }
    const staysOpen = !this.#side.isBroken && !this.#side.hasSent;
    if (!staysOpen) this.#closed = true;
    return staysOpen;
  }

  #pauseReading() {
    this.#readingPaused = true;
    this.#transport.pauseReading();
    const resume = () => {
      this.#readingPaused = false;
      this.#transport.resumeReading();
    };
    const { random } = this.#side;
    if (random.chance(200)) resume();
    else this.#later(random.integer(6), resume);
  }

  #received(chunk) {
    const side = this.#side;
    this.#check(!this.#closed && !this.#lost, 'bytes came after close()');
    this.#check(!this.#readingPaused, 'bytes came while reading was paused');
    side.feed(chunk);
    if (!this.#pumping) this.#later(0, () => this.#pump());
    if (side.random.chance(100) && !this.#readingPaused) this.#pauseReading();
    if (side.random.chance(50) && !this.#sendingFile) {
      this.#transport.setProtocol(this.face(side.random.chance(500)));
    }
  }

  #getBuffer() {
    const { random } = this.#side;
    this.#check(!this.#readingPaused && !this.#closed && !this.#lost, 'getBuffer() out of order');
    this.#buffer = Buffer.alloc(random.pick(BUFFERS), UNTOUCHED);
    return this.#buffer;
  }

  #bufferUpdated(length) {
    const buffer = this.#buffer;
    this.#check(length > 0 && length <= buffer.length, `bufferUpdated(${length})`);
    const beyond = buffer.subarray(length, length + 50);
    this.#check(
      beyond.every((byte) => byte === UNTOUCHED),
      'the buffer was written to beyond what was told',
    );
    this.#received(Buffer.from(buffer.subarray(0, length)));
  }

  /** Writes until there is nothing to write, or it is asked to wait. */
  #pump() {
    const { outgoing, random } = this.#side;
    if (this.#pumping || this.#sendingFile || this.#closed || outgoing === undefined) return;
    this.#pumping = true;
    while (!outgoing.isAtEnd && !this.#writingPaused && !this.#sendingFile) {
      if (random.chance(100)) {
        this.#later(random.integer(4), () => this.#pump());
        break;
      }
      if (outgoing.isInPattern && random.chance(60)) this.#sendFile();
      else if (random.chance(150)) {
        this.#transport.writelines([outgoing.take(100), outgoing.take(5000)]);
      } else this.#transport.write(outgoing.take(random.pick(SIZES)));
    }
    this.#pumping = false;
    this.#endIfDone();
  }

  async #sendFile() {
    const { outgoing, random } = this.#side;
    const offset = outgoing.place;
    const count = outgoing.skip(random.pick(SIZES));
    this.#sendingFile = true;
    try {
      const sent = await this.#loop.sendfile(this.#transport, patternFile(), { offset, count });
      this.#check(sent === count, `sendfile() gave ${sent} for ${count}`);
    } catch (error) {
      this.#side.failed(error);
      this.#transport.abort();
      return;
    } finally {
      this.#sendingFile = false;
    }
    this.#pump();
  }

  #endIfDone() {
    const side = this.#side;
    if (!side.hasSent || this.#sendingFile || this.#closed || this.#lost) return;
    if (!this.#eofWritten && side.mayHalfClose && side.random.chance(400)) {
      this.#eofWritten = true;
      this.#transport.writeEof();
    }
    if (side.hasReceived) this.#close();
  }
}

/** A protocol for `side`, as a protocol factory gives it. */
export function protocolFor(side, buffered) {
  return new ProtocolSide(side).face(buffered);
}
