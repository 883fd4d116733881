// TlsTransport: a TLS connection of node:tls as a transport, after its handshake.
// Floor 8.
//
// As asyncio's it has no half-open state: at the peer's end it closes itself, and writeEof() is not
// there. close() sends what was written and close_notify, then waits for the peer's end, for a bounded time.
import type { Duplex } from 'node:stream';
import type { CipherNameAndProtocol, PeerCertificate, TLSSocket } from 'node:tls';
import type { Context } from './context.ts';
import { DuplexTransport } from './duplex_transport.ts';
import { RuntimeError, TimeoutError } from './exceptions.ts';
import { TimerHandle } from './handles.ts';
import { native } from './native.ts';
import type { BaseProtocol } from './protocols.ts';
import { systemError } from './system_errors.ts';
import { batchedTls, batchTls, dropTls, flushTls } from './tls_batch.ts';
import type { TlsOptions } from './tls_options.ts';
import { TlsTransportSocket } from './tls_socket.ts';
import type { TransportOwner } from './transport_base.ts';
import type { LoopCore } from './turns.ts';

/** asyncio's high-water mark of a TLS transport, in bytes (constants: FLOW_CONTROL_HIGH_WATER_SSL_WRITE). */
const kHighWater = 512 * 1024;

/** A reset that Node, by libuv, takes for the end of what came before it. */
function peerErrorOf(socket: TLSSocket): Error | undefined {
  const fd = (socket as { _handle?: { fd?: number } | null })._handle?.fd ?? -1;
  const end = fd < 0 ? 0 : native.descriptorEnd(fd);
  return end < 0 ? systemError(end, 'read') : undefined;
}

/** @internal */
export class TlsTransport extends DuplexTransport {
  private readonly options: TlsOptions;
  private readonly socket: TLSSocket;
  private readonly shutdownTimeout: number;
  /** Kept since the socket forgets them with its connection; that may be gone already. */
  private readonly certificate: PeerCertificate | null;
  private readonly cipher: CipherNameAndProtocol | undefined;
  private shutdownTimer: TimerHandle | undefined = undefined;
  /** close() waits for the peer's end of the connection. */
  private waitsForPeer = true;
  /** What the peer has ended the connection with, if not in order. */
  private peerError: Error | undefined = undefined;

  constructor(
    loop: LoopCore,
    socket: TLSSocket,
    protocol: BaseProtocol,
    owner: TransportOwner | null,
    context: Context | undefined,
    options: TlsOptions,
    shutdownTimeout: number,
  ) {
    super(loop, socket as Duplex, protocol, owner, context);
    this.socket = socket;
    this.options = options;
    this.shutdownTimeout = shutdownTimeout;
    this.certificate = socket.getPeerCertificate();
    this.cipher = socket.getCipher();
  }

  protected override get defaultHigh(): number {
    return kHighWater;
  }

  /**
   * Node hands decrypted bytes to push(). What can go to the protocol at once is taken there, past the
   * stream's buffer and its 'data' event: a tenth of what an echo of 1 KiB costs.
   */
  protected override listen(): void {
    const { socket } = this;
    const push = socket.push;
    socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (chunk === null) this.peerError = peerErrorOf(socket);
      const atOnce = this.begun && this.isReading() && socket.readableLength === 0;
      if (chunk === null || !atOnce) return push.call(socket, chunk, encoding);
      this.dataCame(chunk);
      return true;
    };
    super.listen();
  }

  protected override stopListening(): void {
    Reflect.deleteProperty(this.socket, 'push');
    super.stopListening();
  }

  /** asyncio calls connectionMade() as the last thing of the handshake. */
  protected override endsUnmade(): boolean {
    return true;
  }

  override close(): void {
    this.flush();
    super.close();
    if (this.lost || this.shutdownTimer !== undefined) return;
    const timer = new TimerHandle(this.loop, () => this.shutdownTimedOut(), [], undefined);
    timer.armAfter(this.shutdownTimeout);
    this.shutdownTimer = timer;
  }

  /** asyncio's server closes the connection that is under TLS. */
  override hangUp(): void {
    this.waitsForPeer = false;
    if (this.closing && this.stream.writableFinished) this.endInOrder();
    else this.close();
  }

  override abort(): void {
    this.flush();
    super.abort();
  }

  private shutdownTimedOut(): void {
    this.fail(new TimeoutError('TLS shutdown timed out: the peer did not end the connection'));
  }

  override writeEof(): void {
    throw new RuntimeError('A TLS connection has no half-open state: use close()');
  }

  override canWriteEof(): boolean {
    return false;
  }

  protected override canStayHalfOpen(): boolean {
    return false;
  }

  /** The peer has ended: that is what close() waits for. */
  protected override ended(): void {
    if (!this.closing && this.peerError !== undefined) this.receiveFailure(this.peerError);
    else if (!this.closing) super.ended();
    else if (this.stream.writableFinished) this.endInOrder();
  }

  protected override finished(): void {
    const over = this.eofReceived || this.stream.readableEnded || !this.waitsForPeer;
    if (over) super.finished();
    else this.bufferChanged();
  }

  /** OpenSSL encrypts at once what is written while nothing else is under way. */
  protected override put(data: Uint8Array | string): void {
    const { socket } = this;
    if (socket.writableLength === 0) {
      if (!this.marksEachChunk() && batchTls(socket, data)) return;
      flushTls(socket);
    }
    if (socket.writableLength === 0) this.putKept(data);
    else super.put(data);
  }

  /** The peer has ended the connection right after the handshake: it is lost, or going to be. */
  protected override writeInVain(): void {
    this.noteLostWrite();
  }

  override setWriteBufferLimits(limits?: { high?: number; low?: number }): void {
    this.flush();
    super.setWriteBufferLimits(limits);
  }

  override flush(): void {
    flushTls(this.socket);
  }

  override getWriteBufferSize(): number {
    return super.getWriteBufferSize() + batchedTls(this.socket);
  }

  protected override dropUnsent(): void {
    dropTls(this.socket);
    super.dropUnsent();
  }

  protected override bufferedForMarks(): number {
    return this.getWriteBufferSize();
  }

  protected override release(): void {
    this.shutdownTimer?.cancel();
    super.release();
  }

  /**
   * Facts about the transport, beside those of every connection: 'socket' (a TlsTransportSocket), 'ssl_object' (the TLSSocket), 'sslcontext'
   * (the options), 'peercert' (as getPeerCertificate(), null if the peer has none), 'cipher' (as
   * getCipher()), 'compression' (null: there is none).
   * @returns `fallback` (null) for a name it does not know
   */
  // biome-ignore lint/suspicious/noExplicitAny: the kind depends on the name
  override getExtraInfo(name: string, fallback: unknown = null): any {
    switch (name) {
      case 'socket':
        return new TlsTransportSocket(this.socket, (place) => super.getExtraInfo(place));
      case 'ssl_object':
        return this.socket;
      case 'sslcontext':
        return this.options;
      case 'peercert':
        return Object.keys(this.certificate ?? {}).length === 0 ? fallback : this.certificate;
      case 'compression':
        return null;
      case 'cipher':
        return this.cipher ?? fallback;
      default:
        return super.getExtraInfo(name, fallback);
    }
  }
}
