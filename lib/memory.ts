// The memory shared with the addon (native/core/shared_state.h): allocated here, attached in turns.ts.
// Floor 2.
import { layout, type SharedMemory } from './native.ts';

/**
 * Where small reads of one poll land: room for two of the largest reads (256 KiB), which keeps it in
 * the cache of one core.
 */
const kReceiveSlabBytes = 512 * 1024;
/** Small writes of one turn are gathered here; a turn that writes more is sent in parts. */
const kSendSlabBytes = 256 * 1024;

function buffer(bytes: number): ArrayBuffer {
  return new ArrayBuffer(bytes);
}

/** @internal */
export const memory: SharedMemory = {
  state: new Int32Array(buffer(layout.kStateFields * 4)),
  clock: new Float64Array(buffer(layout.kClockFields * 8)),
  events: new Int32Array(buffer(layout.kEventCapacity * layout.kEventStride * 4)),
  due: new Int32Array(buffer(layout.kDueCapacity * 4)),
  writes: new Int32Array(buffer(layout.kWriteCapacity * layout.kWriteStride * 4)),
  receiveSlab: Buffer.from(buffer(kReceiveSlabBytes)),
  sendSlab: Buffer.from(buffer(kSendSlabBytes)),
};

/** @internal */
export const state: Int32Array = memory.state;
