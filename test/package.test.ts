/** What a user gets: the files of the tarball, and the package as it works once npm installed it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { installPackage, type Project, ROOT, run } from './support/installed-package.js';

const require = createRequire(import.meta.url);
const ALLOWED =
  /^(README\.md|CHANGELOG\.md|LICENSE|package\.json|binding\.gyp|lib\/.+\.ts|dist\/.+\.(js|d\.ts)(\.map)?|native\/.+\.(cc|h|json)|prebuilds\/.+\.node)$/;

describe('the package', () => {
  let project: Project;
  let installed = '';
  let files: string[] = [];

  before(() => {
    project = installPackage();
    ({ installed, files } = project);
  });
  after(() => project.remove());

  it('holds what a user needs and nothing else', () => {
    assert.deepEqual(
      files.filter((file) => !ALLOWED.test(file)),
      [],
    );
    const needed = ['README.md', 'LICENSE', 'binding.gyp', 'native/sources.json', 'package.json'];
    assert.deepEqual(
      needed.filter((file) => !files.includes(file)),
      [],
    );
  });

  it('holds the compiled form of every module and of no other', () => {
    const modules = (pattern: RegExp) =>
      files.flatMap((file) => pattern.exec(file)?.[1] ?? []).sort();
    const sources = modules(/^lib\/(.+)\.ts$/);
    const hint = 'output of a deleted module stays in dist/ until dist/ is deleted';
    assert.deepEqual(modules(/^dist\/(.+)\.js$/), sources, hint);
    assert.deepEqual(modules(/^dist\/(.+)\.d\.ts$/), sources, hint);
  });

  it('holds the sources that its source maps name', () => {
    const missing = files
      .filter((file) => file.endsWith('.map'))
      .flatMap((file) => {
        const { sources } = JSON.parse(readFileSync(path.join(installed, file), 'utf8'));
        const folder = path.posix.dirname(file);
        return (sources as string[]).map((source) => path.posix.join(folder, source));
      })
      .filter((source) => !files.includes(source));
    assert.deepEqual(missing, []);
  });

  it('holds every native source', () => {
    const sources = JSON.parse(readFileSync(path.join(installed, 'native/sources.json'), 'utf8'));
    const missing = (Object.values(sources).flat() as string[]).filter(
      (file) => !files.includes(file),
    );
    assert.deepEqual(missing, []);
  });

  const body = "run(async () => { await sleep(0); console.log('slept'); });";
  const success = { status: 0, stdout: 'slept\n', stderr: '' };

  it('is imported, installed without scripts', () => {
    const text = `import { run, sleep } from 'aionode';\n${body}`;
    assert.deepEqual(project.runProgram('main.mjs', text), success);
  });

  it('is loaded by require()', () => {
    const text = `const { run, sleep } = require('aionode');\n${body}`;
    assert.deepEqual(project.runProgram('main.cjs', text), success);
  });

  it('is one and the same by import and require()', () => {
    const text = `
      import { createRequire } from 'node:module';
      import * as imported from 'aionode';
      const required = createRequire(import.meta.url)('aionode');
      console.log(required.Task === imported.Task, required.CancelledError === imported.CancelledError);`;
    assert.equal(project.runProgram('same.mjs', text).stdout, 'true true\n');
  });

  it('exports its entry and its manifest only', () => {
    const { name, version } = createRequire(path.join(project.folder, 'main.mjs'))(
      'aionode/package.json',
    );
    assert.deepEqual(
      { name, isVersion: /^\d+\.\d+\.\d+/.test(version) },
      { name: 'aionode', isVersion: true },
    );
    const text = `import('aionode/dist/index.js').catch((error) => console.log(error.code));`;
    assert.equal(project.runProgram('deep.mjs', text).stdout, 'ERR_PACKAGE_PATH_NOT_EXPORTED\n');
  });

  it('has types, for modules of both kinds, that need no skipLibCheck', () => {
    const use = `
      const task: Task<number> = createTask(async () => 1);
      const future: Promise<[number, string]> = gather(task, async () => 'two');
      const main: Promise<[number, string]> = run(() => future);
      // @ts-expect-error a delay is a number
      sleep('1');
      void main;`;
    const names = 'createTask, gather, run, sleep';
    project.write('types.mts', `import { ${names}, type Task } from 'aionode';${use}`);
    project.write(
      'types.cts',
      `import aionode = require('aionode');\nimport Task = aionode.Task;\nconst { ${names} } = aionode;${use}`,
    );
    const options = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noEmit: true,
      target: 'es2022',
      lib: ['es2023', 'esnext.disposable'],
      module: 'nodenext',
      typeRoots: [path.join(ROOT, 'node_modules', '@types')],
      types: ['node'],
    };
    const tsconfig = { compilerOptions: options, files: ['types.mts', 'types.cts'] };
    project.write('tsconfig.json', JSON.stringify(tsconfig));
    const { status, stdout } = run(
      process.execPath,
      [require.resolve('typescript/bin/tsc'), '-p', project.folder],
      project.folder,
    );
    assert.deepEqual({ status, stdout }, { status: 0, stdout: '' });
  });
});
