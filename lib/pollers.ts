// loop.addReader() and addWriter(): callbacks for file descriptors that somebody else reads and writes.
// Floor 6.
//
// One poller for each descriptor and loop, made with its first callback and closed with its last one
// (native/uv/poller.h). While the descriptor is ready the callback runs once in each iteration, as an
// ordinary ready entry.
import { checkFunction } from './arguments.ts';
import { captureContext } from './context.ts';
import { checkDescriptor, checkNotOwned } from './descriptors.ts';
import { Handle } from './handles.ts';
import { closeSlot, type EventReceiver, kNoSlot, registerReceiver } from './io_events.ts';
import { layout, native } from './native.ts';
import { systemError } from './system_errors.ts';
import type { LoopCore } from './turns.ts';

const { kPollReadable, kPollWritable } = layout;

// biome-ignore lint/suspicious/noExplicitAny: any function can be a callback
type Callback = (...args: any[]) => void;

/** A callback that waits in the ready queue at most once, however often its descriptor is polled. */
class PollHandle extends Handle {
  private queued = false;

  ready(): void {
    if (this.queued) return;
    this.queued = true;
    this.loop.enqueue(this);
  }

  override run(): void {
    this.queued = false;
    super.run();
  }
}

/** One descriptor that is watched. */
class Watch implements EventReceiver {
  readonly loop: LoopCore;
  private readonly fd: number;
  private slot: number;
  private readonly watches: Map<number, Watch>;
  private reader: PollHandle | undefined = undefined;
  private writer: PollHandle | undefined = undefined;

  constructor(loop: LoopCore, fd: number, watches: Map<number, Watch>) {
    checkNotOwned(fd);
    const slot = native.pollerOpen(fd);
    if (slot < 0) throw systemError(slot, 'poll');
    this.loop = loop;
    this.fd = fd;
    this.slot = slot;
    this.watches = watches;
    watches.set(fd, this);
    registerReceiver(slot, this);
  }

  /** Returns whether there was a callback before. */
  set(event: number, handle: PollHandle | undefined): boolean {
    const before = event === kPollReadable ? this.reader : this.writer;
    before?.cancel();
    if (event === kPollReadable) this.reader = handle;
    else this.writer = handle;
    this.apply();
    return before !== undefined;
  }

  onEvent(_kind: number, events: number): void {
    if (events < 0) {
      // The descriptor was closed and perhaps given to somebody else: nothing more to tell.
      this.reader?.cancel();
      this.writer?.cancel();
      this.close();
      return;
    }
    if (events & kPollReadable) this.reader?.ready();
    if (events & kPollWritable) this.writer?.ready();
  }

  detached(): void {
    this.slot = kNoSlot;
    this.watches.delete(this.fd);
  }

  private apply(): void {
    const events = (this.reader ? kPollReadable : 0) | (this.writer ? kPollWritable : 0);
    if (events === 0) this.close();
    else native.pollerWatch(this.slot, events);
  }

  private close(): void {
    this.watches.delete(this.fd);
    this.slot = closeSlot(this.slot);
  }
}

const watchesOf = new WeakMap<LoopCore, Map<number, Watch>>();

function watchesIn(loop: LoopCore): Map<number, Watch> {
  let watches = watchesOf.get(loop);
  if (watches === undefined) {
    watches = new Map();
    watchesOf.set(loop, watches);
  }
  return watches;
}

function add(
  event: number,
  loop: LoopCore,
  fd: number,
  callback: Callback,
  args: readonly unknown[],
): void {
  loop.checkClosed();
  checkDescriptor(fd);
  checkFunction(callback, 'callback');
  const watches = watchesIn(loop);
  const watch = watches.get(fd) ?? new Watch(loop, fd, watches);
  watch.set(event, new PollHandle(loop, callback, args, captureContext()));
}

function remove(event: number, loop: LoopCore, fd: number): boolean {
  checkDescriptor(fd);
  const watch = watchesOf.get(loop)?.get(fd);
  if (watch !== undefined) return watch.set(event, undefined);
  checkNotOwned(fd);
  return false;
}

/** @internal */
export function addReader(loop: LoopCore, fd: number, callback: Callback, args: unknown[]): void {
  add(kPollReadable, loop, fd, callback, args);
}

/** @internal */
export function addWriter(loop: LoopCore, fd: number, callback: Callback, args: unknown[]): void {
  add(kPollWritable, loop, fd, callback, args);
}

/** @internal */
export function removeReader(loop: LoopCore, fd: number): boolean {
  return remove(kPollReadable, loop, fd);
}

/** @internal */
export function removeWriter(loop: LoopCore, fd: number): boolean {
  return remove(kPollWritable, loop, fd);
}
