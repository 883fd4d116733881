// The write batch: small writes of one turn are copied side by side into the send slab and sent together
// when the turn ends, one system call per stream (native/uv/loop.cc, FlushWrites), and when the process does.
// Floor 3.
import { receiverOf } from './io_events.ts';
import { memory, state } from './memory.ts';
import { layout, native } from './native.ts';

const { kAddressWords, kWriteCount, kWriteStride, kWriteCapacity, kDraining } = layout;

const slab = memory.sendSlab as Buffer;
const words = new Int32Array(slab.buffer);
const records = memory.writes;

/** Longer writes are sent at once: a copy would cost more than the system call it may save. */
const kLongestBatched = 4 * 1024;
/** A UTF-16 unit takes at most this many bytes of UTF-8. */
const kLargestExpansion = 3;

const kWordBytes = 4;
const kAddressBytes = kAddressWords * kWordBytes;
/** What a datagram may take beside its bytes: its address, on a word's boundary. */
const kRecordBytes = kAddressBytes + kWordBytes;

let used = 0;
/** Raised when a new batch begins: tells a transport whether its batched bytes were sent. */
let epoch = 0;

/** @internal */
export function batchEpoch(): number {
  return state[kWriteCount] === 0 ? -1 : epoch;
}

/**
 * Sends the batch before its turn ends. Who wrote is told at once what came of it: a step that goes on
 * writing without a wait has to be paused, and to learn that its connection is lost.
 * @internal
 */
export function sendBatchNow(): void {
  const count = native.flushWrites();
  if (count === 0) return;
  // Who is told may write, and the records are those of the next batch then.
  const outcomes = records.slice(0, count * kWriteStride);
  for (let at = 0; at < outcomes.length; at += kWriteStride) {
    receiverOf(outcomes[at] as number)?.flushed?.(outcomes[at + 1] as number);
  }
}

function isFull(bytes: number): boolean {
  const count = state[kWriteCount] as number;
  return count > 0 && (used + bytes > slab.length || count === kWriteCapacity);
}

/** Room for `bytes` more in the batch; sends it first if it is full. */
function makeRoom(bytes: number): void {
  while (isFull(bytes)) sendBatchNow();
  if (state[kWriteCount] === 0) {
    if (epoch === 0) process.on('exit', native.flushWrites);
    used = 0;
    epoch += 1;
  }
}

function addRecord(slot: number, length: number): void {
  const count = state[kWriteCount] as number;
  const at = count * kWriteStride;
  records[at] = slot;
  records[at + 1] = used;
  records[at + 2] = length;
  state[kWriteCount] = count + 1;
  used += length;
}

/**
 * Adds a datagram to the batch of this turn, as addToBatch() adds a write. `address` is a record of its
 * own (addresses.ts).
 * @internal
 */
export function addDatagramToBatch(
  slot: number,
  address: Int32Array,
  data: Uint8Array | string,
): number {
  if (state[kDraining] === 0) return -1;
  const text = typeof data === 'string';
  const most = text ? data.length * kLargestExpansion : data.byteLength;
  if (most > kLongestBatched) return -1;
  makeRoom(kRecordBytes + most);
  used = (used + kWordBytes - 1) & -kWordBytes;
  const start = used + kAddressBytes;
  for (let i = 0, at = used >> 2; i < kAddressWords; i++) words[at + i] = address[i] as number;
  const length = text ? slab.write(data, start, 'utf8') : data.length;
  if (!text) slab.set(data, start);
  addRecord(slot, kAddressBytes + length);
  return length;
}

/**
 * Adds a write to the batch of this turn. Returns its length in bytes, or -1 when it has to be sent at
 * once: it is long, or no turn runs that would end.
 * @internal
 */
export function addToBatch(slot: number, data: Uint8Array | string): number {
  if (state[kDraining] === 0) return -1;
  if (typeof data === 'string') {
    const most = data.length * kLargestExpansion;
    if (most > kLongestBatched) return -1;
    makeRoom(most);
    const length = slab.write(data, used, 'utf8');
    addRecord(slot, length);
    return length;
  }
  // Not `length`: compared with a constant, V8's optimised code in Node 24 and 26 takes one of 2 GiB or
  // more for negative.
  const length = data.byteLength;
  if (length > kLongestBatched) return -1;
  makeRoom(length);
  slab.set(data, used);
  addRecord(slot, length);
  return length;
}
