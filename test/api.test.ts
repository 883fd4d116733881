/** The public surface: reviewed as a report, documented to the last name, with nothing exported in vain. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

const ROOT = path.dirname(createRequire(import.meta.url).resolve('aionode/package.json'));
const LIB = path.join(ROOT, 'lib');
const INDEX = 'index.ts';
const files = readdirSync(LIB).filter((file) => file.endsWith('.ts'));
const sources = new Map(
  files.map((file) => {
    const text = readFileSync(path.join(LIB, file), 'utf8');
    return [file, ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)] as const;
  }),
);

/** What a file declares and exports: name -> declarations. */
function exportsOf(source: ts.SourceFile): Map<string, ts.Node[]> {
  const names = new Map<string, ts.Node[]>();
  for (const statement of source.statements) {
    const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
    if (!modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) continue;
    const declared = ts.isVariableStatement(statement)
      ? statement.declarationList.declarations.map(({ name }) => name)
      : [(statement as ts.DeclarationStatement).name];
    for (const name of declared) {
      if (name === undefined || !ts.isIdentifier(name)) continue;
      names.set(name.text, [...(names.get(name.text) ?? []), statement]);
    }
  }
  return names;
}

/** What a file takes from others: `file:name`. */
function importsOf(source: ts.SourceFile): string[] {
  const taken: string[] = [];
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue;
    if (statement.moduleSpecifier === undefined) continue;
    const from = (statement.moduleSpecifier as ts.StringLiteral).text.replace(/^\.\//, '');
    const bindings = ts.isImportDeclaration(statement)
      ? statement.importClause?.namedBindings
      : statement.exportClause;
    if (bindings === undefined || ts.isNamespaceImport(bindings)) continue;
    if (ts.isNamespaceExport(bindings)) continue;
    for (const { name, propertyName } of bindings.elements) {
      taken.push(`${from}:${(propertyName ?? name).text}`);
    }
  }
  return taken;
}

const publicNames = new Set(importsOf(sources.get(INDEX) as ts.SourceFile));
const isMarked = (nodes: ts.Node[]) =>
  nodes.some((node) => ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'public'));

interface Report {
  readonly reportFile: string;
  apiReport(): string;
  undocumented(): string[];
}
const module = pathToFileURL(path.join(ROOT, 'scripts', 'api-report.mjs')).href;
const { apiReport, reportFile, undocumented } = (await import(module)) as Report;

describe('the public surface', () => {
  it('is the one that was reviewed', () => {
    const reviewed = readFileSync(reportFile, 'utf8').replaceAll('\r\n', '\n');
    assert.equal(apiReport(), reviewed, 'if the change is wanted: npm run api');
  });

  it('has a docstring on every name, and on every member of its classes and interfaces', () => {
    assert.deepEqual(undocumented(), []);
  });

  it('is marked @public', () => {
    const bare: string[] = [];
    for (const [file, source] of sources) {
      for (const [name, nodes] of exportsOf(source)) {
        if (publicNames.has(`${file}:${name}`) && !isMarked(nodes)) bare.push(`${file}: ${name}`);
      }
    }
    assert.deepEqual(bare, []);
  });

  it('and the modules behind it export nothing that nobody imports', () => {
    const taken = new Set([...sources.values()].flatMap(importsOf));
    const unused: string[] = [];
    for (const [file, source] of sources) {
      for (const name of exportsOf(source).keys()) {
        // A type named in an exported declaration has to be exported, whoever imports it.
        if (!taken.has(`${file}:${name}`) && !isNamedInExport(source, name)) {
          unused.push(`${file}: ${name}`);
        }
      }
    }
    assert.deepEqual(unused, []);
  });
});

function isNamedInExport(source: ts.SourceFile, name: string): boolean {
  const isNamed = (node: ts.Node): boolean =>
    (ts.isTypeReferenceNode(node) && node.typeName.getText() === name) ||
    (ts.forEachChild(node, isNamed) ?? false);
  for (const [other, nodes] of exportsOf(source)) {
    if (other !== name && nodes.some(isNamed)) return true;
  }
  return false;
}
