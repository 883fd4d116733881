// What travels with a continuation: the scope (and so the task) whose code is running.
// Floor 2.
//
// HOW. V8 keeps one value, the *frame*, and carries it through every await, native promises included.
// A Scope is put there when a task's body or a timeout's body starts; whatever that code awaits, the
// continuation sees the same Scope again. Nothing is set per step, and reading costs one native call.
//
// Node 24 and later (and 22 with --experimental-async-context-frame) keep AsyncLocalStorage's values
// in that very frame, a Map from storage to value. Node only ever calls has() and get() on it and
// iterates it to copy it; so a Scope offers those three, passes them on to the frame it stands on
// (`user`), and appears in copies under the key `scopeKey`. Node's own map would cost 600 to 1000 ns
// a task. Elsewhere the frame is unused by Node and AsyncLocalStorage rests on promise hooks.
//
// Without these V8 functions the scope is kept in an AsyncLocalStorage of our own: slower, same result.
import { AsyncLocalStorage } from 'node:async_hooks';
import { native } from './native.ts';

/** Node's own part of a frame: opaque to us. */
type UserFrame = { has(key: unknown): boolean; get(key: unknown): unknown } & Iterable<
  [unknown, unknown]
>;

const scopeKey = new AsyncLocalStorage<Frame>();

/** The value that V8 carries; see Scope in scopes.ts for what we hang on it. @internal */
export class Frame {
  /** The frame of Node's AsyncLocalStorage that this one stands on; no field where Node has no such thing. */
  declare readonly user: UserFrame | undefined;

  constructor(user: unknown) {
    if (usesContextFrames) this.user = user as UserFrame | undefined;
  }

  /** Itself when it is a Scope (scopes.ts), null for code that belongs to no task. */
  get scope(): Frame | null {
    return null;
  }

  has(key: unknown): boolean {
    return key === scopeKey || (this.user?.has(key) ?? false);
  }

  get(key: unknown): unknown {
    return key === scopeKey ? this : this.user?.get(key);
  }

  *[Symbol.iterator](): Generator<[unknown, unknown]> {
    if (this.user !== undefined) {
      for (const entry of this.user) if (entry[0] !== scopeKey) yield entry;
    }
    yield [scopeKey, this];
  }
}

const readFrame = native.getFrame;
const writeFrame = native.setFrame;

/** Whether our frame is kept in an AsyncLocalStorage, beside the user's. @internal */
export const framesAreStored: boolean = readFrame === undefined;

/** Calls `fn` where a frame that is stored is not seen: what it captures belongs to no task. @internal */
export const callOutsideTask: <T>(fn: () => T) => T = framesAreStored
  ? (fn) => scopeKey.exit(fn)
  : (fn) => fn();

/** Whether AsyncLocalStorage keeps its values in V8's frame. */
function detectContextFrames(): boolean {
  if (readFrame === undefined || Number.parseInt(process.versions.node, 10) < 22) return false;
  const before = readFrame();
  const probe = new AsyncLocalStorage<number>();
  const found = probe.run(1, () => readFrame() !== undefined);
  probe.disable();
  // run() and disable() leave an empty frame behind, which everything from here on would have to carry.
  writeFrame?.(before);
  return found;
}

/** @internal */
export const usesContextFrames: boolean = detectContextFrames();

/** Our part of what V8 carries. @internal */
export function lookUp(frame: unknown): Frame | undefined {
  if (frame === undefined) return undefined;
  // Only a Frame has this property: the fast way to tell it from Node's map.
  if ((frame as Frame).scope !== undefined) return frame as Frame;
  return (frame as UserFrame).get(scopeKey) as Frame | undefined;
}

/** The frame of ours that the running code belongs to. @internal */
export const currentFrame: () => Frame | undefined =
  readFrame === undefined
    ? () => scopeKey.getStore()
    : usesContextFrames
      ? () => lookUp(readFrame())
      : (readFrame as () => Frame | undefined);

/** Everything that the running code's frame holds, ours and Node's: to be handed to `restore`. @internal */
export const saveFrame: () => unknown = readFrame ?? (() => scopeKey.getStore());

/** @internal */
export const restoreFrame: (frame: unknown) => void =
  writeFrame ?? ((frame) => scopeKey.enterWith(frame as Frame));

/** Node's part of the running code's frame, for a new Frame to stand on. @internal */
export const currentUserFrame: () => unknown = usesContextFrames
  ? () => {
      const frame = readFrame?.();
      return frame instanceof Frame ? frame.user : frame;
    }
  : () => undefined;
