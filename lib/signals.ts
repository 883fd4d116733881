// Listening to AbortSignals on behalf of many.
// Floor 0: imports nothing of ours.
//
// One signal may be given to a thousand tasks: it gets one listener for all of them, so that Node does not
// take them for a leak, and none once they are done.

interface Followers {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

const followed = new WeakMap<AbortSignal, Followers>();

function follow(signal: AbortSignal): Followers {
  const callbacks = new Set<() => void>();
  const listener = (): void => {
    for (const callback of [...callbacks]) {
      try {
        callback();
      } catch (error) {
        // As an event listener that throws, which keeps none from its call.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  };
  const followers = { callbacks, listener };
  followed.set(signal, followers);
  signal.addEventListener('abort', listener, { once: true });
  return followers;
}

/** Calls `callback` when the signal is aborted. Returns the function that ends this. @internal */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const { callbacks, listener } = followed.get(signal) ?? follow(signal);
  callbacks.add(callback);
  return () => {
    if (!callbacks.delete(callback) || callbacks.size > 0) return;
    followed.delete(signal);
    signal.removeEventListener('abort', listener);
  };
}
