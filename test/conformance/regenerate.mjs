// Writes traces/ anew: what CPython's asyncio does with every scenario and with the random programs.
//
//   node test/conformance/regenerate.mjs                 writes
//   node test/conformance/regenerate.mjs --check         only compares, exit code 1 on a difference
//   node test/conformance/regenerate.mjs --also python3  also lists the scenarios where it differs
//
// CPython 3.14 and 3.15 run in WebAssembly and are installed on first use (oracle/package.json).
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { programs } from './generate.mjs';
import { startPython } from './oracle/python.mjs';

const SCENARIOS = new URL('scenarios/', import.meta.url);
const PAIRS = new URL('pairs/', import.meta.url);
const TRACES = new URL('traces/', import.meta.url);
const CORPUS = [
  { name: 'random', timed: false, count: 300, seed: 20_260_101 },
  { name: 'random-timed', timed: true, count: 80, seed: 20_260_102 },
];
// Shorter ones say little.
const MIN_TRACE = 5;

const { values: options } = parseArgs({
  options: { check: { type: 'boolean' }, also: { type: 'string' } },
});

const stable = await startPython('3.14');
const next = await startPython('3.15');
const other = options.also && (await startPython(options.also));
const stale = [];

await saveTexts(SCENARIOS, '.steps', (text) => ({ scenarios: text }));
await saveTexts(PAIRS, '.py', (text) => ({ pairs: text }));
for (const { name, timed, count, seed } of CORPUS) {
  const drawn = fc.sample(programs({ timed }), { seed, numRuns: 3 * count });
  const entries = await ask({ programs: drawn }, name);
  const usable = entries.filter((entry) => !entry.problem && entry.trace.length >= MIN_TRACE);
  if (usable.length < count) throw new Error(`only ${usable.length} usable programs`);
  save(name, { seed, scenarios: usable.slice(0, count) });
}

for (const python of [stable, next, other]) python?.stop();
if (stale.length > 0) {
  console.error(`Different from what is committed: ${stale.join(', ')}`);
  process.exitCode = 1;
}

async function saveTexts(folder, extension, requestOf) {
  for (const file of readdirSync(folder).filter((name) => name.endsWith(extension))) {
    const text = readFileSync(new URL(file, folder), 'utf8').replaceAll('\r\n', '\n');
    const entries = await ask(requestOf(text), file);
    for (const { name, problem } of entries) {
      if (problem) throw new Error(`${file}: ${name}: ${problem}`);
    }
    const source = { file, sha256: createHash('sha256').update(text).digest('hex') };
    save(file.slice(0, -extension.length), { source, scenarios: entries });
  }
}

/**
 * The traces of 3.14; 3.15's where they differ, with 3.14's beside them; 3.15's alone where 3.14 lacks
 * what the program uses.
 */
async function ask(request, title) {
  const [old, fresh] = [await stable.answer(request), await next.answer(request)];
  if (other && !request.programs) list(await other.answer(request), fresh, title);
  return fresh.results.map((result, i) => {
    const before = old.results[i];
    const { name, program, trace } = result;
    const problem = problemOf(result);
    if (before.missing) return { name, python: fresh.python, program, trace, problem };
    if (same(before.trace, trace)) return { name, python: old.python, program, trace, problem };
    const differs = { [old.python]: before.trace };
    return { name, python: fresh.python, program, trace, differs, problem };
  });
}

/** Why a program can't be compared, if so. Without a clock being stuck is an end like any other. */
function problemOf({ program, missing, ambiguous, stuck }) {
  if (missing) return `there is no ${missing}`;
  if (ambiguous) return 'two deadlines are too close to each other';
  if (stuck && JSON.stringify(program).includes('"@')) return 'it never ends';
  return undefined;
}

function list(answer, reference, title) {
  answer.results.forEach((result, i) => {
    if (same(result.trace, reference.results[i].trace)) return;
    const reason = result.missing ? `has no ${result.missing}` : JSON.stringify(result.trace);
    console.log(`${title}: ${result.name}: ${answer.python} ${reason}`);
  });
}

/** One line per scenario, so that a change of one is a change of one line. */
function save(name, { scenarios, ...head }) {
  const lines = scenarios.map((entry) => `    ${JSON.stringify(entry)}`).join(',\n');
  const start = JSON.stringify(head, null, 2).slice(0, -2);
  const text = `${start},\n  "scenarios": [\n${lines}\n  ]\n}\n`;
  const file = new URL(`${name}.json.snap`, TRACES);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  if (options.check) stale.push(name);
  else writeFileSync(file, text);
}

function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}
