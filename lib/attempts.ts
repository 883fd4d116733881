// Operations of several awaits that open something: given up as a whole, whoever stops waiting for them.
// Floor 8.
//
// What an async function returns is a promise, which nobody can cancel from outside: waitFor(), gather()
// and createTask() would leave it running, and what it opens would belong to nobody. An OpenOperation is a
// Future, like asyncio's coroutine objects, and closes what it opened too late.
import { CallStack } from './call_stacks.ts';
import { CancelledError, isError } from './exceptions.ts';
import { Future, kCancelled, kFailed, kFinished, kPending } from './futures.ts';
import { InlineCoroutine } from './inline.ts';
import { runInJobOf, type Scope } from './scopes.ts';
import { addThen, type Reject, type Resolve } from './thens.ts';
import type { Announced } from './transport_base.ts';
import type { LoopCore } from './turns.ts';

/** What takes several awaits and can be given up at each of them. @internal */
export class Attempt {
  givenUp = false;
  private waiting: Future<unknown> | undefined = undefined;

  /** `future` is what the attempt is waiting for. */
  waitsFor(future: Future<unknown>): void {
    this.waiting = future;
    if (this.givenUp) future.cancel();
  }

  /** Cancels what is waited for: the attempt unwinds as a cancelled coroutine does. False if that is over. */
  cancel(message: string | undefined): boolean {
    return this.waiting?.cancel(message) === true;
  }

  giveUp(): void {
    this.givenUp = true;
    this.waiting?.cancel();
  }
}

/**
 * Waits until the protocol of a transport was told of it; a transport that nobody waits for is closed.
 * @param announce - schedules connectionMade() and, behind that, what it is given
 * @internal
 */
export async function made<T extends { readonly loop: LoopCore; close(): void }>(
  attempt: Attempt,
  transport: T,
  announce: (done: Announced) => void,
): Promise<T> {
  const { loop } = transport;
  const told = new Future<void>({ loop });
  attempt.waitsFor(told);
  announce((failure) => {
    if (told.done()) return;
    if (failure === undefined) told.finish(kFinished, undefined);
    else told.finish(kFailed, failure.error);
  });
  try {
    await told;
  } catch (error) {
    transport.close();
    throw error;
  }
  return transport;
}

/**
 * One call of openConnection(), createDatagramEndpoint(), startTls(), ... It begins when it is awaited, and
 * is given up as a whole however the await ends: also waitFor(openConnection(...), 5) leaves no socket behind.
 * @internal
 */
export class OpenOperation<T> extends InlineCoroutine<T> {
  private readonly open: (loop: LoopCore, attempt: Attempt) => Promise<T>;
  private readonly drop: (opened: T) => void;
  private readonly attempt = new Attempt();
  private readonly call = new CallStack();
  private begun = false;
  private opened: { readonly value: T } | undefined = undefined;
  private failure: { readonly error: unknown } | undefined = undefined;

  /** @param drop - closes what was opened when nobody wants it any more */
  constructor(open: (loop: LoopCore, attempt: Attempt) => Promise<T>, drop: (opened: T) => void) {
    super();
    this.open = open;
    this.drop = drop;
  }

  override startAwait(scope: Scope | null, resolve: Resolve, reject: Reject): void {
    runInJobOf(scope, () => super.startAwait(scope, resolve, reject));
  }

  protected override proceed(): void {
    if (this.opened !== undefined) this.complete(this.opened.value);
    else if (this.failure !== undefined) this.failWith(this.failure.error);
    else if (!this.begun) this.begin();
  }

  /** What it has opened is closed before whoever waits for it goes on, as in asyncio. */
  override cancel(msg?: string): boolean {
    const runs = this.begun && this.state === kPending && !this.woken;
    return (runs && this.attempt.cancel(msg)) || super.cancel(msg);
  }

  protected override abandon(): void {
    this.attempt.giveUp();
    if (this.opened !== undefined) this.drop(this.opened.value);
  }

  private failWith(error: unknown): void {
    if (isError(error, CancelledError)) {
      this.finish(kCancelled, error);
    } else {
      this.call.addTo(error);
      this.fail(error);
    }
  }

  private begin(): void {
    this.begun = true;
    this.open(this.loop, this.attempt).then(
      (opened) => {
        if (this.attempt.givenUp) this.drop(opened);
        this.opened = { value: opened };
        this.goOn();
      },
      (error) => {
        this.failure = { error };
        this.goOn();
      },
    );
  }

  /** As a coroutine that returns, it goes on in the step that ended it; unless a cancel is on its way. */
  private goOn(): void {
    if (!this.attempt.givenUp && !this.woken) this.run();
  }
}
addThen(OpenOperation);
