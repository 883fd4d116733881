/** Finds the programs of other projects that these tests talk to. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../support/example-process.js';

export const CACHE = path.join(ROOT, 'node_modules', '.cache', 'ecosystem');
/** Where install.ts unpacks what it fetches. */
export const UNPACKED = path.join(CACHE, 'root');

function foldersOf(base: string): string[] {
  const versions = path.join(base, 'usr', 'lib', 'postgresql');
  const postgres = existsSync(versions)
    ? readdirSync(versions).map((version) => path.join(versions, version, 'bin'))
    : [];
  return [path.join(base, 'usr', 'bin'), ...postgres];
}

/** The full name of a program: on the PATH, where Debian puts it, or unpacked by install.ts. */
export function findProgram(name: string): string | undefined {
  const folders = [
    ...(process.env.PATH ?? '').split(path.delimiter),
    ...foldersOf('/'),
    ...foldersOf(UNPACKED),
  ];
  return folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
}

/** Why a test that needs the programs has to be skipped; false when they are all here. */
export function missing(...names: string[]): string | false {
  const absent = names.filter((name) => findProgram(name) === undefined);
  if (absent.length === 0) return false;
  return `no ${absent.join(', ')}: \`npm run test:ecosystem\` fetches it from Debian`;
}

/** The environment in which unpacked programs find their libraries. */
export function environment(): NodeJS.ProcessEnv {
  const base = path.join(UNPACKED, 'usr', 'lib');
  if (!existsSync(base)) return process.env;
  const folders = readdirSync(base).filter((name) => name.includes('-linux-'));
  const libraries = folders.map((name) => path.join(base, name)).join(':');
  return { ...process.env, LD_LIBRARY_PATH: libraries };
}
