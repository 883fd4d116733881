/** What keeps a process alive and what does not, and ends inside of aionode's own callbacks. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runModule } from './child.js';

const IMPORT = "import * as aionode from 'aionode'; const loop = aionode.getRunningLoop();\n";
const SERVE = "const server = await aionode.startServer(() => {}, '127.0.0.1', 0);\n";

async function assertEnds(text: string, expected: { code?: number; stdout?: string } = {}) {
  const ended = await runModule(IMPORT + text);
  assert.deepEqual(ended, { code: 0, signal: null, stdout: '', stderr: '', ...expected });
}

describe('a process ends by itself', { concurrency: 2 }, () => {
  const programs = {
    'when aionode is only imported': '',
    'after run()': 'await aionode.run(() => aionode.sleep(0));',
    'when its timers are cancelled': 'loop.callLater(3600, () => {}).cancel();',
    'when its timers are cancelled from a callback':
      'const timer = loop.callLater(3600, () => {}); loop.callSoon(() => timer.cancel());',
    'when a sleeping task is cancelled':
      'const task = aionode.createTask(() => aionode.sleep(3600)); loop.callSoon(() => task.cancel());',
    'when its server is closed': `${SERVE}server.close();`,
    'when its server is closed by disposal': `${SERVE}await server[Symbol.asyncDispose]();`,
    'while a server is unreferenced': `${SERVE}server.unref();`,
    'when run() leaves tasks behind':
      'await aionode.run(async () => { aionode.createTask(() => aionode.sleep(3600)); });',
    'when both ends of a connection are closed': `
      const server = await aionode.startServer(async (reader, writer) => {
        await reader.read();
        writer.close();
      }, '127.0.0.1', 0);
      const [, writer] = await aionode.openConnection('127.0.0.1', server.sockets[0].port);
      writer.close();
      server.close();`,
  };
  for (const [when, text] of Object.entries(programs)) it(when, () => assertEnds(text));
});

describe('a process goes on', { concurrency: 2 }, () => {
  const programs = {
    'while a callback is ready': "loop.callSoon(() => console.log('done'));",
    'while a timer is pending': "loop.callLater(0.001, () => console.log('done'));",
    'while a task sleeps':
      "aionode.createTask(async () => { await aionode.sleep(0.001); console.log('done'); });",
    'for the later timer when the earlier one is cancelled':
      "loop.callLater(0.001, () => {}).cancel(); loop.callLater(0.002, () => console.log('done'));",
    'while a server that was referenced again has a client to come': `
      ${SERVE}server.unref(); server.ref();
      setImmediate(() => { console.log('done'); server.close(); });`,
    'while written bytes are under way': `
      const server = await aionode.startServer(async (reader, writer) => {
        const { length } = await reader.read();
        if (length === 1 << 24) console.log('done');
        writer.close();
      }, '127.0.0.1', 0);
      const [, writer] = await aionode.openConnection('127.0.0.1', server.sockets[0].port);
      writer.write(Buffer.alloc(1 << 24));
      writer.close();
      server.close();`,
  };
  for (const [why, text] of Object.entries(programs)) {
    it(why, () => assertEnds(text, { stdout: 'done\n' }));
  }
});

describe('process.exit() ends the process at once', { concurrency: 2 }, () => {
  const exit = '() => process.exit(7)';
  const programs = {
    'in a callback': `loop.callSoon(${exit});`,
    'in a timer': `loop.callLater(0.001, ${exit});`,
    'in a task': `aionode.createTask(${exit});`,
    'in a task after an await':
      'aionode.run(async () => { await aionode.sleep(0); process.exit(7); });',
    'in a done callback': `
      const future = loop.createFuture();
      future.addDoneCallback(${exit});
      future.setResult();`,
    'in a finally block that a cancel runs': `
      const task = aionode.createTask(async () => {
        try { await aionode.sleep(3600); } finally { process.exit(7); }
      });
      loop.callSoon(() => task.cancel());`,
    'in the handler of a client': `
      const server = await aionode.startServer(${exit}, '127.0.0.1', 0);
      await aionode.openConnection('127.0.0.1', server.sockets[0].port);`,
    'between turns, with a thousand tasks': `
      for (let i = 0; i < 1000; i++) {
        aionode.createTask(async () => { for (;;) await aionode.sleep(0); });
      }
      setImmediate(${exit});`,
  };
  for (const [where, text] of Object.entries(programs)) {
    it(where, () => assertEnds(text, { code: 7 }));
  }

  it('after which an exit handler may still call aionode', () =>
    assertEnds(
      `${SERVE}
      process.on('exit', () => {
        server.close();
        loop.callSoon(() => {});
        loop.callLater(1, () => {}).cancel();
        aionode.createTask(() => aionode.sleep(1)).cancel();
        console.log('left');
      });
      setImmediate(${exit});`,
      { code: 7, stdout: 'left\n' },
    ));
});

describe('an error that nobody handles', { concurrency: 2 }, () => {
  it('in a callback is reported and does not end the process', async () => {
    const ended = await runModule(
      `${IMPORT}loop.callSoon(() => { throw new Error('boom'); });
       loop.callSoon(() => console.log('next'));`,
    );
    assert.deepEqual(
      { ...ended, stderr: '' },
      { code: 0, signal: null, stdout: 'next\n', stderr: '' },
    );
    assert.match(ended.stderr, /boom/);
  });

  it('of a task that was never awaited is reported once, at the latest at the end', async () => {
    const ended = await runModule(
      `${IMPORT}globalThis.task = aionode.createTask(async () => { throw new Error('boom'); });`,
    );
    assert.equal(ended.code, 0);
    assert.equal(
      ended.stderr.match(/Task exception was never retrieved/g)?.length,
      1,
      ended.stderr,
    );
    assert.match(ended.stderr, /boom/);
  });

  it('of Node, thrown while aionode has work, ends the process with its code', async () => {
    const ended = await runModule(
      `${IMPORT}${SERVE}loop.callLater(3600, () => {});
       process.on('uncaughtException', () => process.exit(9));
       setImmediate(() => { throw new Error('boom'); });`,
    );
    assert.deepEqual(ended, { code: 9, signal: null, stdout: '', stderr: '' });
  });
});
