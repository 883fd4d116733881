// What a pool and its workers say to each other.
// Floor 2.
//
// The usual job and the usual answer are bare values: an array or object costs an eighth of a round trip.
// A job is a number, the id of a function to call without arguments, or a Job. An answer is the result
// itself if that is a primitive, else an Answer. A worker has one job at a time, so answers need no id.
import type { Sent } from './sent_errors.ts';
import type { FunctionSpec } from './sent_functions.ts';

/** `[id, arguments, places of the Buffers among them]` @internal */
export type Job = readonly [id: number, values: unknown[], buffers: readonly number[]];

/** What else a worker is told. @internal */
export interface Order {
  /** From now on the id of this spec stands for its function. */
  readonly define?: FunctionSpec;
  /** First forget all functions: the pool does not count on them any more. */
  readonly forget?: boolean;
  /** End, once what was printed is on its way. */
  readonly end?: boolean;
}

/** @internal */
export type ToWorker = number | Job | Order;

/** @internal */
export const kResult = 0;
/** @internal */
export const kBuffer = 1;
/** @internal */
export const kThrown = 2;

/** @internal */
export type Answer = readonly [kind: 0 | 1, result: object] | readonly [kind: 2, thrown: Sent];

/** What a worker gets at its start. @internal */
export interface WorkerStart {
  readonly port: import('node:worker_threads').MessagePort;
  /** Where functions sent by their source import from, as if they were in a file of this name. */
  readonly filename: string;
}
