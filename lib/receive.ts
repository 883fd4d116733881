// Turns what a kData event points to into a Buffer that is the receiver's for good.
// Floor 3.
//
// Small reads lie in the slab, which the next poll overwrites: they are copied out. Large reads lie in a
// lent buffer, which is handed over whole and replaced by a new one (native/uv/receive_memory.h). A lent
// buffer that came back less than half full is copied out too and lent again. What the receiver keeps
// never holds more than twice its size, or one block of 128 KiB, from which the smaller lent buffers are
// cut as Node cuts small Buffers from its pool: making an ArrayBuffer costs more than filling 10 KiB.
import { markAsUntransferable } from 'node:worker_threads';
import { memory } from './memory.ts';
import { layout, native } from './native.ts';

const { kSmallestLent, kLentClasses } = layout;
const kLentThreshold = kSmallestLent / 2;
/** Buffers of one size in stock at most: as many reads of one poll are spared a copy. */
const kStockLimit = 16;
const kBlockBytes = 128 * 1024;

const slab = memory.receiveSlab as Buffer;

interface Lent {
  readonly lentClass: number;
  /** The ArrayBuffer's memory, which small lent buffers share. */
  readonly block: Buffer;
  readonly offset: number;
}

const lent: (Lent | undefined)[] = [];
const freeIndices: number[] = [];
/** Buffers of each size that the native side holds. */
const stock: number[] = new Array(kLentClasses).fill(0);
/** How many of them it should hold: as many as were used in one poll. */
const wanted: number[] = new Array(kLentClasses).fill(0);

function lendPiece(lentClass: number, block: Buffer, offset: number): void {
  const index = freeIndices.pop() ?? lent.length;
  lent[index] = { lentClass, block, offset };
  native.lend(lentClass, index, block, offset);
  stock[lentClass] = (stock[lentClass] as number) + 1;
}

function lendMore(lentClass: number): void {
  const size = kSmallestLent << lentClass;
  const bytes = Math.max(size, kBlockBytes);
  const block = Buffer.allocUnsafeSlow(bytes);
  if (bytes > size) markAsUntransferable(block.buffer);
  for (let offset = 0; offset < bytes; offset += size) lendPiece(lentClass, block, offset);
}

function classFor(length: number): number {
  let lentClass = 0;
  while (lentClass < kLentClasses - 1 && kSmallestLent << lentClass < length) lentClass += 1;
  return lentClass;
}

/**
 * Copies of this length and more are not cut from Node's pool, which is a new ArrayBuffer every 8 KiB;
 * from a block of ours up to the other.
 */
const kShortestPiece = 512;
const kLongestPiece = kBlockBytes / 4;
const kPieceAlignment = 8;

let pieces: Buffer = Buffer.alloc(0);
let piecesUsed = 0;

function roomForCopy(length: number): Buffer {
  if (length < kShortestPiece || length > kLongestPiece) return Buffer.allocUnsafe(length);
  if (piecesUsed + length > pieces.length) {
    pieces = Buffer.allocUnsafeSlow(kBlockBytes);
    markAsUntransferable(pieces.buffer);
    piecesUsed = 0;
  }
  const start = piecesUsed;
  piecesUsed += (length + kPieceAlignment - 1) & -kPieceAlignment;
  return pieces.subarray(start, start + length);
}

/** @internal */
export function copyOut(source: Buffer, start: number, length: number): Buffer {
  const target = roomForCopy(length);
  source.copy(target, 0, start, start + length);
  return target;
}

/** @internal */
export function takeReceived(length: number, location: number): Buffer {
  if (location >= 0) {
    if (length >= kLentThreshold) {
      // The stream reads into lent buffers from now on; this read shows that one more is in use.
      const lentClass = classFor(length);
      wanted[lentClass] = Math.min((wanted[lentClass] as number) + 1, kStockLimit);
      while ((stock[lentClass] as number) < (wanted[lentClass] as number)) lendMore(lentClass);
    }
    return copyOut(slab, location, length);
  }
  const index = ~location;
  const { lentClass, block, offset } = lent[index] as Lent;
  const size = kSmallestLent << lentClass;
  if (length * 2 < size) {
    native.lend(lentClass, index, block, offset);
    return copyOut(block, offset, length);
  }
  lent[index] = undefined;
  freeIndices.push(index);
  stock[lentClass] = (stock[lentClass] as number) - 1;
  if ((stock[lentClass] as number) < (wanted[lentClass] as number)) lendMore(lentClass);
  return length === block.length ? block : block.subarray(offset, offset + length);
}
