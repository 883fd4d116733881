// Makes the prebuilt binary of this machine's platform, stripped, into prebuilds/.
//
//   npm run prebuild                   for this machine's architecture
//   npm run prebuild -- --arch arm64   for another one: on Linux by Debian's g++-aarch64-linux-gnu
//
// It compiles in a folder of its own, build/prebuild, so that the binary of a checkout that somebody is
// working in stays as it is. What a release holds is built by .github/workflows/release.yml, on the
// oldest systems supported; prebuilds.mjs beside this file says which binaries these are.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { faultsOf, fileOf, libcOfHost, rootDir, targets } from './prebuilds.mjs';

/** The oldest supported Node: what is built against its headers loads in every later one. */
const HEADERS_OF_NODE = '20.19.0';

const { platform } = process;
const { arch } = parseArgs({ options: { arch: { type: 'string', default: process.arch } } }).values;
const libc = libcOfHost();
const target = targets.find(
  (each) => each.platform === platform && each.arch === arch && each.libc === libc,
);
if (target === undefined) {
  const names = targets.map(fileOf).join('\n  ');
  console.error(`no release holds a binary for ${platform} ${arch}, only these:\n  ${names}`);
  process.exit(2);
}

/** Debian's names of GCC for the other architecture. */
function crossTools() {
  const prefix = `${arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu-`;
  const tools = { CC: 'gcc', CXX: 'g++', AR: 'ar', STRIP: 'strip' };
  return Object.fromEntries(Object.entries(tools).map(([name, tool]) => [name, prefix + tool]));
}

function run(command, args, options = {}) {
  // npm's node-gyp is a script, which Windows starts through a shell only.
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(1);
}

const tools = platform === 'linux' && arch !== process.arch ? crossTools() : { STRIP: 'strip' };
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
if (platform === 'linux') run(tools.STRIP, ['--strip-all', built]);
if (platform === 'darwin') run(tools.STRIP, ['-Sx', built]);
const file = path.join(rootDir, fileOf(target));
mkdirSync(path.dirname(file), { recursive: true });
cpSync(built, file);
rmSync(buildDir, { recursive: true });

console.log(`${fileOf(target)}: ${statSync(file).size} bytes`);
for (const fault of faultsOf(target)) console.warn(`not for a release: it ${fault}`);
