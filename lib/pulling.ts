// Pulling: iterators over what a coroutine method gives again and again, such as items of a queue or lines
// of a stream.
// Floor 8.
//
// No generators: an error does not end them, and a loop that was left can be resumed. Who leaves while
// next() is waiting, as streams of Node's do that are destroyed, gives up what that waits for: nothing is
// taken for nobody.
import type { Future } from './futures.ts';

/** @internal */
export abstract class Pulling<T> implements AsyncIterableIterator<T> {
  private pulled: Future<T> | undefined = undefined;
  /** What return() has cancelled. */
  private dropped: Future<T> | undefined = undefined;

  protected abstract pull(): Future<T>;

  /** Whether `value` stands for the end. */
  protected isEnd(_value: T): boolean {
    return false;
  }

  /** Whether `error` does. */
  protected isEndError(_error: unknown): boolean {
    return false;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    const pulled = this.pull();
    this.pulled = pulled;
    try {
      const value = await pulled;
      return this.isEnd(value) ? { done: true, value: undefined } : { done: false, value };
    } catch (error) {
      if (this.dropped !== pulled && !this.isEndError(error)) throw error;
      return { done: true, value: undefined };
    }
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    const { pulled } = this;
    if (pulled?.cancel()) this.dropped = pulled;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
