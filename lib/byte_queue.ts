// ByteQueue: bytes that have arrived and wait to be read.
// Floor 2.
//
// They are kept as the chunks in which they arrived. What one chunk satisfies is a part of that very
// memory when it is large, and a copy when it is small, so that a kept line does not hold a chunk.
import { copyOf } from './bytes.ts';
import type { Bytes } from './types.ts';

/** A smaller part of a larger chunk is copied: it costs as much as a view and does not hold the chunk. @internal */
export const kSmallestView = 8 * 1024;
/**
 * Chunks up to this size are gathered, into buffers of a size that Buffer.allocUnsafe() takes from its
 * pool: a peer that sends byte by byte costs neither an object per byte nor a search through as many.
 */
const kLargestGathered = 512;
const kGatherBytes = 2048;

const kEmpty = Buffer.alloc(0);
/** Of every reader with nothing buffered: never pushed to. */
const kNoParts: Bytes[] = [];

/** @internal */
export class ByteQueue {
  /** Bytes that are here. @internal */
  protected size = 0;
  /** Bytes that were taken so far. @internal */
  taken = 0;
  private parts: Bytes[] = kNoParts;
  /** Index of the first chunk that still has bytes. */
  private head = 0;
  /** Bytes of the first chunk that are taken. */
  private offset = 0;
  /** What the first chunk lies in, once a part was copied out of it: to ask for it costs as much as a copy. */
  private memory: ArrayBuffer | undefined = undefined;
  /** The buffer that small chunks are gathered in: its used part is the last chunk. */
  private gathered: Bytes | undefined = undefined;

  /** The queue keeps `data`, which may not be changed any more. @internal */
  protected add(data: Buffer): void {
    if (this.size > 0 && data.length <= kLargestGathered) this.gather(data);
    else this.append(data);
    this.size += data.length;
  }

  /** Bytes left of the first chunk; the queue may not be empty. @internal */
  protected get firstLength(): number {
    return (this.parts[this.head] as Bytes).length - this.offset;
  }

  /** Takes `count` bytes, which are there. @internal */
  takeExactly(count: number): Bytes {
    if (count === 0) return kEmpty;
    const chunk = this.parts[this.head] as Bytes;
    const start = this.offset;
    const available = chunk.length - start;
    let taken: Bytes;
    if (count > available) taken = this.copyFirst(count);
    else if (count === chunk.length) taken = chunk;
    else if (count < kSmallestView && chunk.length > count * 2) {
      this.memory ??= chunk.buffer as ArrayBuffer;
      taken = copyOf(this.memory, chunk.byteOffset + start, count);
    } else taken = chunk.subarray(start, start + count);
    this.drop(count);
    return taken;
  }

  /** A copy of the first `count` bytes, which are there. @internal */
  copyFirst(count: number): Bytes {
    const result = Buffer.allocUnsafe(count);
    let filled = 0;
    let offset = this.offset;
    for (let index = this.head; filled < count; index++) {
      const chunk = this.parts[index] as Bytes;
      filled += chunk.copy(result, filled, offset, offset + count - filled);
      offset = 0;
    }
    return result;
  }

  /** Drops the first `count` bytes, which are there. @internal */
  drop(count: number): void {
    this.taken += count;
    this.size -= count;
    if (this.size === 0) {
      this.parts = kNoParts;
      this.gathered = undefined;
      this.memory = undefined;
      this.head = 0;
      this.offset = 0;
      return;
    }
    let left = count;
    for (;;) {
      const available = (this.parts[this.head] as Bytes).length - this.offset;
      if (left < available) break;
      left -= available;
      this.parts[this.head] = kEmpty;
      this.memory = undefined;
      this.head += 1;
      this.offset = 0;
    }
    this.offset += left;
    if (this.head > 32 && this.head * 2 > this.parts.length) {
      this.parts.splice(0, this.head);
      this.head = 0;
    }
  }

  /** Where `separator` starts, at or after byte `from` of the buffer; -1: nowhere. @internal */
  find(separator: Buffer, from: number): number {
    const last = this.parts.length - 1;
    // Node looks for a byte in a quarter of the time.
    const needle = separator.length === 1 ? (separator[0] as number) : separator;
    let base = -this.offset;
    for (let index = this.head; index <= last; index++) {
      const chunk = this.parts[index] as Bytes;
      const end = base + chunk.length;
      if (end > from) {
        const at = chunk.indexOf(
          needle,
          Math.max(from - base, index === this.head ? this.offset : 0),
        );
        const within = at < 0 ? -1 : base + at;
        // A separator that straddles the end of this chunk starts after any found within an earlier part.
        if (within >= 0) return within;
        if (separator.length > 1 && index < last) {
          const start = Math.max(from, end - separator.length + 1, 0);
          const across = this.findAcross(separator, start, end);
          if (across >= 0) return across;
        }
      }
      base = end;
    }
    return -1;
  }

  /** As find(), for a separator that starts in [start, end), where a chunk ends. */
  private findAcross(separator: Buffer, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      if (at + separator.length > this.size) return -1;
      let matched = 0;
      while (matched < separator.length && this.byteAt(at + matched) === separator[matched]) {
        matched += 1;
      }
      if (matched === separator.length) return at;
    }
    return -1;
  }

  private append(data: Buffer): void {
    // Transports fill no shared memory.
    const part = data as Bytes;
    if (this.parts === kNoParts) this.parts = [part];
    else this.parts.push(part);
    this.gathered = undefined;
  }

  private gather(data: Uint8Array): void {
    const used = (this.parts.at(-1) as Bytes).length;
    const gathered = this.gathered;
    if (gathered !== undefined && used + data.length <= gathered.length) {
      gathered.set(data, used);
      this.parts[this.parts.length - 1] = gathered.subarray(0, used + data.length);
    } else {
      this.gathered = Buffer.allocUnsafe(kGatherBytes);
      this.gathered.set(data);
      this.parts.push(this.gathered.subarray(0, data.length));
    }
  }

  private byteAt(position: number): number {
    let at = position + this.offset;
    for (let index = this.head; ; index++) {
      const chunk = this.parts[index] as Bytes;
      if (at < chunk.length) return chunk[at] as number;
      at -= chunk.length;
    }
  }
}
