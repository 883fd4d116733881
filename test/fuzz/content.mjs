/** What the sides of a connection send: each byte says by its place which stream it belongs to. */
import { Random } from '../support/random.mjs';

/** A prime, so that streams that begin at different places never agree for long. */
const PERIOD = 1_000_003;
const STEP = 104_729;

/** The stream of every key, one behind the other; as long as two periods, so that a piece is one slice. */
export const pattern = Buffer.alloc(2 * PERIOD);
const random = new Random(12_345);
for (let at = 0; at < PERIOD; at++) pattern[at] = random.integer(256);
pattern.copy(pattern, PERIOD, 0, PERIOD);

/** Where byte `offset` of stream `key` is in the pattern. */
export function placeOf(key, offset) {
  return (key * STEP + offset) % PERIOD;
}

/** How many bytes from there on are in one piece, at least. */
export const LONGEST_PIECE = PERIOD;

/** The bytes that one side sends. */
export class Outgoing {
  #key;
  #head;
  #sent = 0;
  #length;

  /** @param head - what goes before the stream */
  constructor(key, length, head = Buffer.alloc(0)) {
    this.#key = key;
    this.#length = length;
    this.#head = head;
  }

  /** What was not taken yet, in bytes; of the head, or of the stream after it. */
  get left() {
    return this.#head.length > 0 ? this.#head.length : this.#length - this.#sent;
  }

  get isAtEnd() {
    return this.#head.length === 0 && this.#sent === this.#length;
  }

  /** Whether the rest is in the pattern, as a file has it. */
  get isInPattern() {
    return this.#head.length === 0;
  }

  /** Where the next byte is in the pattern. */
  get place() {
    return placeOf(this.#key, this.#sent);
  }

  /** Takes up to `most` bytes; they belong to the caller. */
  take(most) {
    if (this.#head.length > 0) {
      const piece = this.#head.subarray(0, most);
      this.#head = this.#head.subarray(piece.length);
      return Buffer.from(piece);
    }
    const start = this.place;
    return Buffer.from(pattern.subarray(start, start + this.skip(most)));
  }

  /** As take(), for bytes that somebody else sends. Returns how many they are. */
  skip(most) {
    const length = Math.min(most, this.#length - this.#sent, LONGEST_PIECE);
    this.#sent += length;
    return length;
  }
}

/** The bytes that one side has to receive. */
export class Incoming {
  #key;
  #length;
  #received = 0;

  constructor(key, length) {
    this.#key = key;
    this.#length = length;
  }

  get left() {
    return this.#length - this.#received;
  }

  get isAtEnd() {
    return this.left === 0;
  }

  /** The byte that comes after `ahead` others. */
  upcoming(ahead) {
    return pattern[placeOf(this.#key, this.#received + ahead)];
  }

  /** @throws Error at the first byte that should be another one */
  check(chunk) {
    if (chunk.length > this.left) {
      throw new Error(`${chunk.length} bytes came where ${this.left} were left`);
    }
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + LONGEST_PIECE);
      const start = placeOf(this.#key, this.#received);
      if (!piece.equals(pattern.subarray(start, start + piece.length))) {
        throw new Error(
          `wrong bytes within ${this.#received}..${this.#received + piece.length} of ${this.#length}`,
        );
      }
      at += piece.length;
      this.#received += piece.length;
    }
  }
}
