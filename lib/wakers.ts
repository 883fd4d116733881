// Waker: lets other threads of the process wake an event loop.
// Floor 6.
import { checkFunction, checkInteger } from './arguments.ts';
import { captureContext } from './context.ts';
import { Handle } from './handles.ts';
import { closeSlot, type EventReceiver, kNoSlot, registerReceiver } from './io_events.ts';
import { layout, native } from './native.ts';
import { currentLoop } from './running.ts';
import { systemError } from './system_errors.ts';
import type { LoopCore } from './turns.ts';

/**
 * Has `callback` run on the current loop when another thread calls `wake(waker.id)`. What the threads have
 * to say to each other they keep in a SharedArrayBuffer; a waker only says that there is something.
 *
 * Wake-ups that come before the callback has run count as one. An open waker keeps the process alive, as a
 * socket does; see unref().
 * @example
 * ```ts
 * const waker = new Waker(() => console.log('something came'));
 * new Worker(file, { workerData: { shared, id: waker.id } });   // there: wake(workerData.id)
 * ```
 * @see asyncio's loop.call_soon_threadsafe, whose other half it is
 * @public
 */
export class Waker implements EventReceiver, Disposable {
  /** What other threads call `wake()` with; never used again. */
  readonly id: number;
  /** @internal */
  readonly loop: LoopCore;
  #slot: number;
  readonly #handle: () => Handle;

  /** @throws TypeError when `callback` is not a function */
  constructor(callback: () => void) {
    checkFunction(callback, 'callback');
    const loop = currentLoop();
    loop.checkClosed();
    const context = captureContext();
    const slot = native.wakerOpen();
    if (slot < 0) throw systemError(slot, 'uv_async_init');
    this.loop = loop;
    this.id = native.wakerId(slot);
    this.#slot = slot;
    this.#handle = () => new Handle(loop, callback, [], context);
    registerReceiver(slot, this);
  }

  /** Ends it: `wake()` finds it no more, and what was not delivered is dropped. May be called again. */
  close(): void {
    this.#slot = closeSlot(this.#slot);
  }

  /** Keeps the process alive while it is open; so it is from the start. */
  ref(): void {
    if (this.#slot !== kNoSlot) native.setRef(this.#slot, true);
  }

  /** Does not keep the process alive. */
  unref(): void {
    if (this.#slot !== kNoSlot) native.setRef(this.#slot, false);
  }

  /** As close(): for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  detached(): void {
    this.#slot = kNoSlot;
  }

  /** @internal */
  onEvent(kind: number): void {
    if (kind === layout.kWoken) this.loop.enqueue(this.#handle());
  }
}

/**
 * Wakes the loop of a Waker, from any thread of the process.
 * @param id - `waker.id`
 * @returns false when that waker is closed or its thread has ended
 * @public
 */
export function wake(id: number): boolean {
  checkInteger(id, 'id', 0, 2 ** 31 - 1);
  return native.wakeThread(id);
}
