/**
 * Datagrams that the system does not take at once. No loopback socket refuses one, so a process of its
 * own is made to believe it, by a library that stands before libc's sendmsg() and sendmmsg().
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';

const ROOT = path.dirname(createRequire(import.meta.url).resolve('aionode/package.json'));
const SOURCE = path.join(ROOT, 'test', 'support', 'refuse-sends.c');
/** A program that hangs is ended; far above what any needs on the slowest machine. */
const HANG_MS = 60_000;

const folder = mkdtempSync(path.join(tmpdir(), 'aionode-'));
after(() => rmSync(folder, { recursive: true }));

/** The compiled library, or why there is none. */
function compile(): { library: string } | { skip: string } {
  if (process.platform !== 'linux') return { skip: 'libraries are preloaded on Linux' };
  const library = path.join(folder, 'refuse-sends.so');
  const args = ['-shared', '-fPIC', '-o', library, SOURCE, '-ldl'];
  const { error, status, stderr } = spawnSync('cc', args, { encoding: 'utf8' });
  if (error !== undefined) return { skip: 'no C compiler (cc)' };
  assert.equal(status, 0, stderr);
  return { library };
}

const compiled = compile();
const skip = 'skip' in compiled ? compiled.skip : false;

const PROLOGUE = `
import assert from 'node:assert/strict';
import { DatagramProtocol, Queue, getRunningLoop, run } from 'aionode';

class Recorder extends DatagramProtocol {
  calls = [];
  texts = new Queue();
  errors = new Queue();
  lost = getRunningLoop().createFuture();
  datagramReceived(data) { this.texts.putNowait(String(data)); }
  errorReceived(error) { this.calls.push('errorReceived'); this.errors.putNowait(error); }
  pauseWriting() { this.calls.push('pauseWriting'); }
  resumeWriting() { this.calls.push('resumeWriting'); }
  connectionLost(error) { this.calls.push('connectionLost'); this.lost.setResult(error); }
}
const open = (options) => getRunningLoop().createDatagramEndpoint(() => new Recorder(), options);

await run(async () => {
  const [server, received] = await open({ localAddr: ['127.0.0.1', 0] });
  const address = server.getExtraInfo('sockname');
  const texts = async (count) => {
    const all = [];
    while (all.length < count) all.push(await received.texts.get());
    return all;
  };
`;
const EPILOGUE = `
  server.close();
  await received.lost;
});
console.log('passed');
`;

/** Runs the body of a main() in which every datagram that begins with '!' has to wait. */
function runRefused(body: string): void {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', PROLOGUE + body + EPILOGUE],
    {
      cwd: ROOT,
      env: { ...process.env, LD_PRELOAD: (compiled as { library: string }).library },
      encoding: 'utf8',
      timeout: HANG_MS,
    },
  );
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: 'passed\n', stderr: '' });
}

describe('datagrams that have to wait', { skip }, () => {
  it('count in the write buffer, pause and resume the protocol, and are sent in order', () => {
    runRefused(`
      const [client, protocol] = await open({ remoteAddr: address });
      client.setWriteBufferLimits({ high: 40, low: 0 });
      client.sendto('!' + 'a'.repeat(9));
      assert.equal(client.getWriteBufferSize(), 10 + 8);
      client.sendto('b'.repeat(14));
      assert.equal(client.getWriteBufferSize(), 10 + 8 + 14 + 8);
      assert.deepEqual(protocol.calls, []);
      client.sendto('');
      assert.equal(client.getWriteBufferSize(), 10 + 8 + 14 + 8 + 8);
      assert.deepEqual(protocol.calls, ['pauseWriting']);
      assert.deepEqual(await texts(3), ['!' + 'a'.repeat(9), 'b'.repeat(14), '']);
      while (protocol.calls.length < 2) await new Promise(setImmediate);
      assert.deepEqual(protocol.calls, ['pauseWriting', 'resumeWriting']);
      assert.equal(client.getWriteBufferSize(), 0);
      client.sendto('direct');
      assert.equal(client.getWriteBufferSize(), 0);
      assert.deepEqual(await texts(1), ['direct']);
      client.close();
      await protocol.lost;
    `);
  });

  it('pause the protocol within the step that sends them, however small they are', () => {
    runRefused(`
      const [client, protocol] = await open({ remoteAddr: address });
      client.sendto('!');
      for (let i = 0; i < 10_000; i++) client.sendto('');
      assert.deepEqual(protocol.calls, ['pauseWriting']);
      assert.equal(client.getWriteBufferSize(), 1 + 10_001 * 8);
      client.abort();
      await protocol.lost;
    `);
  });

  it('a batch is cut where the system refuses, and goes on in order', () => {
    runRefused(`
      const [client, protocol] = await open({ family: 4 });
      const sent = Array.from({ length: 70 }, (_, i) => (i % 13 === 4 ? '!' : '') + i);
      for (const text of sent) client.sendto(text, address);
      assert.deepEqual(await texts(70), sent);
      client.close();
      await protocol.lost;
    `);
  });

  it('long ones and those sent outside a turn wait too', () => {
    runRefused(`
      const [client, protocol] = await open({ remoteAddr: address });
      const long = '!' + 'x'.repeat(20_000);
      client.sendto(long);
      client.sendto('second');
      assert.deepEqual(await texts(2), [long, 'second']);
      await new Promise((resolve) => setImmediate(() => {
        client.sendto('!outside');
        client.sendto('after it');
        resolve();
      }));
      assert.deepEqual(await texts(2), ['!outside', 'after it']);
      client.close();
      await protocol.lost;
    `);
  });

  it('close() sends them, then connectionLost(null) is called', () => {
    runRefused(`
      const [client, protocol] = await open({ remoteAddr: address });
      client.sendto('!first');
      client.close();
      client.sendto('between close() and the end');
      assert.ok(client.isClosing());
      assert.equal(await protocol.lost, null);
      assert.deepEqual(await texts(2), ['!first', 'between close() and the end']);
      assert.deepEqual(protocol.calls, ['connectionLost']);
    `);
  });

  it('abort() ends at once', () => {
    runRefused(`
      const [client, protocol] = await open({ remoteAddr: address });
      client.sendto('!maybe');
      client.abort();
      assert.equal(client.getWriteBufferSize(), 0);
      assert.equal(await protocol.lost, null);
      assert.deepEqual(protocol.calls, ['connectionLost']);
    `);
  });

  it('what fails later is told with its address', () => {
    runRefused(`
      const [client, protocol] = await open({ family: 4 });
      client.sendto('!to nowhere', ['127.0.0.1', 0]);
      client.sendto('good', address);
      const { code, syscall, port } = await protocol.errors.get();
      assert.deepEqual({ code, syscall, port }, { code: 'EINVAL', syscall: 'send', port: 0 });
      assert.deepEqual(await texts(1), ['good']);
      client.close();
      await protocol.lost;
    `);
  });
});
