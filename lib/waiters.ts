// The waiting line of a lock or queue, and the coroutines that stand in it.
// Floor 8.
//
// A waiter joins at the end, stays in line after it was woken or cancelled until its task's own step,
// and only then leaves: so the line shows at any moment what asyncio's deque of futures would show, and
// a rule such as "nobody else is waiting" gives the same answer. The line is an intrusive doubly linked
// list, so leaving costs the same from anywhere, and `asleep` remembers where the ones that nobody has
// woken begin, so waking never looks at the same waiter twice.
import { RuntimeError } from './exceptions.ts';
import { InlineCoroutine } from './inline.ts';
import type { LoopCore } from './turns.ts';

/** What belongs to one event loop from the first time that somebody has to wait for it. @internal */
export interface LoopBound {
  loop: LoopCore | undefined;
}

/** A waiter as the line sees it. */
interface InLine {
  readonly loop: LoopCore;
  readonly woken: boolean;
  readonly cancellation: unknown;
  line: WaitingLine | null;
  previous: InLine | null;
  next: InLine | null;
  resume(): void;
}

/** @internal */
export class WaitingLine {
  /** How many in the line were not cancelled. */
  live = 0;
  private readonly owner: LoopBound;
  private first: InLine | null = null;
  private last: InLine | null = null;
  /** Everyone before this one is awake. */
  private asleep: InLine | null = null;

  constructor(owner: LoopBound) {
    this.owner = owner;
  }

  /** Binds the owner to `loop`. @throws RuntimeError when it is bound to another one. */
  bind(loop: LoopCore): void {
    const owner = this.owner;
    if (owner.loop === loop) return;
    if (owner.loop !== undefined) {
      const kind = owner.constructor.name;
      throw new RuntimeError(
        `this ${kind} is bound to a different event loop: make one ${kind} for each loop`,
      );
    }
    owner.loop = loop;
  }

  add(waiter: InLine): void {
    if (this.owner.loop !== waiter.loop) this.bind(waiter.loop);
    const last = this.last;
    waiter.line = this;
    waiter.previous = last;
    waiter.next = null;
    if (last === null) this.first = waiter;
    else last.next = waiter;
    this.last = waiter;
    this.asleep ??= waiter;
    this.live += 1;
  }

  remove(waiter: InLine): void {
    const { previous, next } = waiter;
    if (previous === null) this.first = next;
    else previous.next = next;
    if (next === null) this.last = previous;
    else next.previous = previous;
    if (this.asleep === waiter) this.asleep = next;
    if (waiter.cancellation === undefined) this.live -= 1;
    waiter.line = waiter.previous = waiter.next = null;
  }

  /** Wakes the first one that is still asleep; false when there is none. */
  wakeNext(): boolean {
    let waiter = this.asleep;
    while (waiter?.woken) waiter = waiter.next;
    if (waiter === null) {
      this.asleep = null;
      return false;
    }
    this.asleep = waiter.next;
    waiter.resume();
    return true;
  }

  /** Makes sure that the first in line is awake. */
  wakeFirst(): void {
    if (this.first?.woken === false) this.wakeNext();
  }

  wakeAll(): void {
    while (this.wakeNext());
  }

  /** How many wait, for people; undefined when nobody does. */
  get shown(): number | undefined {
    return this.live === 0 ? undefined : this.live;
  }
}

/** A coroutine that waits in lines. @internal */
export abstract class Waiter<T> extends InlineCoroutine<T> implements InLine {
  line: WaitingLine | null = null;
  previous: InLine | null = null;
  next: InLine | null = null;

  /** The first step. Completes, throws, or joins a line. */
  protected abstract begin(): void;

  /** The step after a wake-up; it has left `line`. Looks again by default. */
  protected woke(_line: WaitingLine): void {
    this.begin();
  }

  /**
   * The task was cancelled while it waited, and has left the line. What was given to it goes to somebody
   * else; nothing was if `cancellation` is set, for then the cancel came before the wake-up.
   */
  protected abstract passOn(): void;

  protected override proceed(): void {
    const line = this.line;
    try {
      if (line === null) this.begin();
      else {
        line.remove(this);
        this.woke(line);
      }
    } catch (error) {
      this.fail(error);
    }
  }

  protected override abandon(): void {
    this.line?.remove(this);
    this.passOn();
  }

  protected override forget(): boolean {
    this.line?.remove(this);
    return true;
  }

  override cancel(msg?: string): boolean {
    const cancelled = super.cancel(msg);
    if (cancelled && this.line !== null) this.line.live -= 1;
    return cancelled;
  }
}
