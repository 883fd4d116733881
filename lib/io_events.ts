// Reads the ring of I/O events and hands each to the object its slot stands for.
// Floor 3. Nothing here runs code of the user: receivers only take note and fill ready queues.
import { memory, state } from './memory.ts';
import { layout, native } from './native.ts';

const { kEventCount, kEventStride, kSlabUsed, kClosed } = layout;

/** What a slot stands for. @internal */
export interface EventReceiver {
  onEvent(kind: number, a: number, b: number): void;
}

const receivers: (EventReceiver | undefined)[] = [];

/** @internal */
export function registerReceiver(slot: number, receiver: EventReceiver): void {
  receivers[slot] = receiver;
}

/** @internal */
export function dispatchEvents(): void {
  const events = memory.events;
  const count = state[kEventCount] as number;
  for (let i = 0; i < count; i++) {
    const at = i * kEventStride;
    const slot = events[at + 1] as number;
    const receiver = receivers[slot];
    if (receiver === undefined) continue;
    const kind = events[at] as number;
    if (kind === kClosed) receivers[slot] = undefined;
    else receiver.onEvent(kind, events[at + 2] as number, events[at + 3] as number);
  }
  state[kEventCount] = 0;
  state[kSlabUsed] = 0;
}

/** Closes what a slot stands for; the slot is not used again before kClosed was read. @internal */
export function closeSlot(slot: number): void {
  receivers[slot] = undefined;
  native.close(slot);
}
