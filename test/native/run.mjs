// Checks the C++ sources: unit tests of native/core under sanitizers, clang-format, clang-tidy.
//
//   node test/native/run.mjs              all of it
//   node test/native/run.mjs --unit-only  the unit tests
//
// No tool is required: what cannot run here is printed as skipped, with the reason. CMake is used
// where it is installed; without it the compiler is called directly.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const rootDir = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const buildDir = 'build/cmake';
// What clang-format prints and clang-tidy finds differs between majors, so one is agreed on.
const LLVM_MAJOR = '14';

const readJson = (file) => JSON.parse(readFileSync(path.join(rootDir, file), 'utf8'));
const filesIn = (dir, pattern) =>
  readdirSync(path.join(rootDir, dir), { recursive: true })
    .map((file) => `${dir}/${file.split(path.sep).join('/')}`)
    .filter((file) => pattern.test(file))
    .sort();

const isInstalled = (tool) => spawnSync(tool, ['--version']).status === 0;

/** Runs a command and shows what it printed if it fails. */
function succeeds(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: rootDir,
    encoding: 'utf8',
  });
  if (status === 0) return true;
  console.error(`$ ${command} ${args.join(' ')}\n${error ?? `${stdout}${stderr}`}`);
  return false;
}

const skipped = (reason) => `skipped (${reason})`;
const verdict = (passed) => (passed ? 'ok' : 'failed');

function configure() {
  return succeeds('cmake', ['-S', '.', '-B', buildDir]);
}

function testWithCMake() {
  const jobs = String(availableParallelism());
  if (!configure() || !succeeds('cmake', ['--build', buildDir, '-j', jobs])) return false;
  const args = ['--test-dir', buildDir, '--output-on-failure', '-j', jobs];
  return spawnSync('ctest', args, { cwd: rootDir, stdio: 'inherit' }).status === 0;
}

function testWithCompiler(compiler) {
  const { warnings, sanitizers } = readJson('test/native/flags.json');
  const shared = ['test/native/harness.cc', ...readJson('native/sources.json').core];
  const outDir = 'build/native-tests';
  mkdirSync(path.join(rootDir, outDir), { recursive: true });

  const canSanitize =
    spawnSync(compiler, [...sanitizers, '-x', 'c++', '-', '-o', path.join(outDir, 'probe')], {
      cwd: rootDir,
      input: 'int main() { return 0; }',
    }).status === 0;
  if (!canSanitize) console.log('native: the compiler has no sanitizers: tests run without them');
  const flags = ['-std=c++17', '-g', '-O1', ...warnings, ...(canSanitize ? sanitizers : [])];

  return filesIn('test/native', /_test\.cc$/)
    .map((source) => {
      const program = path.join(rootDir, outDir, path.basename(source, '.cc'));
      const passed =
        succeeds(compiler, [...flags, source, ...shared, '-o', program]) && succeeds(program, []);
      console.log(`native: ${path.basename(program)}: ${verdict(passed)}`);
      return passed;
    })
    .every(Boolean);
}

function unitTests() {
  if (process.platform === 'win32') return skipped('they are built by GCC or Clang');
  const compiler = [process.env.CXX, 'c++', 'g++', 'clang++'].find(
    (name) => name && isInstalled(name),
  );
  if (compiler === undefined) return skipped('no C++ compiler');
  return verdict(isInstalled('cmake') ? testWithCMake() : testWithCompiler(compiler));
}

function findLlvm(tool) {
  return [`${tool}-${LLVM_MAJOR}`, tool].find((name) =>
    spawnSync(name, ['--version'], { encoding: 'utf8' }).stdout?.includes(`version ${LLVM_MAJOR}.`),
  );
}

function format() {
  const clangFormat = findLlvm('clang-format');
  if (clangFormat === undefined) return skipped(`no clang-format ${LLVM_MAJOR}`);
  const files = [...filesIn('native', /\.(cc|h)$/), ...filesIn('test/native', /\.(cc|h)$/)];
  const { status, stderr } = spawnSync(clangFormat, ['--dry-run', '-Werror', ...files], {
    cwd: rootDir,
    encoding: 'utf8',
  });
  if (status === 0) return 'ok';
  const unformatted = new Set(stderr.match(/^[^:\n]+(?=:\d+:\d+: error)/gm));
  console.error(`${clangFormat} -i ${[...unformatted].join(' ')}`);
  return 'failed';
}

async function tidy() {
  const clangTidy = findLlvm('clang-tidy');
  if (clangTidy === undefined) return skipped(`no clang-tidy ${LLVM_MAJOR}`);
  if (!isInstalled('cmake')) return skipped('no cmake to list the compile commands');
  if (!configure()) return 'failed';

  const known = new Set(readJson(`${buildDir}/compile_commands.json`).map(({ file }) => file));
  const files = [...filesIn('native', /\.cc$/), ...filesIn('test/native', /\.cc$/)].filter((file) =>
    known.has(path.join(rootDir, file)),
  );
  const check = (file) =>
    new Promise((resolve) => {
      const child = spawn(clangTidy, ['-p', buildDir, '--quiet', file], {
        cwd: rootDir,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let findings = '';
      child.stdout.setEncoding('utf8').on('data', (text) => {
        findings += text;
      });
      child.on('close', (code) => {
        if (code !== 0) console.error(findings);
        resolve(code === 0);
      });
    });

  let passed = true;
  const worker = async () => {
    for (let file = files.shift(); file !== undefined; file = files.shift()) {
      passed = (await check(file)) && passed;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return verdict(passed);
}

const steps = { 'unit tests': unitTests };
if (!process.argv.includes('--unit-only')) {
  Object.assign(steps, { 'clang-format': format, 'clang-tidy': tidy });
}
for (const [name, step] of Object.entries(steps)) {
  const outcome = await step();
  console.log(`native: ${name}: ${outcome}`);
  if (outcome === 'failed') process.exitCode = 1;
}
