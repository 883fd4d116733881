/** What a lifecycle test asks of test/lifecycle/program.ts. */

/** Where aionode is loaded: the thread that ends is the worker, where there is one. */
export const PLACES = ['main', 'worker', 'main and worker'] as const;
/** What aionode has under way when the end comes. */
export const STATES = [
  'idle',
  'pending timer',
  'busy tasks',
  'open socket',
  'write in flight',
  'datagrams',
] as const;
/** How the thread ends. */
export const ENDINGS = ['return', 'process.exit', 'terminate', 'uncaught throw'] as const;

export interface Scenario {
  place: (typeof PLACES)[number];
  state: (typeof STATES)[number];
  ending: (typeof ENDINGS)[number];
}

export const EXIT_CODE = 7;
