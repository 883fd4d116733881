// Barrier.
// Floor 11.
import { inspect } from 'node:util';
import { checkInteger } from './arguments.ts';
import { Condition } from './conditions.ts';
import { BrokenBarrierError } from './exceptions.ts';
import { describeState } from './format.ts';
import type { Future } from './futures.ts';
import { routine } from './routines.ts';

type State = 'filling' | 'draining' | 'resetting' | 'broken';

/**
 * Lets tasks go on together: `wait()` waits until `parties` tasks do. It can be used again and again: who
 * comes while a full one is emptying waits for the next round.
 *
 * **Fairness:** tasks go on in the order of their arrival.
 * @example
 * ```ts
 * const barrier = new Barrier(3);
 * const player = async (name: string) => {
 *   await prepare(name);
 *   const place = await barrier.wait();
 *   if (place === 0) console.log('all are here');
 * };
 * ```
 * @see asyncio.Barrier
 * @public
 */
export class Barrier {
  /** How many tasks have to wait. */
  readonly parties: number;
  /** Guards the rest; notified at every change of it. */
  readonly #changed = new Condition();
  #state: State = 'filling';
  /** How many tasks are in it: waiting, or on their way out. */
  #count = 0;

  /**
   * @param parties - how many tasks have to wait, at least 1
   * @throws RangeError when `parties` is less than 1 or not an integer
   */
  constructor(parties: number) {
    checkInteger(parties, 'parties', 1);
    this.parties = parties;
  }

  /** How many tasks wait. */
  get nWaiting(): number {
    return this.#state === 'filling' ? this.#count : 0;
  }

  /** Whether abort() was called, and no reset() since. */
  get broken(): boolean {
    return this.#state === 'broken';
  }

  /**
   * Waits until `parties` tasks wait.
   *
   * **Cancellation:** the task leaves the barrier; the others go on waiting, for one more.
   *
   * **Fairness:** tasks go on in the order of their arrival.
   * @returns a number that is different for each of them, from 0 to `parties - 1`
   * @throws BrokenBarrierError when the barrier is broken, or reset while the task waits
   * @throws RuntimeError when the barrier belongs to another event loop
   * @see asyncio.Barrier.wait
   */
  wait(): Future<number> {
    return routine(() => this.#changed.with(() => this.#pass()));
  }

  /**
   * Empties the barrier: tasks that wait get a BrokenBarrierError. Afterwards it can be used again, also
   * when it was broken.
   *
   * **Cancellation:** nothing is changed.
   * @see asyncio.Barrier.reset
   */
  reset(): Future<void> {
    return this.#change(() => (this.#count > 0 ? 'resetting' : 'filling'));
  }

  /**
   * Breaks the barrier: tasks that wait, and all that come later, get a BrokenBarrierError.
   *
   * **Cancellation:** nothing is changed.
   * @see asyncio.Barrier.abort
   */
  abort(): Future<void> {
    return this.#change(() => 'broken');
  }

  /** @internal */
  [inspect.custom](): string {
    return describeState(this, this.#state, { waiters: `${this.nWaiting}/${this.parties}` });
  }

  #change(state: () => State): Future<void> {
    return routine(() =>
      this.#changed.with(() => {
        this.#state = state();
        this.#changed.notifyAll();
      }),
    );
  }

  /** The lock is held, except while it waits. */
  async #pass(): Promise<number> {
    await this.#changed.waitFor(() => this.#state !== 'draining' && this.#state !== 'resetting');
    if (this.#state === 'broken') throw new BrokenBarrierError('the barrier was aborted');
    const index = this.#count;
    this.#count += 1;
    try {
      if (index + 1 < this.parties) await this.#full();
      else {
        this.#state = 'draining';
        this.#changed.notifyAll();
      }
      return index;
    } finally {
      this.#leave();
    }
  }

  async #full(): Promise<void> {
    await this.#changed.waitFor(() => this.#state !== 'filling');
    if (this.#state !== 'draining') {
      throw new BrokenBarrierError('the barrier was aborted or reset while tasks waited');
    }
  }

  #leave(): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    if (this.#state !== 'broken') this.#state = 'filling';
    this.#changed.notifyAll();
  }
}
