// A million echo requests with random cancellations, timeouts, aborts and resets; then nothing may be
// left over: no handle, no task, no file descriptor, no byte, no report to the exception handler.
//
//   npm run soak
//   npm run soak -- --requests 20000 --clients 50 --seed 7
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { allTasks, gather, getRunningLoop, run, sleep, startServer } from 'aionode';
import { native } from '../../dist/native.js';
import { Client, newCounts } from './clients.mjs';
import { echo } from './echo.mjs';

const MIB = 1 << 20;
/** Rounds of Node's loop in which every closing handle must be gone. */
const ROUNDS_TO_CLOSE = 1000;
/**
 * What may be more at the end than after the first requests: the garbage collector's slack, and
 * buffers in stock for large reads. A leak of 16 bytes per request shows in a million.
 */
const HEAP_SLACK = 16 * MIB;
const BUFFER_SLACK = 16 * MIB;
const PROGRESS_MS = 10_000;

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000000' },
    clients: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
  },
});
const requests = Number(values.requests);
const clients = Number(values.clients);
const seed = Number(values.seed);

if (globalThis.gc === undefined) {
  console.error('run with: node --expose-gc test/soak/soak.mjs');
  process.exit(2);
}

async function collect() {
  for (let round = 0; round < 3; round++) {
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heapUsed, arrayBuffers };
}

/** null where the system does not tell. */
function openFiles() {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : null;
}

const reports = [];
const counts = newCounts();
let left = 0;

function take() {
  left -= 1;
  return left >= 0;
}

async function load(count) {
  left = count;
  const server = await startServer(echo, '127.0.0.1', 0, { backlog: 1000 });
  await gather(
    ...Array.from({ length: clients }, (_, index) => () => {
      return new Client(seed * 1_000_003 + index * 7919, server, counts).run(take);
    }),
  );
  server.close();
  await server.waitClosed();
  while (server.handlers.size > 0) await sleep(0);
}

async function settle() {
  for (let round = 0; native.handleCount() > 0 && round < ROUNDS_TO_CLOSE; round++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const started = performance.now();
const progress = setInterval(() => {
  console.log(`${Math.round((performance.now() - started) / 1000)} s`, JSON.stringify(counts));
}, PROGRESS_MS);

let before;
let tasksLeft = 0;
let filesBefore;
await run(async () => {
  getRunningLoop().setExceptionHandler((_loop, context) => reports.push(context));
  // The first requests fill what is filled once.
  await load(Math.min(5000, Math.ceil(requests / 4)));
  await settle();
  before = await collect();
  filesBefore = openFiles();
  await load(requests);
  tasksLeft = allTasks().size - 1;
});
clearInterval(progress);
await settle();
const after = await collect();

const failures = [];
function check(holds, what) {
  if (!holds) failures.push(what);
}
const heapGrowth = after.heapUsed - before.heapUsed;
const bufferGrowth = after.arrayBuffers - before.arrayBuffers;
check(counts.wrong === 0, `${counts.wrong} wrong answers`);
check(counts.answered > 0, 'no request was answered');
check(native.handleCount() === 0, `${native.handleCount()} handles left over`);
check(tasksLeft === 0, `${tasksLeft} tasks left over`);
check(openFiles() === filesBefore, `${openFiles()} files open, ${filesBefore} before`);
check(heapGrowth < HEAP_SLACK, `the heap grew by ${heapGrowth} bytes`);
check(bufferGrowth < BUFFER_SLACK, `buffers grew by ${bufferGrowth} bytes`);
check(reports.length === 0, `${reports.length} reports, the first: ${reports[0]?.message}`);
for (const report of reports.slice(0, 3)) console.error(report.message, report.exception);

const seconds = (performance.now() - started) / 1000;
console.log(`${seconds.toFixed(1)} s`, JSON.stringify(counts));
console.log(`heap ${heapGrowth} bytes, buffers ${bufferGrowth} bytes more than after the start`);
if (failures.length > 0) {
  for (const failure of failures) console.error(`FAILED: ${failure}`);
  process.exitCode = 1;
} else {
  console.log('nothing left over');
}
