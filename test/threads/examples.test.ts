/** The examples of signals and threads do what they say. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { Program } from '../support/example-process.js';

/** The example server, and a connection to it that has been served once. */
async function startServer(...args: string[]): Promise<[Program, Socket]> {
  const program = Program.example('signals/graceful-shutdown', '--port', '0', ...args);
  const [, port] = await program.printed(/listens on port (\d+)/);
  const client = connect(Number(port), '127.0.0.1');
  await ask(client, 'hello');
  return [program, client];
}

async function ask(client: Socket, job: string): Promise<void> {
  client.write(`${job}\n`);
  const [answer] = await once(client, 'data');
  assert.equal(String(answer), `done: ${job}\n`);
}

/** Has the server work: when the first of two jobs is answered, it is at the second. */
async function askTwice(client: Socket): Promise<void> {
  client.write('first\nsecond\n');
  const [answer] = await once(client, 'data');
  assert.equal(String(answer), 'done: first\n');
}

describe('graceful-shutdown', { skip: process.platform === 'win32' }, () => {
  it('lets jobs finish and closes idle connections', async () => {
    const [program, client] = await startServer('--grace', '100');
    const idle = connect(client.remotePort as number, '127.0.0.1');
    await once(idle, 'connect');
    idle.resume();
    await askTwice(client);
    const ended = [once(client, 'end'), once(idle, 'end')];
    program.kill('SIGTERM');
    const [answer] = await once(client, 'data');
    assert.equal(String(answer), 'done: second\n');
    await Promise.all(ended);
    const { code, stdout, stderr } = await program.ended;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /everybody was served\n$/);
  });

  it('cuts off what takes longer than the grace period, and says so', async () => {
    const [program, client] = await startServer('--grace', '0.01');
    client.on('error', () => {});
    await askTwice(client);
    program.kill('SIGTERM');
    const { code, stdout, stderr } = await program.ended;
    assert.deepEqual({ code, stderr }, { code: 1, stderr: '' });
    assert.match(stdout, /1 cut off\n$/);
  });

  it('a second signal ends it at once', async () => {
    const [program, client] = await startServer('--grace', '1000');
    client.on('error', () => {});
    await askTwice(client);
    program.kill('SIGTERM');
    await program.printed(/stopping/);
    program.kill('SIGTERM');
    assert.equal((await program.ended).signal, 'SIGTERM');
  });
});

describe('count-primes', () => {
  it('counts them, with any number of threads', async () => {
    for (const threads of ['1', '3']) {
      const { code, stdout, stderr } = await Program.example(
        'threads/count-primes',
        ...['--limit', '20000', '--threads', threads],
      ).ended;
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      assert.match(stdout, /^2262 primes below 20000, \d threads, /m);
    }
  });

  it('is ended by SIGINT, whatever is in line', {
    skip: process.platform === 'win32',
  }, async () => {
    const program = Program.example(
      'threads/count-primes',
      '--limit',
      '100000000',
      '--threads',
      '1',
    );
    await program.printed(/%/);
    program.kill('SIGINT');
    const { code, stderr } = await program.ended;
    assert.equal(code, 1);
    assert.match(stderr, /interrupted by SIGINT/);
  });
});
