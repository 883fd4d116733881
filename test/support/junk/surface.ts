/** What the API report declares: the members of each public type, and the names of all options. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import ts from 'typescript';

const ROOT = path.dirname(createRequire(import.meta.url).resolve('aionode/package.json'));

export interface PublicType {
  /** Names of what users may call or look at, inherited ones included. */
  readonly members: readonly string[];
  /** Those of them that users may assign to. */
  readonly assignable: readonly string[];
  readonly hasMethods: boolean;
  /** The type itself, and what it extends and implements. */
  readonly lineage: readonly string[];
}

export interface Surface {
  readonly types: Readonly<Record<string, PublicType>>;
  /** Of any object of options. */
  readonly optionNames: readonly string[];
}

type Container = ts.ClassDeclaration | ts.InterfaceDeclaration;

const isContainer = (node: ts.Node): node is Container =>
  ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node);

const isMethod = (member: ts.ClassElement | ts.TypeElement) =>
  ts.isMethodDeclaration(member) || ts.isMethodSignature(member);

const isAssignable = (member: ts.ClassElement | ts.TypeElement) =>
  ts.isSetAccessorDeclaration(member) ||
  ((ts.isPropertyDeclaration(member) || ts.isPropertySignature(member)) &&
    !member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ReadonlyKeyword));

/** Symbols and private names are left out: the former are found on the objects themselves. */
const nameOf = ({ name }: ts.ClassElement | ts.TypeElement) =>
  name !== undefined && ts.isIdentifier(name) ? [name.text] : [];

const parentsOf = (node: Container) =>
  (node.heritageClauses ?? []).flatMap(({ types }) =>
    types.map(({ expression }) => expression.getText()),
  );

/** Reads etc/aionode.api.txt, which a test holds to be what users' compilers see. */
export function publicSurface(): Surface {
  const text = readFileSync(path.join(ROOT, 'etc', 'aionode.api.txt'), 'utf8');
  const source = ts.createSourceFile('report.d.ts', text, ts.ScriptTarget.Latest, true);
  const declared = new Map<string, Container[]>();
  for (const node of source.statements.filter(isContainer)) {
    const name = (node.name as ts.Identifier).text;
    declared.set(name, [...(declared.get(name) ?? []), node]);
  }

  const lineageOf = (name: string): string[] => [
    name,
    ...(declared.get(name) ?? []).flatMap(parentsOf).flatMap(lineageOf),
  ];
  const types: Record<string, PublicType> = {};
  for (const name of declared.keys()) {
    const lineage = [...new Set(lineageOf(name))];
    const members = lineage
      .flatMap((each) => declared.get(each) ?? [])
      .flatMap((node) => [...node.members]);
    types[name] = {
      members: [...new Set(members.flatMap(nameOf))],
      assignable: members.filter(isAssignable).flatMap(nameOf),
      hasMethods: members.some(isMethod),
      lineage,
    };
  }
  const optionNames = Object.entries(types)
    .filter(([name]) => name.endsWith('Options'))
    .flatMap(([, { members }]) => members);
  return { types, optionNames: [...new Set(optionNames)] };
}
