/** The programs of examples/network/, against Node's own sockets and each other. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import path from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { gather, run, TimeoutError } from 'aionode';
import { certificateFile } from './support/certificates.js';
import { LineClient } from './support/example-line-client.js';
import { EXAMPLES, Program } from './support/example-process.js';

const program = (name: string, ...args: string[]): Program =>
  new Program(process.execPath, path.join(EXAMPLES, 'network', `${name}.mjs`), ...args);

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

describe('chat-server', () => {
  async function chatting(body: (port: number, server: Program) => Promise<void>): Promise<void> {
    const server = program('chat-server', '0');
    const [, port] = await server.printed(/chatting on 127\.0\.0\.1:(\d+)/);
    try {
      await body(Number(port), server);
    } finally {
      server.kill('SIGINT');
    }
    const { code, stderr } = await server.ended;
    assert.deepEqual({ code, stderr }, { code: 130, stderr: '' });
  }

  async function join(port: number, name: string): Promise<LineClient> {
    const client = await LineClient.connect(port);
    client.send(`${name}\n`);
    assert.match((await client.receive()) ?? '', /^Your name\? Here: /);
    return client;
  }

  it('tells everybody else what one says, who comes and who goes', () =>
    chatting(async (port) => {
      const ada = await join(port, 'Ada');
      const bob = await join(port, 'Bob');
      assert.equal(await ada.receive(), '* Bob has come');
      bob.send('hello\n');
      assert.equal(await ada.receive(), 'Bob: hello');
      ada.send('hello Bob\nhow are you?\n');
      assert.equal(await bob.receive(), 'Ada: hello Bob');
      assert.equal(await bob.receive(), 'Ada: how are you?');
      bob.close();
      assert.equal(await ada.receive(), '* Bob has left');
      ada.close();
    }));

  it('drops who does not read, and goes on', () =>
    chatting(async (port) => {
      const deaf = connect(port, '127.0.0.1').pause();
      const gone = once(deaf, 'close');
      deaf.on('error', () => {}).write('Deaf\n');
      const ada = await join(port, 'Ada');
      const bob = await join(port, 'Bob');
      const line = `${'x'.repeat(60_000)}\n`;
      // More than the sockets' buffers and the queue hold.
      const lines = 300;
      for (let sent = 0; sent < lines; sent++) {
        ada.send(line);
        assert.match((await bob.receive()) ?? 'bob was dropped', /^(Ada: x|\* Deaf has left)/);
      }
      deaf.resume();
      await gone;
      for (const client of [ada, bob]) client.close();
    }));
});

describe('line-client', () => {
  it('asks the service of the main job', async () => {
    const service = Program.example('main', '--serve', '0');
    const [, port] = await service.printed(/serving on 127\.0\.0\.1:(\d+)/);
    const { code, stdout, stderr } = await program(
      'line-client',
      port as string,
      '360',
      '999999937',
    ).ended;
    service.kill('SIGTERM');
    await service.ended;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.equal(stdout, '360 = 2 2 2 3 3 5\n999999937 = 999999937\n');
  });

  it('keeps the order when a question is given up, and connects anew', async () => {
    const { LineClient: Client } = await import(
      pathToFileURL(path.join(EXAMPLES, 'network', 'line-client.mjs')).href
    );
    const server = createServer((socket) => {
      let held = '';
      socket.setEncoding('utf8').on('data', (text: string) => {
        for (const line of text.split('\n').slice(0, -1)) {
          if (line === 'hold') held = 'late\n';
          else if (line === 'hang up') socket.end();
          else socket.write(`${held}${line}!\n`);
        }
      });
    });
    const port = await listening(server);
    await run(async () => {
      const client = new Client('127.0.0.1', port);
      await assert.rejects(client.ask('hold', 0.01), TimeoutError);
      assert.equal(await client.ask('in order'), 'in order!');
      const outcomes = await gather(
        () => client.ask('hang up'),
        () => client.ask('hold'),
        { returnExceptions: true },
      );
      for (const outcome of outcomes) assert.match(String(outcome), /closed|ECONNRESET|EPIPE/);
      assert.equal(await client.ask('anew'), 'anew!');
      client.close();
    });
    server.close();
  });
});

describe('port-checker', () => {
  it('finds the open port', async () => {
    const server = createServer();
    const port = await listening(server);
    const { code, stdout, stderr } = await program('port-checker', '127.0.0.1', `${port}`).ended;
    server.close();
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.equal(stdout, `127.0.0.1:${port} open\n1 open, 0 closed, 0 filtered\n`);
  });

  it('counts closed ports', async () => {
    const server = createServer();
    const port = await listening(server);
    server.close();
    await once(server, 'close');
    const { stdout } = await program('port-checker', '127.0.0.1', `${port}-${port}`, '1').ended;
    assert.equal(stdout, '0 open, 1 closed, 0 filtered\n');
  });
});

describe('line-protocol', () => {
  it('answers each line, however the lines arrive', async () => {
    const server = program('line-protocol', '0');
    const [, port] = await server.printed(/serving on port (\d+)/);
    const client = await LineClient.connect(Number(port));
    client.send('1 2 3\n4 5');
    assert.equal(await client.receive(), '6');
    client.send(' 6\nseven\n');
    assert.equal(await client.receive(), '15');
    assert.equal(await client.receive(), 'error: a number that is none');
    client.close();
    server.kill('SIGINT');
    const { stderr } = await server.ended;
    assert.equal(stderr, '');
  });
});

describe('tls-echo', () => {
  it('sends lines there and back, encrypted', async () => {
    const server = program(
      'tls-echo',
      'serve',
      certificateFile('server-key'),
      certificateFile('server'),
    );
    const [, port = ''] = await server.printed(/serving on 127\.0\.0\.1:(\d+)/);
    const client = program(
      'tls-echo',
      'send',
      port,
      certificateFile('authority'),
      'one',
      'two words',
    );
    const { code, stdout, stderr } = await client.ended;
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'one\ntwo words\n', stderr: '' });
    await server.printed(/a client, TLSv1\.3, TLS_/);
    server.kill('SIGINT');
    await server.ended;
  });
});

describe('tcp-proxy', () => {
  async function proxying(port: number, body: (port: number) => Promise<void>): Promise<string> {
    const proxy = program('tcp-proxy', '0', '127.0.0.1', `${port}`);
    const [, own] = await proxy.printed(/passing 127\.0\.0\.1:(\d+) on/);
    try {
      await body(Number(own));
    } finally {
      proxy.kill('SIGTERM');
    }
    const { code, stderr } = await proxy.ended;
    assert.equal(code, 0);
    return stderr;
  }

  it('passes bytes and ends on, both ways', async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    const stderr = await proxying(await listening(server), async (port) => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      const bytes = Buffer.alloc(8 << 20, 'proxy ');
      socket.end(bytes);
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk);
      assert.ok(Buffer.concat(chunks).equals(bytes));
    });
    assert.equal(stderr, '');
    server.close();
  });

  it('says what is wrong with the target, and goes on', async () => {
    const server = createServer();
    const unused = await listening(server);
    server.close();
    await once(server, 'close');
    const stderr = await proxying(unused, async (port) => {
      for (let i = 0; i < 2; i++) {
        const socket = connect(port, '127.0.0.1');
        socket.on('error', () => {});
        socket.resume();
        await once(socket, 'close');
      }
    });
    assert.equal(stderr.match(/ECONNREFUSED/g)?.length, 2);
  });
});

describe('file-server', () => {
  it('serves the files of its folder, and no others', async () => {
    const server = program('file-server', EXAMPLES, '0');
    const [, port] = await server.printed(/serving .* on 127\.0\.0\.1:(\d+)/);
    const get = async (target: string) => {
      const socket = connect(Number(port), '127.0.0.1');
      socket.write(`GET ${target} HTTP/1.0\r\n\r\n`);
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk);
      return Buffer.concat(chunks).toString();
    };
    const file = readFileSync(path.join(EXAMPLES, 'main.mjs'), 'utf8');
    const length = Buffer.byteLength(file);
    assert.equal(
      await get('/main.mjs?x'),
      `HTTP/1.0 200 OK\r\nContent-Length: ${length}\r\n\r\n${file}`,
    );
    for (const target of ['/none', '/', '/network', '/../package.json', '/%2e%2e/package.json']) {
      assert.match(await get(target), /^HTTP\/1\.0 404 /);
    }
    server.kill('SIGTERM');
    const { code, stderr } = await server.ended;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  });
});
