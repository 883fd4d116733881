// Buffers of memory that is there already, and short ones that are cut from blocks.
// Floor 1.
//
// A line or a message costs a Buffer, and that Buffer's cost is what Node does around the bare
// construction: subarray() 219 ns, Buffer.allocUnsafe() 136, a `new FastBuffer()` of a known ArrayBuffer 80
// (Node 20). So the ArrayBuffer is kept beside the bytes, and the class that Node itself makes Buffers
// of, Buffer[Symbol.species], is called directly.
//
// What the receiver keeps holds the block that it was cut from, as it does with Buffer.allocUnsafe().
import { markAsUntransferable } from 'node:worker_threads';
import type { Bytes } from './types.ts';

type BytesOf = new (memory: ArrayBuffer, offset: number, length: number) => Bytes;

function findFastBuffer(): BytesOf | undefined {
  const species = (Buffer as unknown as { [Symbol.species]?: BytesOf })[Symbol.species];
  return typeof species === 'function' && species.prototype === Buffer.prototype
    ? species
    : undefined;
}

const FastBuffer = findFastBuffer();

/** `length` bytes of `memory` as a Buffer: both are known to be within it. @internal */
export const viewOf: (memory: ArrayBuffer, offset: number, length: number) => Bytes =
  FastBuffer === undefined
    ? (memory, offset, length) => Buffer.from(memory, offset, length)
    : (memory, offset, length) => new FastBuffer(memory, offset, length);

/** Memory that several Buffers share: nobody may transfer it to another thread. @internal */
export function newSharedBlock(bytes: number): ArrayBuffer {
  const memory = Buffer.allocUnsafeSlow(bytes).buffer as ArrayBuffer;
  markAsUntransferable(memory);
  return memory;
}

const kAlignment = 8;

/** Cuts Buffers from one block after the other. */
class Pool {
  private readonly blockBytes: number;
  private memory: ArrayBuffer | undefined = undefined;
  private used = 0;

  constructor(blockBytes: number) {
    this.blockBytes = blockBytes;
  }

  cut(length: number): Bytes {
    let memory = this.memory;
    if (memory === undefined || this.used + length > this.blockBytes) {
      this.memory = memory = newSharedBlock(this.blockBytes);
      this.used = 0;
    }
    const start = this.used;
    this.used += (length + kAlignment - 1) & -kAlignment;
    return viewOf(memory, start, length);
  }
}

/** As large as the pool of Buffer.allocUnsafe(): a kept line holds no more than that. */
const lines = new Pool(8 * 1024);
const kLongestLine = 511;
/** Making an ArrayBuffer costs more than filling 10 KiB. */
const messages = new Pool(128 * 1024);
const kLongestMessage = 32 * 1024;

function uninitialized(length: number): Bytes {
  if (length <= kLongestLine) return lines.cut(length);
  return length <= kLongestMessage ? messages.cut(length) : Buffer.allocUnsafeSlow(length);
}

/** A copy of `length` bytes of `memory`, in memory of its own. @internal */
export function copyOf(memory: ArrayBuffer, offset: number, length: number): Bytes {
  const copy = uninitialized(length);
  copy.set(new Uint8Array(memory, offset, length));
  return copy;
}
