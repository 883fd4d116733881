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

/** asyncio's SSL_HANDSHAKE_TIMEOUT and SSL_SHUTDOWN_TIMEOUT, in seconds. */
const kHandshakeTimeout = 60;
const kShutdownTimeout = 30;

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
  serverHostname?: string | undefined;
  /** In seconds; 60 by default. */
  sslHandshakeTimeout?: number | undefined;
  /** In seconds; 30 by default: how long close() waits for the peer's end of the connection. */
  sslShutdownTimeout?: number | undefined;
  /** Which side of TLS this end is; by default the server's for a connection that a server accepted. */
  serverSide?: boolean | undefined;
}

/** The options of a client's connection that concern TLS. @internal */
export interface ConnectTlsOptions extends Omit<StartTlsOptions, 'serverSide'> {
  ssl?: boolean | TlsOptions | undefined;
}

/** How long the peer is waited for, in seconds. @internal */
export interface TlsTimeouts {
  readonly handshake: number;
  readonly shutdown: number;
}

/** One end of a TLS connection to be. @internal */
export interface TlsClient {
  readonly options: TlsOptions;
  readonly timeouts: TlsTimeouts;
  /** What the certificate must be for; '' where that is not looked at. */
  readonly name: string;
}

function invalidValue(name: string, reason: string): RangeError {
  const error = new RangeError(`The argument "${name}" ${reason}`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
}

interface TimeoutOptions {
  sslHandshakeTimeout?: number | undefined;
  sslShutdownTimeout?: number | undefined;
}

function checkTimeout(options: TimeoutOptions, name: keyof TimeoutOptions, none: number): number {
  const value = options[name];
  if (value === undefined) return none;
  checkSeconds(value, `options.${name}`);
  if (value <= 0) throw outOfRange(`options.${name}`, '> 0', value);
  return value;
}

function checkTimeouts(options: TimeoutOptions): TlsTimeouts {
  return {
    handshake: checkTimeout(options, 'sslHandshakeTimeout', kHandshakeTimeout),
    shutdown: checkTimeout(options, 'sslShutdownTimeout', kShutdownTimeout),
  };
}

/** Without `ssl` what goes with it says nothing. */
function checkNothingOf(options: object, names: readonly string[]): null {
  for (const name of names) {
    if ((options as Record<string, unknown>)[name] === undefined) continue;
    throw invalidValue(`options.${name}`, 'has a meaning only together with options.ssl');
  }
  return null;
}

const kTimeouts = ['sslHandshakeTimeout', 'sslShutdownTimeout'];

/** The side that an upgrade takes. @internal */
export type TlsSide = TlsClient | { readonly server: TlsOptions; readonly timeouts: TlsTimeouts };

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
  return { server: tls, timeouts: checkTimeouts(options) };
}

/** The TLS that a connection to `host` asks for; null: none. @internal */
export function checkConnectTls(options: ConnectTlsOptions, host: string | null): TlsClient | null {
  const { ssl } = options;
  if (ssl === undefined || ssl === null || ssl === false) {
    return checkNothingOf(options, ['serverHostname', ...kTimeouts]);
  }
  if (ssl !== true && typeof ssl !== 'object') {
    throw invalidArgType('options.ssl', 'of type boolean or object', ssl);
  }
  return checkClientTls(ssl === true ? {} : ssl, options, host);
}

function checkClientTls(
  tls: TlsOptions,
  options: Omit<StartTlsOptions, 'serverSide'>,
  host: string | null,
): TlsClient {
  const timeouts = checkTimeouts(options);
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
  return { options: tls, timeouts, name };
}

/** The TLS of a server; null: none. @internal */
export function checkServerTls(
  options: TimeoutOptions & { ssl?: TlsOptions | undefined },
): { server: TlsOptions; timeouts: TlsTimeouts } | null {
  const { ssl } = options;
  if (ssl === undefined || ssl === null) return checkNothingOf(options, kTimeouts);
  checkOptions(ssl, 'options.ssl');
  return { server: ssl, timeouts: checkTimeouts(options) };
}
