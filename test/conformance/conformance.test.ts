// Every scenario and every committed random program must leave the trace that CPython's asyncio left.
// README.md tells how the traces are made.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { isSame, reportOf, traceOf } from './interpreter/compare.js';
import { describe as describeValue } from './interpreter/describe.js';
import type { Pairs } from './interpreter/pairs.js';
import type { Steps } from './interpreter/program.js';

interface Scenario {
  readonly name: string;
  /** A pair has none: its program is the function of that name in pairs/. */
  readonly program?: Steps;
  readonly trace: readonly string[];
}
interface Traces {
  /** The file that the traces were made from; the random programs have none. */
  readonly source?: { readonly file: string; readonly sha256: string };
  readonly scenarios: readonly Scenario[];
}

/**
 * What no fallback gives, by the V8 function that it takes: between tasks, the absence of a current task;
 * and the sight of an eager task that has ended in its first step.
 */
const NEEDS: Record<string, string[]> = {
  frame: ['current-task-and-all-tasks'],
  promisestate: ['eager-task-that-never-suspends', 'eager-task-that-fails-at-once'],
};

const FOLDER = new URL('../../../test/conformance/', import.meta.url);
const TRACES = new URL('traces/', FOLDER);

for (const file of readdirSync(TRACES).sort()) {
  const area = file.replace('.json.snap', '');
  const { source, scenarios } = JSON.parse(readFileSync(new URL(file, TRACES), 'utf8')) as Traces;
  if (source === undefined) {
    const programs = scenarios.filter(isPossible);
    test(`${area}: ${programs.length} programs`, async () => {
      for (const program of programs) await checkProgram(program);
    });
    continue;
  }
  describe(area, () => {
    test('the traces are those of the sources as they are', () => checkSource(source));
    for (const scenario of scenarios) {
      test(scenario.name, { skip: lackOf(scenario.name) }, () =>
        scenario.program === undefined ? checkPair(area, scenario) : checkProgram(scenario),
      );
    }
  });
}

/** Why a scenario cannot pass here; false if it must. */
function lackOf(name: string): string | false {
  const disabled = process.env.AIONODE_DISABLE_V8 ?? '';
  const lacking = Object.keys(NEEDS).find(
    (capability) => disabled.includes(capability) && NEEDS[capability]?.includes(name),
  );
  return lacking !== undefined && `AIONODE_DISABLE_V8 takes ${lacking} away`;
}

/** Whether a random program can pass here: eager tasks may end in their first step. */
function isPossible({ program }: Scenario): boolean {
  const disabled = process.env.AIONODE_DISABLE_V8 ?? '';
  return !disabled.includes('promisestate') || !JSON.stringify(program).includes('"eager_start"');
}

function checkSource({ file, sha256 }: NonNullable<Traces['source']>): void {
  const folder = file.endsWith('.py') ? 'pairs/' : 'scenarios/';
  const text = readFileSync(new URL(folder + file, FOLDER), 'utf8').replaceAll('\r\n', '\n');
  const actual = createHash('sha256').update(text).digest('hex');
  assert.equal(actual, sha256, 'run: node test/conformance/regenerate.mjs');
}

async function checkProgram({ name, program = [], trace }: Scenario): Promise<void> {
  const ours = await traceOf(program, trace);
  if (!isSame(ours, trace)) assert.fail(`${name}\n${reportOf(program, ours, trace)}`);
}

async function checkPair(area: string, { name, trace }: Scenario): Promise<void> {
  const { pairs } = (await import(`./pairs/${area}.js`)) as { pairs: Pairs };
  const ours: string[] = [];
  await pairs[name]?.((...values) => ours.push(values.map(describeValue).join(' ')));
  assert.deepEqual(ours, trace);
}
