// @ts-check
/**
 * The main job, `npm start`: a factor service under load, visibly.
 *
 * A real TCP server takes numbers, a line each, hands them through a bounded queue to a pool of
 * workers and sends the prime factors back. Hundreds of clients on real sockets keep it busy:
 * steady ones check every answer, impatient ones are cancelled half-way through, slow ones are
 * dropped by the server's timeout.
 *
 * Prints live progress and a summary. `npm start -- --serve PORT` keeps the server up for nc or
 * telnet instead; `npm start -- --help` lists all options.
 */
import { run } from 'aionode';
import { runLoad } from './main/load.mjs';
import { parseOptions, USAGE, UsageError } from './main/options.mjs';
import { serve } from './main/serve.mjs';

const EXIT = { failure: 1, usage: 2, interrupted: 130 };

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
async function start(args) {
  const options = parseOptions(args);
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  if (options.port !== null) {
    await serve(options, process.stdout);
    return 0;
  }
  const failures = await run(() => runLoad(options, process.stdout));
  return failures === 0 ? 0 : EXIT.failure;
}

/**
 * What is the user's to mend gets one line; anything else keeps its stack.
 *
 * @param {any} error
 * @returns {number} the exit code
 */
function explain(error) {
  if (error instanceof UsageError) {
    console.error(`${error.message}\n\n${USAGE}`);
    return EXIT.usage;
  }
  if (error?.code === 'SIGINT') {
    console.error('interrupted');
    return EXIT.interrupted;
  }
  console.error(error?.syscall === undefined ? error : error.message);
  return EXIT.failure;
}

process.exitCode = await start(process.argv.slice(2)).catch(explain);
