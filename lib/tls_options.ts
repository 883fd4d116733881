// The options of TLS, checked.
// Floor 1.
import type { ConnectionOptions, TlsOptions as ServerTlsOptions } from 'node:tls';
import {
  checkFlag,
  checkOptions,
  checkSeconds,
  checkString,
  invalidArgType,
  outOfRange,
} from './arguments.ts';

/** asyncio's SSL_HANDSHAKE_TIMEOUT, in seconds. */
const kHandshakeTimeout = 60;

/**
 * What `node:tls` takes: ca, cert, key, ALPNProtocols, SNICallback, requestCert, minVersion, ...
 * @see tls.connect() and tls.createServer() in Node's documentation
 * @public
 */
export type TlsOptions = Omit<ServerTlsOptions, 'pskCallback'> &
  Omit<ConnectionOptions, 'host' | 'port' | 'path' | 'socket' | 'timeout' | 'pskCallback'> & {
    pskCallback?: ServerTlsOptions['pskCallback'] | ConnectionOptions['pskCallback'];
  };

/** Options of writer.startTls() and loop.startTls(). @public */
export interface StartTlsOptions {
  /** The name that the peer's certificate must be for, and that is sent as SNI. */
  serverHostname?: string;
  /** In seconds; 60 by default. */
  sslHandshakeTimeout?: number;
  /** Which side of TLS this end is; by default the server's for a connection that a server accepted. */
  serverSide?: boolean;
}

/** The options of a client's connection that concern TLS. @internal */
export interface ConnectTlsOptions extends Omit<StartTlsOptions, 'serverSide'> {
  ssl?: boolean | TlsOptions;
}

/** One end of a TLS connection to be. @internal */
export interface TlsClient {
  readonly options: TlsOptions;
  /** In seconds. */
  readonly handshakeTimeout: number;
  /** What the certificate must be for; '' where that is not looked at. */
  readonly name: string;
}

function invalidValue(name: string, reason: string): TypeError {
  const error = new TypeError(`The argument "${name}" ${reason}`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
}

function checkHandshakeTimeout(value: number | undefined): number {
  if (value === undefined) return kHandshakeTimeout;
  checkSeconds(value, 'options.sslHandshakeTimeout');
  if (value <= 0) throw outOfRange('options.sslHandshakeTimeout', '> 0', value);
  return value;
}

/** The side that an upgrade takes. @internal */
export type TlsSide =
  | TlsClient
  | { readonly server: TlsOptions; readonly handshakeTimeout: number };

/** The arguments of startTls(), wherever it is called. @internal */
export function checkStartTls(
  tls: TlsOptions,
  options: StartTlsOptions,
  isServerSide: boolean,
): TlsSide {
  checkOptions(tls, 'tls');
  checkOptions(options);
  checkFlag(options.serverSide, 'options.serverSide');
  if (!(options.serverSide ?? isServerSide)) return checkClientTls(tls, options, null);
  return { server: tls, handshakeTimeout: checkHandshakeTimeout(options.sslHandshakeTimeout) };
}

/** The TLS that a connection to `host` asks for; null: none. @internal */
export function checkConnectTls(options: ConnectTlsOptions, host: string | null): TlsClient | null {
  const { ssl } = options;
  if (ssl === undefined || ssl === null || ssl === false) {
    for (const name of ['serverHostname', 'sslHandshakeTimeout'] as const) {
      if (options[name] === undefined) continue;
      throw invalidValue(`options.${name}`, 'has a meaning only together with options.ssl');
    }
    return null;
  }
  if (ssl !== true && typeof ssl !== 'object') {
    throw invalidArgType('options.ssl', 'of type boolean or object', ssl);
  }
  return checkClientTls(ssl === true ? {} : ssl, options, host);
}

function checkClientTls(
  tls: TlsOptions,
  options: Pick<StartTlsOptions, 'serverHostname' | 'sslHandshakeTimeout'>,
  host: string | null,
): TlsClient {
  const handshakeTimeout = checkHandshakeTimeout(options.sslHandshakeTimeout);
  if (options.serverHostname !== undefined) {
    checkString(options.serverHostname, 'options.serverHostname');
  }
  const name = options.serverHostname ?? tls.servername ?? host ?? '';
  const identityMatters = tls.rejectUnauthorized !== false && tls.checkServerIdentity === undefined;
  if (name === '' && identityMatters) {
    throw invalidValue(
      'options.serverHostname',
      "is needed: it says whom the peer's certificate must be for",
    );
  }
  return { options: tls, handshakeTimeout, name };
}

/** The TLS of a server; null: none. @internal */
export function checkServerTls(options: {
  ssl?: TlsOptions | undefined;
  sslHandshakeTimeout?: number | undefined;
}): { tls: TlsOptions; handshakeTimeout: number } | null {
  const { ssl } = options;
  if (ssl === undefined || ssl === null) {
    if (options.sslHandshakeTimeout === undefined) return null;
    throw invalidValue(
      'options.sslHandshakeTimeout',
      'has a meaning only together with options.ssl',
    );
  }
  checkOptions(ssl, 'options.ssl');
  return { tls: ssl, handshakeTimeout: checkHandshakeTimeout(options.sslHandshakeTimeout) };
}
