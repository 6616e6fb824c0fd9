// What lists say of themselves, after a restart, and when the configuration is saved again.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { describe, it } from 'node:test';
import {
  type Servers,
  type TestGateway,
  program,
  startGateway,
  temporaryDirectory,
} from '../support/gateway.ts';
import { elementsOf, textAt } from '../support/json-text.ts';
import { type RawClient, rawLegacy, rawModern } from '../support/raw-client.ts';
import { until } from '../support/until.ts';
import { echoOptions } from '../support/upstreams/echo.ts';
import { hangOptions } from '../support/upstreams/hang.ts';
import { type HttpUpstream, startHttpUpstream } from '../support/upstreams/raw.ts';

const clientOf = (gateway: TestGateway): RawClient =>
  rawModern(gateway.url, { headers: gateway.headers });

async function toolNames(client: RawClient): Promise<string[]> {
  const { result = '' } = await client.request('tools/list');
  const tools = elementsOf(textAt(result, 'tools') ?? '');
  return tools.map((tool) => JSON.parse(textAt(tool, 'name')!) as string);
}

async function textOf(client: RawClient, name: string, args: object = {}): Promise<string> {
  const params = JSON.stringify({ name, arguments: args });
  const { result, message } = await client.request('tools/call', params);
  assert.ok(result, message);
  return (JSON.parse(result) as { content: { text: string }[] }).content[0]!.text;
}

interface Hints {
  readonly ttlMs: number;
  readonly cacheScope: string;
}

async function hintsOf(client: RawClient): Promise<Hints> {
  const { result = '{}' } = await client.request('tools/list');
  const { ttlMs, cacheScope } = JSON.parse(result) as Hints;
  return { ttlMs, cacheScope };
}

const caching = (ttlMs: number, cacheScope: string) =>
  startHttpUpstream({ ...echoOptions(), era: 'modern', cache: { ttlMs, cacheScope } });

const entryOf = ({ url }: HttpUpstream) => ({ url, type: 'http' });

describe('lists of many servers', () => {
  it('may be kept as long as the one that changes most, and as privately as the most private', async () => {
    await using open = await caching(5000, 'public');
    await using shy = await caching(9000, 'private');
    await using old = await startHttpUpstream({ ...echoOptions(), era: 'legacy' });
    await using gateway = await startGateway({ servers: { open: entryOf(open) } });
    const client = clientOf(gateway);
    // Lists differ from key to key, so no cache may hand one on.
    assert.deepEqual(await hintsOf(client), { ttlMs: 5000, cacheScope: 'private' });
    const two: Servers = { open: entryOf(open), shy: entryOf(shy) };
    await gateway.reload({ servers: two });
    await until(async () => (await toolNames(client)).includes('shy__echo'), 'the second server');
    assert.deepEqual(await hintsOf(client), { ttlMs: 5000, cacheScope: 'private' });
    const one = rawModern(`${gateway.url}/open`, { headers: gateway.headers });
    assert.deepEqual(await hintsOf(one), { ttlMs: 5000, cacheScope: 'private' });
    await gateway.reload({ servers: { ...two, old: entryOf(old) } });
    await until(async () => (await toolNames(client)).includes('old__echo'), 'the third server');
    assert.deepEqual(await hintsOf(client), { ttlMs: 0, cacheScope: 'private' });
  });

  it('carry no hints for legacy clients', async () => {
    await using open = await caching(5000, 'public');
    await using gateway = await startGateway({ servers: { open: entryOf(open) } });
    await using client = await rawLegacy(gateway.url, { headers: gateway.headers });
    const { result = '' } = await client.request('tools/list');
    assert.deepEqual(Object.keys(JSON.parse(result) as object), ['tools']);
  });

  it('have all pages of a server', async () => {
    await using paged = await startHttpUpstream({ ...echoOptions(), pageSize: 2 });
    await using gateway = await startGateway({ servers: { paged: entryOf(paged) } });
    const names = await toolNames(clientOf(gateway));
    assert.equal(names.length, Object.keys(echoOptions().tools ?? {}).length);
  });
});

