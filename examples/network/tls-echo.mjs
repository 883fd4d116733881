// @ts-check
/**
 * An echo server and a client over TLS.
 *
 *   tls-echo.mjs serve KEY CERTIFICATE [PORT]      serves until SIGINT
 *   tls-echo.mjs send PORT AUTHORITY TEXT...       sends each text as a line, prints what comes back
 *
 * KEY, CERTIFICATE and AUTHORITY are PEM files. A pair for trying it out:
 *
 *   openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost \
 *     -addext subjectAltName=DNS:localhost -keyout key.pem -out certificate.pem
 *
 * (A certificate signed by itself is its own authority.)
 */
import { readFileSync } from 'node:fs';
import { openConnection, run, startServer } from 'aionode';

/** @type {Parameters<typeof startServer>[0]} */
async function echo(reader, writer) {
  const { version, name } = writer.getExtraInfo('cipher');
  console.log(`a client, ${version}, ${name}`);
  for await (const line of reader) {
    writer.write(line);
    await writer.drain();
  }
  writer.close();
}

/** @param {string} key @param {string} certificate @param {number} port */
async function serve(key, certificate, port) {
  const ssl = { key: readFileSync(key), cert: readFileSync(certificate) };
  const server = await startServer(echo, '127.0.0.1', port, { ssl });
  console.log(`serving on 127.0.0.1:${server.sockets[0]?.port}`);
  await server.serveForever();
}

/** @param {number} port @param {string} authority @param {string[]} texts */
async function send(port, authority, texts) {
  const options = { ssl: { ca: readFileSync(authority) }, serverHostname: 'localhost' };
  const [reader, writer] = await openConnection('127.0.0.1', port, options);
  for (const text of texts) {
    writer.write(`${text}\n`);
    console.log((await reader.readline()).toString().trimEnd());
  }
  writer.close();
  await writer.waitClosed();
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'serve') await run(() => serve(rest[0] ?? '', rest[1] ?? '', Number(rest[2] ?? 0)));
else if (mode === 'send') await run(() => send(Number(rest[0]), rest[1] ?? '', rest.slice(2)));
else
  console.error('usage: tls-echo.mjs serve KEY CERTIFICATE [PORT] | send PORT AUTHORITY TEXT...');
