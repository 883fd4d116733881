// createSubprocessExec(), createSubprocessShell(), and the Process they give.
// Floor 10.
import { inspect } from 'node:util';
import { checkBytes } from './arguments.ts';
import { markBegun } from './begun.ts';
import type { Future } from './futures.ts';
import { gather } from './gather.ts';
import { begin, startProcess } from './process_start.ts';
import { checkLimit, type StreamReader } from './reading.ts';
import { spawn } from './spawning.ts';
import type { StreamWriter } from './streams.ts';
import {
  type PIPE,
  planExec,
  planShell,
  type SpawnPlan,
  type SubprocessOptions,
} from './subprocess_options.ts';
import { SubprocessStreams } from './subprocess_streams.ts';
import type { ProcessTransport } from './subprocess_transport.ts';
import type { Bytes } from './types.ts';

/** What a stream of a Process is: null unless the options say PIPE. @public */
export type Piped<O, K extends string, T> = O extends { readonly [P in K]: typeof PIPE }
  ? T
  : T | null;

function startWithStreams<O extends SubprocessOptions>(
  options: O,
  plan: () => SpawnPlan,
): Future<Process<O>> {
  return startProcess((loop) => {
    const planned = plan();
    const { limit } = options;
    checkLimit(limit, 'options.limit');
    const [transport, streams] = begin(loop, planned, () => new SubprocessStreams(loop, limit));
    return [transport, new Process<O>(transport, streams)];
  });
}

/**
 * A child process; see createSubprocessExec().
 * @see asyncio.subprocess.Process
 * @public
 */
export class Process<O = unknown> implements AsyncDisposable {
  /** The number of the process. */
  readonly pid: number;
  /** Writes to the child; null unless `stdin: PIPE`. */
  readonly stdin: Piped<O, 'stdin', StreamWriter>;
  /** Reads what the child writes; null unless `stdout: PIPE`. A child whose output nobody reads is held back. */
  readonly stdout: Piped<O, 'stdout', StreamReader>;
  /** Reads what the child writes; null unless `stderr: PIPE`. A child whose output nobody reads is held back. */
  readonly stderr: Piped<O, 'stderr', StreamReader>;
  private readonly transport: ProcessTransport;

  /** @internal */
  constructor(transport: ProcessTransport, streams: SubprocessStreams) {
    this.transport = transport;
    this.pid = transport.getPid();
    this.stdin = streams.stdin as never;
    this.stdout = streams.readers[1] as never;
    this.stderr = streams.readers[2] as never;
  }

  /** The exit status, -N when signal N ended the child, null while it runs. */
  get returncode(): number | null {
    return this.transport.getReturncode();
  }

  /**
   * Waits for the end of the child, and gives its return code. Any number of tasks may wait. A child that
   * fills a pipe which nobody reads does not end: use communicate().
   *
   * **Cancellation:** the child goes on.
   */
  wait(): Future<number> {
    return markBegun(this.transport.whenExited());
  }

  /**
   * Sends `input` to stdin and closes it, reads stdout and stderr to their end, then waits for the child.
   * That the child reads no more is no error.
   * @returns what came from stdout and stderr; null for one that is no pipe
   *
   * **Cancellation:** the child goes on, and nothing it wrote is lost: it can be read.
   */
  communicate(
    input?: Uint8Array | string,
  ): Future<[stdout: Piped<O, 'stdout', Bytes>, stderr: Piped<O, 'stderr', Bytes>]> {
    if (input !== undefined && input !== null) checkBytes(input, 'input');
    const { stdin, stdout, stderr } = this as Process<unknown> as {
      [K in 'stdin' | 'stdout' | 'stderr']: K extends 'stdin'
        ? StreamWriter | null
        : StreamReader | null;
    };
    const task = spawn(this.transport.loop, async () => {
      const [, output, errors] = await gather(
        () => feed(stdin, input),
        () => readAll(stdout),
        () => readAll(stderr),
      );
      await this.transport.whenExited();
      return [output, errors] as never;
    });
    return markBegun(task);
  }

  /**
   * Sends a signal to the child; does nothing when it has just ended.
   * @throws Node's system error: code ESRCH when the child has ended and its pipes are closed, EPERM, ...
   */
  sendSignal(signal: NodeJS.Signals | number): void {
    this.transport.sendSignal(signal);
  }

  /** Sends SIGTERM; see sendSignal(). On Windows the child is ended at once. */
  terminate(): void {
    this.transport.terminate();
  }

  /** Sends SIGKILL; see sendSignal(). */
  kill(): void {
    this.transport.kill();
  }

  /** Kills the child if it runs, waits for its end, and closes the pipes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.transport.close();
    await this.wait();
  }

  get [Symbol.toStringTag](): string {
    return 'Process';
  }

  /** As console.log() shows it: `<Process 4711 returncode=0>`. */
  [inspect.custom](): string {
    const { returncode } = this;
    return `<Process ${this.pid}${returncode === null ? ' running' : ` returncode=${returncode}`}>`;
  }
}

/** What a child that reads no more makes of a write. */
const kReaderGone = new Set(['EPIPE', 'ECONNRESET']);

async function feed(
  stdin: StreamWriter | null,
  input: Uint8Array | string | undefined,
): Promise<void> {
  if (stdin === null) return;
  try {
    if (input !== undefined && input !== null) stdin.write(input);
    await stdin.drain();
  } catch (error) {
    if (!kReaderGone.has((error as NodeJS.ErrnoException).code as string)) throw error;
  }
  stdin.close();
}

async function readAll(stream: StreamReader | null): Promise<Buffer | null> {
  return stream === null ? null : await stream.read();
}

/**
 * Starts a program. The child shares our standard streams unless the options say otherwise.
 * @param program - a path, or a name to look for in the PATH of `env`
 * @param options - `stdin`, `stdout`, `stderr`: PIPE, DEVNULL, a file descriptor, null (ours), for stderr
 * also STDOUT; `cwd`, `env`, `uid`, `gid`, `detached`, `signal`; `limit` of the readers, in bytes
 * @throws Node's system error when it cannot be started: `code` ('ENOENT', 'EACCES', ...), `syscall`
 * 'spawn <program>', `path`, `spawnargs`; TypeError for arguments of a wrong kind
 *
 * **Cancellation:** the child, if it was started, is killed.
 * @example
 * ```ts
 * const ls = await createSubprocessExec('ls', ['-l'], { stdout: PIPE });
 * for await (const line of ls.stdout) console.log(line.toString().trimEnd());
 * console.log(await ls.wait());
 * ```
 * @see asyncio.create_subprocess_exec
 * @public
 */
export function createSubprocessExec<const O extends SubprocessOptions = Record<never, never>>(
  program: string,
  args: readonly string[] = [],
  options: O = {} as O,
): Future<Process<O>> {
  return startWithStreams(options, () => planExec(program, args, options));
}

/**
 * Has the system's shell run `command`; otherwise as createSubprocessExec(). What comes from outside
 * must not get into a command: use createSubprocessExec() for it.
 * @see asyncio.create_subprocess_shell
 * @public
 */
export function createSubprocessShell<const O extends SubprocessOptions = Record<never, never>>(
  command: string,
  options: O = {} as O,
): Future<Process<O>> {
  return startWithStreams(options, () => planShell(command, options));
}
