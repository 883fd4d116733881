// How callbacks, futures and exception contexts are written for people.
// Floor 1.
import { type InspectOptions, inspect } from 'node:util';
import { nameOf } from './arguments.ts';
import { isError } from './exceptions.ts';

/** @internal */
export function describeCallback(callback: object): string {
  const name = nameOf(callback);
  return name === '' ? '<anonymous function>' : `${name}()`;
}

/** `<Lock locked waiters=2>`, as console.log() shows a thing. Facts that are undefined are left out. @internal */
export function describeState(
  thing: string | object,
  state: string,
  facts: Readonly<Record<string, unknown>> = {},
): string {
  const parts = [typeof thing === 'string' ? thing : thing.constructor.name, state];
  for (const [name, value] of Object.entries(facts)) {
    if (value !== undefined) parts.push(`${name}=${value}`);
  }
  return `<${parts.join(' ')}>`;
}

/** `127.0.0.1:80`, `[::1]:80`, or the path of a Unix socket; undefined where there is nothing to show. @internal */
export function describeAddress(address: unknown): string | undefined {
  if (typeof address === 'string') return address === '' ? undefined : address;
  if (!Array.isArray(address)) return undefined;
  const [host, port] = address as [string, number];
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** inspect(), for what anybody may have thrown: its own way to be shown can throw too. */
function show(value: unknown, options?: InspectOptions): string {
  try {
    return inspect(value, options);
  } catch {
    return inspect(value, { ...options, customInspect: false });
  }
}

const kTracebackTitles: Record<string, string | undefined> = {
  sourceTraceback: 'object',
  handleTraceback: 'handle',
};

/** Prints what the exception handler is told, in the order message, exception, the rest. @internal */
export function printExceptionContext(context: { message: string; [key: string]: unknown }): void {
  const { message, exception, ...rest } = context;
  const lines = [`aionode: ${message || 'Unhandled exception in event loop'}`];
  for (const key of Object.keys(rest).sort()) {
    const title = kTracebackTitles[key];
    if (title !== undefined && Array.isArray(rest[key])) {
      lines.push(`  ${title} created at (most recent call last):`);
      for (const frame of rest[key]) lines.push(`    ${frame}`);
      continue;
    }
    lines.push(`  ${key}: ${show(rest[key], { depth: 0, breakLength: 120 })}`);
  }
  if ('exception' in context) {
    lines.push(isError(exception, Error) ? show(exception) : `  thrown: ${show(exception)}`);
  }
  process.stderr.write(`${lines.join('\n')}\n`);
}
