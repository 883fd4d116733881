import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { benchDir, buildDir } from './paths.mjs';
import { Unavailable } from './unavailable.mjs';

const sourcesOf = (source) =>
  source.endsWith('.c') ? [source] : readdirSync(source).map((name) => path.join(source, name));

function isFresh(binary, sources) {
  const built = statSync(binary, { throwIfNoEntry: false });
  return built !== undefined && sources.every((file) => statSync(file).mtimeMs < built.mtimeMs);
}

/**
 * Compiles a C file, or the C files of a folder, below bench/; returns the program's path. `name` tells
 * apart what is made of the same sources with other flags.
 */
export function compile(source, flags = [], name = path.basename(source, '.c')) {
  const sources = sourcesOf(path.join(benchDir, source));
  const binary = path.join(buildDir, name);
  if (isFresh(binary, sources)) return binary;
  mkdirSync(buildDir, { recursive: true });
  const files = sources.filter((file) => file.endsWith('.c'));
  const args = ['-std=gnu11', '-O2', '-o', binary, ...files, ...flags];
  const { error, status, stderr } = spawnSync('cc', args, { encoding: 'utf8' });
  if (error !== undefined) throw new Unavailable('no C compiler (cc)');
  if (status !== 0) {
    const reason = stderr.split('\n').find((line) => line.includes('error')) ?? stderr;
    throw new Unavailable(`cannot compile ${source}: ${reason.trim()}`);
  }
  return binary;
}
