// The fixtures themselves: that they carry exact bytes and behave as the suites that stand on them believe.
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { AWKWARD_TOOLS, assertSameJson, awkwardArguments, awkwardResults } from './awkward.ts';
import { connectV1, connectV1Stdio, connectV2, connectV2Stdio } from './clients.ts';
import { elementsOf, jsonDifference, sameJson, textAt } from './json-text.ts';
import { type RawClient, rawLegacy, rawModern, rawSse, rawStdio } from './raw-client.ts';
import { openStream } from './raw-http.ts';
import { startConformanceUpstream } from './upstreams/everything-conformance.ts';
import { echoOptions } from './upstreams/echo.ts';
import { hangOptions } from './upstreams/hang.ts';
import { readLedger, runsOf } from './upstreams/ledger.ts';
import { LIES, lieOptions } from './upstreams/lie.ts';
import { startHttpUpstream } from './upstreams/raw.ts';

const program = (name: string): string => join(import.meta.dirname, 'upstreams', `${name}.ts`);
const node = process.execPath;
const stdio = (name: string, ...args: string[]) => ({
  command: node,
  args: [program(name), ...args],
});

describe('sameJson', () => {
  it('ignores white space and nothing else', () => {
    assert.ok(sameJson('{"a":[1,{"b":-0}]}', ' { "a" : [ 1 ,\n{"b":-0}] } '));
    for (const [a, b] of [
      ['1', '1.0'],
      ['-0', '0'],
      ['"A"', '"\\u0041"'],
      ['{"a":1,"b":2}', '{"b":2,"a":1}'],
      ['[1]', '[1,1]'],
      ['12345678901234567890', '12345678901234567000'],
      ['{"a":1,"a":1}', '{"a":1}'],
    ] as const) {
      assert.ok(jsonDifference(a, b), `${a} and ${b}`);
    }
    assert.ok(sameJson('"A\\/"', '"\\u0041/"', { unescape: true }));
  });

  it('keeps its awkward cases well-formed and their names unique', () => {
    for (const cases of [awkwardArguments(), awkwardResults(), AWKWARD_TOOLS]) {
      assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length);
      for (const { name, json } of cases) {
        JSON.parse(json);
        assert.ok(sameJson(json, json), name);
      }
    }
  });
});

type Open = (use: (client: RawClient) => Promise<void>) => Promise<void>;

const overHttp =
  (era: 'legacy' | 'modern', respond: 'auto' | 'sse'): Open =>
  async (use) => {
    await using upstream = await startHttpUpstream({
      ...echoOptions({ awkward: true }),
      era,
      respond,
    });
    await using client = era === 'modern' ? rawModern(upstream.url) : await rawLegacy(upstream.url);
    await use(client);
  };

const overSse: Open = async (use) => {
  await using upstream = await startHttpUpstream({
    ...echoOptions({ awkward: true }),
    transport: 'sse',
  });
  await using client = await rawSse(upstream.url);
  await use(client);
};

const overStdio =
  (era: 'legacy' | 'modern'): Open =>
  async (use) => {
    await using client = await rawStdio({ ...stdio('echo', '--awkward'), era });
    await use(client);
  };

const ways: Record<string, Open> = {
  'modern HTTP, JSON': overHttp('modern', 'auto'),
  'modern HTTP, SSE': overHttp('modern', 'sse'),
  'legacy HTTP, JSON': overHttp('legacy', 'auto'),
  'legacy HTTP, SSE': overHttp('legacy', 'sse'),
  'HTTP+SSE': overSse,
  'legacy stdio': overStdio('legacy'),
  'modern stdio': overStdio('modern'),
};

async function exactness(client: RawClient): Promise<void> {
  for (const { name, json } of awkwardArguments()) {
    const { result, message } = await client.request(
      'tools/call',
      `{"name":"echo","arguments":${json}}`,
    );
    assert.ok(result, message.slice(0, 500));
    assertSameJson(textAt(result, 'structuredContent', 'echo') ?? '', json, name);
  }
  const stamp = client.era === 'modern' ? '"resultType":"complete",' : '';
  for (const { name, json } of awkwardResults()) {
    const args = JSON.stringify({ case: name });
    const { result } = await client.request('tools/call', `{"name":"raw","arguments":${args}}`);
    assertSameJson(result ?? '', json.replace('{', `{${stamp}`), name);
  }
  const { result = '' } = await client.request('tools/list');
  const tools = elementsOf(textAt(result, 'tools') ?? '');
  for (const { name, json } of AWKWARD_TOOLS) {
    const found = tools.find((tool) => textAt(tool, 'name') === JSON.stringify(name));
    assertSameJson(found ?? '', json, name);
  }
}

