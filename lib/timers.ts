// JavaScript's side of the timers: which object a slot of the native heap stands for.
// Floor 3.
//
// Cancelling crosses no boundary: raising the slot's generation in the shared table makes the heap's
// entry stale (native/core/timer_heap.h), and the slot is free again at once. When more than half of
// the heap is stale it is swept, so that cancelled timers never pile up.
import { memory, state } from './memory.ts';
import { layout, native } from './native.ts';
import type { ReadyEntry } from './ready.ts';

const { kLiveTimers, kStaleTimers, kDueCount, kDueCapacity, kDraining, kTimerDeadline } = layout;

/** asyncio sweeps only above this many cancelled timers (base_events: _MIN_SCHEDULED_TIMER_HANDLES). */
const kSweepMinimum = 100;
const kInitialSlots = 256;

/** What the timer table holds. It joins the ready queue of its loop when its deadline passes. @internal */
export interface TimerEntry extends ReadyEntry {
  readonly loop: { enqueueEvent(entry: ReadyEntry): void };
  /** Slot while armed, -1 otherwise. */
  timerSlot: number;
}

let generations: Uint32Array = new Uint32Array(new ArrayBuffer(kInitialSlots * 4));
let entries: (TimerEntry | undefined)[] = [];
let freeSlots: number[] = [];

native.setTimerTable(generations);

function takeSlot(entry: TimerEntry): number {
  const slot = freeSlots.pop();
  if (slot !== undefined) {
    entries[slot] = entry;
    return slot;
  }
  if (entries.length === generations.length) {
    const larger = new Uint32Array(new ArrayBuffer(generations.byteLength * 2));
    larger.set(generations);
    generations = larger;
    native.setTimerTable(larger);
  }
  return entries.push(entry) - 1;
}

/** Arms a timer `delay` seconds from now; returns its deadline in seconds of `native.now()`. @internal */
export function armTimerAfter(entry: TimerEntry, delay: number): number {
  const slot = takeSlot(entry);
  entry.timerSlot = slot;
  state[kLiveTimers] = (state[kLiveTimers] as number) + 1;
  native.timerAfter(slot, delay);
  return memory.clock[kTimerDeadline] as number;
}

/** Arms a timer for a deadline in seconds of `native.now()`. @internal */
export function armTimerAt(entry: TimerEntry, deadline: number): void {
  const slot = takeSlot(entry);
  entry.timerSlot = slot;
  state[kLiveTimers] = (state[kLiveTimers] as number) + 1;
  native.timerAt(slot, deadline);
}

/** Disarms an armed timer. @internal */
export function disarmTimer(entry: TimerEntry): void {
  const slot = entry.timerSlot;
  entry.timerSlot = -1;
  entries[slot] = undefined;
  generations[slot] = (generations[slot] as number) + 1;
  freeSlots.push(slot);
  const live = (state[kLiveTimers] as number) - 1;
  const stale = (state[kStaleTimers] as number) + 1;
  state[kLiveTimers] = live;
  state[kStaleTimers] = stale;
  if (live === 0 && entries.length > kInitialSlots) forgetSlots();
  else if (stale > kSweepMinimum && stale > live) native.sweepTimers();
  if (live === 0 && state[kDraining] === 0) native.stopTimerIfIdle();
}

/** After a burst, when no timer is live: empties the heap and gives the memory of the tables back. */
function forgetSlots(): void {
  native.sweepTimers();
  entries = [];
  freeSlots = [];
  generations = new Uint32Array(new ArrayBuffer(kInitialSlots * 4));
  native.setTimerTable(generations);
}

/** Disarms every timer of a loop that is closed. @internal */
export function disarmTimersOf(loop: object): void {
  for (const entry of entries) {
    if (entry !== undefined && entry.loop === loop) disarmTimer(entry);
  }
}

/** Moves due timers to the ready queues of their loops. `count`: how many the due list holds. @internal */
export function takeDueTimers(count: number): void {
  let due = count;
  while (due > 0) {
    for (let i = 0; i < due; i++) {
      const slot = memory.due[i] as number;
      const entry = entries[slot] as TimerEntry;
      entries[slot] = undefined;
      freeSlots.push(slot);
      entry.timerSlot = -1;
      entry.loop.enqueueEvent(entry);
    }
    state[kLiveTimers] = (state[kLiveTimers] as number) - due;
    if (due < kDueCapacity) break;
    native.turn();
    due = state[kDueCount] as number;
  }
}
