/** The package as a user has it: packed, then installed from the tarball into an empty project. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

export const ROOT = path.dirname(createRequire(import.meta.url).resolve('aionode/package.json'));

/** One prebuilt binary of a release. */
export interface Target {
  readonly platform: string;
  readonly arch: string;
  readonly libc?: string;
}

interface Prebuilds {
  readonly targets: readonly Target[];
  fileOf(target: Target): string;
  libcOfHost(): string | undefined;
  describeBinary(bytes: Buffer): Partial<Target>;
  faultsOf(target: Target, folder: string): string[];
}

const module = pathToFileURL(path.join(ROOT, 'scripts', 'prebuilds.mjs')).href;
export const prebuilds = (await import(module)) as Prebuilds;

/** The name under which a release has the binary that fits this machine. */
export function fittingPrebuild(): string {
  const { platform, arch } = process;
  const libc = prebuilds.libcOfHost();
  return prebuilds.fileOf({ platform, arch, ...(libc !== undefined && { libc }) });
}

/** The binary that this test run has loaded, as node-gyp-build chooses it. */
export function testedBinary(): string {
  const built = path.join(ROOT, 'build', 'Release', 'aionode.node');
  const wantsPrebuilt = process.env.PREBUILDS_ONLY !== undefined || !existsSync(built);
  return wantsPrebuilt ? path.join(ROOT, fittingPrebuild()) : built;
}

export function run(command: string, args: string[], cwd: string, env = process.env) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  return { status, stdout, stderr };
}

export function npm(args: string[], cwd: string, env = process.env) {
  // Set by `npm test`. Started through Node, because npm itself is a shell script on Windows.
  const script = process.env.npm_execpath;
  return script ? run(process.execPath, [script, ...args], cwd, env) : run('npm', args, cwd, env);
}

function npmJson<T>(args: string[], cwd: string): T {
  const { status, stdout, stderr } = npm(args, cwd);
  assert.equal(status, 0, `npm ${args.join(' ')}\n${stderr}`);
  return JSON.parse(stdout) as T;
}

export interface Project {
  readonly folder: string;
  /** The installed package. */
  readonly installed: string;
  /** What the tarball holds. */
  readonly files: string[];
  write(name: string, text: string): void;
  runProgram(
    name: string,
    text: string,
    env?: NodeJS.ProcessEnv,
  ): { status: number | null; stdout: string; stderr: string };
  remove(): void;
}

/**
 * Without install scripts: the test run has compiled, and users may refuse scripts. A release holds
 * prebuilt binaries; a checkout gives the one that it tests, under the name it has in a release.
 */
export function installPackage(): Project {
  const folder = mkdtempSync(path.join(tmpdir(), 'aionode-package-'));
  const installed = path.join(folder, 'node_modules', 'aionode');
  const options = ['--json', '--ignore-scripts'];
  type Tarball = { filename: string; files: { path: string }[] };
  const [tarball] = npmJson<Tarball[]>(['pack', ...options, '--pack-destination', folder], ROOT);
  assert.ok(tarball);

  const write = (name: string, text: string) => writeFileSync(path.join(folder, name), text);
  // The dependency comes from this checkout, so that installing needs no network.
  const dependency = `file:${path.join(ROOT, 'node_modules', 'node-gyp-build')}`;
  const manifest = {
    private: true,
    dependencies: { aionode: `file:${tarball.filename}` },
    overrides: { 'node-gyp-build': dependency },
  };
  write('package.json', JSON.stringify(manifest));
  npmJson(['install', ...options, '--offline', '--no-audit', '--no-fund'], folder);

  const prebuilt = path.join(installed, fittingPrebuild());
  mkdirSync(path.dirname(prebuilt), { recursive: true });
  cpSync(testedBinary(), prebuilt);
  return {
    folder,
    installed,
    files: tarball.files.map((file) => file.path),
    write,
    runProgram(name, text, env) {
      write(name, text);
      return run(process.execPath, [name], folder, env);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
