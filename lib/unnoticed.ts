// What nobody looked at: failures of futures, and in debug mode coroutine objects that nobody awaited.
// Reported once to the loop's exception handler when the object is collected, when run() ends, or when
// the process exits, whichever comes first.
// Floor 4.
import type { Context } from './context.ts';
import { creationStack } from './debug.ts';
import type { LoopCore } from './turns.ts';

interface Told {
  readonly message: string;
  readonly exception?: unknown;
}

/** What an object knows of itself that is told without it. */
interface Remembered {
  /** Where the exception handler is to run. */
  readonly context: Context | undefined;
  readonly traceback: readonly string[] | undefined;
}

/** What has to be told; holds the object weakly, so that it can be collected. @internal */
export interface Unnoticed {
  readonly key: 'future' | 'coroutine';
  readonly loop: LoopCore;
  readonly told: Told;
  readonly thing: WeakRef<object>;
  readonly remembered: Remembered;
}

const pending = new Set<Unnoticed>();
let listening = false;

const collected = new FinalizationRegistry<Unnoticed>((unnoticed) => {
  if (pending.delete(unnoticed)) report(unnoticed);
});

function report({ key, loop, told, thing, remembered }: Unnoticed): void {
  const object = thing.deref();
  const { context, traceback } = remembered;
  const tell = (): void =>
    loop.callExceptionHandler({
      ...told,
      ...(object === undefined ? {} : { [key]: object }),
      ...(traceback === undefined ? {} : { sourceTraceback: traceback }),
    });
  // The loop finds the context of an object that is there.
  if (object === undefined && context !== undefined) context(tell);
  else tell();
}

/** Reports what is left of a loop, or of all loops. @internal */
export function reportUnnoticed(loop?: LoopCore): void {
  for (const unnoticed of [...pending]) {
    if (loop !== undefined && unnoticed.loop !== loop) continue;
    pending.delete(unnoticed);
    report(unnoticed);
  }
}

/**
 * Watches `thing`, which belongs to `loop`.
 * @param key - what the exception handler's context calls it
 * @param context - where the exception handler is to run
 * @internal
 */
export function watch(
  key: Unnoticed['key'],
  thing: object,
  loop: LoopCore,
  told: Told,
  context?: Context,
): Unnoticed {
  const remembered = { context, traceback: creationStack(thing) };
  const unnoticed: Unnoticed = { key, loop, told, thing: new WeakRef(thing), remembered };
  pending.add(unnoticed);
  collected.register(thing, unnoticed, unnoticed);
  if (!listening) {
    listening = true;
    process.on('exit', () => reportUnnoticed());
  }
  return unnoticed;
}

/** Somebody looked. @internal */
export function forget(unnoticed: Unnoticed): void {
  pending.delete(unnoticed);
  collected.unregister(unnoticed);
}
