/** How the binary gets to a user: prebuilt, else built from source, else a sentence that says what to do. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import ts from 'typescript';
import { blocksOf } from './support/doc-blocks.js';
import {
  fittingPrebuild,
  installPackage,
  npm,
  type Project,
  prebuilds,
  ROOT,
  run,
  type Target,
  testedBinary,
} from './support/installed-package.js';

const nameOf = ({ platform, arch, libc }: Target) =>
  [platform, arch, libc].filter(Boolean).join(' ');

describe('the installed package', () => {
  let project: Project;
  /** Where no command is found, neither a compiler nor python. */
  let nothing = '';
  before(() => {
    project = installPackage();
    nothing = path.join(project.folder, 'nothing');
    mkdirSync(nothing);
  });
  after(() => project.remove());

  it("runs the README's first program, installed without scripts, compiler or python", () => {
    const readme = readFileSync(path.join(project.installed, 'README.md'), 'utf8');
    const blocks = blocksOf(readme);
    const first = blocks.findIndex(({ info }) => info === 'ts');
    const { outputText } = ts.transpileModule(blocks[first]?.text ?? '', {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    // Even node-gyp-build's look at build/Release is left out: it is the prebuilt file that loads.
    const env = { PATH: nothing, PREBUILDS_ONLY: '1' };
    const { status, stdout, stderr } = project.runProgram('first.mjs', outputText, env);
    const expected = `${blocks[first + 1]?.text}\n`;
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: expected, stderr: '' });
  });

  const load =
    "import { run, sleep } from 'aionode';\nrun(async () => console.log(await sleep(0, 1)));";
  const withoutBinary = (name: string) => {
    const copy = path.join(project.folder, name);
    mkdirSync(copy);
    for (const part of ['package.json', 'node_modules']) {
      cpSync(path.join(project.folder, part), path.join(copy, part), { recursive: true });
    }
    rmSync(path.join(copy, 'node_modules', 'aionode', 'prebuilds'), { recursive: true });
    writeFileSync(path.join(copy, 'main.mjs'), load);
    return copy;
  };

  it('without a fitting binary says in one sentence what to do', () => {
    const copy = withoutBinary('bare');
    const { status, stderr } = run(process.execPath, ['main.mjs'], copy, { PATH: nothing });
    assert.equal(status, 1);
    const [message] = /^Error: aionode: .+$/m.exec(stderr) ?? [];
    assert.match(
      message ?? stderr,
      /no native binary for .+ could be loaded; .+ `npm rebuild aionode`/,
    );
    assert.match(stderr, /cause.*No native build was found/s);
  });

  it('without a fitting binary is built from source', (t) => {
    const tools = [process.env.CXX ?? 'c++', 'make', 'python3'];
    const missing = tools.find((tool) => spawnSync(tool, ['--version']).status !== 0);
    if (process.platform !== 'win32' && missing !== undefined)
      return t.skip(`${missing} is missing`);
    const copy = withoutBinary('source');
    const { PREBUILDS_ONLY: _, ...env } = process.env;
    const { status, stdout, stderr } = npm(['rebuild', 'aionode'], copy, env);
    if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/.test(stderr)) {
      return t.skip("Node's headers cannot be downloaded here");
    }
    assert.equal(status, 0, stdout + stderr);
    assert.deepEqual(run(process.execPath, ['main.mjs'], copy, env), {
      status: 0,
      stdout: '1\n',
      stderr: '',
    });
  });
});

describe('prebuilt binaries', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'aionode-prebuilds-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const put = (target: Target, bytes: Buffer) => {
    const file = path.join(folder, prebuilds.fileOf(target));
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  };
  const resolver = createRequire(path.join(ROOT, 'package.json')).resolve('node-gyp-build');

  for (const target of prebuilds.targets) {
    it(`for ${nameOf(target)} is the one that is loaded there`, () => {
      for (const each of prebuilds.targets) put(each, Buffer.alloc(0));
      const text = 'console.log(require(process.argv[1]).resolve(process.argv[2]))';
      const { stdout, stderr } = run(process.execPath, ['-e', text, resolver, folder], folder, {
        ...process.env,
        npm_config_platform: target.platform,
        npm_config_arch: target.arch,
        LIBC: target.libc ?? '',
      });
      const chosen = path.relative(folder, stdout.trim()).split(path.sep).join('/');
      assert.equal(chosen, prebuilds.fileOf(target), stderr);
    });

    it(`for ${nameOf(target)} is built and tested by the release workflow`, () => {
      const workflow = readFileSync(path.join(ROOT, '.github/workflows/release.yml'), 'utf8');
      const entries = [...workflow.matchAll(/- \{([^}]+)\}/g)].map(([, entry = '']) =>
        entry.split(',').map((word) => word.trim()),
      );
      const hasEntry = (words: string[]) =>
        entries.some((entry) => words.every((word) => entry.includes(word)));
      const { platform, arch, libc } = target;
      const name = `${platform}-${arch}${libc === 'musl' ? '-musl' : ''}`;
      assert.ok(hasEntry(Object.entries(target).map(([key, value]) => `${key}: ${value}`)));
      assert.ok(hasEntry([`target: ${name}`]));
      assert.match(workflow, new RegExp(`^ +- ${name}$`, 'm'));
    });
  }

  it('of this machine is what its name says', () => {
    const built = readFileSync(testedBinary());
    const { platform, arch } = process;
    const libc = prebuilds.libcOfHost();
    const expected = { platform, arch, ...(libc !== undefined && { libc }) };
    assert.deepEqual(prebuilds.describeBinary(built), expected);
    assert.equal(prebuilds.fileOf(expected), fittingPrebuild());
  });

  const faults = (target: Target) => prebuilds.faultsOf(target, folder);
  const linux = { platform: 'linux', arch: 'x64', libc: 'glibc' };
  /** As little of an ELF file as its description reads. */
  const elf = (machine: number, ...strings: string[]) => {
    const header = Buffer.alloc(64);
    header.write('\x7fELF', 'latin1');
    header.writeUInt16LE(machine, 18);
    const names = ['napi_register_module_v1', ...strings].map((name) => `\0${name}\0`).join('');
    return Buffer.concat([header, Buffer.from(names)]);
  };

  it('that is missing keeps a release from being published', () => {
    rmSync(path.join(folder, prebuilds.fileOf(linux)), { force: true });
    assert.deepEqual(faults(linux), ['is missing']);
  });

  it('for another machine than its name says keeps a release from being published', () => {
    put(linux, elf(183, 'libc.so.6'));
    assert.deepEqual(faults(linux), ['is for linux arm64 glibc']);
    put(linux, elf(62, 'libc.musl-x86_64.so.1'));
    assert.deepEqual(faults(linux), ['is for linux x64 musl']);
    put(linux, Buffer.from('not a binary'));
    assert.deepEqual(faults(linux), ['is for none']);
  });

  it('that needs a newer system than Node 20 does keeps a release from being published', () => {
    put(linux, elf(62, 'libc.so.6', 'GLIBC_2.28', 'GLIBC_2.4', 'GLIBCXX_3.4.9'));
    assert.deepEqual(faults(linux), []);
    put(linux, elf(62, 'libc.so.6', 'GLIBC_2.34', 'GLIBCXX_3.4.29'));
    assert.deepEqual(faults(linux), [
      'needs GLIBC 2.34, newer than 2.28',
      'needs GLIBCXX 3.4.29, newer than 3.4.25',
    ]);
  });
});
