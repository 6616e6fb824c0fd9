// The official SDK's entry as an oracle: it and our door agree which era a request belongs to, and how one that
// belongs to none is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  classifyInboundRequest,
  createMcpHandler,
  isLegacyRequest,
  Server,
} from '@modelcontextprotocol/server';
import { count, startGateway } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';
import { textResult } from '../support/upstreams/raw/call.ts';
import { startHttpUpstream } from '../support/upstreams/raw.ts';
import { REASONS, reasonFor } from './differences.ts';
import type { Verdict } from './differences.ts';
import { mutate, seededRandom, TABLE } from './mutations.ts';
import type { Mutant, Probe } from './mutations.ts';

const SEED = 20_260_728;
const MUTATIONS = count(5000, 500);

const DEFINITION = { name: 'echo', inputSchema: { type: 'object' } };
const ACCEPT = 'application/json, text/event-stream';

interface Answer {
  readonly status: number;
  readonly body: {
    readonly result?: object;
    readonly error?: { readonly code: number; readonly data?: { readonly code?: string } };
  };
}

const read = async (response: Response): Promise<Answer> => {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return { status: response.status, body: isJson ? (JSON.parse(text) as Answer['body']) : {} };
};

const init = ({ headers, body }: Probe, more: object = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', accept: ACCEPT, ...headers, ...more },
  body: JSON.stringify(body),
});

/** What our door says of itself by the codes that only one of its sides has. */
async function doorVerdict(gateway: TestGateway, probe: Probe): Promise<Verdict> {
  const { status, body } = await read(await fetch(gateway.url, init(probe, gateway.headers)));
  const own = body.error?.data;
  switch (own?.code) {
    case undefined:
      break;
    case 'SESSION_MISSING':
      return 'legacy';
    case 'REQUEST_INVALID':
      // A legacy session's version header is checked before its id.
      return 'supported' in own ? 'legacy' : `${status} ${body.error?.code}`;
    case 'PARAMS_INVALID':
      // The legacy side tells it with status 200.
      return status === 200 ? 'legacy' : `${status} ${body.error?.code}`;
    case 'TOOL_NOT_FOUND':
      return 'modern';
    default:
      return `${status} ${body.error?.code}`;
  }
  if (body.result !== undefined) return 'resultType' in body.result ? 'modern' : 'legacy';
  return body.error === undefined ? 'modern' : `${status} ${body.error.code}`;
}

const oracle = createMcpHandler(
  () => {
    const server = new Server(
      { name: 'oracle', version: '1.0.0' },
      { capabilities: { tools: {} } },
    );
    server.setRequestHandler('tools/list', () => ({ tools: [] }));
    server.setRequestHandler('tools/call', () => ({ content: [] }));
    return server;
  },
  { legacy: 'reject' },
);

async function oracleVerdict(probe: Probe): Promise<Verdict> {
  const request = new Request('http://localhost/mcp', init(probe));
  const isLegacy = await isLegacyRequest(request);
  const header = (name: string): string | undefined => request.headers.get(name) ?? undefined;
  const outcome = classifyInboundRequest({
    httpMethod: 'POST',
    protocolVersionHeader: header('mcp-protocol-version')!,
    mcpMethodHeader: header('mcp-method')!,
    mcpNameHeader: header('mcp-name')!,
    body: probe.body,
  });
  assert.equal(outcome.kind === 'legacy', isLegacy, 'the oracle agrees with itself');
  if (isLegacy) return 'legacy';
  const { status, body } = await read(await oracle.fetch(request));
  return body.error === undefined ? 'modern' : `${status} ${body.error.code}`;
}

/** @returns the verdicts that differ without a reason */
async function compare(
  gateway: TestGateway,
  probes: readonly (Probe | Mutant)[],
  used: Map<string, number>,
): Promise<string[]> {
  const faults: string[] = [];
  for (const probe of probes) {
    const ours = await doorVerdict(gateway, probe);
    const theirs = await oracleVerdict(probe);
    if (ours === theirs) continue;
    const wasModern = 'base' in probe && (await oracleVerdict(probe.base)) === 'modern';
    const why = reasonFor({ probe, ours, theirs, wasModern });
    if (why === undefined) {
      faults.push(`ours ${ours}, the SDK's ${theirs}: ${JSON.stringify(probe)}`);
    } else used.set(why, (used.get(why) ?? 0) + 1);
  }
  return faults;
}

test('the door and the SDK judge alike', async (t) => {
  await using upstream = await startHttpUpstream({
    tools: { echo: { definition: JSON.stringify(DEFINITION), call: () => textResult('ok') } },
  });
  await using gateway = await startGateway({
    servers: { one: { type: 'http', url: upstream.url } },
    naming: { mode: 'verbatim' },
  });

  await t.test('the table', async () => {
    assert.deepEqual(await compare(gateway, TABLE, new Map()), []);
  });

  await t.test(`${MUTATIONS} mutations of it, seed ${SEED}`, async () => {
    const random = seededRandom(SEED);
    const probes = Array.from({ length: MUTATIONS }, () => mutate(random));
    const used = new Map<string, number>();
    assert.deepEqual(await compare(gateway, probes, used), []);
    for (const why of REASONS) t.diagnostic(`${used.get(why) ?? 0} differ: ${why}`);
    assert.deepEqual(
      REASONS.filter((why) => !used.has(why)),
      [],
      'every reason is still needed',
    );
  });
});
