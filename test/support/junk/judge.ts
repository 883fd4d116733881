/** Which errors are bugs: those that the engine throws inside the package, since no check did before. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const DIST = pathToFileURL(
  path.join(path.dirname(createRequire(import.meta.url).resolve('aionode/package.json')), 'dist'),
).href;

/** They tell of what the caller passed, and no check could do better. */
const CALLERS_OWN = /^Class constructor |proxy that has been revoked/;

const ENGINES = [TypeError, RangeError, ReferenceError, SyntaxError];

const lines = new Map<string, string[]>();

/** The text of the compiled module from where an error was thrown. */
function textAt(file: string, line: number, column: number): string {
  if (!lines.has(file)) lines.set(file, readFileSync(new URL(file), 'utf8').split('\n'));
  return lines.get(file)?.[line - 1]?.slice(column - 1) ?? '';
}

/** Whether the engine threw `error` in a module of the package; where the package did, `new` stands. */
export function isEnginesComplaint(error: unknown): boolean {
  try {
    if (!ENGINES.some((type) => error instanceof type)) return false;
    if (!(error instanceof Error) || 'code' in error || CALLERS_OWN.test(error.message))
      return false;
    const top = /^\s+at (?:.*\()?(file:.*):(\d+):(\d+)\)?$/m.exec(error.stack ?? '');
    const [first] = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
    const [frame, file = '', line, column] = top ?? [];
    if (frame === undefined || !first?.includes(frame.trim()) || !file.startsWith(DIST))
      return false;
    return !textAt(file, Number(line), Number(column)).startsWith('new ');
  } catch {
    // Something thrown that cannot be looked at is the caller's.
    return false;
  }
}

export function stackOf(error: unknown): string {
  try {
    return String((error as Error)?.stack ?? error);
  } catch {
    return 'something that cannot be shown';
  }
}
