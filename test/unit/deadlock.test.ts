// A main that nothing can wake: the report, whatever it waits for.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { it } from 'node:test';

/** Runs a program in a process of its own, whose event loop has nothing else to wait for. */
function outputOf(body: string): string {
  const program = `import { createTask, Future, run } from 'aionode';\n${body}`;
  const { stdout, status, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', program],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  return stdout;
}

it('a main that awaits a promise which nothing settles ends with the report', () => {
  const output = outputOf(`
    await run(() => new Promise(() => {})).catch((error) => console.log(error.code, error.message));
  `);
  assert.match(output, /^ERR_DEADLOCK deadlock: /);
  assert.match(output, /task Task-1 awaits a promise that nothing settles/);
});

it('the report names main and what it left behind', () => {
  const output = outputOf(`
    await run(async () => {
      createTask(() => new Promise(() => {}), { name: 'child' });
      await new Future();
    }).catch((error) => console.log(error.message));
  `);
  assert.match(output, /task Task-1 awaits a Future/);
  assert.match(output, /task child awaits a promise that nothing settles/);
});

it('a task that swallows every cancel is given up, not cancelled for ever', () => {
  const output = outputOf(`
    let caught = 0;
    const swallow = async () => {
      for (;;) {
        try { await new Future(); } catch { caught += 1; }
      }
    };
    console.error = () => {};
    await run(async () => {
      createTask(swallow, { name: 'stubborn' });
    }).catch((error) => console.log(error.message));
    console.log(caught < 100);
  `);
  assert.match(output, /task stubborn awaits a Future\ntrue\n$/);
});
