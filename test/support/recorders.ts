/** Protocols that note what they are told, in the words of their twins in net/oracle/recorders.py. */
import { BaseProtocol, type Future, getRunningLoop, RuntimeError, type Transport } from 'aionode';

type Name = 'made' | 'eof' | 'pause' | 'resume' | 'lost' | 'data' | 'buffer' | 'updated';
/** What a scenario adds to the methods of its protocol, of whichever kind that is. */
export type Actions = { [K in Name]?: (protocol: Plain & Buffered) => unknown };

/** An error's class as Python names it. */
export function nameOf(error: unknown): string {
  if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return 'ConnectionResetError';
  return error instanceof RuntimeError ? 'RuntimeError' : 'Exception';
}

/** Notes what it is told; the actions of a scenario add what it does then. */
export class Recorder extends BaseProtocol {
  readonly trace: string[];
  readonly lost: Future<void> = getRunningLoop().createFuture<void>();
  transport!: Transport;
  private readonly on: Actions;

  constructor(trace: string[], on: Actions = {}) {
    super();
    this.trace = trace;
    this.on = on;
  }

  protected does(name: Name): unknown {
    return this.on[name]?.(this as unknown as Plain & Buffered);
  }

  override connectionMade(transport: Transport): void {
    this.transport = transport;
    this.trace.push('made');
    this.does('made');
  }

  eofReceived(): boolean {
    this.trace.push('eof');
    return this.does('eof') as boolean;
  }

  override pauseWriting(): void {
    this.trace.push('pause');
    this.does('pause');
  }

  override resumeWriting(): void {
    this.trace.push('resume');
    this.does('resume');
  }

  override connectionLost(error: unknown): void {
    this.trace.push(error === null ? 'lost' : `lost ${nameOf(error)}`);
    this.lost.setResult();
    this.does('lost');
  }
}

export class Plain extends Recorder {
  dataReceived(data: Buffer): void {
    this.trace.push(`data ${data}`);
    this.does('data');
  }
}

export class Buffered extends Recorder {
  buffer = Buffer.alloc(0);

  getBuffer(): Buffer {
    this.trace.push('buffer');
    this.buffer = Buffer.alloc(4);
    this.does('buffer');
    return this.buffer;
  }

  bufferUpdated(length: number): void {
    this.trace.push(`updated ${this.buffer.subarray(0, length)}`);
    this.does('updated');
  }
}

/**
 * Until what was sent has arrived and been handled: on this machine itself that takes a few rounds of the
 * loop.
 */
export async function settle(): Promise<void> {
  for (let round = 0; round < 50; round++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export function fail(): never {
  throw new Error('boom');
}

/** A message with the names of methods as Python spells them. */
export function snakeCase(message: string): string {
  return message.replace(/[a-z][A-Z]/g, ([small, big]) => `${small}_${big?.toLowerCase()}`);
}
