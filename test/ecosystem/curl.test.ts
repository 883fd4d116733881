/** curl against a server on streams. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createTask,
  run,
  type StreamReader,
  type StreamWriter,
  startServer,
  type TlsOptions,
} from 'aionode';
import { certificateFile, identity } from '../support/certificates.js';
import { Program } from '../support/example-process.js';
import { missing } from './programs.js';

/** HTTP/1.1, as much of it as curl needs: answers each request with its own body. */
async function answer(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for (;;) {
    const head = String(await reader.readuntil('\r\n\r\n').catch(() => ''));
    if (head === '') break;
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    if (/^expect: 100-continue/im.test(head)) writer.write('HTTP/1.1 100 Continue\r\n\r\n');
    const path = head.split(' ')[1];
    writer.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
    const note = `you asked for ${path}\n`;
    writer.write(`${note.length.toString(16)}\r\n${note}\r\n`);
    for (let left = length; left > 0; ) {
      const piece = await reader.read(Math.min(left, 65536));
      if (piece.length === 0) return writer.abort();
      left -= piece.length;
      writer.writelines([`${piece.length.toString(16)}\r\n`, piece, '\r\n']);
      await writer.drain();
    }
    writer.write('0\r\n\r\n');
  }
  writer.close();
}

describe('curl', { skip: missing('curl') }, () => {
  /** What curl prints; `$` in its arguments is the server's address. */
  const curl = (...args: string[]): Promise<string> => curlWith({}, 'http://127.0.0.1', args);

  async function curlWith(
    options: { ssl?: TlsOptions },
    origin: string,
    args: string[],
  ): Promise<string> {
    return run(async () => {
      const server = await startServer(answer, '127.0.0.1', 0, options);
      const address = `${origin}:${server.sockets[0]?.port}`;
      const curling = createTask(
        () => new Program('curl', '-sS', ...args.map((arg) => arg.replace('$', address))).ended,
      );
      const { code, stdout, stderr } = await curling;
      await server.shutdown();
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      return stdout;
    });
  }

  it('gets', async () => {
    assert.equal(await curl('$/a/path'), 'you asked for /a/path\n');
  });

  it('gets several things over one connection', async () => {
    assert.equal(await curl('$/a', '$/b'), 'you asked for /a\nyou asked for /b\n');
  });

  it('gets over TLS', async () => {
    const args = ['--cacert', certificateFile('authority'), '-4', '$/secret'];
    assert.equal(
      await curlWith({ ssl: identity('server') }, 'https://localhost', args),
      'you asked for /secret\n',
    );
  });

  it('posts a body and reads it back', async () => {
    const body = 'x'.repeat(100_000);
    assert.equal(
      await curl('-H', 'expect: 100-continue', '-d', body, '$/post'),
      `you asked for /post\n${body}`,
    );
  });
});
