// StreamWriter: the writing side of a stream.
// Floor 9.
import { inspect } from 'node:util';
import { type Attempt, OpenOperation } from './attempts.ts';
import { doneFuture } from './done.ts';
import { describeAddress, describeState } from './format.ts';
import type { Future } from './futures.ts';
import { addInlineAwait, InlineCoroutine } from './inline.ts';
import type { DrainWaiter, StreamProtocol } from './stream_protocol.ts';
import { errnoOf, systemError } from './system_errors.ts';
import { currentTask } from './tasks.ts';
import { upgradeToTls } from './tls.ts';
import { checkStartTls, type StartTlsOptions, type TlsOptions } from './tls_options.ts';
import type { WriteTransport } from './transport_types.ts';

const kConnectionReset = errnoOf('ECONNRESET');

/** drain(): waits while the transport is paused. */
class Drain extends InlineCoroutine<void> implements DrainWaiter {
  private readonly writer: StreamWriter;
  private readonly protocol: StreamProtocol;
  private gaveWay = false;
  /** How the wait has ended; what happens between that and the wake-up changes nothing, as in asyncio. */
  private outcome: { readonly error: unknown } | undefined = undefined;

  constructor(writer: StreamWriter, protocol: StreamProtocol) {
    super();
    this.writer = writer;
    this.protocol = protocol;
  }

  release(error: unknown): void {
    this.outcome = { error };
    this.resume();
  }

  protected override proceed(): void {
    const protocol = this.protocol;
    if (this.outcome !== undefined) {
      this.finishWith(this.outcome.error);
      return;
    }
    if (!this.gaveWay) {
      const broken = protocol.reader.exception();
      if (broken !== null) {
        this.fail(broken);
        return;
      }
      // A closing transport gets one pass to find out that the connection is lost, as in asyncio.
      if (this.writer.isClosing()) {
        this.gaveWay = true;
        this.resume();
        return;
      }
    }
    if (protocol.lost !== undefined) {
      this.finishWith(systemError(kConnectionReset, 'write'));
    } else if (protocol.paused) {
      protocol.waitForRoom(this);
    } else {
      this.finishWith(null);
    }
  }

  protected override abandon(): void {
    this.protocol.stopDraining(this);
  }

  private finishWith(error: unknown): void {
    if (error === null) this.complete();
    else this.fail(error);
  }
}
addInlineAwait(Drain);

/** waitClosed(): waits for the end of the connection. */
class WaitClosed extends InlineCoroutine<void> {
  private readonly protocol: StreamProtocol;

  constructor(protocol: StreamProtocol) {
    super();
    this.protocol = protocol;
  }

  protected override proceed(): void {
    const lost = this.protocol.lost;
    if (lost === undefined) {
      this.protocol.wait(this);
      return;
    }
    this.protocol.stopWaiting(this);
    if (lost.error === null) this.complete();
    else this.fail(lost.error);
  }

  protected override abandon(): void {
    this.protocol.stopWaiting(this);
  }
}
addInlineAwait(WaitClosed);

/**
 * The writing side of a stream. `write()` never waits; `await drain()` now and then, so that a slow peer
 * holds the writer back.
 * @see asyncio.StreamWriter
 * @public
 */
export class StreamWriter implements AsyncDisposable {
  /** The transport underneath. */
  readonly transport: WriteTransport;
  /** @internal */
  readonly protocol: StreamProtocol;

  /** @internal */
  constructor(transport: WriteTransport, protocol: StreamProtocol) {
    this.transport = transport;
    this.protocol = protocol;
  }

  /**
   * Sends `data`. What cannot be sent at once is copied: `data` is the caller's again. After close() or
   * on a lost connection it does nothing; drain() tells.
   * @throws TypeError when `data` is neither bytes nor a string; RuntimeError after writeEof()
   */
  write(data: Uint8Array | string): void {
    this.transport.write(data);
  }

  /**
   * Sends each of `data`, together, or none when one cannot be sent.
   * @throws TypeError when `data` or one of it is of the wrong type; RuntimeError after writeEof()
   */
  writelines(data: Iterable<Uint8Array | string>): void {
    this.transport.writelines(data);
  }

