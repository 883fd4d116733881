// JavaScript's side of the turn driver (native/uv/loop.h): what happens in one drain.
// Floor 3.
//
// A drain reads the I/O events of the poll, then runs turns. A turn moves due timers to the ready
// queue of their loop, takes the count, and runs exactly that many entries. After each entry the
// microtask queue is drained before the next one runs: that makes a step atomic, as in asyncio.
// Entries added meanwhile wait for the next turn.
//
// There is one driver in a thread and any number of event loops: each has a queue of its own, which
// runs only while that loop is running.
import { restoreFrame } from './frames.ts';
import { dispatchEvents } from './io_events.ts';
import { memory, state } from './memory.ts';
import { layout, native } from './native.ts';
import type { ReadyEntry } from './ready.ts';
import { Ring } from './ring.ts';
import { sendBatchNow } from './send.ts';
import { TaskList } from './task_list.ts';
import { takeDueTimers } from './timers.ts';

const { kReadyCount, kEventCount, kBudgetSpent, kDraining, kLiveTimers, kWriteCount, kPollSlept } =
  layout;

/** Runs nextTick callbacks and microtasks: what Node offers where V8's checkpoint is not found. */
const tick = (process as unknown as { _tickCallback(): void })._tickCallback;
const checkpoint: () => void = native.checkpoint ?? tick;
const endTurn: () => number =
  native.checkpointAndTurn ??
  (() => {
    tick();
    return native.turn();
  });

/** What lives on a loop without a slot of its own, and ends with it. @internal */
export interface LoopResource {
  loopClosed(): void;
}

/** The part of an event loop that the driver knows. @internal */
export abstract class LoopCore {
  /** Entries that are ready to run. In JavaScript because they are: taking one crosses no boundary. @internal */
  readonly ready: Ring<ReadyEntry> = new Ring();
  /**
   * What events and timers have made ready while the loop does not run. In asyncio they are found when it runs
   * again, after what was scheduled meanwhile.
   */
  private held: ReadyEntry[] = [];
  /** Whether turns of this loop run. @internal */
  running = false;
  /** Whether the driver has this loop on its list. @internal */
  active = false;
  /** The last reading of events before which entries were ready. */
  private busyAt = -1;
  /** @internal */
  debug = false;
  /** The entry that runs now; known in debug mode. @internal */
  currentEntry: ReadyEntry | null = null;
  /** Makes the tasks of this loop; null: Task itself. See setTaskFactory(). @internal */
  taskFactory: unknown = null;
  /** The tasks that are not done, in the order of their creation. @internal */
  readonly tasks: TaskList = new TaskList();
  /** What close() has to end beside the slots. @internal */
  readonly resources: Set<LoopResource> = new Set();

  /** An entry of this loop threw. @internal */
  abstract reportError(error: unknown, entry: ReadyEntry): void;
  /** Reports what nobody else can be told; see EventLoop.callExceptionHandler. */
  abstract callExceptionHandler(context: { message: string; [key: string]: unknown }): void;
  /** Throws RuntimeError once the loop is closed. @internal */
  abstract checkClosed(): void;
  /** An entry took this long, in debug mode. @internal */
  abstract reportSlow(entry: ReadyEntry, seconds: number): void;
  /** A turn ended: stop() takes effect here. @internal */
  abstract turnEnded(): void;

  /** Entries are ready before the events of reading `dispatch`. @internal */
  noteBusy(dispatch: number): void {
    this.busyAt = dispatch;
  }

  /**
   * Runs an entry made by an I/O event: at once if events are being read and no entry was ready before
   * them, else in the next turn. Either way it runs before what the events of this poll make ready, as
   * in asyncio. Returns whether it has run.
   *
   * After a poll that slept, what it has written is sent at once and not with what the other events of the
   * poll write: few peers are at work, and they can be while the next events are dealt with.
   * @internal
   */
  runEvent(entry: ReadyEntry): boolean {
    if (!dispatching || this.busyAt === dispatches || !this.running) {
      this.enqueueEvent(entry);
      return false;
    }
    if (served !== this) {
      endEvents();
      served = this;
    }
    current = this;
    runEntry(this, entry);
    checkpoint();
    if (state[kPollSlept] !== 0 && state[kWriteCount] !== 0) sendBatchNow();
    current = undefined;
    return true;
  }

  /** Adds an entry to the ready queue and wakes the driver if it sleeps. @internal */
  enqueue(entry: ReadyEntry): void {
    this.ready.push(entry);
    if (!this.active && this.running) activate(this);
  }

  /** As enqueue(), for what an event or timer makes ready. @internal */
  enqueueEvent(entry: ReadyEntry): void {
    if (this.running) this.enqueue(entry);
    else this.held.push(entry);
  }

  /** The loop begins to run: what events and timers have made ready joins the queue. @internal */
  takeHeld(): void {
    for (const entry of this.held) this.ready.push(entry);
    this.held = [];
  }

  /** @internal */
  dropReady(): void {
    this.ready.clear();
    this.held = [];
  }
}

/** Loops that run and have entries, in the order in which they became so. */
const active: LoopCore[] = [];
/** The loop whose turn runs now. */
let current: LoopCore | undefined;

/** The loop whose turn runs now; undefined outside a turn. @internal */
export function turningLoop(): LoopCore | undefined {
  return current;
}

