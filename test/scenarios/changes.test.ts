// A change at an upstream reaches every attached client within a second, and the list it then fetches is the new one.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type GatewayProcess, program, startGatewayProcess } from '../support/gateway.ts';
import { elementsOf, textAt } from '../support/json-text.ts';
import { rawModern } from '../support/raw-client.ts';
import { until } from '../support/until.ts';
import { addControlTools } from '../support/upstreams/control.ts';
import { echoOptions } from '../support/upstreams/echo.ts';
import {
  type HttpUpstream,
  type HttpUpstreamOptions,
  startHttpUpstream,
} from '../support/upstreams/raw.ts';
import { type Ear, openEars } from './changes/ears.ts';

/** What the product promises from end to end, and what a busy machine may add. */
const PROMISE_MS = 1000;
const TOLERANCE_MS = 250;

const WEB: Readonly<Record<string, HttpUpstreamOptions>> = {
  'http-legacy': { era: 'legacy' },
  'http-modern': { era: 'modern' },
  'sse-legacy': { transport: 'sse' },
};
const SERVERS = ['stdio-legacy', 'stdio-modern', ...Object.keys(WEB)];

/** Both are on every server, so at the gateway each has its server's name in it. */
const exposed = (server: string): string => `toolgate://${server}/fixture://live`;

async function startServers(stack: AsyncDisposableStack) {
  const servers: Record<string, Record<string, unknown>> = {
    'stdio-legacy': program('echo.ts', '--era', 'legacy'),
    'stdio-modern': program('echo.ts', '--era', 'modern'),
  };
  for (const [name, options] of Object.entries(WEB)) {
    const upstream = stack.use(await startHttpUpstream({ ...echoOptions(), ...options }));
    addControlTools(upstream.server);
    servers[name] = { url: upstream.url, type: options.transport ?? 'http' };
  }
  return servers;
}

interface Change {
  readonly tool: string;
  readonly args: Readonly<Record<string, string>>;
  readonly method: string;
  readonly uri?: string;
  /** The list that must now hold a text. */
  readonly list?: readonly [method: string, key: string, text: string];
}

const changes = (server: string): Change[] => [
  {
    tool: 'add_tool',
    args: { name: 'fresh' },
    method: 'notifications/tools/list_changed',
    list: ['tools/list', 'tools', `"${server}__fresh"`],
  },
  {
    tool: 'add_prompt',
    args: { name: 'fresh' },
    method: 'notifications/prompts/list_changed',
    list: ['prompts/list', 'prompts', `"${server}__fresh"`],
  },
  {
    tool: 'add_resource',
    args: { name: server },
    method: 'notifications/resources/list_changed',
    list: ['resources/list', 'resources', `"fixture://extra/${server}"`],
  },
  {
    tool: 'update_resource',
    args: { uri: 'fixture://live' },
    method: 'notifications/resources/updated',
    uri: exposed(server),
  },
];

const isOne =
  ({ method, uri }: Change) =>
  (text: string): boolean =>
    textAt(text, 'method') === JSON.stringify(method) &&
    (uri === undefined || textAt(text, 'params', 'uri') === JSON.stringify(uri));

async function hears(ear: Ear, from: number, change: Change, startedAt: number): Promise<void> {
  const what = `${change.method} at ${ear.name}`;
  await until(() => ear.heard().slice(from).some(isOne(change)), what);
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs <= PROMISE_MS + TOLERANCE_MS, `${what} took ${Math.round(tookMs)} ms`);
  if (change.list === undefined) return;
  const [method, key, text] = change.list;
  const { result = '' } = await ear.client.request(method);
  assert.ok(textAt(result, key)?.includes(text), `${ear.name} lists no ${text}`);
}

describe('changes', () => {
  const stack = new AsyncDisposableStack();
  let gateway: GatewayProcess;
  let ears: Ear[];
  before(async () => {
    const servers = await startServers(stack);
    gateway = stack.use(await startGatewayProcess({ servers, gateway: { logLevel: 'error' } }));
    ears = await openEars(gateway, SERVERS.map(exposed));
    for (const ear of ears) stack.use(ear);
  });
  after(() => stack.disposeAsync());

  for (const server of SERVERS) {
    for (const change of changes(server)) {
      it(`${change.tool} of ${server} is heard at every door`, async () => {
        const from = ears.map((ear) => ear.heard().length);
        const caller = ears[0]!.client;
        const startedAt = performance.now();
        const params = JSON.stringify({
          name: `${server}__${change.tool}`,
          arguments: change.args,
        });
        const { result, message } = await caller.request('tools/call', params);
        assert.ok(result !== undefined && textAt(result, 'isError') === undefined, message);
        await Promise.all(ears.map((ear, n) => hears(ear, from[n]!, change, startedAt)));
      });
    }
  }
});

const withoutNotice = (): HttpUpstreamOptions => ({
  ...echoOptions(),
  capabilities: '{"tools":{}}',
});

async function toolNames(gateway: GatewayProcess): Promise<string[]> {
  const headers = { authorization: `Bearer ${gateway.key}` };
  const { result = '' } = await rawModern(gateway.url, { headers }).request('tools/list');
  const tools = elementsOf(textAt(result, 'tools') ?? '');
  return tools.map((tool) => JSON.parse(textAt(tool, 'name')!) as string);
}

const quietServer = (upstream: HttpUpstream, refreshSeconds: number) => ({
  quiet: { url: upstream.url, type: 'http', refreshSeconds },
});

describe('an upstream that cannot tell of changes', () => {
  for (const era of ['legacy', 'modern'] as const) {
    it(`is listed again every refreshSeconds (${era})`, async () => {
      await using upstream = await startHttpUpstream({ ...withoutNotice(), era });
      await using gateway = await startGatewayProcess({ servers: quietServer(upstream, 1) });
      upstream.server.tools.set('fresh', {
        definition: '{"name":"fresh","inputSchema":{"type":"object"}}',
        call: () => '{"content":[]}',
      });
      await until(
        async () => (await toolNames(gateway)).includes('quiet__fresh'),
        'the new tool is listed',
        3000,
      );
    });

    it(`is listed again after an error of an unknown tool (${era})`, async () => {
      await using upstream = await startHttpUpstream({ ...withoutNotice(), era });
      await using gateway = await startGatewayProcess({ servers: quietServer(upstream, 3600) });
      assert.ok((await toolNames(gateway)).includes('quiet__echo'));
      upstream.server.tools.delete('echo');
      const headers = { authorization: `Bearer ${gateway.key}` };
      const client = rawModern(gateway.url, { headers });
      const { error } = await client.request('tools/call', '{"name":"quiet__echo"}');
      assert.equal(textAt(error ?? '', 'code'), '-32602');
      await until(
        async () => !(await toolNames(gateway)).includes('quiet__echo'),
        'the tool is no longer listed',
        PROMISE_MS + TOLERANCE_MS,
      );
    });
  }
});
