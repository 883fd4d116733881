// A scope: a stretch of a task's code that can be interrupted on its own. The root scope is the whole
// task; the body of a timeout() or a TaskGroup is a scope within another.
// Floor 4.
//
// A scope travels with the continuation (frames.ts), so every await knows which one it belongs to, also
// when several bodies run side by side in one task. Interrupting a scope cancels the futures that its
// code awaits at that moment; if it awaits none of ours, `mustCancel` is set and the error is delivered
// at its next await: asyncio's must-cancel flag, kept per scope instead of per task.
import { Cancellation, Request } from './cancellations.ts';
import { CancelledError } from './exceptions.ts';
import {
  currentFrame,
  currentUserFrame,
  Frame,
  lookUp,
  restoreFrame,
  saveFrame,
} from './frames.ts';
import { native } from './native.ts';
import type { LoopCore } from './turns.ts';

/** One suspended await of a scope's code; see Await in futures.ts. @internal */
export interface Suspension {
  readonly scope: Scope | null;
  /** Cancels what is awaited; false when it is done already. */
  interrupt(message: string | undefined): boolean;
}

let abandonedCount = 0;

/** Whether the body of any scope was ever given up at its deadline. @internal */
export function isAnyAbandoned(): boolean {
  return abandonedCount > 0;
}

type Then = (resolve?: unknown, reject?: unknown) => unknown;

/** The Task of a scope: tasks are floors above. */
interface TaskOfScope {
  readonly loop: LoopCore;
}

/** The scope of a whole task; every task holds one, so it has no field that only an inner one needs. @internal */
export class Scope extends Frame {
  readonly task: TaskOfScope;
  /** The `then` of futures that this scope's code awaits, where that has to know it; see thens.ts. */
  declare then: Then | undefined;
  /** What the code of the whole task awaits: mostly one thing, or several in order; kept at the root. */
  private awaits: Suspension | Set<Suspension> | null = null;
  /** Most scopes are never cancelled. */
  private cancelled: Cancellation<Scope> | undefined = undefined;

  constructor(task: TaskOfScope, user: unknown) {
    super(user);
    this.task = task;
    if (native.awaitFrame === undefined) this.then = undefined;
  }

  override get scope(): Scope {
    return this;
  }

  get loop(): LoopCore {
    return this.task.loop;
  }

  /** The scope that this one is in. */
  get parent(): Scope | null {
    return null;
  }

  /** The scope of the whole task. */
  get root(): Scope {
    return this;
  }

  /** The timeout or group that made this scope. */
  get holder(): object | null {
    return null;
  }

  /** The body was given up at its deadline: every further await of it fails. */
  get abandoned(): boolean {
    return false;
  }

  /** The body has ended. */
  get ended(): boolean {
    return false;
  }

  /** To be written to; made by the first who does. */
  get cancellation(): Cancellation<Scope> {
    this.cancelled ??= new Cancellation();
    return this.cancelled;
  }

  /** Whether an interruption found nothing to cancel and waits for the next await. */
  get mustCancel(): boolean {
    return this.cancelled?.mustCancel === true;
  }

  set mustCancel(must: boolean) {
    if (must !== this.mustCancel) this.cancellation.mustCancel = must;
  }

  /** Of the last interruption that had to wait; kept at the root. */
  get message(): string | undefined {
    return this.cancelled?.message;
  }

  /** Why the whole task was cancelled: the reason of its signal; kept at the root. */
  get cause(): unknown {
    return this.cancelled?.cause;
  }

  /**
   * How many requests to cancel the code of this scope were not taken back: its own, and those of the
   * scopes around it. Those of a scope beside it are none of its business.
   */
  get requests(): number {
    let requests = 0;
    for (let s: Scope | null = this; s !== null; s = s.parent) {
      if (s.cancelled !== undefined) requests += s.cancelled.requests;
    }
    return requests;
  }

  /** How many there are in the whole task; asked of the root. */
  get allRequests(): number {
    let requests = 0;
    if (this.cancelled === undefined) return requests;
    for (const { cancelled } of [this as Scope, ...(this.cancelled.requested ?? [])]) {
      if (cancelled !== undefined) requests += cancelled.requests;
    }
    return requests;
  }

  addRequests(count: number): void {
    if (count === 0) return;
    this.cancellation.requests += count;
    const { root } = this;
    if (root === this) return;
    root.cancellation.requested ??= new Set();
    root.cancellation.requested.add(this);
  }

  /** Takes one request back, as code of this scope. Returns how many are left. */
  takeRequestBack(): number {
    for (let s: Scope | null = this; s !== null; s = s.parent) {
      if (s.cancelled === undefined || s.cancelled.requests === 0) continue;
      s.cancelled.requests -= 1;
      break;
    }
    const left = this.requests;
    if (left === 0) this.forgetInterruption();
    return left;
  }

  /** A scope within this one, for code that starts now. */
  child(holder: object): InnerScope {
    return new InnerScope(this, holder);
  }

  isWithin(scope: Scope): boolean {
    for (let s: Scope | null = this; s !== null; s = s.parent) if (s === scope) return true;
    return false;
  }

  suspended(suspension: Suspension): void {
    const root = this.root;
    const awaits = root.awaits;
    if (awaits === null) root.awaits = suspension;
    else if (awaits instanceof Set) awaits.add(suspension);
    else root.awaits = new Set([awaits, suspension]);
  }

  resumed(suspension: Suspension): void {
    const root = this.root;
    const awaits = root.awaits;
    if (awaits === suspension) root.awaits = null;
    else if (awaits instanceof Set) {
      awaits.delete(suspension);
      if (awaits.size === 0) root.awaits = null;
    }
  }