  /** Half-closes the connection: the peer reads to EOF and may go on sending. */
  writeEof(): void {
    this.transport.writeEof();
  }

  /** Whether writeEof() can be called: false over TLS. */
  canWriteEof(): boolean {
    return this.transport.canWriteEof();
  }

  /**
   * Waits until the write buffer has fallen to its low-water mark; returns without waiting while it is
   * below its high-water mark. Any number of tasks may wait.
   * @throws the connection's error when it is lost
   *
   * **Cancellation:** what was written stays written.
   */
  drain(): Future<void> {
    if (this.protocol.flows && !this.transport.isClosing()) {
      return doneFuture(this.protocol.loop);
    }
    return new Drain(this, this.protocol);
  }

  /**
   * Encrypts the connection from here on; this writer and its reader go on with it. A writer that a server
   * made is the server's side of TLS. Bytes that arrived before and were not read yet are taken for the
   * beginning of the handshake, never for encrypted content. Nothing may be written until it is done.
   * @param tls - what node:tls takes; a server keeps the context that it makes of this object
   * @param options - `serverHostname`: whom the server's certificate must be for (client side);
   * `sslHandshakeTimeout` and `sslShutdownTimeout` in seconds, 60 and 30 by default; `serverSide`
   * @throws Node's TLS errors: `code` ('DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID', ...);
   * TimeoutError; the connection is gone then
   *
   * **Cancellation:** closes the connection.
   * @see asyncio.StreamWriter.start_tls
   */
  startTls(tls: TlsOptions, options: StartTlsOptions = {}): Future<void> {
    return new OpenOperation<void>(
      (_, attempt) => this.upgrade(tls, options, attempt),
      () => this.abort(),
    );
  }

  private async upgrade(
    tls: TlsOptions,
    options: StartTlsOptions,
    attempt: Attempt,
  ): Promise<void> {
    const { protocol } = this;
    const side = checkStartTls(tls, options, protocol.isServerSide);
    const onStep = (step: Future<unknown>) => attempt.waitsFor(step);
    const drained = this.drain();
    onStep(drained);
    await drained;
    const { reader } = protocol;
    const already = reader.takeExactly(reader.buffered);
    const transport = await upgradeToTls(this.transport, protocol, side, already, onStep);
    (this as { transport: WriteTransport }).transport = transport;
    reader.setTransport(transport);
    transport.begin();
  }

  /** Closes at once: what was not sent is lost. */
  abort(): void {
    this.transport.abort();
  }

  /** Closes the connection once everything written is sent; waitClosed() waits for it. */
  close(): void {
    this.transport.close();
  }

  /** Whether the connection is closed or about to be. */
  isClosing(): boolean {
    return this.transport.isClosing();
  }

  /**
   * Waits until the connection is closed.
   * @throws the error that ended it, if one did
   *
   * **Cancellation:** stops waiting, and nothing else.
   */
  waitClosed(): Future<void> {
    return new WaitClosed(this.protocol);
  }

  /** 'peername', 'sockname', ...; `fallback` for a name the transport does not know. */
  // biome-ignore lint/suspicious/noExplicitAny: the kind depends on the name
  getExtraInfo(name: string, fallback: unknown = null): any {
    return this.transport.getExtraInfo(name, fallback);
  }

  /** As console.log() shows it: `<StreamWriter open peer=127.0.0.1:8080 unsent=100>`. @internal */
  [inspect.custom](): string {
    const open = this.isClosing() ? 'closing' : 'open';
    return describeState(this, this.protocol.lost === undefined ? open : 'closed', {
      peer: describeAddress(this.getExtraInfo('peername')),
      unsent: this.transport.getWriteBufferSize() || undefined,
    });
  }

  /** close() and waitClosed(), without the connection's error; abort() when the task is cancelled. */
  async [Symbol.asyncDispose](): Promise<void> {
    const task = currentTask();
    if (task !== null && task.cancelling() > 0) this.abort();
    else this.close();
    try {
      await this.waitClosed();
    } catch (error) {
      if (error !== this.protocol.lost?.error) {
        this.abort();
        throw error;
      }
    }
  }
}
