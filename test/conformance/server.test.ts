// The official suite's server scenarios, both revisions, through the gateway in verbatim naming.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { startKeyForwarder } from '../support/key-forwarder.ts';
import { startConformanceUpstream } from '../support/upstreams/everything-conformance.ts';
import { EXPECTED_FAILURES, expectedFailures } from './expected.ts';
import type { Revision, UpstreamEra } from './expected.ts';
import { requiredScenarios, runServerSuite } from './runner.ts';
import type { ScenarioResult } from './runner.ts';

const REVISIONS: readonly Revision[] = ['2025-11-25', '2026-07-28'];
const ERAS: readonly UpstreamEra[] = ['dual', 'legacy', 'modern'];

async function runThroughGateway(revision: Revision, era: UpstreamEra): Promise<ScenarioResult[]> {
  await using upstream = await startConformanceUpstream({ era });
  await using gateway = await startGateway({
    servers: { everything: { type: 'http', url: upstream.url } },
    naming: { mode: 'verbatim' },
  });
  const port = Number(new URL(gateway.base).port);
  // The runner can send no key.
  await using forwarder = await startKeyForwarder({ host: '127.0.0.1', port, key: gateway.key });
  return await runServerSuite(`http://localhost:${forwarder.port}/mcp`, revision);
}

function summarize(
  t: TestContext,
  results: readonly ScenarioResult[],
  required: readonly string[],
): void {
  const isRequired = ({ scenario }: ScenarioResult): boolean => required.includes(scenario);
  const passed = results.filter(({ failures }) => failures.length === 0);
  const checks = results.reduce((sum, result) => sum + result.passed, 0);
  const scored = `${passed.filter(isRequired).length} of ${required.length} required`;
  t.diagnostic(`${scored}, ${passed.length} of ${results.length} in all, ${checks} checks passed`);
  for (const { scenario, failures, warnings } of results) {
    for (const text of failures) t.diagnostic(`failed ${scenario} · ${text}`);
    for (const text of warnings) t.diagnostic(`warned ${scenario} · ${text}`);
  }
}

for (const revision of REVISIONS) {
  for (const era of ERAS) {
    test(`${revision} before a server of the era ${era}`, async (t) => {
      const required = await requiredScenarios(revision);
      const results = await runThroughGateway(revision, era);
      summarize(t, results, required);
      const failed = results.filter(({ failures }) => failures.length > 0);
      assert.deepEqual(
        failed.map(({ scenario }) => scenario).toSorted(),
        expectedFailures(revision, era).toSorted(),
        'exactly the scenarios of expected.ts fail',
      );
      // A scenario that checked nothing has shown nothing.
      const shown = new Set(results.filter(({ passed }) => passed > 0).map((one) => one.scenario));
      assert.deepEqual(
        required.filter((scenario) => !shown.has(scenario)),
        [],
      );
    });
  }
}

test('the list of expected failures names no scenario twice', () => {
  for (const revision of REVISIONS) {
    for (const era of ERAS) {
      const names = expectedFailures(revision, era);
      assert.equal(new Set(names).size, names.length);
    }
  }
  assert.ok(EXPECTED_FAILURES.every(({ why }) => why !== ''));
});