describe('instructions', () => {
  it('stand under the name of their server and are cut', async () => {
    const long = { instructions: 'i'.repeat(50_000) };
    await using a = await startHttpUpstream({ ...echoOptions({ name: 'first' }), era: 'legacy' });
    await using b = await startHttpUpstream({ ...echoOptions(), ...long, era: 'modern' });
    await using gateway = await startGateway({ servers: { a: entryOf(a), b: entryOf(b) } });
    const { result = '' } = await clientOf(gateway).request('server/discover');
    const { instructions } = JSON.parse(result) as { instructions: string };
    assert.match(instructions, /^## a\n\nInstructions of first\.\n\n## b\n\ni{4000}…/);
    assert.ok(instructions.length < 20_000);
  });
});

describe('a restart', () => {
  it('answers the last known lists at once although the server is gone', async () => {
    const directory = await temporaryDirectory();
    try {
      const upstream = await startHttpUpstream(echoOptions({ awkward: true }));
      const options = { directory, servers: { gone: entryOf(upstream) } };
      let before: string;
      {
        await using gateway = await startGateway(options);
        const { result = '' } = await clientOf(gateway).request('tools/list');
        before = textAt(result, 'tools')!;
      }
      await upstream[Symbol.asyncDispose]();
      await using gateway = await startGateway({ ...options, impatient: true });
      const client = clientOf(gateway);
      const startedAt = performance.now();
      const { result = '' } = await client.request('tools/list');
      assert.ok(performance.now() - startedAt < 100);
      assert.equal(textAt(result, 'tools'), before);
      assert.equal(textAt(result, 'ttlMs'), '0', 'nobody may keep a list that may be old');
      const failed = await client.request('tools/call', '{"name":"gone__echo","arguments":{}}');
      assert.equal(textAt(failed.result ?? '', 'isError'), 'true');
      assert.match(failed.message, /UPSTREAM_DOWN/);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('tells how long lists may be kept once the server is back', async () => {
    const directory = await temporaryDirectory();
    try {
      await using upstream = await caching(5000, 'public');
      const options = { directory, servers: { back: entryOf(upstream) } };
      await (await startGateway(options))[Symbol.asyncDispose]();
      await using gateway = await startGateway({ ...options, impatient: true });
      const client = clientOf(gateway);
      await hintsOf(client);
      await gateway.app.ready;
      // Lists differ from key to key, so no cache may hand one on.
      assert.deepEqual(await hintsOf(client), { ttlMs: 5000, cacheScope: 'private' });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

const sessionsOpened = (upstream: HttpUpstream): number =>
  upstream.received.filter(({ body }) => body.includes('"initialize"')).length;

describe('a reload', () => {
  it('adds, renames and removes a server and touches no other', async () => {
    await using kept = await startHttpUpstream({ ...echoOptions(), era: 'legacy' });
    await using other = await startHttpUpstream(echoOptions());
    const stay = { kept: entryOf(kept), child: program('echo.ts') };
    await using gateway = await startGateway({ servers: stay });
    const client = clientOf(gateway);
    await using session = await rawLegacy(gateway.url, { headers: gateway.headers });
    await using stream = await session.listen();
    const pid = await textOf(client, 'child__whoami');
    for (const [name, servers] of [
      ['added', { ...stay, added: entryOf(other) }],
      ['renamed', { ...stay, renamed: entryOf(other) }],
      ['', stay],
    ] as const) {
      const told = stream.events.length;
      await gateway.reload({ servers });
      await until(async () => {
        const names = await toolNames(client);
        const others = names.filter((one) => !/^(?:kept|child)__/.test(one));
        return name === '' ? others.length === 0 : others.includes(`${name}__echo`);
      }, `the tools of "${name}"`);
      await until(() => stream.events.length > told, 'a notification');
      assert.ok(
        (await toolNames(client)).every((one) => !one.startsWith('added__') || name === 'added'),
      );
    }
    assert.equal(sessionsOpened(kept), 1);
    assert.equal(await textOf(client, 'child__whoami'), pid);
  });

  it('lets calls of a server that stays run on, and ends those of one that goes', async () => {
    await using kept = await startHttpUpstream(echoOptions());
    await using gone = await startHttpUpstream(hangOptions({}));
    const all = { kept: entryOf(kept), gone: entryOf(gone) };
    await using gateway = await startGateway({ servers: all, gateway: { drainSeconds: 1 } });
    const client = clientOf(gateway);
    const call = (server: string, tool: string, args: string) =>
      client.request('tools/call', `{"name":"${server}__${tool}","arguments":${args}}`);
    const running = call('kept', 'delay', '{"ms":500}');
    const hanging = call('gone', 'hang', '{}');
    const isCalled = (upstream: HttpUpstream) =>
      upstream.received.some(({ body }) => body.includes('"tools/call"'));
    await until(() => isCalled(kept) && isCalled(gone), 'both calls');
    await gateway.reload({ servers: { kept: entryOf(kept) } });
    const { result } = await running;
    assert.equal(textAt(result ?? '', 'structuredContent', 'echo'), '{"ms":500}');
    const ended = await hanging;
    assert.match(ended.message, /"code":"UPSTREAM_/);
  });

  it('applies a new prefix without a new connection', async () => {
    await using kept = await startHttpUpstream({ ...echoOptions(), era: 'legacy' });
    await using gateway = await startGateway({ servers: { kept: entryOf(kept) } });
    const client = clientOf(gateway);
    await gateway.reload({ servers: { kept: { ...entryOf(kept), prefix: 'short' } } });
    await until(async () => (await toolNames(client)).includes('short__echo'), 'the new names');
    assert.equal(sessionsOpened(kept), 1);
  });
});
