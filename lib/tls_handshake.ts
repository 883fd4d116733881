// One TLS handshake while it lasts: its time limit, what it waits for, and how it is given up.
// Floor 8.
import type { Duplex } from 'node:stream';
import { TimeoutError } from './exceptions.ts';
import { Future, kFailed } from './futures.ts';
import { TimerHandle } from './handles.ts';
import type { TlsTimeouts } from './tls_options.ts';
import type { LoopCore, LoopResource } from './turns.ts';

/** As node:tls words it. @internal */
export function disconnected(): Error {
  const message = 'The peer disconnected before the secure TLS connection was established';
  return Object.assign(new Error(message), { code: 'ECONNRESET' });
}

/**
 * One handshake: what it waits for, and how it is given up. Owns the stream from over() on, until the
 * TLS transport has it.
 * @internal
 */
export class Handshake implements LoopResource {
  readonly loop: LoopCore;
  readonly timeouts: TlsTimeouts;
  private readonly timer: TimerHandle;
  private readonly onStep: (future: Future<unknown>) => void;
  private current: Future<unknown> | undefined = undefined;
  private failure: { readonly error: unknown } | undefined = undefined;
  private stream: Duplex | undefined = undefined;

  /** @param onStep - is told each future that is awaited */
  constructor(loop: LoopCore, timeouts: TlsTimeouts, onStep: (future: Future<unknown>) => void) {
    const timeout = timeouts.handshake;
    this.loop = loop;
    this.timeouts = timeouts;
    this.onStep = onStep;
    this.timer = new TimerHandle(loop, () => this.fail(this.tooLong(timeout)), [], undefined);
    this.timer.armAfter(timeout);
    loop.resources.add(this);
  }

  private tooLong(timeout: number): TimeoutError {
    return new TimeoutError(
      `TLS handshake is taking longer than ${timeout} seconds: aborting the connection`,
    );
  }

  /** A future that fails when the handshake does. */
  step<T>(): Future<T> {
    const future = new Future<T>({ loop: this.loop });
    if (this.failure === undefined) this.current = future;
    else future.finish(kFailed, this.failure.error);
    this.onStep(future);
    return future;
  }

  over(stream: Duplex): void {
    this.stream = stream;
  }

  fail(error: unknown): void {
    this.failure ??= { error };
    const { current } = this;
    if (current !== undefined && !current.done()) current.finish(kFailed, error);
  }

  /** It is over, well or badly. */
  end(): void {
    this.timer.cancel();
    this.loop.resources.delete(this);
  }

  /** As of a transport, for the server that has it among its clients. */
  abort(): void {
    this.fail(disconnected());
  }

  hangUp(): void {
    this.abort();
  }

  loopClosed(): void {
    this.end();
    this.stream?.destroy();
  }
}
