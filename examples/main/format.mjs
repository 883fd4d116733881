// @ts-check
/** Numbers as people read them. */
const LEVELS = '▁▂▃▄▅▆▇█';

/**
 * A count with its thousands apart: 12,345. Made by hand, since the first use of toLocaleString()
 * holds up the loop while it loads its data.
 *
 * @param {number} value
 */
export const count = (value) => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');

/** @param {number} seconds */
export const milliseconds = (seconds) => `${(seconds * 1000).toFixed(1)} ms`;

/** @param {import('./tally.mjs').Tally} tally */
export function percentiles(tally) {
  return [50, 95, 99].map((p) => `p${p} ${milliseconds(tally.latency(p))}`).join('   ');
}

/** @param {readonly number[]} values */
export function sparkline(values) {
  const top = Math.max(...values, 1);
  return values.map((value) => LEVELS[Math.round((value / top) * (LEVELS.length - 1))]).join('');
}

/**
 * @param {number} part  0 to 1
 * @param {number} width
 */
export function bar(part, width) {
  const filled = Math.round(part * width);
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}