/** Counts the readings of the event ring. */
let dispatches = 0;
/** Tells the readings of events apart. @internal */
export function currentReading(): number {
  return dispatches;
}

/** The ring is being read. */
let dispatching = false;
/** The loop that the last events were for: they count as a turn of it. */
let served: LoopCore | undefined;

function endEvents(): void {
  const loop = served;
  served = undefined;
  loop?.turnEnded();
}

/** Reads the events of a poll. */
function takeEvents(): void {
  if (state[kEventCount] === 0) return;
  dispatches += 1;
  for (const loop of active) loop.noteBusy(dispatches);
  dispatching = true;
  dispatchEvents();
  dispatching = false;
  endEvents();
}

let lastCall: (() => void) | undefined;

/** Whether a drain runs: entries of loops, and what they resume. @internal */
export function isDraining(): boolean {
  return state[kDraining] !== 0;
}

/** Has `call` run when the drain that runs is about to end; the last one that was given. @internal */
export function beforePoll(call: () => void): void {
  lastCall = call;
}

/** Puts a running loop on the driver's list, until its queue is empty. @internal */
export function activate(loop: LoopCore): void {
  if (loop.active) return;
  loop.active = true;
  active.push(loop);
  if (state[kDraining] === 0 && state[kReadyCount] === 0) {
    state[kReadyCount] = 1;
    native.wake();
  }
}

/** Runs the entries that are ready now, and all but the checkpoint after the last of them. */
function runEntries(loop: LoopCore): void {
  const ready = loop.ready;
  current = loop;
  for (let left = ready.size - 1; left > 0; left--) {
    runEntry(loop, ready.take());
    checkpoint();
  }
  runEntry(loop, ready.take());
}

function leaveTurn(loop: LoopCore): void {
  current = undefined;
  loop.turnEnded();
}

function runEntry(loop: LoopCore, entry: ReadyEntry): void {
  if (loop.debug) {
    runWatched(loop, entry);
    return;
  }
  try {
    entry.run();
  } catch (error) {
    loop.reportError(error, entry);
  }
}

/** Debug mode: measures the entry, the code that it resumes included. */
function runWatched(loop: LoopCore, entry: ReadyEntry): void {
  const started = native.now();
  loop.currentEntry = entry;
  try {
    entry.run();
  } catch (error) {
    loop.reportError(error, entry);
  }
  checkpoint();
  loop.currentEntry = null;
  loop.reportSlow(entry, native.now() - started);
}

/**
 * Up to this many turns in a row end with a checkpoint only, if each ran few entries and no timer can
 * come due: the rest of a turn's end, the clock above all, costs as much as half a step.
 */
const kLightTurns = 7;
const kLightEntries = 4;
let lightTurns = 0;

/** One turn of every active loop. Returns how many timers are due. */
function runTurns(): number {
  if (active.length > 1) {
    const loops = active.slice();
    for (const loop of loops) {
      if (!runs(loop)) continue;
      runEntries(loop);
      checkpoint();
      leaveTurn(loop);
    }
    dropIdleLoops();
    return native.turn();
  }
  const loop = active[0] as LoopCore;
  let due = 0;
  if (runs(loop)) {
    if (loop.ready.size <= kLightEntries && lightTurns < kLightTurns) {
      lightTurns += 1;
      runEntries(loop);
      checkpoint();
      if (state[kLiveTimers] !== 0) due = native.turn();
    } else {
      lightTurns = 0;
      runEntries(loop);
      due = endTurn();
    }
    leaveTurn(loop);
  }
  if (active.length > 1 || !runs(loop)) dropIdleLoops();
  return due;
}

function runs(loop: LoopCore): boolean {
  return loop.running && loop.ready.size > 0;
}

function dropIdleLoops(): void {
  let kept = 0;
  for (const loop of active) {
    loop.active = runs(loop);
    if (loop.active) active[kept++] = loop;
  }
  // Neither splice() nor a new length: both cost more than the rest of a short drain's end.
  while (active.length > kept) active.pop();
}

/** Runs turns until nothing is ready or the budget is spent. */
function runReady(): void {
  while (active.length > 0 && state[kBudgetSpent] === 0) {
    const due = runTurns();
    if (due > 0) takeDueTimers(due);
    takeEvents();
  }
}

/** Whether there is something that the end of a turn is for: events may have written, timers be due. */
function hasTurnToEnd(): boolean {
  return (state[kWriteCount] as number) > 0 || (state[kLiveTimers] as number) > 0;
}

function drain(): void {
  try {
    restoreFrame(undefined);
    takeEvents();
    if (hasTurnToEnd()) takeDueTimers(native.turn());
    runReady();
    while (lightTurns > 0) {
      lightTurns = 0;
      takeDueTimers(native.turn());
      takeEvents();
      runReady();
    }
    if (lastCall !== undefined) {
      const call = lastCall;
      lastCall = undefined;
      call();
    }
  } finally {
    // After a throw too, as by a console.error() of the program's own: that ends this drain, not all.
    state[kReadyCount] = active.length;
    dispatching = false;
    current = served = undefined;
    // Ticks and microtasks that run before this call returns to the poll are outside the drain.
    state[kDraining] = 0;
  }
}

native.attach(memory, drain);
