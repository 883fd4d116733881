// Makes the prebuilt binary of this machine's platform, stripped, into prebuilds/.
//
//   npm run prebuild                   for this machine's architecture
//   npm run prebuild -- --arch arm64   for another one: on Linux by Debian's g++-aarch64-linux-gnu
//   npm run prebuild -- --libc musl    on a Linux with glibc, for one with musl: by Zig, which is fetched
//   npm run prebuild -- --zig          on a Linux newer than what a release supports, for all that it does
//
// It compiles in a folder of its own, build/prebuild, so that the binary of a checkout that somebody is
// working in stays as it is. What a release holds is built by .github/workflows/release.yml, on the
// oldest systems supported; prebuilds.mjs beside this file says which binaries these are.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { HEADERS_OF_NODE } from './node-headers.mjs';
import { faultsOf, fileOf, libcOfHost, rootDir, targets } from './prebuilds.mjs';
import { findZig, zigEnvironment, zigTarget } from './zig.mjs';

const { platform } = process;
const hostLibc = libcOfHost();
const { arch, libc, zig } = parseArgs({
  options: {
    zig: { type: 'boolean', default: false },
    arch: { type: 'string', default: process.arch },
    libc: { type: 'string', ...(hostLibc !== undefined && { default: hostLibc }) },
  },
}).values;
const target = targets.find(
  (each) => each.platform === platform && each.arch === arch && each.libc === libc,
);
if (target === undefined) {
  const names = targets.map(fileOf).join('\n  ');
  const asked = [platform, arch, libc].filter(Boolean).join(' ');
  console.error(`no release holds a binary for ${asked}, only these:\n  ${names}`);
  process.exit(2);
}

/** Debian's names of GCC for the other architecture. */
function crossTools() {
  const prefix = `${arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu-`;
  const tools = { CC: 'gcc', CXX: 'g++', AR: 'ar', STRIP: 'strip' };
  return Object.fromEntries(Object.entries(tools).map(([name, tool]) => [name, prefix + tool]));
}

/** Zig for the other C library, or for an older one. It links its own C++ library in, and strips as it links. */
function zigTools() {
  const { program, reason } = findZig();
  if (program === undefined) {
    console.error(`a binary for ${zigTarget(target)} cannot be made here: ${reason}`);
    process.exit(1);
  }
  const compiler = (language) => `${program} ${language} -target ${zigTarget(target)}`;
  return { ...zigEnvironment, CC: compiler('cc'), CXX: compiler('c++'), LDFLAGS: '-s' };
}

function toolsOf() {
  if (zig || libc !== hostLibc) return zigTools();
  if (platform === 'linux' && arch !== process.arch) return crossTools();
  return { STRIP: 'strip' };
}

function run(command, args, options = {}) {
  // npm's node-gyp is a script, which Windows starts through a shell only.
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(1);
}

const tools = toolsOf();
const buildDir = path.join(rootDir, 'build', 'prebuild');
rmSync(buildDir, { recursive: true, force: true });
for (const part of ['native', 'binding.gyp', 'package.json']) {
  cpSync(path.join(rootDir, part), path.join(buildDir, part), { recursive: true });
}
run('node-gyp', ['rebuild', `--target=${HEADERS_OF_NODE}`, `--arch=${arch}`], {
  cwd: buildDir,
  env: { ...process.env, ...tools },
  shell: platform === 'win32',
});

const built = path.join(buildDir, 'build', 'Release', 'aionode.node');
if (platform === 'linux' && tools.STRIP) run(tools.STRIP, ['--strip-all', built]);
if (platform === 'darwin') run(tools.STRIP, ['-Sx', built]);
const file = path.join(rootDir, fileOf(target));
mkdirSync(path.dirname(file), { recursive: true });
cpSync(built, file);
rmSync(buildDir, { recursive: true });

console.log(`${fileOf(target)}: ${statSync(file).size} bytes`);
for (const fault of faultsOf(target)) console.warn(`not for a release: it ${fault}`);
