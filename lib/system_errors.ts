// System errors as Node makes them: code, errno, syscall, address, port.
// Floor 1.
import { existsSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';

const descriptions = getSystemErrorMap();

/** @internal */
export interface ErrorPlace {
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

/**
 * The Error that Node gives for a failed system call.
 * @param errno - the negative number that libuv returned
 * @internal
 */
export function systemError(
  errno: number,
  syscall: string,
  place: ErrorPlace = {},
): NodeJS.ErrnoException {
  const [code, description] = descriptions.get(errno) ?? [`Unknown system error ${errno}`, ''];
  const { address, port } = place;
  const where =
    address === undefined ? '' : port === undefined ? ` ${address}` : ` ${address}:${port}`;
  const detail = syscall === 'connect' || where === '' ? '' : `: ${description}`;
  const error = new Error(`${syscall} ${code}${detail}${where}`);
  return Object.assign(
    error,
    { errno, code, syscall },
    address === undefined ? {} : { address },
    port === undefined ? {} : { port },
  );
}

/** Node's error for a program that could not be started. @internal */
export function spawnError(
  errno: number,
  file: string,
  spawnargs: readonly string[],
  cwd: string,
): NodeJS.ErrnoException {
  const error = systemError(errno, `spawn ${file}`);
  if (cwd === '' || existsSync(cwd)) return Object.assign(error, { path: file, spawnargs });
  error.message += ` (the directory '${cwd}' does not exist)`;
  return Object.assign(error, { path: cwd, spawnargs });
}

/** The negative number of an error name such as 'ECONNRESET'. @internal */
export function errnoOf(code: string): number {
  for (const [errno, [name]] of descriptions) if (name === code) return errno;
  return -1;
}