  /** What the code of this scope awaits now, oldest first. */
  suspensions(): Suspension[] {
    const awaits = this.root.awaits;
    if (awaits === null) return [];
    const all = awaits instanceof Set ? [...awaits] : [awaits];
    return this === this.root ? all : all.filter(({ scope }) => scope?.isWithin(this));
  }

  /**
   * Asks the code of this scope to stop. Returns false when it awaits nothing of ours.
   * @param cause - the reason of the signal that asks
   */
  cancel(message: string | undefined, cause: unknown): boolean {
    this.addRequests(1);
    const asked = new Request(message, cause);
    this.cancellation.asked = asked;
    const awaits = this.interrupt(message);
    this.cancellation.signal?.abort(asked.error());
    return awaits;
  }

  /** Interrupts the code of this scope. Returns false when it awaits nothing of ours. */
  interrupt(message: string | undefined): boolean {
    let awaits = false;
    let delivered = false;
    for (const suspension of this.suspensions()) {
      awaits = true;
      if (suspension.interrupt(message)) delivered = true;
    }
    if (!delivered) this.interruptNext(message);
    return awaits;
  }

  /** Interrupts the next await of the code of this scope. */
  interruptNext(message: string | undefined): void {
    this.mustCancel = true;
    this.cancellation.told = false;
    this.root.cancellation.message = message;
  }

  /**
   * An interruption that waits for this scope's next await has come into its code another way: as the
   * error of a call that was given the scope's signal. `told` is what it was before where that is over.
   */
  tell(told = true): void {
    for (let s: Scope | null = this; s !== null; s = s.parent) {
      if (s.mustCancel) s.cancellation.told = told;
    }
  }

  /** Whether that is so of every interruption that waits. */
  get told(): boolean {
    for (let s: Scope | null = this; s !== null; s = s.parent) {
      if (s.mustCancel && s.cancelled?.told === false) return false;
    }
    return true;
  }

  /** The body has ended. What was not delivered to it goes on to the code around it if `keep`. */
  leave(keep: boolean): void {
    const { parent, cancelled } = this;
    if (parent === null || cancelled === undefined) return;
    if (cancelled.mustCancel && keep) {
      parent.mustCancel = true;
      parent.cancellation.told = cancelled.told;
    }
    this.mustCancel = false;
    cancelled.signal?.end();
    parent.addRequests(cancelled.requests);
    cancelled.requests = 0;
    this.root.cancellation.requested?.delete(this);
  }

  /** Whether an interruption waits for this scope's next await. */
  get interrupted(): boolean {
    for (let s: Scope | null = this; s !== null; s = s.parent) if (s.mustCancel) return true;
    return false;
  }

  /** Undoes a waiting interruption of this scope and those around it. */
  forgetInterruption(): void {
    for (let s: Scope | null = this; s !== null; s = s.parent) s.mustCancel = false;
  }

  /** The message of the waiting interruption: the last one given in this task. */
  get interruptionMessage(): string | undefined {
    return this.root.message;
  }

  /** Takes the waiting interruption as the error to throw. */
  takeInterruption(): CancelledError {
    const error = new CancelledError(this.interruptionMessage);
    this.forgetInterruption();
    return error;
  }

  /** Whether this scope, or one around it, was given up. */
  get isAbandoned(): boolean {
    for (let s: Scope | null = this; s !== null; s = s.parent) if (s.abandoned) return true;
    return false;
  }
}

/** The scope of a timeout's or group's body. @internal */
export class InnerScope extends Scope {
  private readonly outer: Scope;
  private readonly outermost: Scope;
  private readonly maker: object;
  private givenUp = false;
  private over = false;

  constructor(outer: Scope, maker: object) {
    super(outer.task, currentUserFrame());
    this.outer = outer;
    this.outermost = outer.root;
    this.maker = maker;
  }

  override get parent(): Scope {
    return this.outer;
  }

  override get root(): Scope {
    return this.outermost;
  }

  override get holder(): object {
    return this.maker;
  }

  override get abandoned(): boolean {
    return this.givenUp;
  }

  override get ended(): boolean {
    return this.over;
  }

  override leave(keep: boolean): void {
    this.over = true;
    super.leave(keep);
  }

  /** Gives the body up: see `abandoned`. */
  abandon(): void {
    this.givenUp = true;
    abandonedCount += 1;
  }
}

/** Calls `fn` as code of `scope`; what it awaits belongs to the scope. @internal */
export function runIn<T>(scope: Scope, fn: () => T): T {
  const before = saveFrame();
  restoreFrame(scope);
  try {
    return fn();
  } finally {
    restoreFrame(before);
  }
}

/**
 * Runs `fn` as code of `scope` in the job in which V8 calls the `then` of what that code awaits. Node 20
 * does not carry the frame into that job.
 * @internal
 */
export function runInJobOf<T>(scope: Scope | null, fn: () => T): T {
  return scope !== null && currentFrame() === undefined ? runIn(scope, fn) : fn();
}

/** The scope of the running code; null outside a task. @internal */
export function currentScope(): Scope | null {
  const frame = currentFrame();
  return frame === undefined ? null : (frame.scope as Scope | null);
}

/** The scope in a frame that V8 carries; null when there is none. @internal */
export function scopeIn(frame: unknown): Scope | null {
  if (frame === null) return null;
  const found = lookUp(frame);
  return found === undefined ? null : (found.scope as Scope | null);
}
