// Runs programs and compares their traces with CPython's.
import { formatProgram } from './format.js';
import { isTimed, type Steps } from './program.js';
import { runProgram } from './run.js';

// aionode's clock is real. A program with deadlines runs with short seconds first; where the trace
// differs, the machine may have been too slow for them, and longer ones decide.
const UNITS_S = [0.004, 0.04, 0.25];

/** The trace of aionode: the expected one, or what it was when time was no excuse. */
export async function traceOf(program: Steps, expected: readonly string[]): Promise<string[]> {
  let trace: string[] = [];
  for (const unit of isTimed(program) ? UNITS_S : [0]) {
    trace = await runProgram(program, unit);
    if (isSame(trace, expected)) break;
  }
  return trace;
}

export function isSame(trace: readonly string[], expected: readonly string[]): boolean {
  return trace.length === expected.length && trace.every((entry, i) => entry === expected[i]);
}

/** The program and both traces side by side, the first difference marked. */
export function reportOf(
  program: Steps,
  trace: readonly string[],
  expected: readonly string[],
): string {
  const length = Math.max(trace.length, expected.length);
  const width = Math.max(7, ...expected.map((entry) => entry.length));
  const first = Array.from({ length }).findIndex((_, i) => trace[i] !== expected[i]);
  const rows = Array.from({ length }, (_, i) => {
    const mark = i === first ? '>' : ' ';
    return `${mark} ${(expected[i] ?? '').padEnd(width)} | ${trace[i] ?? ''}`;
  });
  const header = `  ${'CPython'.padEnd(width)} | aionode`;
  return [formatProgram(program), '', header, ...rows].join('\n');
}
