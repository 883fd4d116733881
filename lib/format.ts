// How callbacks, futures and exception contexts are written for people.
// Floor 1.
import { inspect } from 'node:util';

/** @internal */
export function describeCallback(callback: { name: string }): string {
  return callback.name === '' ? '<anonymous function>' : `${callback.name}()`;
}

/** Prints what the exception handler is told, in the order message, exception, the rest. @internal */
export function printExceptionContext(context: { message: string; [key: string]: unknown }): void {
  const { message, exception, ...rest } = context;
  const lines = [`aionode: ${message || 'Unhandled exception in event loop'}`];
  for (const key of Object.keys(rest).sort()) {
    lines.push(`  ${key}: ${inspect(rest[key], { depth: 0, breakLength: 120 })}`);
  }
  if ('exception' in context) {
    lines.push(exception instanceof Error ? inspect(exception) : `  thrown: ${inspect(exception)}`);
  }
  process.stderr.write(`${lines.join('\n')}\n`);
}
