// A key that is revoked, disabled, expired or changed: the next request, what is open, and what is kept of it.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadAdminKey } from '../../src/identity/local-key.ts';
import { program, startGateway } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';
import {
  mirrorHeaders,
  rawLegacy,
  rawModern,
  rawSse,
  requestText,
  withEnvelope,
} from '../support/raw-client.ts';
import { bodyOf, openStream, rawPost, send } from '../support/raw-http.ts';
import type { RawStream } from '../support/raw-http.ts';

/** The product promises one second. */
const PROMISED_MS = 1_000;

const LISTEN = 'subscriptions/listen';
const FILTER = '{"notifications":{"toolsListChanged":true}}';

async function start() {
  const gateway = await startGateway({
    servers: { hang: program('hang.ts'), echo: program('echo.ts') },
  });
  const admin = await loadAdminKey(gateway.directory);
  const rest = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${admin}`, 'content-type': 'application/json' };
    const text = body && JSON.stringify(body);
    const response = await send(`${gateway.base}/v1/mcp/keys${path}`, {
      method,
      headers,
      ...(text ? { body: text } : {}),
    });
    const bytes = await bodyOf(response);
    // oxlint-disable-next-line typescript/no-explicit-any -- answers of many shapes
    const json = bytes.length > 0 ? JSON.parse(bytes.toString()) : undefined;
    return { status: response.statusCode, json };
  };
  const make = async (name: string, more = {}) => {
    const { status, json } = await rest('POST', '', { name, tools: ['*'], ...more });
    assert.equal(status, 201);
    const id = json.key.id as string;
    return {
      id,
      secret: json.secret as string,
      headers: { authorization: `Bearer ${json.secret as string}` },
    };
  };
  return {
    gateway,
    admin,
    rest,
    make,
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

type Started = Awaited<ReturnType<typeof start>>;
type Made = Awaited<ReturnType<Started['make']>>;

/** A stream, and a call in flight, through every door. @returns what ends when the key does */
async function openAll({ url, base }: TestGateway, { headers }: Made) {
  const post = (method: string, params: string, accept?: string) =>
    openStream(url, {
      body: requestText('7', method, withEnvelope(params)),
      headers: {
        'content-type': 'application/json',
        accept: accept ?? 'application/json, text/event-stream',
        ...mirrorHeaders(method, params),
        ...headers,
      },
    });
  const listen = await post(LISTEN, FILTER);
  await listen.until(({ data }) => data.includes('acknowledged'));
  const legacy = await rawLegacy(url, { headers });
  const streams: Record<string, RawStream> = { listen, get: await legacy.listen() };
  const sse = await openStream(`${base}/sse`, { headers });
  streams['sse'] = sse;
  await sse.until(({ event }) => event === 'endpoint');
  const hang = '{"name":"hang__hang","arguments":{}}';
  // They hear of their end only: an answer, or a connection that was closed.
  const calls = {
    modern: rawModern(url, { headers })
      .request('tools/call', hang)
      .catch(() => 'closed'),
    legacy: legacy.request('tools/call', hang).catch(() => 'closed'),
  };
  return { streams, calls, legacy };
}

async function endsInTime(
  started: Started,
  made: Made,
  end: () => Promise<unknown>,
): Promise<void> {
  const { gateway } = started;
  const { streams, calls, legacy } = await openAll(gateway, made);
  const slow = await openStream(`${gateway.base}/sse`, { headers: made.headers });
  slow.stopReading();
  await end();
  const endedAt = performance.now();
  const answer = await rawPost(gateway.url, requestText('1', 'tools/list', withEnvelope('{}')), {
    ...mirrorHeaders('tools/list', '{}'),
    ...made.headers,
  });
  assert.equal(answer.status, 401);
  assert.equal(
    (await rawPost(gateway.url, requestText('2', 'ping', '{}'), legacy.headers)).status,
    401,
  );
  await Promise.all([...Object.values(streams).map(({ ended }) => ended), ...Object.values(calls)]);
  const ms = performance.now() - endedAt;
  assert.ok(ms <= PROMISED_MS, `${ms} ms`);
  slow.close();
}

test('a revoked key: the next request is refused, and all it had open ends within a second', async () => {
  await using started = await start();
  const made = await started.make('ci');
  const other = await started.make('other');
  const stays = await openAll(started.gateway, other);
  await endsInTime(started, made, async () => {
    assert.equal((await started.rest('DELETE', `/${made.id}`)).status, 204);
  });
  const reply = await stays.legacy.request('ping');
  assert.equal(reply.result, '{}');
  assert.equal(
    (await rawModern(started.gateway.url, other).request('tools/list')).error,
    undefined,
  );
  for (const stream of Object.values(stays.streams)) stream.close();
});

test('so does a disabled one', async () => {
  await using started = await start();
  const made = await started.make('ci');
  await endsInTime(started, made, () => started.rest('PATCH', `/${made.id}`, { enabled: false }));
});

test('so does one whose time is over', async () => {
  await using started = await start();
  const made = await started.make('ci');
  const { promise, resolve } = Promise.withResolvers<void>();
  await endsInTime(started, made, async () => {
    const expiresAt = Date.now() + 300;
    await started.rest('PATCH', `/${made.id}`, { expiresAt });
    setTimeout(resolve, expiresAt - Date.now());
    await promise;
  });
});

test('so does one whose secret was replaced without an overlap; the new one goes on', async () => {
  await using started = await start();
  const made = await started.make('ci');
  let secret = '';
  await endsInTime(started, made, async () => {
    secret = (await started.rest('POST', `/${made.id}/rotate`, { overlapSeconds: 0 })).json.secret;
  });
  const headers = { authorization: `Bearer ${secret}` };
  assert.equal(
    (await rawModern(started.gateway.url, { headers }).request('tools/list')).error,
    undefined,
  );
});

test('a key that may see less: its sessions go on with less, and its clients are told', async () => {
  await using started = await start();
  const made = await started.make('ci');
  const { url, base } = started.gateway;
  const legacy = await rawLegacy(url, { headers: made.headers });
  const stream = await legacy.listen();
  const sse = await rawSse(`${base}/sse`, { headers: made.headers });
  const names = async (client: { request: typeof legacy.request }) =>
    (JSON.parse((await client.request('tools/list')).result!) as { tools: { name: string }[] })
      .tools.length;
  assert.ok((await names(legacy)) > 2);
  await started.rest('PATCH', `/${made.id}`, { tools: ['hang/quick'] });
  await stream.until(({ data }) => data.includes('notifications/tools/list_changed'));
  assert.deepEqual([await names(legacy), await names(sse)], [1, 1]);
  const call = await legacy.request('tools/call', '{"name":"hang__hang","arguments":{}}');
  assert.ok(call.error);
  await sse[Symbol.asyncDispose]();
});

test('nothing that is kept lets anybody in, but the two files of the first start', async () => {
  await using started = await start();
  const { gateway } = started;
  const made = await started.make('ci', { notes: 'canary' });
  const { json } = await started.rest('POST', `/${made.id}/rotate`, {});
  await rawModern(gateway.url, { headers: made.headers }).request('tools/list');
  const secrets = [made.secret, json.secret as string].map((secret) =>
    secret.slice('tg_'.length + 9),
  );
  const candidates = new Set<string>();
  for (const name of await readdir(gateway.directory)) {
    if (['local.key', 'admin.key'].includes(name)) continue;
    const text = await readFile(join(gateway.directory, name), 'latin1');
    for (const secret of secrets) assert.ok(!text.includes(secret), name);
    for (const [word] of text.matchAll(/[\w+/=-]{16,}/g)) candidates.add(word);
  }
  assert.ok(
    [...candidates].some((word) => /[0-9a-f]{64}/.test(word)),
    'the MACs are among them',
  );
  for (const word of candidates) {
    for (const credential of [
      word,
      `tg_${made.id}_${word}`,
      `tg_${made.id}_${word.slice(0, 43)}`,
    ]) {
      const response = await send(`${gateway.base}/v1/mcp/tools`, {
        headers: { authorization: `Bearer ${credential}` },
      });
      response.resume();
      assert.equal(response.statusCode, 401);
    }
  }
});

test('the local key reaches no route of keys, and its calls are nobody else’s yes', async () => {
  await using started = await start();
  const { gateway } = started;
  for (const [method, path] of [
    ['GET', ''],
    ['POST', ''],
    ['GET', '/local'],
    ['PATCH', '/local'],
    ['POST', '/admin/rotate'],
  ] as const) {
    const headers = { ...gateway.headers, 'content-type': 'application/json' };
    const body = method === 'GET' ? {} : { body: '{"name":"x","role":"admin","execute":true}' };
    const response = await send(`${gateway.base}/v1/mcp/keys${path}`, { method, headers, ...body });
    assert.equal(response.statusCode, 403);
    assert.equal(
      (JSON.parse((await bodyOf(response)).toString()) as { code: string }).code,
      'ROLE_MISSING',
    );
  }
});
