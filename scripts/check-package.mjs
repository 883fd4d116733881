// Checks the tarball as the registry's users will meet it: publint for the manifest, are-the-types-wrong
// for what TypeScript resolves. Node 20.19 and newer load ES modules by require(), so the warning
// that a CommonJS importer meets one does not apply: hence the profile.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const rootDir = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const { resolve } = createRequire(import.meta.url);
const inPackage = (name, file) => path.join(rootDir, 'node_modules', name, file);

const checks = {
  publint: [path.resolve(resolve('publint'), '../cli.js'), '--strict'],
  'are-the-types-wrong': [
    inPackage('@arethetypeswrong/cli', 'dist/index.js'),
    ...['--pack', rootDir, '--profile', 'esm-only', '--format', 'ascii', '--no-color'],
  ],
};

for (const [name, [program, ...args]] of Object.entries(checks)) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: rootDir,
    encoding: 'utf8',
  });
  console.log(`${name}: ${status === 0 ? 'ok' : `failed\n${stdout}${stderr}`}`);
  if (status !== 0) process.exitCode = 1;
}
