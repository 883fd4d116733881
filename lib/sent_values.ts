// Values on their way to another thread: what structured cloning does not do well by itself.
// Floor 2.
//
// A Buffer arrives as a Uint8Array, so a value that is one is noted and made one again. And a view is sent
// with its whole ArrayBuffer: of Node's pool, or of what a reader has cut it from. Only its own bytes go.
import { type TransferItem, takeTransfers } from './transfers.ts';

/** Values as they are posted: `buffers` are the places of those that were Buffers. @internal */
export interface Packed {
  readonly values: unknown[];
  readonly buffers: number[];
  readonly transfers: TransferItem[];
}

function isPartOfMore(view: Uint8Array): boolean {
  return view.byteLength < view.buffer.byteLength && view.buffer instanceof ArrayBuffer;
}

/** @internal */
export function pack(given: readonly unknown[]): Packed {
  const transfers = takeTransfers(given);
  const buffers: number[] = [];
  const values = given.map((value, index) => {
    if (!(value instanceof Uint8Array)) return value;
    if (Buffer.isBuffer(value)) buffers.push(index);
    const stays = !transfers.includes(value.buffer as ArrayBuffer);
    return stays && isPartOfMore(value) ? new Uint8Array(value) : value;
  });
  return { values, buffers, transfers };
}

/** @internal */
export function unpack(values: unknown[], buffers: readonly number[]): unknown[] {
  for (const index of buffers) {
    const bytes = values[index] as Uint8Array;
    values[index] = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return values;
}
