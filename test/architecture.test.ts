/** The floors of lib/ and native/: what a file may import, so that no cycle can arise. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, it } from 'node:test';

const ROOT = path.dirname(createRequire(import.meta.url).resolve('aionode/package.json'));

/**
 * lib/ from the lowest floor to the highest. A file imports from lower floors only, types included;
 * never from its own floor. A new file goes on the lowest floor above all that it imports.
 */
const LIB_FLOORS = [['arguments', 'exceptions', 'native'], ['frames', 'memory'], ['context']];

/** native/ from the lowest floor to the highest. A file includes from its own floor and lower ones. */
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

describe('lib/', () => {
  const files = filesIn('lib', /\.ts$/);
  const imports = files.flatMap(importsOf);
  const moduleOf = (file: string) => file.replace(/^lib\//, '').replace(/\.[jt]s$/, '');
  const floorOf = (module: string) => LIB_FLOORS.findIndex((floor) => floor.includes(module));
  /** The imports of our own files, by module name. */
  const ours = imports
    .filter(({ to }) => to.startsWith('.'))
    .map(({ from, to }) => ({
      from: moduleOf(from),
      to: moduleOf(path.posix.join(path.posix.dirname(from), to)),
    }));

  it('every file stands on exactly one floor', () => {
    assert.deepEqual(LIB_FLOORS.flat().sort(), files.map(moduleOf).sort());
  });

  it('imports go down, never sideways or up', () => {
    assert.deepEqual(print(ours.filter(({ from, to }) => floorOf(from) <= floorOf(to))), []);
  });

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
  const floorOf = (file: string) => NATIVE_FLOORS.indexOf(file.split('/')[1] ?? '');

  it('every file stands on a floor', () => {
    assert.deepEqual(
      files.filter((file) => floorOf(file) < 0),
      [],
    );
  });

  it('a floor includes itself and lower floors', () => {
    const known = new Set(files);
    const climbing = includes.filter(({ from, to }) => {
      const target = path.posix.join(path.posix.dirname(from), to);
      return known.has(target) && floorOf(target) > floorOf(from);
    });
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

  it('includes have no cycle', () => {
    const headers = new Map<string, string[]>();
    for (const { from, to } of includes) {
      const target = path.posix.join(path.posix.dirname(from), to);
      headers.set(from, [...(headers.get(from) ?? []), target]);
    }
    const finished = new Set<string>();
    const visit = (file: string, trail: string[]) => {
      assert.ok(!trail.includes(file), [...trail, file].join(' -> '));
      if (finished.has(file)) return;
      for (const next of headers.get(file) ?? []) visit(next, [...trail, file]);
      finished.add(file);
    };
    for (const file of files) visit(file, []);
  });

  it('sources.json lists the sources that exist', () => {
    const listed = JSON.parse(read('native/sources.json')) as Record<string, string[]>;
    assert.deepEqual(Object.keys(listed), NATIVE_FLOORS);
    for (const floor of NATIVE_FLOORS) {
      assert.deepEqual(listed[floor], filesIn(`native/${floor}`, /\.cc$/));
    }
  });
});
