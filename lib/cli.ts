#!/usr/bin/env node
// The command `aionode`: prints the tasks of a running process.
// Floor 1.
import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { constants } from 'node:os';
import {
  isPrivateFolder,
  isWindows,
  kAskSignal,
  kGood,
  kQuestions,
  pipePath,
  type Question,
  socketFolder,
  socketPath,
  socketsFor,
} from './inspect_place.ts';

const kUsage = `Usage: aionode ps PID       a table of the tasks of a running process
       aionode pstree PID   the same as a tree: who waits for whom

The process must have imported aionode, in its main thread and without AIONODE_INSPECT=0.
Equal tasks share a line. Start the process with AIONODE_DEBUG=1 to see the line of every await.
`;

/** A process answers between two callbacks; this is how long one may take. */
const kPatienceMs = 5000;

function checkProcess(pid: number): void {
  try {
    process.kill(pid, 0);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(code === 'EPERM' ? `process ${pid} is another user's` : `no process ${pid}`);
  }
}

/** Linux tells whether the process listens to the signal; elsewhere only time does. */
function checkListens(pid: number): void {
  if (process.platform !== 'linux') return;
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (mask === undefined) return;
  const bit = BigInt(constants.signals[kAskSignal] - 1);
  if (((BigInt(`0x${mask}`) >> bit) & 1n) === 0n) {
    throw new Error(
      `process ${pid} has not imported aionode in its main thread, or was started with AIONODE_INSPECT=0`,
    );
  }
}

/** Root asks as the user of the process, whose folder it is. */
function becomeOwner(pid: number): void {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return;
  const { uid, gid } = statSync(`/proc/${pid}`);
  if (uid === 0) return;
  process.setgroups?.([gid]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Makes the folder, and removes what askers that were killed left in it. */
function prepareFolder(uid: number, pid: number): void {
  const folder = socketFolder(uid);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw new Error(message);
  }
  if (!isPrivateFolder(folder, uid)) {
    throw new Error(`${folder} is not a folder that only you can open: remove it`);
  }
  for (const socket of socketsFor(uid, pid)) {
    if (!isAlive(Number(socket.slice(socket.lastIndexOf('.') + 1))))
      rmSync(socket, { force: true });
  }
}

/** A connection to the process, which it opens when it is asked to. */
function meet(pid: number): Promise<Socket> {
  if (isWindows) return Promise.resolve(connect(pipePath(pid)));
  const uid = process.geteuid?.() ?? -1;
  prepareFolder(uid, pid);
  const path = socketPath(uid, pid, process.pid);
  process.on('exit', () => rmSync(path, { force: true }));
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      server.close();
      resolve(socket);
    });
    server.on('error', reject);
    server.listen(path, () => process.kill(pid, kAskSignal));
  });
}

async function ask(pid: number, question: Question): Promise<string> {
  const socket = await meet(pid);
  socket.setEncoding('utf8');
  socket.write(`${question}\n`);
  let answer = '';
  for await (const text of socket) answer += text;
  return answer;
}

function fail(message: string): never {
  process.stderr.write(`aionode: ${message}\n`);
  process.exit(1);
}

async function main(args: readonly string[]): Promise<void> {
  // Who reads only the first lines has seen what he wanted.
  process.stdout.on('error', () => process.exit());
  const [word, id, ...more] = args;
  const question = kQuestions.find((known) => known === word);
  if (word === '--help' || word === '-h') {
    process.stdout.write(kUsage);
    return;
  }
  if (question === undefined || !/^[1-9]\d{0,9}$/.test(id ?? '') || more.length > 0) {
    process.stderr.write(kUsage);
    process.exitCode = 2;
    return;
  }
  const pid = Number(id);
  try {
    checkProcess(pid);
    checkListens(pid);
    becomeOwner(pid);
    const silent = () =>
      fail(`process ${pid} did not answer: it is busy, or has not imported aionode`);
    const timer = setTimeout(silent, kPatienceMs);
    const answer = await ask(pid, question);
    clearTimeout(timer);
    const end = answer.indexOf('\n');
    const text = answer.slice(end + 1);
    if (answer.slice(0, end) === kGood) process.stdout.write(text);
    else fail(text.trimEnd());
  } catch (error) {
    fail((error as Error).message);
  }
}

await main(process.argv.slice(2));
