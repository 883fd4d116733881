// Node's timers as they were when this was loaded: a test that replaces the global ones by fake timers must
// not stop what runs underneath.
// Floor 0: imports nothing of ours.
const { setTimeout, setInterval, clearInterval, setImmediate } = globalThis;

/** @internal */
export { clearInterval, setImmediate, setInterval, setTimeout };
