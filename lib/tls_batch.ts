// The TLS writes of one drain: those of a connection are copied side by side and encrypted together, which
// saves a record, a system call and Node's machinery for each.
// Floor 4.
//
// OpenSSL encrypts what it is given before write() returns, as long as nothing else is under way. So one
// piece of memory serves all connections: it holds the writes of one at a time.
import type { Writable } from 'node:stream';
import { beforePoll, isDraining } from './turns.ts';

const kBatchBytes = 256 * 1024;
/** Longer writes are encrypted from where they are: a copy would cost more than it saves. */
const kLongestBatched = 64 * 1024;
/** A UTF-16 unit takes at most this many bytes of UTF-8. */
const kLargestExpansion = 3;

function makeMemory(): Buffer {
  process.on('exit', flushAll);
  return Buffer.allocUnsafeSlow(kBatchBytes);
}

let memory: Buffer | undefined;
let used = 0;
let stream: Writable | undefined;

/**
 * Adds a write to the batch of a stream that has nothing under way. Returns false when it has to be written
 * at once, after what is batched.
 * @internal
 */
export function batchTls(target: Writable, data: Uint8Array | string): boolean {
  if (!isDraining()) return false;
  const most = typeof data === 'string' ? data.length * kLargestExpansion : data.length;
  if (most > kLongestBatched) return false;
  if (stream !== target) {
    flushTls(stream);
    stream = target;
    beforePoll(flushAll);
  }
  memory ??= makeMemory();
  if (used + most > kBatchBytes) return false;
  if (typeof data === 'string') {
    used += memory.write(data, used, 'utf8');
  } else {
    memory.set(data, used);
    used += data.length;
  }
  return true;
}

/** Bytes of the stream that are batched. @internal */
export function batchedTls(target: Writable): number {
  return stream === target ? used : 0;
}

/** Writes what is batched of a stream. @internal */
export function flushTls(target: Writable | undefined): void {
  if (target === undefined || stream !== target) return;
  const bytes = (memory as Buffer).subarray(0, used);
  stream = undefined;
  used = 0;
  if (bytes.length > 0) target.write(bytes);
}

/** Forgets what is batched of a stream. @internal */
export function dropTls(target: Writable): void {
  if (stream !== target) return;
  stream = undefined;
  used = 0;
}

function flushAll(): void {
  flushTls(stream);
}
