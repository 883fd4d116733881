/**
 * The floors of lib/ and native/. A file imports from its own floor and lower ones, types included,
 * and never in a cycle. In native/ the folder is the floor; in lib/ a file names its floor in the
 * comment that it opens with ("Floor 3."), the lowest that its imports allow or any above.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, it } from 'node:test';

const ROOT = path.dirname(createRequire(import.meta.url).resolve('aionode/package.json'));

/** The folders of native/ from the lowest floor to the highest. */
const NATIVE_FLOORS = ['core', 'uv', 'binding'];

/** What only one floor of native/, or a higher one, may include from outside. */
const NATIVE_OUTSIDE = [
  { header: /^uv\.h$/, lowest: 'uv' },
  { header: /^(node_api|js_native_api|napi|node|v8)(-inl)?\.h$/, lowest: 'binding' },
];

interface Edge {
  from: string;
  to: string;
}

function filesIn(folder: string, pattern: RegExp): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file.split(path.sep).join('/')}`)
    .filter((file) => pattern.test(file))
    .sort();
}

const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const withoutComments = (source: string) => source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');

/** What a TypeScript file imports, exports from, or imports dynamically or as a type. */
function importsOf(file: string): Edge[] {
  const specifiers = withoutComments(read(file)).matchAll(
    /(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"]+)\1/g,
  );
  return [...specifiers].map(([, , to = '']) => ({ from: file, to }));
}

function includesOf(file: string): Edge[] {
  const headers = withoutComments(read(file)).matchAll(/^\s*#\s*include\s*[<"]([^>"]+)[>"]/gm);
  return [...headers].map(([, to = '']) => ({ from: file, to }));
}

const print = (edges: Edge[]) => edges.map(({ from, to }) => `${from} -> ${to}`);

/** The edges whose ends are both files of ours, with relative specifiers made paths. */
function within(files: string[], edges: Edge[]): Edge[] {
  const known = new Set(files);
  return edges
    .map(({ from, to }) => ({ from, to: path.posix.join(path.posix.dirname(from), to) }))
    .filter(({ to }) => known.has(to));
}

function assertNoCycle(edges: Edge[]): void {
  const targets = new Map<string, string[]>();
  for (const { from, to } of edges) targets.set(from, [...(targets.get(from) ?? []), to]);
  const finished = new Set<string>();
  const visit = (file: string, trail: string[]) => {
    assert.ok(!trail.includes(file), [...trail.slice(trail.indexOf(file)), file].join(' -> '));
    if (finished.has(file)) return;
    for (const to of targets.get(file) ?? []) visit(to, [...trail, file]);
    finished.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
}

describe('lib/', () => {
  const files = filesIn('lib', /\.ts$/);
  const imports = files.flatMap(importsOf);
  const ours = within(files, imports);
  const floors = new Map(
    files.map((file) => {
      if (file === 'lib/index.ts') return [file, Number.POSITIVE_INFINITY];
      const [header = ''] = /^(?:#!.*\n)?(?:\/\/.*\n)+|^\/\*[\s\S]*?\*\//.exec(read(file)) ?? [];
      return [file, Number(/\bFloor (\d+)\b/.exec(header)?.[1] ?? Number.NaN)];
    }),
  );
  const floorOf = (file: string) => floors.get(file) as number;

  it('every file names its floor in its header', () => {
    assert.deepEqual(
      files.filter((file) => Number.isNaN(floorOf(file))),
      [],
    );
  });

  it('imports of our own name a file that exists', () => {
    const relative = imports.filter(({ to }) => to.startsWith('.'));
    assert.equal(ours.length, relative.length, print(relative).join('\n'));
  });

  it('imports go down', () => {
    assert.deepEqual(print(ours.filter(({ from, to }) => floorOf(to) > floorOf(from))), []);
  });

  it('imports have no cycle', () => assertNoCycle(ours));

  it('packages are imported by native.ts alone, everything else is Node', () => {
    const foreign = imports.filter(({ to }) => !to.startsWith('.') && !to.startsWith('node:'));
    assert.deepEqual(print(foreign), []);
    const loaders = files.filter((file) => /node-gyp-build|\.node\b['"]/.test(read(file)));
    assert.deepEqual(loaders, ['lib/native.ts']);
  });

  it('index.ts re-exports and has no logic of its own', () => {
    const statements = withoutComments(read('lib/index.ts'))
      .replaceAll(/export\s+(?:type\s+)?(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?)\s+from\s+'[^']+';/g, '')
      .trim();
    assert.equal(statements, '');
  });
});

describe('native/', () => {
  const files = filesIn('native', /\.(cc|h)$/);
  const includes = files.flatMap(includesOf);
  const ours = within(files, includes);
  const floorOf = (file: string) => NATIVE_FLOORS.indexOf(file.split('/')[1] ?? '');

  it('every file stands on a floor', () => {
    assert.deepEqual(
      files.filter((file) => floorOf(file) < 0),
      [],
    );
  });

  it('a floor includes itself and lower floors', () => {
    const climbing = ours.filter(({ from, to }) => floorOf(to) > floorOf(from));
    assert.deepEqual(print(climbing), []);
  });

  it('core knows neither libuv nor Node, uv does not know Node', () => {
    const trespassing = includes.filter(({ from, to }) =>
      NATIVE_OUTSIDE.some(
        ({ header, lowest }) => header.test(to) && floorOf(from) < NATIVE_FLOORS.indexOf(lowest),
      ),
    );
    assert.deepEqual(print(trespassing), []);
  });

  it('includes have no cycle', () => assertNoCycle(ours));

  it('sources.json lists the sources that exist', () => {
    const listed = JSON.parse(read('native/sources.json')) as Record<string, string[]>;
    assert.deepEqual(Object.keys(listed), NATIVE_FLOORS);
    for (const floor of NATIVE_FLOORS) {
      assert.deepEqual(listed[floor], filesIn(`native/${floor}`, /\.cc$/));
    }
  });
});
