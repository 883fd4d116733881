// @ts-check
/** Live progress: a block that is redrawn on a terminal, a line now and then elsewhere. */
import { getRunningLoop, sleep } from 'aionode';
import { bar, count, milliseconds, percentiles, sparkline } from './format.mjs';

const TERMINAL_INTERVAL = 0.1;
const PLAIN_INTERVAL = 0.5;
const HISTORY = 24;
const BAR_WIDTH = 40;

/**
 * @typedef {object} Output  what of a tty.WriteStream is used
 * @property {boolean} [isTTY]
 * @property {number} [columns]
 * @property {(text: string) => unknown} write
 *
 * @typedef {object} View
 * @property {string} title
 * @property {number | null} seconds  how long it is to last; null: until it is stopped
 * @property {import('./tally.mjs').Tally} tally
 * @property {import('./service.mjs').Service} service
 *
 * @typedef {{ elapsed: number, rates: number[] }} Pace  requests per second, the newest last
 */

/**
 * @param {number} elapsed
 * @param {number | null} seconds
 */
function clock(elapsed, seconds) {
  if (seconds === null) return `${elapsed.toFixed(1)} s`;
  const part = Math.min(elapsed / seconds, 1);
  return `${bar(part, BAR_WIDTH)}  ${(part * seconds).toFixed(1)} / ${seconds} s`;
}

/**
 * @param {View} view
 * @param {Pace} pace
 */
function blockOf({ title, seconds, tally, service }, { elapsed, rates }) {
  const { waitingJobs, queueSize, busyWorkers, workers } = service;
  const [requests, rate] = [tally.requests, rates.at(-1) ?? 0].map(count);
  const [open, connections] = [tally.openConnections, tally.connections].map(count);
  const [tasks, cancelled] = [tally.tasks, tally.cancelledTasks].map(count);
  return [
    title,
    `  ${clock(elapsed, seconds)}`,
    `  requests     ${requests}   ${rate} req/s   ${sparkline(rates)}`,
    `  latency      ${percentiles(tally)}`,
    `  queue        ${waitingJobs} of ${queueSize} places taken`,
    `  workers      ${busyWorkers} of ${workers} busy`,
    `  connections  ${open} open, ${connections} so far`,
    `  tasks        ${tasks} so far, ${cancelled} cancelled`,
    `  timeouts     ${count(tally.timeouts)} slow peers dropped`,
  ];
}

/**
 * @param {View} view
 * @param {Pace} pace
 */
function lineOf({ tally }, { elapsed, rates }) {
  return [
    `${elapsed.toFixed(1)} s`,
    `${count(tally.requests)} requests`,
    `${count(rates.at(-1) ?? 0)} req/s`,
    `p99 ${milliseconds(tally.latency(99))}`,
    `${count(tally.openConnections)} open`,
    `${count(tally.cancelledTasks)} cancelled`,
    `${count(tally.timeouts)} timeouts`,
  ].join('  ');
}

/**
 * @param {View} view
 * @param {Output} out
 */
function terminalDrawer(view, out) {
  let drawn = 0;
  return (/** @type {Pace} */ pace) => {
    // A line that wraps would be two, and the block could not be found again.
    const lines = blockOf(view, pace).map((line) => line.slice(0, (out.columns ?? 80) - 1));
    const back = drawn === 0 ? '' : `\x1b[${drawn}F\x1b[J`;
    drawn = lines.length;
    out.write(`${back}${lines.join('\n')}\n`);
  };
}

/**
 * @param {View} view
 * @param {Output} out
 */
function linePrinter(view, out) {
  return (/** @type {Pace} */ pace) => out.write(`${lineOf(view, pace)}\n`);
}

/**
 * Shows the progress until it is cancelled; on a terminal the block is left as it is at the end.
 *
 * @param {View} view
 * @param {Output} out
 * @returns {Promise<never>}
 */
export async function showProgress(view, out) {
  const loop = getRunningLoop();
  const interval = out.isTTY ? TERMINAL_INTERVAL : PLAIN_INTERVAL;
  const show = out.isTTY ? terminalDrawer(view, out) : linePrinter(view, out);
  const start = loop.time();
  let last = { time: start, requests: 0 };
  /** @type {number[]} */
  const rates = [];
  try {
    for (;;) {
      await sleep(interval);
      const now = { time: loop.time(), requests: view.tally.requests };
      rates.push((now.requests - last.requests) / (now.time - last.time));
      if (rates.length > HISTORY) rates.shift();
      last = now;
      show({ elapsed: now.time - start, rates });
    }
  } finally {
    if (out.isTTY) show({ elapsed: loop.time() - start, rates });
  }
}
