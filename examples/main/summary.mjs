// @ts-check
/** What is said at the end of a load. */
import { count, milliseconds, percentiles } from './format.mjs';

/**
 * @param {import('./tally.mjs').Tally} tally
 * @param {number} elapsed  seconds
 */
export function summaryOf(tally, elapsed) {
  return [
    'summary',
    `  requests     ${count(tally.requests)} answered and checked`,
    `  throughput   ${count(tally.requests / elapsed)} req/s over ${elapsed.toFixed(1)} s`,
    `  latency      ${percentiles(tally)}   max ${milliseconds(tally.latency(100))}`,
    `  connections  ${count(tally.connections)} served, ${count(tally.openConnections)} open`,
    `  tasks        ${count(tally.tasks)} run, ${count(tally.cancelledTasks)} cancelled`,
    `  timeouts     ${count(tally.timeouts)} slow peers dropped`,
    `  failures     ${count(tally.errors.length)}`,
    ...[...new Set(tally.errors.map(String))].map((error) => `    ${error}`),
  ];
}
