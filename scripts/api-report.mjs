// The API report: every public name, and what it inherits from, as users' compilers see them, without
// comments. It stands in the repository, so that a change of the surface is seen in review.
//
//   npm run api     writes etc/aionode.api.txt
//
// What is marked @internal is left out: it is in the types for the package's own modules only.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const rootDir = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
// The compiler writes paths with slashes on every system.
const distDir = path.join(rootDir, 'dist').split(path.sep).join('/');
export const reportFile = path.join(rootDir, 'etc', 'aionode.api.txt');

const isHidden = (node) =>
  ts.getJSDocTags(node).some((tag) => tag.tagName.text === 'internal') ||
  (ts.canHaveModifiers(node) &&
    ts.getModifiers(node)?.some((modifier) => modifier.kind === ts.SyntaxKind.PrivateKeyword));

const isOurs = (node) => path.posix.dirname(node.getSourceFile().fileName) === distDir;

const isContainer = (node) => ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node);

function withoutHiddenMembers(context) {
  const visit = (node) => (isHidden(node) ? undefined : ts.visitEachChild(node, visit, context));
  return (node) => (isContainer(node) ? ts.visitEachChild(node, visit, context) : node);
}

const printer = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed });

function textOf(declaration) {
  const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  const { transformed } = ts.transform(node, [withoutHiddenMembers]);
  return printer
    .printNode(ts.EmitHint.Unspecified, transformed[0], node.getSourceFile())
    .replace(/^(export )?(declare )?/, '');
}

const byName = ([a], [b]) => (a < b ? -1 : 1);

/** The public names in alphabetical order, each with the symbol that it stands for. */
function publicSurface() {
  const entry = `${distDir}/index.d.ts`;
  const options = { module: ts.ModuleKind.NodeNext, types: ['node'], skipLibCheck: true };
  const program = ts.createProgram([entry], { ...options, target: ts.ScriptTarget.ES2022 });
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry));
  const names = checker
    .getExportsOfModule(module)
    .map((symbol) => [
      symbol.name,
      symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
    ]);
  return { checker, names: names.sort(byName) };
}

/** The classes and interfaces of ours that a declaration extends: its users see their members. */
function basesOf(declaration, checker) {
  const bases = (declaration.heritageClauses ?? [])
    .filter(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)
    .flatMap(({ types }) => types)
    .map(({ expression }) => checker.getTypeAtLocation(expression).symbol)
    .filter((base) => base.declarations.every(isOurs));
  return bases.flatMap((base) => [
    [base.name, base],
    ...base.declarations.flatMap((each) => basesOf(each, checker)),
  ]);
}

export function apiReport() {
  const { checker, names } = publicSurface();
  const bases = names.flatMap(([, { declarations = [] }]) =>
    declarations.flatMap((declaration) => basesOf(declaration, checker)),
  );
  return [...new Map([...bases, ...names])]
    .sort(byName)
    .map(([, { declarations = [] }]) => `${declarations.map(textOf).join('\n')}\n`)
    .join('\n');
}

/** No docstring could say more than its name. */
const SPEAKS_FOR_ITSELF = '[Symbol.toStringTag]';

const isPublicMember = (node) =>
  isOurs(node) && !isHidden(node) && !ts.isPrivateIdentifier(node.name);

/**
 * The public names, and the public members of classes and interfaces, inherited ones included, that no
 * docstring describes.
 */
export function undocumented() {
  const { checker, names } = publicSurface();
  const isBare = (symbol) => symbol.getDocumentationComment(checker).length === 0;
  return names.flatMap(([name, symbol]) => {
    const isType = symbol.declarations?.some(isContainer);
    const members = isType ? checker.getDeclaredTypeOfSymbol(symbol).getProperties() : [];
    const bare = members
      .filter((member) => member.declarations?.some(isPublicMember) && isBare(member))
      .map(({ valueDeclaration }) => `${name}.${valueDeclaration.name.getText()}`)
      .filter((member) => !member.endsWith(SPEAKS_FOR_ITSELF));
    return isBare(symbol) ? [name, ...bare] : bare;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(path.dirname(reportFile), { recursive: true });
  writeFileSync(reportFile, apiReport());
  console.log(`written: ${path.relative(rootDir, reportFile)}`);
}
