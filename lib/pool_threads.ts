// PoolThread: a worker of a ThreadPoolExecutor, and the job it has.
// Floor 7.
//
// A thread tells its pool when it is free and when it has ended. While it is free it does not keep the
// process alive; while it starts, works or ends it does, unless it was given up.
import { isAbsolute, join } from 'node:path';
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from 'node:worker_threads';
import { emptyContext } from './context.ts';
import { RuntimeError } from './exceptions.ts';
import { threadLoop } from './running.ts';
import { receiveError } from './sent_errors.ts';
import { describeFunction, type FunctionSpec } from './sent_functions.ts';
import { pack, unpack } from './sent_values.ts';
import type { TransferItem } from './transfers.ts';
import { type Answer, kBuffer, kThrown, type Order, type ToWorker } from './worker_messages.ts';

/** What a thread is given to do. @internal */
export interface PoolJob {
  readonly spec: FunctionSpec;
  readonly args: readonly unknown[];
  succeed(result: unknown): void;
  fail(error: unknown): void;
}

/** @internal */
export interface PoolThreadOwner {
  /** The thread has nothing to do: it has just started, or its job is done. */
  threadFree(thread: PoolThread): void;
  /** The thread is no more. `error` is there if it ended before it could work. */
  threadEnded(thread: PoolThread, error: Error | undefined): void;
}

/** @internal */
export interface PoolThreadOptions {
  readonly name: string;
  readonly maxMemoryMb: number | undefined;
}

/** Not the file itself: a Node that was told an --input-type takes that for an error in its workers, too. */
const kProgram = `import(${JSON.stringify(new URL('./pool_worker.js', import.meta.url).href)})`;
const kNoTransfers: readonly TransferItem[] = [];
/** A thread that has been sent so many functions is told to forget them. */
const kMostFunctions = 1000;

/** A file beside the program's main one, so that functions sent by source import what that can. */
function filenameOfSources(): string {
  const main = process.argv[1];
  return join(
    main !== undefined && isAbsolute(main) ? join(main, '..') : process.cwd(),
    'toThread',
  );
}

function endError(how: string): RuntimeError {
  return Object.assign(new RuntimeError(`the worker thread ${how}`), { code: 'ERR_WORKER_ENDED' });
}

/** @internal */
export class PoolThread {
  private readonly owner: PoolThreadOwner;
  private readonly worker: Worker;
  private readonly port: MessagePort;
  private readonly known = new Set<number>();
  /** Whether it is there to work. */
  started = false;
  private ended = false;
  private givenUp = false;
  private failure: Error | undefined = undefined;
  /** What it works on. */
  job: PoolJob | null = null;

  constructor(owner: PoolThreadOwner, { name, maxMemoryMb }: PoolThreadOptions) {
    this.owner = owner;
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    const data = { port: port2, filename: filenameOfSources() };
    // Not in the context of whoever happens to need a thread: it would be kept alive by this one.
    this.worker = emptyContext(
      () =>
        new Worker(kProgram, {
          eval: true,
          name,
          workerData: data,
          transferList: [port2],
          ...(maxMemoryMb === undefined
            ? {}
            : { resourceLimits: { maxOldGenerationSizeMb: maxMemoryMb } }),
        }),
    );
    emptyContext(() => {
      port1.on('message', (message) => this.received(message));
      port1.on('messageerror', (error) => this.answered([kThrown, { value: error }]));
      this.worker.on('error', (error) => {
        this.failure = error instanceof Error ? error : new Error(String(error));
      });
      this.worker.on('exit', (code) => this.exited(code));
    });
    // The worker is what keeps the process alive or not.
    port1.unref();
  }

  /** Gives it a job. Returns false, the job having failed, when that cannot be sent. */
  start(job: PoolJob): boolean {
    const { spec, args } = job;
    try {
      if (!this.known.has(spec.id)) this.define(spec);
      if (args.length === 0) {
        this.post(spec.id);
      } else {
        const { values, buffers, transfers } = pack(args);
        this.post([spec.id, values, buffers], transfers);
      }
    } catch (cause) {
      const message = `An argument of ${describeFunction(spec)} cannot be sent to another thread: ${(cause as Error).message}`;
      job.fail(new TypeError(message, { cause }));
      return false;
    }
    this.job = job;
    this.hold();
    return true;
  }

  /** It has nothing to do: the process may end. */
  rest(): void {
    this.worker.unref();
  }

  /** Ends it, when it is free: what it printed is not lost. */
  end(): void {
    this.hold();
    this.post({ end: true });
  }

  /** Ends it at once. Its job fails. */
  terminate(): void {
    this.hold();
    if (this.job !== null) this.failure ??= endError('was terminated');
    void this.worker.terminate();
  }

  /** From now on it does not keep the process alive, whatever it does. */
  giveUp(): void {
    this.givenUp = true;
    this.worker.unref();
  }

  private hold(): void {
    if (!this.givenUp) this.worker.ref();
  }

  private define(spec: FunctionSpec): void {
    const forget = this.known.size >= kMostFunctions;
    if (forget) this.known.clear();
    this.known.add(spec.id);
    this.post({ define: spec, forget } satisfies Order);
  }

  private post(message: ToWorker, transfers = kNoTransfers): void {
    this.port.postMessage(message, transfers);
  }

  private received(message: unknown): void {
    if (!this.started) {
      this.started = true;
      this.owner.threadFree(this);
    } else if (message !== null && typeof message === 'object') {
      this.answered(message as Answer);
    } else {
      this.take()?.succeed(message);
      this.free();
    }
  }

  private answered([kind, value]: Answer): void {
    const job = this.take();
    if (kind === kThrown) job?.fail(receiveError(value));
    else if (kind === kBuffer) job?.succeed(unpack([value], [0])[0]);
    else job?.succeed(value);
    this.free();
  }

  private take(): PoolJob | null {
    const { job } = this;
    this.job = null;
    return job;
  }

  private free(): void {
    if (!this.ended) this.owner.threadFree(this);
  }

  private exited(code: number): void {
    this.ended = true;
    // An answer may have come just before the end.
    for (let last = receiveMessageOnPort(this.port); last !== undefined; ) {
      this.received(last.message);
      last = receiveMessageOnPort(this.port);
    }
    this.port.close();
    const job = this.take();
    const error = this.failure ?? endError(`ended with exit code ${code}`);
    if (job !== null) job.fail(error);
    else if (this.failure !== undefined && this.started) reportIdle(this.failure);
    this.owner.threadEnded(this, this.started ? undefined : error);
  }
}

/** Something that an earlier job left behind threw: nobody waits for it. */
function reportIdle(exception: Error): void {
  threadLoop().callExceptionHandler({
    message: 'Unhandled error in a worker thread that had no job',
    exception,
  });
}
