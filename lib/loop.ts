// EventLoop: asyncio's loop object, on the driver that all loops of a thread share.
// Floor 12.
import { checkFunction, checkSeconds } from './arguments.ts';
import { captureContext } from './context.ts';
import { type Coro } from './coroutines.ts';
import { RuntimeError } from './exceptions.ts';
import { Future } from './futures.ts';
import { Handle, TimerHandle } from './handles.ts';
import { native } from './native.ts';
import type { ReadyEntry } from './ready.ts';
import { setDefaultLoopFactory } from './running.ts';
import { spawn, type Task, type TaskOptions } from './tasks.ts';
import { activate, LoopCore } from './turns.ts';

export class EventLoop extends LoopCore {
  #closed = false;

  time(): number {
    return native.now();
  }
  callSoon<A extends unknown[]>(callback: (...args: A) => void, ...args: A): Handle {
    this.checkClosed();
    checkFunction(callback, 'callback');
    const handle = new Handle(this, callback as never, args, captureContext());
    this.enqueue(handle);
    return handle;
  }
  callLater<A extends unknown[]>(delay: number, callback: (...args: A) => void, ...args: A): TimerHandle {
    this.checkClosed();
    checkSeconds(delay, 'delay');
    checkFunction(callback, 'callback');
    const handle = new TimerHandle(this, callback as never, args, captureContext());
    handle.armAfter(delay);
    return handle;
  }
  callAt<A extends unknown[]>(when: number, callback: (...args: A) => void, ...args: A): TimerHandle {
    this.checkClosed();
    checkSeconds(when, 'when');
    checkFunction(callback, 'callback');
    const handle = new TimerHandle(this, callback as never, args, captureContext());
    handle.armAt(when);
    return handle;
  }
  createFuture<T>(): Future<T> { return new Future<T>({ loop: this }); }
  createTask<T>(coro: Coro<T>, options?: TaskOptions): Task<T> { return spawn(this, coro, options); }
  start() { this.running = true; if (this.ready.size > 0) activate(this); }
  checkClosed(): void { if (this.#closed) throw new RuntimeError('Event loop is closed'); }
  turnEnded(): void {}
  reportError(error: unknown, entry: ReadyEntry): void { this.callExceptionHandler({ message: 'Exception in callback', exception: error, handle: entry }); }
  callExceptionHandler(context: { message: string; [key: string]: unknown }): void { console.error(context); }
}
setDefaultLoopFactory(() => { const l = new EventLoop(); l.start(); return l; });
