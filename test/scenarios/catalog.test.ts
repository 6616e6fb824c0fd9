// Many servers as one: names, URIs and where each of them leads.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type GatewayOptions, type TestGateway, startGateway } from '../support/gateway.ts';
import { elementsOf, textAt } from '../support/json-text.ts';
import { type RawClient, rawLegacy, rawModern } from '../support/raw-client.ts';
import { echoOptions } from '../support/upstreams/echo.ts';
import {
  type HttpUpstream,
  type HttpUpstreamOptions,
  startHttpUpstream,
} from '../support/upstreams/raw.ts';

type Entry = Readonly<Record<string, unknown>>;

interface World extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly upstreams: Readonly<Record<string, HttpUpstream>>;
  readonly modern: RawClient;
}

/** A gateway over an echo server of each name. */
async function openWorld(
  servers: Readonly<Record<string, { options?: HttpUpstreamOptions; entry?: Entry }>>,
  gatewayOptions: Omit<GatewayOptions, 'servers'> = {},
): Promise<World> {
  const stack = new AsyncDisposableStack();
  const upstreams: Record<string, HttpUpstream> = {};
  const entries: Record<string, Entry> = {};
  for (const [name, { options = {}, entry = {} }] of Object.entries(servers)) {
    const upstream = await startHttpUpstream({ ...echoOptions({ name }), ...options });
    upstreams[name] = stack.use(upstream);
    entries[name] = { url: upstream.url, type: 'http', ...entry };
  }
  const gateway = stack.use(await startGateway({ servers: entries, ...gatewayOptions }));
  const modern = rawModern(gateway.url, { headers: gateway.headers });
  return { gateway, upstreams, modern, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function namesIn(client: RawClient, method: string, key: string, named = 'name') {
  const { result = '' } = await client.request(method);
  return elementsOf(textAt(result, key) ?? '').map(
    (text) => JSON.parse(textAt(text, named)!) as string,
  );
}

const toolNames = (client: RawClient): Promise<string[]> => namesIn(client, 'tools/list', 'tools');

/** The name of the server that answers a call of `whoami` under this name. */
async function whoIs(client: RawClient, tool: string): Promise<string> {
  const { result, message } = await client.request('tools/call', JSON.stringify({ name: tool }));
  const { content } = JSON.parse(result ?? message) as { content?: { text: string }[] };
  assert.ok(content, message);
  return (JSON.parse(content[0]!.text) as { name: string }).name;
}

const TWO = { a: {}, b: {} };

describe('names', () => {
  it('have the server in front', async () => {
    await using world = await openWorld({ a: {}, b: { entry: { prefix: 'other' } } });
    const names = await toolNames(world.modern);
    assert.deepEqual(new Set(names).size, names.length);
    assert.equal(await whoIs(world.modern, 'a__whoami'), 'a');
    assert.equal(await whoIs(world.modern, 'other__whoami'), 'b');
    assert.ok(!names.some((name) => name.startsWith('b__')));
    const prompts = await namesIn(world.modern, 'prompts/list', 'prompts');
    assert.deepEqual(prompts.slice(0, 2), ['a__greet', 'a__raw_prompt']);
  });

  it('are in an order that never changes', async () => {
    await using first = await openWorld({ a: {}, b: {}, c: {} });
    await using second = await openWorld({ c: {}, b: {}, a: {} });
    assert.deepEqual(await toolNames(first.modern), await toolNames(second.modern));
  });

  it('have it only on a collision, when told so', async () => {
    const onlyB = { tools: { ...echoOptions({ name: 'b' }).tools } };
    const [echo] = Object.values(onlyB.tools);
    onlyB.tools['only_b'] = { ...echo!, definition: '{"name":"only_b"}' };
    const naming = { mode: 'on-collision' };
    await using world = await openWorld({ a: {}, b: { options: onlyB } }, { naming });
    const names = await toolNames(world.modern);
    assert.ok(names.includes('only_b') && !names.includes('b__only_b'));
    assert.equal(await whoIs(world.modern, 'a__whoami'), 'a');
    assert.equal(await whoIs(world.modern, 'b__whoami'), 'b');
  });

  it('stay verbatim when told so, and a collision is told', async () => {
    await using world = await openWorld(TWO, { naming: { mode: 'verbatim' } });
    const names = await toolNames(world.modern);
    assert.equal(new Set(names).size, names.length);
    assert.equal(await whoIs(world.modern, 'whoami'), 'a');
    const other = names.find((name) => /^whoami_[0-9a-f]{8}$/.test(name));
    assert.equal(await whoIs(world.modern, other!), 'b');
    assert.match(world.gateway.app.diagnostics().join('\n'), /"whoami" of server "b"/);
  });

  it('without a prefix collide and are told apart', async () => {
    await using world = await openWorld({
      a: { entry: { prefix: '' } },
      b: { entry: { prefix: '' } },
    });
    const names = await toolNames(world.modern);
    const both = names.filter((name) => name.startsWith('whoami'));
    assert.equal(both.length, 2);
    const owners = await Promise.all(both.map((name) => whoIs(world.modern, name)));
    assert.deepEqual(owners.toSorted(), ['a', 'b']);
  });

  it('are cut to maxLength with a hash that is the same after a restart', async () => {
    const long = 'a-rather-long-server';
    const naming = { maxLength: 24 };
    const runs: string[][] = [];
    for (let run = 0; run < 2; run++) {
      await using world = await openWorld({ [long]: {}, [`${long}-2`]: {} }, { naming });
      const names = await toolNames(world.modern);
      assert.equal(new Set(names).size, names.length);
      assert.ok(
        names.every((name) => name.length <= 24),
        names.join(),
      );
      runs.push(names);
      const { tools = {} } = echoOptions();
      const index = Object.keys(tools).indexOf('whoami');
      assert.equal(await whoIs(world.modern, names[index]!), long);
    }
    assert.deepEqual(runs[0], runs[1]);
  });
});

const STATIC = 'fixture://static';

const sayResult = (json: string): string => JSON.stringify({ name: 'a__raw', arguments: { json } });

async function read(client: RawClient, uri: string): Promise<{ uri: string; text: string }> {
  const { result, message } = await client.request('resources/read', JSON.stringify({ uri }));
  assert.ok(result, message);
  return (JSON.parse(result) as { contents: { uri: string; text: string }[] }).contents[0]!;
}

describe('URIs that two servers have', () => {
  it('are qualified in lists and lead to their server', async () => {
    await using world = await openWorld(TWO);
    const uris = await namesIn(world.modern, 'resources/list', 'resources', 'uri');
    for (const server of ['a', 'b']) {
      const uri = `toolgate://${server}/${STATIC}`;
      assert.ok(uris.includes(uri), uris.join());
      assert.deepEqual(await read(world.modern, uri).then(({ text, uri: own }) => [own, text]), [
        uri,
        `static text of ${server}`,
      ]);
    }
    assert.ok(!uris.includes(STATIC));
  });

  it('are qualified in links, embedded resources and _meta', async () => {
    await using world = await openWorld(TWO);
    const link = (uri: string): string => `{"type":"resource_link","uri":"${uri}","name":"s"}`;
    const embedded = (uri: string): string =>
      `{"type":"resource","resource":{"uri":"${uri}","text":"${STATIC}"}}`;
    const resultOf = (uri: string): string =>
      `{"content":[${link(uri)},${embedded(uri)},{"type":"text","text":"${STATIC}"}],"structuredContent":{"uri":"${STATIC}"},"_meta":{"ui":{"resourceUri":"${uri}"}}}`;
    const { result } = await world.modern.request('tools/call', sayResult(resultOf(STATIC)));
    const expected = resultOf(`toolgate://a/${STATIC}`);
    assert.deepEqual(JSON.parse(result!), { resultType: 'complete', ...JSON.parse(expected) });
  });

  it('of a template both have lead to the server that named them', async () => {
    await using world = await openWorld({
      a: {},
      b: {
        options: {
          templates: [
            {
              definition: '{"uriTemplate":"fixture://text/{text}","name":"text"}',
              matches: (uri) => uri.startsWith('fixture://text/'),
              read: () => '{"contents":[{"uri":"fixture://text/x","text":"of b"}]}',
            },
          ],
        },
      },
    });
    const templates = await namesIn(
      world.modern,
      'resources/templates/list',
      'resourceTemplates',
      'uriTemplate',
    );
    assert.ok(templates.includes('toolgate://a/fixture://text/{text}'), templates.join());
    assert.equal((await read(world.modern, 'toolgate://b/fixture://text/x')).text, 'of b');
    assert.equal((await read(world.modern, 'toolgate://a/fixture://text/x')).text, 'x');
    const said = '{"content":[{"type":"resource_link","uri":"fixture://text/x","name":"x"}]}';
    const { result } = await world.modern.request('tools/call', sayResult(said));
    const { content } = JSON.parse(result!) as { content: { uri: string }[] };
    assert.equal(content[0]!.uri, 'toolgate://a/fixture://text/x');
    assert.equal((await read(world.modern, content[0]!.uri)).text, 'x');
  });

  it('can be completed by their template', async () => {
    await using world = await openWorld(TWO);
    const params = JSON.stringify({
      ref: { type: 'ref/resource', uri: 'toolgate://b/fixture://text/{text}' },
      argument: { name: 'text', value: 'v' },
    });
    const { result, message } = await world.modern.request('completion/complete', params);
    assert.deepEqual(JSON.parse(textAt(result ?? '', 'completion', 'values') ?? message), [
      'v',
      'b',
    ]);
  });

  it('are subscribed to at their server alone', async () => {
    await using world = await openWorld({ a: { options: { era: 'legacy' } }, b: {} });
    await using client = await rawLegacy(world.gateway.url, { headers: world.gateway.headers });
    await using stream = await client.listen();
    const uri = 'toolgate://a/fixture://live';
    await client.request('resources/subscribe', JSON.stringify({ uri }));
    const peers = world.upstreams['a']!.server.peers;
    await world.upstreams['a']!.until(() =>
      [...peers].some((peer) => peer.subscriptions.has('fixture://live')),
    );
    world.upstreams['b']!.emitUpdated('fixture://live');
    world.upstreams['a']!.emitUpdated('fixture://live');
    const { data } = await stream.until((event) => event.data.includes('resources/updated'));
    assert.equal(textAt(data, 'params', 'uri'), JSON.stringify(uri));
    const updates = stream.messages.filter((text) => text.includes('resources/updated'));
    assert.equal(updates.length, 1);
    await client.request('resources/unsubscribe', JSON.stringify({ uri }));
    await world.upstreams['a']!.until(() =>
      [...peers].every((peer) => !peer.subscriptions.has('fixture://live')),
    );
  });

  it('that only one has stay as they are', async () => {
    await using world = await openWorld({ a: {} });
    assert.equal((await read(world.modern, STATIC)).text, 'static text of a');
    const asked = await world.modern.request('resources/read', '{"uri":"none://here"}');
    assert.equal(textAt(asked.error ?? '', 'code'), '-32602');
  });
});

describe('/mcp/<server>', () => {
  it('has the names and URIs of the server itself', async () => {
    await using world = await openWorld(TWO);
    const { gateway } = world;
    const one = rawModern(`${gateway.url}/b`, { headers: gateway.headers });
    assert.ok((await toolNames(one)).includes('whoami'));
    assert.equal(await whoIs(one, 'whoami'), 'b');
    assert.equal((await read(one, STATIC)).text, 'static text of b');
    const uris = await namesIn(one, 'resources/list', 'resources', 'uri');
    assert.deepEqual(uris, [STATIC, 'fixture://live']);
    const { result } = await one.request('prompts/get', '{"name":"greet","arguments":{"who":"x"}}');
    assert.match(result ?? '', /Say hello to x/);
    await using legacy = await rawLegacy(`${gateway.url}/b`, { headers: gateway.headers });
    assert.equal(await whoIs(legacy, 'whoami'), 'b');
    const nobody = rawModern(`${gateway.url}/nobody`, { headers: gateway.headers });
    const { error } = await nobody.request('tools/list');
    assert.equal(textAt(error ?? '', 'data', 'code'), '"SERVER_NOT_FOUND"');
  });
});
