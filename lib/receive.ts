// Turns what a kData event points to into a Buffer that is the receiver's for good.
// Floor 3.
//
// Small reads lie in the slab, which the next poll overwrites: they are copied out. Large reads lie in a
// lent buffer, an ArrayBuffer of its own that is handed over whole and replaced by a new one
// (native/uv/receive_memory.h). A lent buffer that came back less than half full is copied out too and
// lent again, so that what the receiver keeps never holds more than twice its size.
import { memory } from './memory.ts';
import { layout, native } from './native.ts';

const { kSmallestLent, kLentClasses } = layout;
const kLentThreshold = kSmallestLent / 2;
/** Buffers of one size in stock at most: as many reads of one poll are spared a copy. */
const kStockLimit = 16;

const slab = memory.receiveSlab as Buffer;

interface Lent {
  readonly lentClass: number;
  readonly buffer: Buffer;
}

const lent: (Lent | undefined)[] = [];
const freeIndices: number[] = [];
const stock: number[] = new Array(kLentClasses).fill(0);

function lend(lentClass: number): void {
  const buffer = Buffer.allocUnsafeSlow(kSmallestLent << lentClass);
  const index = freeIndices.pop() ?? lent.length;
  lent[index] = { lentClass, buffer };
  native.lend(lentClass, index, buffer);
}

function classFor(length: number): number {
  let lentClass = 0;
  while (lentClass < kLentClasses - 1 && kSmallestLent << lentClass < length) lentClass += 1;
  return lentClass;
}

function copyOut(source: Buffer, start: number, length: number): Buffer {
  const target = Buffer.allocUnsafe(length);
  source.copy(target, 0, start, start + length);
  return target;
}

/** @internal */
export function takeReceived(length: number, location: number): Buffer {
  if (location >= 0) {
    if (length >= kLentThreshold) {
      // The stream reads into lent buffers from now on; this read shows that one more is in use.
      const lentClass = classFor(length);
      if ((stock[lentClass] as number) < kStockLimit) {
        stock[lentClass] = (stock[lentClass] as number) + 1;
        lend(lentClass);
      }
    }
    return copyOut(slab, location, length);
  }
  const index = ~location;
  const { lentClass, buffer } = lent[index] as Lent;
  if (length * 2 < buffer.length) {
    native.lend(lentClass, index, buffer);
    return copyOut(buffer, 0, length);
  }
  lent[index] = undefined;
  freeIndices.push(index);
  lend(lentClass);
  return length === buffer.length ? buffer : buffer.subarray(0, length);
}
