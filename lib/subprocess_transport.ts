// ProcessTransport: a child process and the pipes to it, between the native process (a slot) and a
// SubprocessProtocol.
// Floor 9.
//
// The slot belongs to the transport until the child has ended. The end of the child and the end of its
// pipes are two things: a grandchild may hold a pipe longer. connectionLost() comes when both are over.
// As in asyncio, nothing of a running child survives its loop: close(), the loop's close() and the end of
// this process kill it. A detached one is killed by close() only.

import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { inspect } from 'node:util';
import { checkInteger } from './arguments.ts';
import type { Context } from './context.ts';
import { describeState } from './format.ts';
import { Future, kFinished } from './futures.ts';
import { closeSlot, type EventReceiver, kNoSlot, registerReceiver } from './io_events.ts';
import { layout, native } from './native.ts';
import { ReadPipeTransport, WritePipeTransport } from './pipes.ts';
import {
  type BaseProtocol,
  checkProtocol,
  type InternalProtocol,
  kInternal,
  type SubprocessProtocol,
} from './protocols.ts';
import { ReadyCall } from './ready.ts';
import { onAbort } from './signals.ts';
import { type SpawnPlan, signalNumber } from './subprocess_options.ts';
import { errnoOf, spawnError, systemError } from './system_errors.ts';
import type { SubprocessTransport } from './transport_types.ts';
import type { LoopCore } from './turns.ts';

const kNoSuchProcess = errnoOf('ESRCH');
const kStdioFields = 3;
/** What a pipe holds on Linux, unless it is told otherwise; in bytes. */
const kFirstCapacity = 64 * 1024;
/** What asyncio reports when somebody else has taken the exit status. */
const kUnknownReturncode = 255;
const { SIGTERM, SIGKILL } = constants.signals;

/** Children to kill when this process ends. */
const running = new Set<ProcessTransport>();
let listening = false;

function killAtExit(transport: ProcessTransport): void {
  running.add(transport);
  if (listening) return;
  listening = true;
  process.on('exit', () => {
    for (const one of running) one.signalIfAllowed(SIGKILL);
  });
}

/** One pipe to the child: passes on what it hears to the process' transport. */
class ChildPipe implements InternalProtocol {
  readonly [kInternal] = true as const;
  readonly fd: number;
  readonly transport: ReadPipeTransport | WritePipeTransport;
  connected = true;
  private readonly owner: ProcessTransport;
  private readonly descriptor: number;
  private grown = false;

  /** Takes over `descriptor`. */
  constructor(owner: ProcessTransport, fd: number, descriptor: number) {
    this.owner = owner;
    this.fd = fd;
    this.descriptor = descriptor;
    const Transport = fd === 0 ? WritePipeTransport : ReadPipeTransport;
    this.transport = new Transport(owner.loop, descriptor, this);
  }

  connectionMade(): void {}

  dataReceived(data: Buffer): void {
    if (data.length >= kFirstCapacity) this.grow();
    this.owner.pipeDataReceived(this.fd, data);
  }

  eofReceived(): void {}

  connectionLost(error: unknown): void {
    this.connected = false;
    this.owner.pipeConnectionLost(this.fd, error);
  }

  pauseWriting(): void {
    this.grow();
    this.owner.protocol.pauseWriting();
  }

  resumeWriting(): void {
    this.owner.inContext(() => this.owner.protocol.resumeWriting());
  }

  /** The pipe was full: there is more where that came from. */
  private grow(): void {
    if (this.grown) return;
    this.grown = true;
    native.growPipe(this.descriptor);
  }
}

/** A subprocess protocol of this package that only takes note: it is told at once. @internal */
export interface InternalSubprocessProtocol extends SubprocessProtocol {
  readonly [kInternal]: true;
}

/** @internal */
export class ProcessTransport implements SubprocessTransport, EventReceiver {
  readonly loop: LoopCore;
  /** Perhaps one for connections, whose methods are some of these. */
  protocol: BaseProtocol & Partial<SubprocessProtocol>;
  /** What the protocol is called in; undefined: the empty context. */
  private readonly context: Context | undefined;
  private slot: number;
  private readonly pid: number;
  private returncode: number | null = null;
  private readonly pipes: (ChildPipe | undefined)[] = [];
  private closed = false;
  /** connectionLost() has been scheduled. */
  private finished = false;
  /** It was called. */
  private over = false;
  private exitWaiters: Set<Future<number>> | undefined = undefined;
  private stopFollowing: (() => void) | undefined = undefined;

  /** Starts the process. @throws Node's system error of spawn */
  constructor(
    loop: LoopCore,
    plan: SpawnPlan,
    protocol: SubprocessProtocol,
    context: Context | undefined,
  ) {
    const stdio = new Int32Array([...plan.stdio, 0]);
    const slot = native.processSpawn(
      plan.file,
      plan.args,
      plan.environment,
      plan.cwd,
      stdio,
      plan.flags,
      plan.uid,
      plan.gid,
    );
    if (slot < 0) throw spawnError(slot, plan.file, plan.args.slice(1), plan.cwd);
    this.loop = loop;
    this.protocol = protocol;
    this.context = context;
    this.slot = slot;
    this.pid = stdio[kStdioFields] as number;
    registerReceiver(slot, this);
    this.connectPipes(stdio);
    if (!plan.detached) killAtExit(this);
    if (plan.signal !== undefined) {
      this.stopFollowing = onAbort(plan.signal, () => this.signalIfAllowed(SIGTERM));
    }
    this.tell('connectionMade', () => this.protocol.connectionMade(this));
  }

