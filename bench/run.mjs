// Runs the benchmarks; README.md beside this file says how and how to read what is printed.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { goals } from './goals.mjs';
import { evaluate } from './harness/evaluate.mjs';
import { describeMachine } from './harness/machine.mjs';
import { parseOptions, usage } from './harness/options.mjs';
import { formatSuite } from './harness/tables.mjs';
import { Unavailable } from './harness/unavailable.mjs';
import { suites } from './suites/index.mjs';

function readOptions() {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error.message}\n\n${usage}`);
    process.exit(2);
  }
}

const options = readOptions();
const print = options.json === '-' ? () => {} : console.log;
// On a terminal one line that is overwritten; elsewhere nothing.
const progress = (text) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
};

function chosenSuites() {
  const { names } = options;
  return suites.flatMap((suite) => {
    if (names.length === 0 || names.includes(suite.name))
      return [{ suite, isSelected: () => true }];
    const isSelected = (line) => names.some((word) => line.includes(word));
    return suite.lines.some(isSelected) ? [{ suite, isSelected }] : [];
  });
}

async function runSuite({ suite, isSelected }) {
  try {
    const { results, skipped } = await suite.run(options, isSelected, progress);
    return { ...evaluate(suite, results, goals), skipped, failures: results.failures };
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    const skipped = [{ peer: 'all', reason: error.message }];
    return { ...evaluate(suite, noResults, goals), skipped, failures: [] };
  } finally {
    progress('');
  }
}

const noResults = { lines: () => [] };

// A peer that cannot run at all fails everywhere with the same words.
function groupFailures(failures) {
  const groups = new Map();
  for (const { line, peer, reason } of failures) {
    const what = `${peer}: ${reason}`;
    groups.set(what, groups.has(what) ? `${groups.get(what)}; ${line}` : line);
  }
  return groups;
}

function printSuite(report) {
  print();
  for (const part of formatSuite(report)) print(`${part}\n`);
  for (const { peer, reason } of report.skipped) print(`skipped ${peer}: ${reason}`);
  for (const [what, lines] of groupFailures(report.failures)) print(`FAILED ${what} (${lines})`);
}

const chosen = chosenSuites();
if (options.list) {
  for (const { suite } of chosen) console.log([suite.name, ...suite.lines].join('\n  '));
} else if (chosen.length === 0) {
  console.error(`nothing is called ${options.names.join(' or ')}; see --list`);
  process.exitCode = 2;
} else {
  const node = spawnSync(options.node, ['--version'], { encoding: 'utf8' }).stdout.trim();
  const { rounds } = options;
  const machine = describeMachine();
  print(`Node ${node}, ${machine}, ${rounds} rounds`);
  const reports = [];
  for (const each of chosen) {
    const report = await runSuite(each);
    reports.push(report);
    printSuite(report);
  }
  if (reports.some((report) => report.failures.length > 0)) process.exitCode = 1;
  if (options.json !== null) {
    const text = `${JSON.stringify({ node, machine, rounds, suites: reports }, null, 2)}\n`;
    if (options.json === '-') process.stdout.write(text);
    else writeFileSync(options.json, text);
  }
}
