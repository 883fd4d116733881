// @ts-check
/** What happened so far: counted here, shown by display.mjs and summary.mjs. */
import { createHistogram } from 'node:perf_hooks';

/** Latencies are kept in microseconds, up to a minute. */
const MICROSECONDS = 1e6;
const LONGEST = 60 * MICROSECONDS;

export class Tally {
  requests = 0;
  /** Connections that the server ended for its timeout. */
  timeouts = 0;
  /** Connections that clients found ended. */
  drops = 0;
  connections = 0;
  openConnections = 0;
  tasks = 0;
  cancelledTasks = 0;
  /** @type {unknown[]} */
  errors = [];
  #latencies = createHistogram({ lowest: 1, highest: LONGEST, figures: 3 });

  /** @param {number} seconds from the request to its answer */
  answered(seconds) {
    this.requests++;
    const microseconds = Math.round(seconds * MICROSECONDS);
    this.#latencies.record(Math.min(Math.max(microseconds, 1), LONGEST));
  }

  /** @param {number} percent */
  latency(percent) {
    return this.requests === 0 ? 0 : this.#latencies.percentile(percent) / MICROSECONDS;
  }

  /**
   * Counts a task and how it ends; a task that fails leaves its error in `errors`.
   *
   * @template T
   * @param {import('aionode').Task<T>} task
   */
  watch(task) {
    this.tasks++;
    task.addDoneCallback(() => {
      if (task.cancelled()) this.cancelledTasks++;
      else if (task.exception() !== null) this.errors.push(task.exception());
    });
    return task;
  }
}
