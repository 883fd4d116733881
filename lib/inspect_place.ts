// Where `aionode ps` and the process it asks meet: a Unix domain socket in a folder that only their
// user can open (a named pipe on Windows). Knows nothing of tasks, so that the command starts fast.
// Floor 0.
//
// Why a signal, and who listens. A process that imported aionode opens nothing: it waits for SIGURG, which
// harms no process that does not know it (its default is to be ignored), and which Node leaves unused.
// The one who asks opens the socket, sends the signal, and is called back. So a process that is never
// asked costs a signal handler and leaves no file; one that dies leaves none either; and only its own
// user and root can send it the signal.
//
// The folder does not depend on TMPDIR or XDG_RUNTIME_DIR, which may differ between the two processes.
import { lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** @internal */
export const kAskSignal = 'SIGURG';
/** What may be asked; anything else is refused. @internal */
export const kQuestions = ['ps', 'pstree'] as const;
/** @internal */
export type Question = (typeof kQuestions)[number];
/** The first line of an answer, which then goes on with what is to be printed. @internal */
export const kGood = 'good';
/** @internal */
export const kBad = 'bad';

/** Windows has no such signal: the process listens from the start. @internal */
export const isWindows: boolean = process.platform === 'win32';

/** @internal */
export function pipePath(pid: number): string {
  return `\\\\.\\pipe\\aionode-${pid}`;
}

/** The folder of a user's sockets. @internal */
export function socketFolder(uid: number): string {
  return `/tmp/aionode-${uid}`;
}

/** The socket by which process `asker` asks process `pid`. @internal */
export function socketPath(uid: number, pid: number, asker: number): string {
  return path.join(socketFolder(uid), `${pid}.${asker}`);
}

/** Whether the folder is a real one, of this user, closed to everybody else. @internal */
export function isPrivateFolder(folder: string, uid: number): boolean {
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  return stats?.isDirectory() === true && stats.uid === uid && (stats.mode & 0o077) === 0;
}

/** The sockets by which process `pid` is asked now; none if the folder cannot be trusted. @internal */
export function socketsFor(uid: number, pid: number): string[] {
  const folder = socketFolder(uid);
  if (!isPrivateFolder(folder, uid)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith(`${pid}.`))
    .map((name) => path.join(folder, name));
}
