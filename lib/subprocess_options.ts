// What a process is started with: the options, checked, as the native side wants them.
// Floor 2.
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import {
  checkFlag,
  checkInteger,
  checkOptions,
  checkText,
  invalidArgType,
  invalidArgValue,
} from './arguments.ts';
import { layout } from './native.ts';

const { kDevNull, kPiped, kSameAsStdout, kDetached, kVerbatimArguments } = layout;

const isWindows = process.platform === 'win32';
const kLargestDescriptor = 2 ** 31 - 1;
const kLargestId = 2 ** 31 - 1;
/** The last real-time signal of Linux, which has the most. */
const kLargestSignal = 64;
const kBytes = 'the streams carry bytes: decode what you read';
/** Options of child_process and of asyncio that would be taken for ours and mean nothing here. */
const kForeignOptions = {
  stdio: 'use "stdin", "stdout" and "stderr"',
  shell: 'use createSubprocessShell()',
  encoding: kBytes,
  errors: kBytes,
  text: kBytes,
  universalNewlines: kBytes,
  bufsize: 'the pipes have no buffer of their own',
};

/** Makes a pipe between the child and this process. @see asyncio.subprocess.PIPE @public */
export const PIPE: unique symbol = Symbol('PIPE');
/** The null device: nothing to read, and what is written is dropped. @see asyncio.subprocess.DEVNULL @public */
export const DEVNULL: unique symbol = Symbol('DEVNULL');
/** For stderr: goes where stdout goes. @see asyncio.subprocess.STDOUT @public */
export const STDOUT: unique symbol = Symbol('STDOUT');

/** A standard stream of a child: PIPE, DEVNULL, a descriptor of ours, or null: the same as ours. @public */
export type Stdio = typeof PIPE | typeof DEVNULL | number | null;

/** Options of createSubprocessExec(), loop.subprocessExec() and their twins for the shell. @public */
export interface SubprocessOptions {
  /** null (the default): the child shares ours. */
  stdin?: Stdio | undefined;
  /** null (the default): the child shares ours. */
  stdout?: Stdio | undefined;
  /** null (the default): the child shares ours; STDOUT: where stdout goes. */
  stderr?: Stdio | typeof STDOUT | undefined;
  /** The child's working directory. */
  cwd?: string | URL | undefined;
  /** The child's whole environment; ours by default. */
  env?: NodeJS.ProcessEnv | undefined;
  /** The user that the child runs as. */
  uid?: number | undefined;
  /** The group that the child runs as. */
  gid?: number | undefined;
  /** The child leads a session of its own, and is not killed when this process or its loop ends. */
  detached?: boolean | undefined;
  /** Aborting it sends SIGTERM to the child. */
  signal?: AbortSignal | undefined;
  /** Of the readers of stdout and stderr; see StreamOptions. */
  limit?: number | undefined;
}

/** @internal */
export interface SpawnPlan {
  readonly file: string;
  /** The name that the program is told as its own comes first. */
  readonly args: readonly string[];
  /** null: inherited. */
  readonly environment: readonly string[] | null;
  readonly cwd: string;
  readonly stdio: readonly [number, number, number];
  readonly flags: number;
  readonly uid: number;
  readonly gid: number;
  readonly signal: AbortSignal | undefined;
  readonly detached: boolean;
}

function stdioOf(value: unknown, index: number, name: string): number {
  if (value === undefined || value === null) return index;
  if (value === PIPE) return kPiped;
  if (value === DEVNULL) return kDevNull;
  if (value === STDOUT && index === 2) return kSameAsStdout;
  if (typeof value !== 'number') {
    const also = index === 2 ? ', STDOUT' : '';
    throw invalidArgType(name, `PIPE, DEVNULL${also}, a file descriptor or null`, value);
  }
  checkInteger(value, name, 0, kLargestDescriptor);
  return value;
}

/**
 * NAME=value of all variables, inherited properties included, as in child_process. Windows knows names
 * whatever their case: of several the first in order counts.
 */
