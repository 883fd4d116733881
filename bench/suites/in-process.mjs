import { warmUp } from '../harness/machine.mjs';
import { rootDir } from '../harness/paths.mjs';
import { findPeers } from '../harness/peers.mjs';
import { Program } from '../harness/program.mjs';
import { Results } from '../harness/results.mjs';
import { rotate, startAll } from '../harness/rotation.mjs';

// null: this peer has no such benchmark.
async function start(command, benchmark) {
  const program = new Program([...command, benchmark], { cwd: rootDir });
  if ((await program.line()) === 'ready') return program;
  await program.kill();
  return null;
}

async function measure(program, seconds) {
  program.send(String(seconds));
  return JSON.parse(await program.line());
}

async function measureFresh(command, benchmark, seconds) {
  const program = await start(command, benchmark);
  if (program === null) return {};
  try {
    return await measure(program, seconds);
  } finally {
    await program.kill();
  }
}

/**
 * A suite of benchmarks that run inside each peer's own process; the programs are in `folder`.
 * There is one process per peer and benchmark. It stays up for all rounds, unless `isFresh`: then
 * each round has its own, for figures that depend on what the process did before.
 *
 * A benchmark with `mostRounds` is a long one: fewer rounds, and none to warm up. `bystander` marks
 * those in which Node takes part twice, the second time with aionode imported and not used.
 */
export function inProcessSuite({ name, folder, title, metrics, benchmarks, isFresh = false }) {
  const linesOf = (benchmark) => benchmark.lines ?? [benchmark.name];
  return {
    name,
    title,
    references: ['uvloop', 'asyncio', 'node'],
    metrics,
    lines: benchmarks.flatMap(linesOf),

    async run(options, isSelected, progress) {
      const { commands, skipped } = findPeers('inProcess', options, folder);
      const results = new Results();
      for (const benchmark of benchmarks) {
        if (!linesOf(benchmark).some(isSelected)) continue;
        progress(benchmark.name);
        const seconds = options.sliceSeconds / 2;
        const takingPart = new Map(
          [...commands].filter(([peer]) => benchmark.bystander || peer !== 'node+aionode'),
        );
        const common = {
          rounds: Math.min(options.rounds, benchmark.mostRounds ?? Number.POSITIVE_INFINITY),
          warmUp: !isFresh && benchmark.mostRounds === undefined,
          line: benchmark.name,
          results,
        };
        if (isFresh) {
          await rotate({
            ...common,
            subjects: takingPart,
            measure: (_, command) => measureFresh(command, benchmark.name, seconds),
          });
          continue;
        }
        const programs = await startAll(takingPart, benchmark.name, results, (command) =>
          start(command, benchmark.name),
        );
        const started = [...programs.values()];
        if (common.warmUp && process.platform === 'linux') {
          for (const [peer, program] of programs) {
            await warmUp(program.pid, () => measure(program, seconds)).catch((error) => {
              results.fail(benchmark.name, peer, error);
              programs.delete(peer);
            });
          }
        }
        await rotate({
          ...common,
          subjects: programs,
          measure: (_, program) => measure(program, seconds),
        });
        await Promise.all(started.map((program) => program.kill()));
      }
      return { results, skipped };
    },
  };
}
