// Reads the ring of I/O events and hands each to the object its slot stands for.
// Floor 3. Receivers take note and fill ready queues; through LoopCore.runEvent() they may run code of the
// user, which may cause further events: these join the ring while it is read.
import { memory, state } from './memory.ts';
import { layout, native } from './native.ts';
import { takeReceived } from './receive.ts';

const { kEventCount, kEventStride, kAccepted, kData, kClosed } = layout;

/**
 * What an owner holds once its slot is given up, so that a late call finds nothing instead of what the
 * number was given to next.
 * @internal
 */
export const kNoSlot = -1;

/** What a slot stands for. @internal */
export interface EventReceiver {
  /** The event loop it belongs to. */
  readonly loop: object;
  onEvent(kind: number, a: number, b: number): void;
  /** What was batched was sent in the middle of a step: `outcome` bytes are left, or it is a negative error. */
  flushed?(outcome: number): void;
  /** The loop was closed, and the slot with it: it has to hold `kNoSlot` from now on. */
  detached(): void;
}

const receivers: (EventReceiver | undefined)[] = [];

/** @internal */
export function registerReceiver(slot: number, receiver: EventReceiver): void {
  receivers[slot] = receiver;
}

/** @internal */
export function receiverOf(slot: number): EventReceiver | undefined {
  return receivers[slot];
}

/** The first event that has not been read: who is told of one may read on itself. */
let next = 0;

/** @internal */
export function dispatchEvents(): void {
  const events = memory.events;
  while (next < (state[kEventCount] as number)) {
    const at = next * kEventStride;
    next += 1;
    const slot = events[at + 1] as number;
    const receiver = receivers[slot];
    const kind = events[at] as number;
    const a = events[at + 2] as number;
    const b = events[at + 3] as number;
    if (receiver === undefined) discard(kind, a, b);
    else if (kind === kClosed) receivers[slot] = undefined;
    else receiver.onEvent(kind, a, b);
  }
  next = 0;
  state[kEventCount] = 0;
}

/** Has everything that has arrived told now, before what arrives goes elsewhere. @internal */
export function dispatchPending(): void {
  if ((state[kEventCount] as number) > 0) dispatchEvents();
}

/** An event for a slot that was closed meanwhile: what it brings is given back. */
function discard(kind: number, a: number, b: number): void {
  if (kind === kAccepted) native.close(a);
  else if (kind === kData) takeReceived(a, b);
}

/** Closes everything that belongs to a loop. @internal */
export function closeSlotsOf(loop: object): void {
  receivers.forEach((receiver, slot) => {
    if (receiver?.loop !== loop) return;
    closeSlot(slot);
    receiver.detached();
  });
}

/**
 * Takes the connection away from a stream's slot, which is closed: returns a file descriptor, or a negative
 * error. What has arrived is told before.
 * @internal
 */
export function releaseSlot(slot: number): number {
  dispatchPending();
  const fd = native.streamRelease(slot);
  if (fd >= 0) receivers[slot] = undefined;
  return fd;
}

/**
 * Closes what a slot stands for, if any; the slot is not used again before kClosed was read. Returns what
 * its owner holds from now on.
 * @internal
 */
export function closeSlot(slot: number): number {
  if (slot !== kNoSlot) {
    receivers[slot] = undefined;
    native.close(slot);
  }
  return kNoSlot;
}
