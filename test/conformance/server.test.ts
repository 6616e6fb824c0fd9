// The official suite's server scenarios, both revisions, through the gateway in verbatim naming.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { startKeyForwarder } from '../support/key-forwarder.ts';
import { startConformanceUpstream } from '../support/upstreams/everything-conformance.ts';
import { expectedFailures } from './expected.ts';
import type { ExpectedFailure, Revision, UpstreamEra } from './expected.ts';
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
  expected: readonly ExpectedFailure[],
): void {
  const isRequired = ({ scenario }: ScenarioResult): boolean => required.includes(scenario);
  const passed = results.filter(({ failures }) => failures.length === 0);
  const checks = results.reduce((sum, result) => sum + result.passed, 0);
  const scored = `${passed.filter(isRequired).length} of ${required.length} required`;
  t.diagnostic(`${scored}, ${passed.length} of ${results.length} in all, ${checks} checks passed`);
  for (const { why, scenarios } of expected) {
    t.diagnostic(`${scenarios.length} expected failures, ${why}: ${scenarios.join(', ')}`);
  }
  for (const { scenario, warnings } of results) {
    for (const text of warnings) t.diagnostic(`warned ${scenario} · ${text}`);
  }
}

/** What went wrong where it should not have, for the message of the assertion. */
const unexpected = (results: readonly ScenarioResult[], expected: readonly string[]): string =>
  results
    .filter(({ scenario }) => !expected.includes(scenario))
    .flatMap(({ scenario, failures }) => failures.map((text) => `${scenario} · ${text}`))
    .join('\n');

for (const revision of REVISIONS) {
  for (const era of ERAS) {
    test(`${revision} before a server of the era ${era}`, async (t) => {
      const required = await requiredScenarios(revision);
      const expected = expectedFailures(revision, era);
      const names = expected.flatMap(({ scenarios }) => scenarios);
      const results = await runThroughGateway(revision, era);
      summarize(t, results, required, expected);
      const failed = results.filter(({ failures }) => failures.length > 0);
      assert.deepEqual(
        failed.map(({ scenario }) => scenario).toSorted(),
        names.toSorted(),
        `exactly the scenarios of expected.ts are to fail\n${unexpected(failed, names)}`,
      );
      // A scenario that checked nothing has shown nothing.
      const shown = new Set(results.filter(({ passed }) => passed > 0).map((one) => one.scenario));
      const empty = required.filter((scenario) => !shown.has(scenario));
      assert.deepEqual(empty, []);
    });
  }
}
