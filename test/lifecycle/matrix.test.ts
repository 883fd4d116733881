/** However a thread ends and whatever aionode has under way: no abort, no hang, the right exit code. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Ended, runProgram } from './child.js';
import { ENDINGS, EXIT_CODE, PLACES, type Scenario, STATES } from './scenario.js';

const WORKER_ENDINGS: Record<Scenario['ending'], string> = {
  return: 'worker exit: 0\n',
  'process.exit': `worker exit: ${EXIT_CODE}\n`,
  terminate: 'worker exit: 1\n',
  'uncaught throw': 'worker error: boom\nworker exit: 1\n',
};

const hasSignals = process.platform !== 'win32';

function expectedEnd({ place, ending }: Scenario): Partial<Ended> {
  if (place !== 'main') {
    return { code: 0, signal: null, stdout: WORKER_ENDINGS[ending], stderr: '' };
  }
  const quiet = { stdout: '', stderr: '' };
  switch (ending) {
    case 'return':
      return { code: 0, signal: null, ...quiet };
    case 'process.exit':
      return { code: EXIT_CODE, signal: null, ...quiet };
    case 'terminate':
      return {
        ...(hasSignals ? { code: null, signal: 'SIGTERM' } : { code: 1, signal: null }),
        ...quiet,
      };
    case 'uncaught throw':
      return { code: 1, signal: null, stdout: '' };
  }
}

for (const place of PLACES) {
  describe(`aionode loaded in ${place}`, { concurrency: 2 }, () => {
    for (const state of STATES) {
      for (const ending of ENDINGS) {
        it(`${state}, ${ending}`, async () => {
          const scenario: Scenario = { place, state, ending };
          const ended = await runProgram('program.js', JSON.stringify(scenario));
          const expected = expectedEnd(scenario);
          assert.deepEqual(ended, { ...ended, ...expected });
          if (expected.stderr === undefined) assert.match(ended.stderr, /^Error: boom$/m);
        });
      }
    }
  });
}
