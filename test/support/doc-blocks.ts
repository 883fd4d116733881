/**
 * The programs in the project's Markdown files: fenced blocks `ts` and `js` (`js cjs` for a CommonJS
 * one). Each is a whole program, or, with the words `file: NAME.js` after the language, a module that the
 * programs of the same file find beside them. A `text` block that follows a program is what it prints (`text stderr`: to stderr); `...` in it
 * stands for anything within a line, a line `...` for any lines.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

export interface DocProgram {
  /** `docs/guide/queues.md:12` */
  readonly place: string;
  /** A module that others import: it is compiled only. */
  readonly isModule: boolean;
  readonly stdout: string | undefined;
  readonly stderr: string | undefined;
  /** The compiled program, once compileAll() was called. */
  readonly file: string;
}

interface Block {
  readonly info: string;
  /** Of its first line of text, counted from 1. */
  readonly line: number;
  readonly text: string;
}

interface Source extends DocProgram {
  readonly document: string;
  readonly line: number;
  readonly text: string;
  readonly source: string;
}

export function documentsIn(root: string): string[] {
  const docs = readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file.split(path.sep).join('/')}`);
  return ['README.md', ...docs.sort()];
}

export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: { info: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^```(.*)$/.exec(line);
    if (open === undefined) {
      if (fence !== null) open = { info: (fence[1] ?? '').trim(), line: index + 2, lines: [] };
    } else if (fence !== null) {
      blocks.push({ info: open.info, line: open.line, text: open.lines.join('\n') });
      open = undefined;
    } else {
      open.lines.push(line);
    }
  }
  if (open !== undefined) throw new Error(`a block is not closed: line ${open.line}`);
  return blocks;
}

/** Of programs: in a folder without a package.json of its own they say what they are. */
const EXTENSIONS: Record<string, [source: string, compiled: string]> = {
  ts: ['.mts', '.mjs'],
  js: ['.mjs', '.mjs'],
  'js cjs': ['.cjs', '.cjs'],
};

/** The names of a block's file, without and with the compiler's work; undefined for what is no code. */
function fileNames({ info, line }: Block): [source: string, compiled: string] | undefined {
  const [language = '', named] = info.split(/\s+file:\s*/);
  const extensions = EXTENSIONS[language];
  if (extensions === undefined) return undefined;
  if (named === undefined) return [`${line}${extensions[0]}`, `${line}${extensions[1]}`];
  return [named.replace(/\.js$/, `.${language}`), named];
}

/** What follows the program is its output, until the next program. */
function outputAfter(blocks: Block[], index: number, info: string): string | undefined {
  for (const block of blocks.slice(index + 1)) {
    if (!block.info.startsWith('text')) return undefined;
    if (block.info === info) return block.text;
  }
  return undefined;
}

/** Compiles the programs of `documents` into `folder`; also returns what the compiler complains about. */
export function compileAll(
  root: string,
  documents: string[],
  folder: string,
): { programs: DocProgram[]; errors: string[] } {
  rmSync(folder, { recursive: true, force: true });
  const sources: Source[] = [];
  for (const document of documents) {
    const blocks = blocksOf(readFileSync(path.join(root, document), 'utf8'));
    for (const [index, block] of blocks.entries()) {
      const names = fileNames(block);
      if (names === undefined) continue;
      const beside = document.replace(/\.md$/, '');
      mkdirSync(path.join(folder, 'source', beside), { recursive: true });
      sources.push({
        document,
        line: block.line,
        text: block.text,
        place: `${document}:${block.line}`,
        isModule: block.info.includes('file:'),
        stdout: outputAfter(blocks, index, 'text'),
        stderr: outputAfter(blocks, index, 'text stderr'),
        source: path.join(folder, 'source', beside, names[0]),
        file: path.join(folder, 'compiled', beside, names[1]),
      });
    }
  }
  for (const { source, text } of sources) writeFileSync(source, `${text}\n`);
  const program = ts.createProgram({
    rootNames: sources.map(({ source }) => source),
    options: {
      rootDir: path.join(folder, 'source'),
      outDir: path.join(folder, 'compiled'),
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
      module: ts.ModuleKind.NodeNext,
      types: ['node'],
      allowJs: true,
      checkJs: true,
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: true,
    },
  });
  const emitted = program.emit();
  const errors = [...ts.getPreEmitDiagnostics(program), ...emitted.diagnostics].map(
    (diagnostic) => {
      const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
      const file = diagnostic.file;
      const origin = sources.find(
        ({ source }) => path.relative(source, file?.fileName ?? '') === '',
      );
      if (file === undefined || origin === undefined) return message;
      const { line } = file.getLineAndCharacterOfPosition(diagnostic.start ?? 0);
      return `${origin.document}:${origin.line + line}: ${message}`;
    },
  );
  return { programs: sources, errors };
}

/** Whether a program printed what its document says. */
export function matches(expected: string, printed: string): boolean {
  const pattern = expected
    .split('\n')
    .map((line) =>
      line === '...'
        ? '(?:[^\\n]*\\n)*?'
        : `${line.split('...').map(escapePattern).join('[^\\n]*')}\\n`,
    )
    .join('');
  return new RegExp(`^${pattern}$`).test(printed.endsWith('\n') ? printed : `${printed}\n`);
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
