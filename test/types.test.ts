/** Programs of users in strict TypeScript 5.2, 5.9, 6 and 7 and in plain JavaScript: they check, compile and run. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { installPackage, npm, type Project, ROOT, run } from './support/installed-package.js';

/** The first one is the project's own; the others are fetched once, where the registry is reached. */
const COMPILERS = ['6.0.3', '5.2.2', '5.9.3', '7.0.2'];
/** The oldest that knows `using`. It does not know that a module can be required, as 5.8 does. */
const OLDEST = '5.2.2';
const OWN = path.join(ROOT, 'node_modules');

const PROGRAMS = {
  'inference.mts': { compiled: 'inference.mjs', stdout: '2 fff\n' },
  'required.cts': { compiled: 'required.cjs', stdout: '2 true\n' },
  'imported.js': { compiled: 'imported.js', stdout: '1.0 TWO\n' },
  'required.cjs': { compiled: 'plain/required.cjs', stdout: '3.0\n' },
};

function compilerOf(version: string): string | undefined {
  const folder = version === COMPILERS[0] ? ROOT : path.join(OWN, '.cache', 'typescript', version);
  const program = path.join(folder, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
    npm(['install', '--no-save', '--ignore-scripts', `typescript@${version}`], folder);
  }
  return existsSync(program) ? program : undefined;
}

describe("users' programs", () => {
  let project: Project;
  before(() => {
    project = installPackage();
    writeFileSync(
      path.join(project.folder, 'package.json'),
      JSON.stringify({ private: true, type: 'module' }),
    );
    for (const [name, { compiled }] of Object.entries(PROGRAMS)) {
      const copy = path.join(project.folder, path.dirname(compiled), name);
      cpSync(path.join(ROOT, 'test', 'types', name), copy);
    }
  });
  after(() => project.remove());

  for (const version of COMPILERS) {
    it(`in strict TypeScript ${version}`, (t) => {
      const compiler = compilerOf(version);
      if (compiler === undefined) return t.skip(`typescript@${version} could not be installed`);
      const outDir = `out-${version}`;
      const compilerOptions = {
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        allowJs: true,
        checkJs: true,
        target: 'es2022',
        lib: ['es2023', 'esnext.disposable'],
        module: 'nodenext',
        rootDir: '.',
        outDir,
        typeRoots: [path.join(OWN, '@types')],
        types: ['node'],
      };
      const programs = Object.entries(PROGRAMS).filter(
        ([name]) => version !== OLDEST || !name.startsWith('required'),
      );
      const files = programs.map(([name, { compiled }]) =>
        path.posix.join(path.posix.dirname(compiled), name),
      );
      project.write('tsconfig.json', JSON.stringify({ compilerOptions, files }));
      const { status, stdout } = run(process.execPath, [compiler, '-p', '.'], project.folder);
      assert.deepEqual({ status, stdout }, { status: 0, stdout: '' });
      for (const [, { compiled, stdout }] of programs) {
        const ran = run(process.execPath, [path.join(outDir, compiled)], project.folder);
        assert.deepEqual(ran, { status: 0, stdout, stderr: '' }, compiled);
      }
    });
  }

  it('in plain JavaScript, as they are', () => {
    for (const name of ['imported.js', 'plain/required.cjs']) {
      const { status, stderr } = run(process.execPath, [name], project.folder);
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, name);
    }
  });
});
