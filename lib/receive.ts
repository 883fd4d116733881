// Turns what a kData event points to into a Buffer that is the receiver's for good.
// Floor 3.
//
// Small reads lie in the slab, which the next poll overwrites: they are copied out. Large reads lie in a
// lent piece of a block, which is handed over and replaced (native/uv/receive_memory.h). A piece that came
// back less than half full is copied out too and lent again. What the receiver keeps never holds more
// than twice its size, or one block of 128 KiB, from which the smaller pieces are cut as Node cuts small
// Buffers from its pool: making an ArrayBuffer costs more than filling 10 KiB.
import { copyOf, newSharedBlock, viewOf } from './bytes.ts';
import { memory } from './memory.ts';
import { layout, native } from './native.ts';
import type { Bytes } from './types.ts';

const { kSmallestLent, kLentClasses } = layout;
const kLentThreshold = kSmallestLent / 2;
/** Pieces of one size in stock at most: as many reads of one poll are spared a copy. */
const kStockLimit = 16;
const kBlockBytes = 128 * 1024;
/** The index of a piece is that of its block, and its place there. */
const kPlaceBits = 3;
const kPlaceMask = (1 << kPlaceBits) - 1;

const slab = memory.receiveSlab.buffer as ArrayBuffer;

interface Block {
  readonly lentClass: number;
  readonly memory: ArrayBuffer;
  /** Pieces that the native side holds, or whose bytes are on their way here. */
  lent: number;
}

const blocks: (Block | undefined)[] = [];
const freeIndices: number[] = [];
/** Pieces of each size that the native side holds. */
const stock: number[] = new Array(kLentClasses).fill(0);
/** How many of them it should hold: as many as were used in one poll. */
const wanted: number[] = new Array(kLentClasses).fill(0);

const sizeOf = (lentClass: number) => kSmallestLent << lentClass;

function lendBlock(lentClass: number): void {
  const size = sizeOf(lentClass);
  const shared = size < kBlockBytes;
  const bytes = shared ? kBlockBytes : size;
  const block: Block = {
    lentClass,
    memory: shared ? newSharedBlock(bytes) : (Buffer.allocUnsafeSlow(bytes).buffer as ArrayBuffer),
    lent: bytes / size,
  };
  const index = freeIndices.pop() ?? blocks.length;
  blocks[index] = block;
  native.lend(lentClass, index << kPlaceBits, viewOf(block.memory, 0, bytes), block.lent);
  stock[lentClass] = (stock[lentClass] as number) + block.lent;
}

function classFor(length: number): number {
  let lentClass = 0;
  while (lentClass < kLentClasses - 1 && sizeOf(lentClass) < length) lentClass += 1;
  return lentClass;
}

/** A read into the slab was as large as those for which pieces are lent: one more is in use. */
function wantMore(length: number): void {
  const lentClass = classFor(length);
  wanted[lentClass] = Math.min((wanted[lentClass] as number) + 1, kStockLimit);
  while ((stock[lentClass] as number) < (wanted[lentClass] as number)) lendBlock(lentClass);
}

function takePiece(length: number, piece: number): Bytes {
  const index = piece >> kPlaceBits;
  const block = blocks[index] as Block;
  const { lentClass } = block;
  const size = sizeOf(lentClass);
  const offset = (piece & kPlaceMask) * size;
  if (length * 2 < size) {
    native.lend(lentClass, piece, viewOf(block.memory, offset, size), 1);
    return copyOf(block.memory, offset, length);
  }
  block.lent -= 1;
  if (block.lent === 0) {
    blocks[index] = undefined;
    freeIndices.push(index);
  }
  const left = (stock[lentClass] as number) - 1;
  stock[lentClass] = left;
  if (left < (wanted[lentClass] as number)) lendBlock(lentClass);
  return viewOf(block.memory, offset, length);
}

/** @internal */
export function takeReceived(length: number, location: number): Bytes {
  if (location < 0) return takePiece(length, ~location);
  if (length >= kLentThreshold) wantMore(length);
  return copyOf(slab, location, length);
}
