// The part of an event loop that deals with signals.
// Floor 9.
import {
  addSignalHandler,
  holdProcess,
  removeSignalHandler,
  removeSignalHandlersOf,
} from './signal_handlers.ts';
import { LoopCore } from './turns.ts';

/**
 * What EventLoop inherits. Not a class to use by itself.
 * @public
 */
export abstract class ThreadingLoop extends LoopCore {
  /**
   * Calls `callback(...args)` in a turn of the loop, as callSoon() would, whenever the process gets the
   * signal. Replaces the loop's earlier handler of that signal, and takes the signal from a run() that
   * would cancel its main. While the loop runs, its handlers keep the process alive; those of the
   * thread's default loop do not.
   * @param callback - a plain function: an async one would have nobody to await it
   * @throws RuntimeError when the signal cannot be caught (SIGKILL, SIGSTOP), in a worker thread, where
   * no signal arrives, and when the loop is closed; TypeError when there is no such signal, or when
   * `callback` is not a plain function
   * @see asyncio's loop.add_signal_handler
   */
  addSignalHandler<A extends unknown[]>(
    signal: NodeJS.Signals,
    callback: (...args: A) => void,
    ...args: A
  ): void {
    addSignalHandler(this, signal, callback as never, args);
  }

  /**
   * Removes the loop's handler of a signal; if nobody else listens to it, its default is back: SIGINT and
   * SIGTERM end the process.
   * @returns false when the loop has no handler of it
   */
  removeSignalHandler(signal: NodeJS.Signals): boolean {
    return removeSignalHandler(this, signal);
  }

  /** The loop has begun or ended to run. @internal */
  protected runningChanged(): void {
    holdProcess();
  }

  /** The loop is closed. @internal */
  protected closeThreading(): void {
    removeSignalHandlersOf(this);
  }
}