function environmentOf(env: NodeJS.ProcessEnv): string[] {
  const names: string[] = [];
  for (const name in env) names.push(name);
  const seen = new Set<string>();
  const pairs: string[] = [];
  for (const name of isWindows ? names.sort() : names) {
    const value = env[name];
    if (value === undefined) continue;
    if (isWindows) {
      if (seen.has(name.toUpperCase())) continue;
      seen.add(name.toUpperCase());
    }
    const pair = `${name}=${value}`;
    checkText(pair, `options.env['${name}']`);
    pairs.push(pair);
  }
  return pairs;
}

function idOf(value: unknown, name: string): number {
  if (value === undefined) return -1;
  checkInteger(value, name, 0, kLargestId);
  return value as number;
}

/** Checks `options` and makes the plan of a process. */
function planOf(
  file: string,
  args: readonly string[],
  options: SubprocessOptions,
  flags: number,
): SpawnPlan {
  checkOptions(options);
  for (const [name, hint] of Object.entries(kForeignOptions)) {
    const value = (options as Record<string, unknown>)[name];
    if (value) {
      throw invalidArgValue(`options.${name}`, `is not an option here: ${hint}`, value);
    }
  }
  const { stdin, stdout, stderr, cwd, env, uid, gid, detached, signal } = options;
  const folder = cwd instanceof URL ? fileURLToPath(cwd) : cwd;
  if (folder !== undefined) checkText(folder, 'options.cwd');
  if (env !== undefined) checkOptions(env, 'options.env');
  checkFlag(detached, 'options.detached');
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidArgType('options.signal', 'an instance of AbortSignal', signal);
  }
  // A worker's process.env is a copy, which the system does not know of.
  const variables = env ?? (isMainThread ? undefined : process.env);
  return {
    file,
    args,
    environment: variables === undefined ? null : environmentOf(variables),
    cwd: folder ?? '',
    stdio: [
      stdioOf(stdin, 0, 'options.stdin'),
      stdioOf(stdout, 1, 'options.stdout'),
      stdioOf(stderr, 2, 'options.stderr'),
    ],
    flags: flags | (detached ? kDetached : 0),
    uid: idOf(uid, 'options.uid'),
    gid: idOf(gid, 'options.gid'),
    signal,
    detached: detached ?? false,
  };
}

/** @internal */
export function planExec(
  program: string,
  args: readonly string[],
  options: SubprocessOptions,
): SpawnPlan {
  checkText(program, 'program');
  if (program === '') throw invalidArgValue('program', 'cannot be empty', program);
  if (!Array.isArray(args)) throw invalidArgType('args', 'an instance of Array', args);
  for (const [index, arg] of args.entries()) checkText(arg, `args[${index}]`);
  return planOf(program, [program, ...args], options, 0);
}

/** The command is run by the shell that child_process would take. @internal */
export function planShell(command: string, options: SubprocessOptions): SpawnPlan {
  checkText(command, 'command');
  if (isWindows) {
    const shell = process.env.comspec ?? 'cmd.exe';
    const isCmd = /^(?:.*\\)?cmd(?:\.exe)?$/i.test(shell);
    return isCmd
      ? planOf(shell, [shell, '/d', '/s', '/c', `"${command}"`], options, kVerbatimArguments)
      : planOf(shell, [shell, '-c', command], options, 0);
  }
  const shell = process.platform === 'android' ? '/system/bin/sh' : '/bin/sh';
  return planOf(shell, [shell, '-c', command], options, 0);
}

/** The number of a signal. @throws TypeError [ERR_UNKNOWN_SIGNAL] @internal */
export function signalNumber(signal: NodeJS.Signals | number): number {
  if (typeof signal === 'number') {
    checkInteger(signal, 'signal', 0, kLargestSignal);
    return signal;
  }
  if (typeof signal !== 'string') {
    throw invalidArgType('signal', 'of type number or the name of a signal', signal);
  }
  const number = Object.hasOwn(constants.signals, signal) ? constants.signals[signal] : undefined;
  if (number !== undefined) return number;
  const error = new TypeError(`Unknown signal: ${signal}`);
  throw Object.assign(error, { code: 'ERR_UNKNOWN_SIGNAL' });
}
