// The class of the promises that async functions give.
// Floor 0: imports nothing of ours.

/** What global `Promise` is, unless a library (bluebird, zone.js) has put its own there. @internal */
export const NativePromise: PromiseConstructor = (async () => {})()
  .constructor as PromiseConstructor;
