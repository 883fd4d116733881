// The part of an event loop that deals with child processes.
// Floor 9.
import { checkOptions } from './arguments.ts';
import type { Future } from './futures.ts';
import { startWithProtocol } from './process_start.ts';
import type { SubprocessProtocol } from './protocols.ts';
import { PIPE, planExec, planShell, type SubprocessOptions } from './subprocess_options.ts';
import type { SubprocessTransport } from './transport_types.ts';
import { LoopCore } from './turns.ts';

/** asyncio's defaults of these calls. */
function piped(options: SubprocessOptions): SubprocessOptions {
  checkOptions(options);
  const { stdin = PIPE, stdout = PIPE, stderr = PIPE } = options;
  return { ...options, stdin, stdout, stderr };
}

/**
 * What EventLoop inherits. Not a class to use by itself.
 * @public
 */
export abstract class ProcessLoop extends LoopCore {
  /**
   * Starts a program; `factory()` makes the protocol that is told about it and its pipes. Options
   * and errors are those of createSubprocessExec(), but what is not said of stdin, stdout and stderr is PIPE,
   * as in asyncio; null inherits.
   * @returns the transport and the protocol, once connectionMade() has been called
   *
   * **Cancellation:** the child, if it was started, is killed.
   * @see asyncio's loop.subprocess_exec
   */
  subprocessExec<P extends SubprocessProtocol>(
    factory: () => P,
    program: string,
    args: readonly string[] = [],
    options: SubprocessOptions = {},
  ): Future<[SubprocessTransport, P]> {
    return startWithProtocol(this, factory, () => planExec(program, args, piped(options)));
  }

  /** Has the system's shell run `command`; as subprocessExec(). @see asyncio's loop.subprocess_shell */
  subprocessShell<P extends SubprocessProtocol>(
    factory: () => P,
    command: string,
    options: SubprocessOptions = {},
  ): Future<[SubprocessTransport, P]> {
    return startWithProtocol(this, factory, () => planShell(command, piped(options)));
  }
}
