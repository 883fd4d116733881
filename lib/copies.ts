// A second copy of this package in a thread, as a dependency with a version of its own brings it.
// Floor 0: imports nothing of ours.
//
// Both would keep their scopes in the one frame that V8 carries (frames.ts), and neither knows the classes of
// the other: cancellation and timeouts do not work across them.
const kLoaded = Symbol.for('aionode.loaded');

const loaded = globalThis as { [kLoaded]?: string };

if (loaded[kLoaded] === undefined) {
  Object.defineProperty(loaded, kLoaded, { value: import.meta.url });
} else {
  process.emitWarning(
    `two copies of aionode are loaded, from ${loaded[kLoaded]} and ${import.meta.url}: tasks of one cannot be cancelled in awaits of the other. Have your dependencies share one version (npm dedupe)`,
    { type: 'AionodeWarning', code: 'AIONODE_TWO_COPIES' },
  );
}