  // ---------------------------------------------------------------------------- asyncio's methods

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const pipe of this.pipes) pipe?.transport.close();
    this.signalIfAllowed(SIGKILL);
  }

  /** One that belongs to another user by now, as of sudo, goes on. @internal */
  signalIfAllowed(signal: number): void {
    if (this.returncode === null && !this.isLeft) native.processSignal(this.slot, signal);
  }

  isClosing(): boolean {
    return this.closed;
  }

  getPid(): number {
    return this.pid;
  }

  getReturncode(): number | null {
    return this.returncode;
  }

  getPipeTransport(fd: number): ReadPipeTransport | WritePipeTransport | null {
    checkInteger(fd, 'fd', 0);
    return this.pipes[fd]?.transport ?? null;
  }

  sendSignal(signal: NodeJS.Signals | number): void {
    const number = signalNumber(signal);
    if (this.over || this.isLeft) throw systemError(kNoSuchProcess, 'kill');
    if (this.returncode !== null) return;
    const status = native.processSignal(this.slot, number);
    // The child may have ended without our having been told: that is no error.
    if (status < 0 && status !== kNoSuchProcess) throw systemError(status, 'kill');
  }

  terminate(): void {
    this.sendSignal(SIGTERM);
  }

  kill(): void {
    this.sendSignal(SIGKILL);
  }

  getExtraInfo(_name: string, fallback: unknown = null): unknown {
    return fallback;
  }

  setProtocol(protocol: BaseProtocol): void {
    checkProtocol(protocol, 'protocol');
    this.protocol = protocol;
  }

  getProtocol(): SubprocessProtocol {
    return this.protocol as SubprocessProtocol;
  }

  /** As console.log() shows it: `<ProcessTransport running pid=4711>`. @internal */
  [inspect.custom](): string {
    const { pid, returncode } = this;
    const state = returncode === null ? 'running' : 'ended';
    return describeState(this, state, { pid, returncode: returncode ?? undefined });
  }

  // ------------------------------------------------------------------------ for the floors around

  isPipeOpen(fd: number): boolean {
    return this.pipes[fd]?.connected ?? false;
  }

  /** Done with the return code when the child has ended; each call gives a future of its own. */
  whenExited(): Future<number> {
    const future = new Future<number>({ loop: this.loop });
    if (this.returncode !== null) {
      future.finish(kFinished, this.returncode);
      return future;
    }
    this.exitWaiters ??= new Set();
    this.exitWaiters.add(future);
    future.whenDone(() => this.exitWaiters?.delete(future));
    return future;
  }

  pipeDataReceived(fd: number, data: Buffer): void {
    this.tell('pipeDataReceived', () => this.protocol.pipeDataReceived?.(fd, data));
  }

  pipeConnectionLost(fd: number, error: unknown): void {
    this.tell('pipeConnectionLost', () => this.protocol.pipeConnectionLost?.(fd, error));
    this.finishIfOver();
  }

  onEvent(kind: number, status: number, signal: number): void {
    if (kind !== layout.kExited) return;
    if (signal < 0) this.returncode = kUnknownReturncode;
    else if (signal > 0) this.returncode = -signal;
    else this.returncode = process.platform === 'win32' ? status >>> 0 : status;
    this.slot = closeSlot(this.slot);
    this.unfollow();
    if (signal < 0) warnOfLostStatus(this.pid);
    this.tell('processExited', () => this.protocol.processExited?.());
    this.finishIfOver();
    for (const waiter of this.exitWaiters ?? []) {
      if (!waiter.done()) waiter.finish(kFinished, this.returncode);
    }
    this.exitWaiters = undefined;
  }

  detached(): void {
    this.slot = kNoSlot;
    this.unfollow();
  }

  /** Its loop was closed while the child was running. */
  private get isLeft(): boolean {
    return this.slot === kNoSlot && this.returncode === null;
  }

  /** Neither the end of this process nor a signal ends the child any more. */
  private unfollow(): void {
    running.delete(this);
    this.stopFollowing?.();
  }

  private finishIfOver(): void {
    if (this.finished || this.returncode === null) return;
    if (this.pipes.some((pipe) => pipe?.connected)) return;
    this.finished = true;
    this.tell('connectionLost', () => {
      try {
        this.protocol.connectionLost(null);
      } finally {
        this.over = true;
      }
    });
  }

  /** Takes over our ends of the pipes. */
  private connectPipes(descriptors: Int32Array): void {
    let fd = 0;
    try {
      for (; fd < kStdioFields; fd++) {
        const descriptor = descriptors[fd] as number;
        if (descriptor >= 0) this.pipes[fd] = new ChildPipe(this, fd, descriptor);
      }
    } catch (error) {
      for (; fd < kStdioFields; fd++) {
        const descriptor = descriptors[fd] as number;
        if (descriptor >= 0) closeSync(descriptor);
      }
      this.close();
      throw error;
    }
  }

  /** Calls a method of the protocol: now if it is ours, as a ready entry otherwise. */
  private tell(method: string, call: () => void): void {
    if ((this.protocol as InternalSubprocessProtocol)[kInternal]) call();
    else this.loop.enqueue(new ReadyCall(() => this.inContext(call), method));
  }

  /** Calls the protocol in its context. */
  inContext(call: () => void): void {
    if (this.context === undefined) call();
    else this.context(call);
  }
}

function warnOfLostStatus(pid: number): void {
  process.emitWarning(
    `the exit status of child process ${pid} was taken by other code: its return code is reported as ${kUnknownReturncode}`,
    { type: 'AionodeWarning', code: 'AIONODE_LOST_STATUS' },
  );
}
