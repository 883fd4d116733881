// Runs the compiled tests, then the unit tests of the native core.
//
//   node test/run.mjs                          everything
//   node test/run.mjs queues lifecycle/        the test files whose path contains one of the words
//   node test/run.mjs --test-name-pattern=put  options go to Node's test runner
//
// The list of files is made from the sources, for two reasons: Node 20's --test takes no globs, and
// output that the compiler left behind for a deleted test must not run.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const testDir = path.dirname(fileURLToPath(import.meta.url));
const rootDir = path.dirname(testDir);
// Ends a test that hangs; far above what any test needs on the slowest machine.
const HANG_MS = 300_000;

const options = process.argv.slice(2).filter((argument) => argument.startsWith('-'));
const filters = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const isSelected = (file) => filters.length === 0 || filters.some((word) => file.includes(word));

const sources = readdirSync(testDir, { recursive: true })
  .map((file) => file.split(path.sep).join('/'))
  .filter((file) => file.endsWith('.test.ts') && isSelected(file))
  .sort();
const wantsNative = isSelected('native/');

if (sources.length === 0 && !wantsNative) {
  console.error(`No test file matches: ${filters.join(' ')}`);
  process.exit(1);
}

function run(args) {
  const { status, error } = spawnSync(process.execPath, args, { cwd: rootDir, stdio: 'inherit' });
  if (error !== undefined) throw error;
  return status === 0;
}

const compiled = sources.map((file) => `build/tests/${file.replace(/\.ts$/, '.js')}`);
const results = [
  sources.length === 0 ||
    run([
      '--enable-source-maps',
      '--expose-gc',
      '--test',
      // Most tests wait more than they compute.
      `--test-concurrency=${Math.max(2, availableParallelism() - 1)}`,
      '--test-reporter=spec',
      `--test-timeout=${HANG_MS}`,
      ...options,
      ...compiled,
    ]),
  !wantsNative || run([path.join('test', 'native', 'run.mjs'), '--unit-only']),
];
process.exitCode = results.every(Boolean) ? 0 : 1;
