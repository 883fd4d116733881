// The side of `aionode ps` that is asked: in every process that imported aionode.
// Floor 10.
//
// Says what tasks there are, in text, and does nothing else; see inspect_place.ts for how it is asked.
// Whatever goes wrong with an asker is the asker's: the program is not told.
import { connect, createServer, type Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import {
  isWindows,
  kAskSignal,
  kBad,
  kGood,
  kQuestions,
  pipePath,
  type Question,
  socketsFor,
} from './inspect_place.ts';
import { taskTable, taskTree } from './inspect_report.ts';

const kReports: Record<Question, () => string> = { ps: taskTable, pstree: taskTree };

function answerTo(question: string): string {
  const known = kQuestions.find((word) => word === question.trim());
  if (known === undefined) return `${kBad}\nunknown question; upgrade the aionode of the process`;
  try {
    return `${kGood}\n${kReports[known]()}`;
  } catch (error) {
    return `${kBad}\n${(error as Error).message}`;
  }
}

function serve(socket: Socket): void {
  socket.unref();
  socket.on('error', () => {});
  socket.setEncoding('utf8');
  socket.once('data', (question) => socket.end(`${answerTo(String(question))}\n`));
}

function callBack(): void {
  const uid = process.geteuid?.() ?? -1;
  try {
    for (const path of socketsFor(uid, process.pid)) serve(connect(path));
  } catch {
    // The folder vanished or is unreadable: nobody waits for an answer.
  }
}

/** Lets `aionode ps` and `aionode pstree` ask this process; AIONODE_INSPECT=0 switches it off. @internal */
export function letBeInspected(): void {
  if (!isMainThread || process.env.AIONODE_INSPECT === '0') return;
  if (isWindows)
    createServer(serve)
      .on('error', () => {})
      .listen(pipePath(process.pid))
      .unref();
  else process.on(kAskSignal, callBack);
}
