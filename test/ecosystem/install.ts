/**
 * Fetches the servers that the tests talk to, Redis and PostgreSQL, from Debian's archive into
 * node_modules/.cache: unpacked only, nothing is installed and no root is needed. Programs that are on
 * the machine already are used as they are.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { CACHE, findProgram, UNPACKED } from './programs.js';

const NEEDED = [
  { program: 'redis-server', debian: 'redis-server' },
  { program: 'postgres', debian: 'postgresql' },
];

function succeeds(command: string, ...args: string[]): boolean {
  const { status, error } = spawnSync(command, args, { stdio: 'ignore', timeout: 300_000 });
  return error === undefined && status === 0;
}

function fetchFromDebian(packages: readonly string[]): boolean {
  const archives = path.join(CACHE, 'archives');
  mkdirSync(path.join(archives, 'partial'), { recursive: true });
  mkdirSync(UNPACKED, { recursive: true });
  const fetched = succeeds(
    'apt-get',
    ...['install', '--yes', '--download-only', '--no-install-recommends'],
    ...['-o', `Dir::Cache::archives=${archives}`, '-o', 'Debug::NoLocking=true'],
    ...packages,
  );
  if (!fetched) return false;
  return readdirSync(archives)
    .filter((file) => file.endsWith('.deb'))
    .every((file) => succeeds('dpkg', '--extract', path.join(archives, file), UNPACKED));
}

const missing = NEEDED.filter(({ program }) => findProgram(program) === undefined);
const packages = missing.map(({ debian }) => debian);
if (packages.length > 0 && !fetchFromDebian(packages)) {
  console.log(`not fetched from Debian: ${packages.join(', ')}; their tests will be skipped`);
}
for (const { program } of NEEDED) console.log(`${program}: ${findProgram(program) ?? 'missing'}`);
