// Every scenario and every committed random program must leave the trace that CPython's asyncio left.
// README.md tells how the traces are made.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { isSame, reportOf, traceOf } from './interpreter/compare.js';
import type { Steps } from './interpreter/program.js';

interface Scenario {
  readonly name: string;
  readonly program: Steps;
  readonly trace: readonly string[];
}
interface Traces {
  /** Of the scenario file; the random programs have none. */
  readonly source?: string;
  readonly scenarios: readonly Scenario[];
}

const FOLDER = new URL('../../../test/conformance/', import.meta.url);
const TRACES = new URL('traces/', FOLDER);

for (const file of readdirSync(TRACES).sort()) {
  const area = file.replace('.json.snap', '');
  const { source, scenarios } = JSON.parse(readFileSync(new URL(file, TRACES), 'utf8')) as Traces;
  if (source !== undefined) {
    describe(area, () => {
      testSource(area, source);
      for (const scenario of scenarios) test(scenario.name, () => check(scenario));
    });
  } else {
    test(`${area}: ${scenarios.length} programs`, async () => {
      for (const scenario of scenarios) await check(scenario);
    });
  }
}

function testSource(area: string, expected: string): void {
  test('the traces are those of the scenarios as they are', () => {
    const text = readFileSync(new URL(`scenarios/${area}.steps`, FOLDER), 'utf8');
    const source = createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex');
    assert.equal(source, expected, 'run: node test/conformance/regenerate.mjs');
  });
}

async function check({ name, program, trace }: Scenario): Promise<void> {
  const ours = await traceOf(program, trace);
  if (!isSame(ours, trace)) assert.fail(`${name}\n${reportOf(program, ours, trace)}`);
}
