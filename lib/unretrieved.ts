// Failures that nobody looked at: reported once to the loop's exception handler when the future is
// collected, when run() ends, or when the process exits, whichever comes first.
// Floor 4.
import type { LoopCore } from './turns.ts';

/** What has to be told; holds the future weakly, so that it can be collected. @internal */
export interface Unretrieved {
  readonly loop: LoopCore;
  readonly message: string;
  readonly exception: unknown;
  readonly future: WeakRef<object>;
}

const pending = new Set<Unretrieved>();
let listening = false;

const collected = new FinalizationRegistry<Unretrieved>((failure) => {
  if (pending.delete(failure)) report(failure);
});

function report(failure: Unretrieved): void {
  const { loop, message, exception } = failure;
  const future = failure.future.deref();
  loop.callExceptionHandler(
    future === undefined ? { message, exception } : { message, exception, future },
  );
}

/** Reports what is left of a loop, or of all loops. @internal */
export function reportUnretrieved(loop?: LoopCore): void {
  for (const failure of [...pending]) {
    if (loop !== undefined && failure.loop !== loop) continue;
    pending.delete(failure);
    report(failure);
  }
}

/** @internal */
export function watch(
  future: object,
  loop: LoopCore,
  message: string,
  exception: unknown,
): Unretrieved {
  const failure: Unretrieved = { loop, message, exception, future: new WeakRef(future) };
  pending.add(failure);
  collected.register(future, failure, failure);
  if (!listening) {
    listening = true;
    process.on('exit', () => reportUnretrieved());
  }
  return failure;
}

/** Somebody looked. @internal */
export function forget(failure: Unretrieved): void {
  pending.delete(failure);
  collected.unregister(failure);
}
