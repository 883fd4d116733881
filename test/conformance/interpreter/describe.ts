// Turns values into the text that stands in a trace, the same for both languages.
import {
  CancelledError,
  ExceptionGroup,
  IncompleteReadError,
  isfuture,
  LimitOverrunError,
  Task,
} from 'aionode';

/** What a program itself raises. */
export class UserError extends Error {}

// JavaScript's names for what Python calls otherwise.
const CANONICAL: Readonly<Record<string, string>> = { RangeError: 'ValueError' };

export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (value instanceof Error) return describeError(value);
  if (value instanceof Task) return value.getName();
  if (isfuture(value)) return 'future';
  if (Buffer.isBuffer(value)) return `<${value.toString().replaceAll('\n', '|')}>`;
  if (Array.isArray(value)) return `[${value.map(describe).join(', ')}]`;
  if (value instanceof Set) return `{${[...value].map(describe).sort().join(', ')}}`;
  return String(value);
}

function describeError(error: Error): string {
  const name = error.constructor.name;
  if (error instanceof UserError) return `error ${error.message}`;
  if (error instanceof CancelledError) return error.message ? `${name}(${error.message})` : name;
  if (error instanceof IncompleteReadError) {
    return `${name} ${describe(error.partial)} of ${describe(error.expected)}`;
  }
  if (error instanceof LimitOverrunError) return `${name} ${error.consumed}: ${error.message}`;
  if (error instanceof ExceptionGroup) return `ExceptionGroup${describe(error.errors)}`;
  return CANONICAL[name] ?? name;
}
