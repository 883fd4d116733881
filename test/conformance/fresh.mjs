// Runs new random programs on aionode and on CPython and prints the smallest that differs.
//
//   node test/conformance/fresh.mjs --runs 1000 --seed 1 [--timed] [--python 3.14|3.15|python3]
//
// The compiled tests must be up to date (npx tsc -b && npx tsc -b test).
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { isSame, reportOf, traceOf } from '../../build/tests/conformance/interpreter/compare.js';
import { programs } from './generate.mjs';
import { startPython } from './oracle/python.mjs';

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '500' },
    seed: { type: 'string' },
    timed: { type: 'boolean', default: false },
    python: { type: 'string', default: '3.14' },
  },
});

const python = await startPython(options.python);

// Of the last program that differed: fast-check shrinks, so that is the smallest.
let report = '';

const arbitrary = programs({ timed: options.timed, cancelsGroups: options.python === '3.15' });
const property = fc.asyncProperty(arbitrary, async (program) => {
  const [result] = (await python.answer({ programs: [program] })).results;
  fc.pre(!result.missing && !result.ambiguous && !(options.timed && result.stuck));
  const trace = await traceOf(program, result.trace);
  const same = isSame(trace, result.trace);
  if (!same) report = reportOf(program, trace, result.trace);
  return same;
});
const outcome = await fc.check(property, {
  numRuns: Number(options.runs),
  ...(options.seed === undefined ? {} : { seed: Number(options.seed) }),
});

if (outcome.failed && outcome.counterexample !== null) {
  console.log(`${report}\n`);
  console.log(`Differs after ${outcome.numRuns} programs, seed ${outcome.seed}.`);
  process.exitCode = 1;
} else {
  console.log(`No difference in ${outcome.numRuns} programs, seed ${outcome.seed}.`);
}
python.stop();
