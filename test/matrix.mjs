// Runs the tests on every supported Node with one and the same binary, and with each V8 function that
// the addon looks up by name taken away.
//
//   npm run test:matrix              every test file on every other Node, the fallbacks
//   npm run test:matrix -- --brief   on the other Nodes what depends on the version
//   npm run test:matrix -- queues    only the test files whose path contains one of the words
//
// The other Nodes are packages of the npm registry, kept in node_modules/.cache. One that cannot be
// had, offline or on a platform without such a package, is printed as skipped.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const rootDir = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const cacheDir = path.join(rootDir, 'node_modules', '.cache', 'nodes');
const MAJORS = [20, 22, 24, 26];
/** Loop, tasks and sockets stand on V8, libuv and Node itself; documents and the package do not. */
const BRIEF = ['unit/', 'net/flow', 'net/handlers', 'conformance/'];
/** The names that AIONODE_DISABLE_V8 knows. */
const CAPABILITIES = ['checkpoint', 'frame', 'scriptid', 'promisestate'];
const FALLBACK_TESTS = ['conformance/', 'net/flow', 'net/handlers'];
/** Without a promise's state some of what the unit tests promise cannot be had: an eager task that is done at once. */
const runsUnitTests = (capability) => capability !== 'promisestate';

const words = process.argv.slice(2);
const chosen = words.filter((word) => word !== '--brief');
const filters = chosen.length === 0 && words.includes('--brief') ? BRIEF : chosen;

/** The program of a major version, installed where it is not there yet; or why it cannot be had. */
function nodeOf(major) {
  if (process.versions.node.startsWith(`${major}.`)) return { program: process.execPath };
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const folder = path.join(cacheDir, String(major));
  const file = process.platform === 'win32' ? 'node.exe' : 'node';
  const program = path.join(folder, 'node_modules', name, 'bin', file);
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
    const script = process.env.npm_execpath;
    const [npm, ...before] = script ? [process.execPath, script] : ['npm'];
    const args = [...before, 'install', '--no-save', '--ignore-scripts', `${name}@${major}`];
    const { status, stderr } = spawnSync(npm, args, { cwd: folder, encoding: 'utf8' });
    if (status !== 0)
      return { reason: `${name}@${major} could not be installed: ${stderr.trim()}` };
  }
  const { status, stderr, error } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return status === 0 ? { program } : { reason: `it does not start: ${error ?? stderr.trim()}` };
}

const results = [];

function run(label, program, files, env = {}) {
  console.log(`\n=== ${label}: ${files.join(' ') || 'all test files'}`);
  const { status } = spawnSync(program, [path.join('test', 'run.mjs'), ...files], {
    cwd: rootDir,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  results.push({ label, verdict: status === 0 ? 'passed' : 'FAILED' });
  if (status !== 0) process.exitCode = 1;
}

for (const major of MAJORS) {
  const { program, reason } = nodeOf(major);
  // `npm test` has just run here, on this very Node, in a brief run.
  if (program === process.execPath && words.includes('--brief')) continue;
  if (program === undefined)
    results.push({ label: `Node ${major}`, verdict: `skipped (${reason})` });
  else run(`Node ${major}`, program, filters);
}
if (chosen.length === 0) {
  for (const capability of CAPABILITIES) {
    const env = { AIONODE_DISABLE_V8: capability };
    const files = runsUnitTests(capability) ? ['unit/', ...FALLBACK_TESTS] : FALLBACK_TESTS;
    run(`without ${capability}`, process.execPath, files, env);
  }
}

console.log();
for (const { label, verdict } of results) console.log(`${label}: ${verdict}`);
