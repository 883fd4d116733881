// How a process is started: as one await, which can be cancelled.
// Floor 9.
import { checkFactory } from './arguments.ts';
import { CallStack } from './call_stacks.ts';
import { type Context, captureContext } from './context.ts';
import type { Future } from './futures.ts';
import { InlineCoroutine } from './inline.ts';
import { makeProtocol, type SubprocessProtocol } from './protocols.ts';
import type { SpawnPlan } from './subprocess_options.ts';
import { ProcessTransport } from './subprocess_transport.ts';
import { addThen } from './thens.ts';
import type { SubprocessTransport } from './transport_types.ts';
import type { LoopCore } from './turns.ts';

/** Node's error for what an aborted signal has stopped. */
function abortError(reason: unknown): Error {
  const error = new Error('The operation was aborted', { cause: reason });
  error.name = 'AbortError';
  return Object.assign(error, { code: 'ABORT_ERR' });
}

/**
 * Starts one process. It begins when it is awaited, and is given up as a whole however the await ends: a
 * child that was started is killed.
 */
class StartProcess<T> extends InlineCoroutine<T> {
  private readonly begin: (loop: LoopCore) => [ProcessTransport, T];
  private readonly call = new CallStack();
  private running: [ProcessTransport, T] | undefined = undefined;

  constructor(begin: (loop: LoopCore) => [ProcessTransport, T]) {
    super();
    this.begin = begin;
  }

  protected override proceed(): void {
    if (this.running !== undefined) {
      this.complete(this.running[1]);
      return;
    }
    try {
      this.running = this.begin(this.loop);
      // One pass, in which connectionMade() is called: a task that starts processes lets others run.
      this.resume();
    } catch (error) {
      this.call.addTo(error);
      this.fail(error);
    }
  }

  protected override abandon(): void {
    this.running?.[0].close();
  }
}
addThen(StartProcess);

/** `begin` gives the transport and what the await gives. @internal */
export function startProcess<T>(begin: (loop: LoopCore) => [ProcessTransport, T]): Future<T> {
  return new StartProcess<T>(begin);
}

/** @internal */
export function begin<P extends SubprocessProtocol>(
  loop: LoopCore,
  plan: SpawnPlan,
  factory: () => P,
  context?: Context,
): [ProcessTransport, P] {
  loop.checkClosed();
  if (plan.signal?.aborted) throw abortError(plan.signal.reason);
  const protocol = makeProtocol(factory);
  return [new ProcessTransport(loop, plan, protocol, context), protocol];
}

/** @see EventLoop.subprocessExec, EventLoop.subprocessShell @internal */
export function startWithProtocol<P extends SubprocessProtocol>(
  loop: LoopCore,
  factory: () => P,
  plan: () => SpawnPlan,
): Future<[SubprocessTransport, P]> {
  const context = captureContext();
  return startProcess<[SubprocessTransport, P]>(() => {
    checkFactory(factory, 'factory');
    const started = begin(loop, plan(), factory, context);
    return [started[0], started];
  });
}
