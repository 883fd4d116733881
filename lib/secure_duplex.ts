// SecureStreamDuplex: a TLS connection of ours as a Duplex, with what frameworks ask a tls.TLSSocket for.
// Floor 10.
//
// They tell https from http by `encrypted`, h2 from h2c by `alpnProtocol`, and look at certificates.
import type { TLSSocket } from 'node:tls';
import type { StreamReader } from './reading.ts';
import { StreamDuplex } from './stream_duplex.ts';
import type { StreamProtocol } from './stream_protocol.ts';
import type { WriteTransport } from './transport_types.ts';

/** @internal */
export class SecureStreamDuplex extends StreamDuplex {
  readonly encrypted = true;
  private readonly tls: TLSSocket;

  constructor(
    reader: StreamReader,
    protocol: StreamProtocol,
    transport: WriteTransport,
    allowHalfOpen: boolean,
    tls: TLSSocket,
  ) {
    super(reader, protocol, transport, allowHalfOpen);
    this.tls = tls;
  }

  get authorized(): boolean {
    return this.tls.authorized;
  }

  get authorizationError(): Error {
    return this.tls.authorizationError;
  }

  get alpnProtocol(): string | false | null {
    return this.tls.alpnProtocol;
  }

  get servername(): string | false | null | undefined {
    return (this.tls as { servername?: string | false | null }).servername;
  }

  getPeerCertificate(detailed = false): ReturnType<TLSSocket['getPeerCertificate']> {
    return this.tls.getPeerCertificate(detailed);
  }

  getCipher(): ReturnType<TLSSocket['getCipher']> {
    return this.tls.getCipher();
  }

  getProtocol(): ReturnType<TLSSocket['getProtocol']> {
    return this.tls.getProtocol();
  }

  getSession(): ReturnType<TLSSocket['getSession']> {
    return this.tls.getSession();
  }

  isSessionReused(): boolean {
    return this.tls.isSessionReused();
  }
}
