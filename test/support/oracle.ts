/** Scenarios that were played on Python's asyncio and are played again here; net/oracle has both. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { inLoop } from './net.js';

/** Notes in `trace` what happens, in the words of its twin in Python. */
export type Scenario = (trace: string[]) => Promise<void>;

/** A boolean as Python prints it. */
export const python = (flag: boolean) => (flag ? 'True' : 'False');

/**
 * Registers a test per scenario: its trace is that of the function of this name in net/oracle/NAME.py.
 * `play` surrounds each scenario with what all of them need.
 */
export function compareWithAsyncio(
  name: string,
  scenarios: Record<string, Scenario>,
  play: (scenario: Scenario, trace: string[]) => Promise<void> = (scenario, trace) =>
    scenario(trace),
): void {
  const file = new URL(`../../../test/net/oracle/${name}.json`, import.meta.url);
  const { traces } = JSON.parse(readFileSync(file, 'utf8')) as {
    traces: Record<string, string[]>;
  };

  it('are compared with asyncio in every scenario', () => {
    assert.deepEqual(Object.keys(scenarios), Object.keys(traces));
  });

  for (const [scenarioName, scenario] of Object.entries(scenarios)) {
    it(
      `as in asyncio: ${scenarioName.replaceAll('_', ' ')}`,
      inLoop(async () => {
        const trace: string[] = [];
        await play(scenario, trace);
        assert.deepEqual(trace, traces[scenarioName]);
      }),
    );
  }
}
