// @ts-check
/**
 * Serves the files of a folder over HTTP/1.0, without a byte of them passing through JavaScript.
 *
 *   node examples/network/file-server.mjs [folder] [port, or the path of a Unix socket]
 *   curl --unix-socket /tmp/files.sock http://localhost/README.md
 *
 * loop.sendfile() has the system copy from the file to the socket, after the header that was written
 * before it and at the client's pace.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { getRunningLoop, iscancelled, run, startServer, startUnixServer, timeout } from 'aionode';

const folder = path.resolve(process.argv[2] ?? '.');
const place = process.argv[3] ?? '8080';
const HEADER_SECONDS = 10;

/** @param {string} status @param {number} length */
const header = (status, length) => `HTTP/1.0 ${status}\r\nContent-Length: ${length}\r\n\r\n`;

/** The file that a request asks for; null for one outside the folder. @param {string} request */
function fileOf(request) {
  const [, target = '/'] = request.split(' ');
  const file = path.join(folder, decodeURIComponent(target.replace(/\?.*/, '')));
  return file.startsWith(folder + path.sep) ? file : null;
}

/** @param {import('aionode').StreamReader} reader @param {import('aionode').StreamWriter} writer */
async function serve(reader, writer) {
  try {
    const request = await timeout(HEADER_SECONDS, () => reader.readuntil('\r\n\r\n'));
    const file = fileOf(request.toString('latin1'));
    const found = file === null ? null : await stat(file).catch(() => null);
    if (file === null || !found?.isFile()) {
      writer.write(header('404 Not Found', 0));
    } else {
      writer.write(header('200 OK', found.size));
      await getRunningLoop().sendfile(writer.transport, file, { count: found.size });
    }
  } catch (error) {
    if (iscancelled(error)) throw error;
    // A client that is slow, talks nonsense or has gone: there is nobody to tell.
    writer.abort();
  } finally {
    writer.close();
  }
}

await run(
  async () => {
    const server = /^\d+$/.test(place)
      ? await startServer(serve, '127.0.0.1', Number(place))
      : await startUnixServer(serve, place);
    const [{ address, port }] = server.sockets;
    console.log(`serving ${folder} on ${port === undefined ? address : `${address}:${port}`}`);
    await server.serveForever();
  },
  { signals: ['SIGINT', 'SIGTERM'] },
).catch((error) => {
  if (error.code !== 'SIGINT' && error.code !== 'SIGTERM') throw error;
});