describe('the echo upstream', () => {
  for (const [name, open] of Object.entries(ways)) {
    it(`carries exact texts over ${name}`, () => open(exactness));
    it(`sends progress before the result over ${name}`, () =>
      open(async (client) => {
        const params =
          '{"name":"progress","arguments":{"steps":3},"_meta":{"progressToken":"t\\u0041"}}';
        const { notifications, result } = await client.request('tools/call', params);
        assert.equal(notifications.length, 3);
        assert.equal(textAt(notifications[2]!, 'params', 'progressToken'), '"t\\u0041"');
        assert.ok(result);
      }));
  }

  it('is spoken to by the SDK clients', async () => {
    await using upstream = await startHttpUpstream(echoOptions());
    await using sse = await startHttpUpstream({ ...echoOptions(), transport: 'sse' });
    await using one = await connectV1({ url: upstream.url });
    await using two = await connectV1({ url: sse.url, transport: 'sse' });
    await using three = await connectV1Stdio(stdio('echo'));
    await using four = await connectV2({ url: upstream.url, era: 'legacy' });
    await using five = await connectV2({ url: upstream.url, era: 'modern' });
    await using six = await connectV2Stdio({ ...stdio('echo'), era: 'modern' });
    for (const { client } of [one, two, three, four, five, six]) {
      const { structuredContent } = await client.callTool({ name: 'echo', arguments: { a: 1 } });
      assert.deepEqual(structuredContent, { echo: { a: 1 } });
      assert.ok((await client.listTools()).tools.length > 10);
      assert.equal((await client.listPrompts()).prompts.length, 2);
      assert.equal((await client.listResources()).resources.length, 2);
      const read = await client.readResource({ uri: 'fixture://text/hello' });
      assert.equal((read.contents[0] as { text: string }).text, 'hello');
    }
  });

  it('tells of changes in both eras', async () => {
    await using upstream = await startHttpUpstream(echoOptions());
    await using legacy = await rawLegacy(upstream.url);
    await using stream = await legacy.listen();
    await legacy.request('resources/subscribe', '{"uri":"fixture://live"}');
    const client = rawModern(upstream.url);
    const listening = client.request(
      'subscriptions/listen',
      '{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["fixture://live"]}}',
    );
    await upstream.until(({ listeners }) => listeners === 2);
    upstream.emitChanged('tools');
    upstream.emitUpdated('fixture://live');
    upstream.emitUpdated('fixture://static');
    upstream.server.subscriptions.endAll();
    const { notifications, result } = await listening;
    assert.deepEqual(
      notifications.map((text) => textAt(text, 'method')),
      [
        '"notifications/subscriptions/acknowledged"',
        '"notifications/tools/list_changed"',
        '"notifications/resources/updated"',
      ],
    );
    assert.equal(textAt(result!, 'resultType'), '"complete"');
    await stream.until(({ data }) => data.includes('tools/list_changed'));
    await stream.until(({ data }) => data.includes('resources/updated'));
    assert.equal(stream.events.length, 2);
  });

  it('forgets sessions on command', async () => {
    await using upstream = await startHttpUpstream(echoOptions());
    const client = await rawLegacy(upstream.url);
    upstream.dropSessions();
    const { status } = await openStream(upstream.url, { headers: client.headers });
    assert.equal(status, 404);
  });

  it('counts in a ledger', async () => {
    const ledger = join(mkdtempSync(join(tmpdir(), 'toolgate-')), 'ledger');
    await using client = await rawStdio({ ...stdio('echo', '--ledger', ledger), era: 'legacy' });
    await client.request('tools/call', '{"name":"count","arguments":{"key":"k"}}');
    const killed = client.request('tools/call', '{"name":"exit","arguments":{}}');
    assert.equal(await client.exited, 1);
    void killed;
    assert.deepEqual([...runsOf(ledger)], [['k', 1]]);
  });
});

describe('the hanging upstream', () => {
  it('records what was cancelled', async () => {
    const ledger = join(mkdtempSync(join(tmpdir(), 'toolgate-')), 'ledger');
    await using upstream = await startHttpUpstream(hangOptions({ ledger }));
    await using legacy = await rawLegacy(upstream.url);
    const call = '{"name":"hang","arguments":{"key":"a"}}';
    const first = legacy.request('tools/call', call, '"c1"').catch(() => undefined);
    await upstream.until(() => readLedger(ledger).length === 1);
    await legacy.notify('notifications/cancelled', '{"requestId":"c1"}');
    await first;
    await upstream.until(({ cancelled }) => cancelled.length === 1);
    assert.deepEqual(
      readLedger(ledger).map(({ event, key }) => `${event} ${key}`),
      ['started a', 'cancelled a'],
    );
  });
});

describe('the lying upstream', () => {
  it('survives its own lies', async () => {
    await using client = await rawStdio({ ...stdio('lie'), era: 'legacy' });
    const deadly = new Set(['half a line, then the end', 'late answer', 'too deep', 'too big']);
    for (const how of Object.keys(LIES)) {
      if (deadly.has(how)) continue;
      const args = JSON.stringify({ how });
      void client.request('tools/call', `{"name":"lie","arguments":${args}}`).catch(() => {});
    }
    const { result } = await client.request('tools/call', '{"name":"good","arguments":{}}');
    assert.equal(textAt(result!, 'structuredContent', 'echo'), '{}');
    assert.equal(lieOptions().cache, 'omit');
  });
});

describe('the conformance upstream', () => {
  it('asks in either era', async () => {
    await using upstream = await startConformanceUpstream();
    const modern = rawModern(upstream.url, { capabilities: '{"elicitation":{}}' });
    const call = '{"name":"test_elicitation","arguments":{"message":"m"}}';
    const { result } = await modern.request('tools/call', call);
    assert.equal(textAt(result!, 'resultType'), '"input_required"');
    assert.ok(textAt(result!, 'inputRequests', 'user'));
  });
});
