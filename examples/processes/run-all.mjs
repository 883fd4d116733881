// @ts-check
/**
 * Runs command lines side by side, as many at once as asked for, and shows what they print while they run.
 *
 * Each command is an argument, or a line of standard input if there are none. The exit code is 1 when a
 * command failed. With --fail-fast the first failure ends the others; Ctrl+C ends all of them.
 *
 *     node examples/processes/run-all.mjs --jobs 2 'sleep 1; echo a' 'echo b' 'exit 3'
 *     ls *.mjs | sed 's/^/node --check /' | node examples/processes/run-all.mjs
 */
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { createSubprocessShell, DEVNULL, gather, PIPE, run, Semaphore, TaskGroup } from 'aionode';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: 'string', short: 'j', default: '4' },
    'fail-fast': { type: 'boolean', default: false },
  },
});

/**
 * @param {number} index
 * @param {import('aionode').StreamReader} reader
 * @param {NodeJS.WriteStream} stream
 */
async function show(index, reader, stream) {
  for await (const line of reader) stream.write(`[${index}] ${line.toString().trimEnd()}\n`);
}

/**
 * Runs one command; its return code. It is gone when this returns, also when it is cancelled.
 * @param {number} index
 * @param {string} command
 */
async function runCommand(index, command) {
  const child = await createSubprocessShell(command, {
    stdin: DEVNULL,
    stdout: PIPE,
    stderr: PIPE,
    // A group of its own, so that what the shell started can be ended with it.
    detached: true,
  });
  try {
    await gather(
      () => show(index, child.stdout, process.stdout),
      () => show(index, child.stderr, process.stderr),
    );
    return await child.wait();
  } finally {
    if (child.returncode === null) process.kill(-child.pid, 'SIGKILL');
    await child[Symbol.asyncDispose]();
  }
}

await run(async () => {
  const lines = positionals.length > 0 ? positionals : (await text(process.stdin)).split('\n');
  const commands = lines.filter((line) => line.trim() !== '');
  const places = new Semaphore(Number(values.jobs));
  /** @type {number[]} */
  const codes = [];
  await TaskGroup.run(async (group) => {
    commands.forEach((command, index) => {
      group.createTask(() =>
        places.with(async () => {
          codes[index] = await runCommand(index, command);
          if (codes[index] !== 0 && values['fail-fast']) group.cancel();
        }),
      );
    });
  });
  commands.forEach((command, index) => {
    const code = codes[index];
    if (code === 0) return;
    const end = code === undefined ? 'was not finished' : `ended with ${code}`;
    console.log(`${command}: ${end}`);
    process.exitCode = 1;
  });
});
