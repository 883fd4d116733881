// Compiles and links the addon for the systems that this machine is not, macOS, Windows and Linux with
// musl, with every warning an error. It shows that each call has its twin there, not that it works: that
// is tested on these systems by .github/workflows, with the binaries that their own compilers made.
//
//   npm run check:portability                   all of them
//   npm run check:portability -- win32 arm64    those whose file name has all of the words
//
// The compiler is fetched (zig.mjs); where it cannot be, this says so and passes.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { nodeHeaders } from './node-headers.mjs';
import { describeBinary, fileOf, rootDir, targets } from './prebuilds.mjs';
import { findZig, zigEnvironment, zigTarget } from './zig.mjs';

const outDir = path.join(rootDir, 'build', 'portability');
const readJson = (file) => JSON.parse(readFileSync(path.join(rootDir, file), 'utf8'));
const sources = Object.values(readJson('native/sources.json')).flat();

const [{ cflags_cc, defines, conditions }] = readJson('binding.gyp').targets;

/** As binding.gyp compiles, and stricter: MSVC has none of the extensions that -Wpedantic finds. */
function compilerFlags() {
  const all = ['BUILDING_NODE_EXTENSION', 'NODE_GYP_MODULE_NAME=aionode', ...defines];
  return [...cflags_cc, '-Wpedantic', '-Werror', ...all.map((define) => `-D${define}`)];
}

function run(program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: rootDir,
    encoding: 'utf8',
    env: { ...process.env, ...zigEnvironment },
  });
  if (error !== undefined) throw error;
  return status === 0 ? '' : `${stdout}${stderr}`;
}

/** Every function of Node that its headers declare, and no other. */
function declaredNames(headers) {
  const text = ['js_native_api.h', 'node_api.h', 'uv.h']
    .map((file) => readFileSync(path.join(headers, file), 'utf8'))
    .join('\n');
  return [...new Set(text.match(/\b(napi|node_api|uv)_\w+(?=\()/g))];
}

/** What stands for node.exe when a DLL is linked. */
function importLibrary(zig, headers, arch) {
  const definition = path.join(outDir, `node-${arch}.def`);
  const library = path.join(outDir, `node-${arch}.lib`);
  writeFileSync(definition, `EXPORTS\n${declaredNames(headers).join('\n')}\n`);
  const machine = arch === 'arm64' ? 'arm64' : 'i386:x86-64';
  const args = ['-m', machine, '-D', 'node.exe', '-d', definition, '-l', library];
  const failure = run(zig, ['dlltool', ...args]);
  if (failure) throw new Error(failure);
  return library;
}

/** What stands for Node when a macOS library is linked, as Apple's own SDK describes libraries. */
function libraryStub(headers) {
  const symbols = declaredNames(headers).map((name) => `_${name}`);
  const text = `--- !tapi-tbd
tbd-version: 4
targets: [ x86_64-macos, arm64-macos ]
install-name: '/node'
exports:
  - targets: [ x86_64-macos, arm64-macos ]
    symbols: [ ${symbols.join(', ')} ]
...
`;
  const file = path.join(outDir, 'libnode.tbd');
  writeFileSync(file, text);
  return file;
}

/** How a target's linker is told that Node's functions come from the program that loads the addon. */
function linkerFlags(zig, headers, { platform, arch }) {
  if (platform === 'darwin') return [`-L${path.dirname(libraryStub(headers))}`, '-lnode'];
  if (platform !== 'win32') return [];
  const [[, { libraries }]] = conditions.filter(([condition]) => condition === "OS=='win'");
  return [
    importLibrary(zig, headers, arch),
    ...libraries.map((name) => name.replace(/\.lib$/, '')),
  ];
}

function check(zig, headers, target) {
  const file = path.join(outDir, `${zigTarget(target)}.node`);
  const failure = run(zig, [
    ...['c++', '-target', zigTarget(target), '-shared', '-fPIC', '-s', '-o', file],
    ...[...compilerFlags(), '-isystem', headers, ...sources, ...linkerFlags(zig, headers, target)],
  ]);
  if (failure) return failure;
  const bytes = readFileSync(file);
  // A shared object of Linux may leave names open. Ours are hidden and stripped if they are defined.
  const names = target.platform === 'linux' ? bytes.toString('latin1') : '';
  const [missing] = /_ZNK?7aionode\w+/.exec(names) ?? [];
  if (missing !== undefined) return `${missing} is used and not defined`;
  const found = describeBinary(bytes);
  const differs = ['platform', 'arch', 'libc'].some((key) => found[key] !== target[key]);
  return differs ? `the binary is for ${Object.values(found).join(' ')}` : '';
}

const words = process.argv.slice(2);
const chosen = targets.filter(
  (target) => target.libc !== 'glibc' && words.every((word) => fileOf(target).includes(word)),
);
const { program, reason } = findZig();
if (program === undefined) {
  console.log(`portability: skipped (${reason})`);
} else {
  mkdirSync(outDir, { recursive: true });
  const headers = nodeHeaders();
  for (const target of chosen) {
    const failure = check(program, headers, target);
    const name = [target.platform, target.arch, target.libc].filter(Boolean).join(' ');
    console.log(`portability: ${name}: ${failure === '' ? 'ok' : `failed\n${failure}`}`);
    if (failure !== '') process.exitCode = 1;
  }
}
