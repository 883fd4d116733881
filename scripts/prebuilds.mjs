// The prebuilt binaries that a release holds: which ones, under which names, and what each has to be.
// node-gyp-build finds them by these names: prebuilds/PLATFORM-ARCH/NAME[.LIBC].node.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const rootDir = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Every one of them is in a release, or the release is refused; .github/workflows/release.yml builds them. */
export const targets = [
  { platform: 'linux', arch: 'x64', libc: 'glibc' },
  { platform: 'linux', arch: 'x64', libc: 'musl' },
  { platform: 'linux', arch: 'arm64', libc: 'glibc' },
  { platform: 'linux', arch: 'arm64', libc: 'musl' },
  { platform: 'darwin', arch: 'x64' },
  { platform: 'darwin', arch: 'arm64' },
  { platform: 'win32', arch: 'x64' },
  { platform: 'win32', arch: 'arm64' },
];

export const fileOf = ({ platform, arch, libc }) =>
  `prebuilds/${platform}-${arch}/${libc === undefined ? 'aionode' : `aionode.${libc}`}.node`;

/** The C library of the Node that runs this; undefined where there is no choice. */
export const libcOfHost = () => {
  if (process.platform !== 'linux') return undefined;
  return process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
};

/**
 * The newest versions of the system's libraries that a binary may ask for: those that Node 20 asks
 * for itself (glibc 2.28), and the C++ library of the same systems (Debian 10, RHEL 8).
 */
export const FLOORS = { GLIBC: '2.28', GLIBCXX: '3.4.25', CXXABI: '1.3.11' };

const ELF_MACHINES = new Map([
  [62, 'x64'],
  [183, 'arm64'],
]);
const MACH_O_CPUS = new Map([
  [0x01000007, 'x64'],
  [0x0100000c, 'arm64'],
]);
const PE_MACHINES = new Map([
  [0x8664, 'x64'],
  [0xaa64, 'arm64'],
]);

/** For which machine a binary is, by its header: { platform, arch, libc? }. */
export function describeBinary(bytes) {
  if (bytes.length < 64) return { platform: 'none' };
  if (bytes.readUInt32BE(0) === 0x7f454c46) {
    const libc = bytes.includes('libc.so.6\0') ? 'glibc' : 'musl';
    return { platform: 'linux', arch: ELF_MACHINES.get(bytes.readUInt16LE(18)), libc };
  }
  if (bytes.readUInt32LE(0) === 0xfeedfacf) {
    return { platform: 'darwin', arch: MACH_O_CPUS.get(bytes.readUInt32LE(4)) };
  }
  const header = bytes.readUInt32LE(60);
  if (bytes.readUInt16LE(0) === 0x5a4d && header + 6 <= bytes.length) {
    return { platform: 'win32', arch: PE_MACHINES.get(bytes.readUInt16LE(header + 4)) };
  }
  return { platform: 'none' };
}

const compareVersions = (a, b) => a.localeCompare(b, 'en', { numeric: true });

/** What a binary asks for that is newer than its floor; the linker left the names as plain text. */
function aboveFloors(bytes) {
  const names = bytes.toString('latin1').matchAll(/\b(GLIBC|GLIBCXX|CXXABI)_(\d+(?:\.\d+)+)\0/g);
  return [...names]
    .filter(([, library, version]) => compareVersions(version, FLOORS[library]) > 0)
    .map(([, library, version]) => `needs ${library} ${version}, newer than ${FLOORS[library]}`);
}

/** What is wrong with the file of a target under `folder`: texts, none if it can be released. */
export function faultsOf(target, folder = rootDir) {
  let bytes;
  try {
    bytes = readFileSync(path.join(folder, fileOf(target)));
  } catch {
    return ['is missing'];
  }
  const found = describeBinary(bytes);
  const differs = ['platform', 'arch', 'libc'].some((key) => found[key] !== target[key]);
  if (differs)
    return [`is for ${[found.platform, found.arch, found.libc].filter(Boolean).join(' ')}`];
  const faults = target.libc === 'glibc' ? aboveFloors(bytes) : [];
  if (!bytes.includes('napi_register_module_v1')) faults.push('registers no Node-API module');
  return faults;
}
