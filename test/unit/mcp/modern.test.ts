import assert from 'node:assert/strict';
import { test } from 'node:test';
import { META } from '../../../src/wire/era.ts';
import { SUPPORTED_VERSIONS } from '../../../src/mcp/era.ts';
import { RESOURCE, startDoor } from './support.ts';
import { allEventsOf, bodyOf, eventsOf, next, sendModern } from './requests.ts';

test('server/discover tells versions, capabilities and who answers', async () => {
  await using door = await startDoor();
  const response = await sendModern(door.url, 'server/discover');
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'application/json');
  const { result } = await bodyOf(response);
  assert.equal(result.resultType, 'complete');
  assert.deepEqual(result.supportedVersions, SUPPORTED_VERSIONS);
  assert.ok(result.capabilities.tools.listChanged);
  assert.equal(result._meta[META.serverInfo].name, 'toolgate');
  assert.equal(typeof result.ttlMs, 'number');
  assert.equal(result.cacheScope, 'private');
});

test('lists are the gateway’s own; a cursor is none that was given out', async () => {
  await using door = await startDoor();
  const lists = {
    'tools/list': 'tools',
    'prompts/list': 'prompts',
    'resources/list': 'resources',
    'resources/templates/list': 'resourceTemplates',
  };
  for (const [method, member] of Object.entries(lists)) {
    const response = await sendModern(door.url, method);
    assert.equal(response.status, 200);
    assert.ok((await bodyOf(response)).result[member].length > 0);
    const paged = await sendModern(door.url, method, { params: { cursor: '' } });
    assert.equal(paged.status, 400);
    assert.equal((await bodyOf(paged)).error.code, -32602);
  }
});

test('a call without notifications is answered as JSON, under the id as it was written', async () => {
  await using door = await startDoor();
  for (const id of [1, 0, -5, 'a', 'ä"\\', 9_007_199_254_740_991]) {
    const response = await sendModern(door.url, 'tools/call', {
      id,
      params: { name: 'echo', arguments: { a: 1 } },
    });
    assert.equal(response.headers.get('content-type'), 'application/json');
    const body = await bodyOf(response);
    assert.equal(body['id'], id);
    assert.equal(body['result'].content[0].text, '{"a":1}');
  }
});

test('a large result comes whole', async () => {
  await using door = await startDoor();
  const bytes = 5_000_000;
  const response = await sendModern(door.url, 'tools/call', {
    id: 'large',
    params: { name: 'big', arguments: { bytes } },
  });
  assert.ok(Number(response.headers.get('content-length')) > bytes);
  const body = await bodyOf(response);
  assert.equal(body['id'], 'large');
  assert.equal(body['result'].content[0].text.length, bytes);
});

test('progress under the caller’s token makes the response a stream; nothing follows the answer', async () => {
  await using door = await startDoor();
  const response = await sendModern(door.url, 'tools/call', {
    id: 9,
    params: { name: 'count', arguments: { times: 3 } },
    meta: { progressToken: 'mine' },
  });
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  assert.equal(response.headers.get('cache-control'), 'no-cache');
  assert.equal(response.headers.get('x-accel-buffering'), 'no');
  const events = await allEventsOf(response);
  assert.deepEqual(
    events.map((event) => event['params']?.progress ?? event['id']),
    [1, 2, 3, 9],
  );
});

test('logs come from the level that the request names on, and never without one', async () => {
  await using door = await startDoor();
  const params = { name: 'count', arguments: { times: 1 } };
  const none = await sendModern(door.url, 'tools/call', { params });
  assert.equal(none.headers.get('content-type'), 'application/json');
  await none.body?.cancel();
  const info = await sendModern(door.url, 'tools/call', {
    params,
    meta: { [META.logLevel]: 'info' },
  });
  const events = await allEventsOf(info);
  assert.deepEqual(
    events.map((event) => event['params']?.level ?? 'answer'),
    ['info', 'error', 'answer'],
  );
  assert.equal(door.gateway.calls[1]?.logLevel, 'info');
});

test('the client going away cancels the call', async () => {
  await using door = await startDoor();
  const quiet = new AbortController();
  const first = sendModern(door.url, 'tools/call', {
    params: { name: 'hang-quietly' },
    signal: quiet.signal,
  });
  await door.gateway.called(1);
  quiet.abort();
  await assert.rejects(first);
  await door.gateway.cancelled(1);

  const streamed = await sendModern(door.url, 'tools/call', {
    params: { name: 'hang' },
    meta: { progressToken: 1 },
  });
  const events = eventsOf(streamed);
  assert.equal((await next(events))['params'].progress, 1);
  await events.return(undefined);
  await streamed.body?.cancel().catch(() => undefined);
  await door.gateway.cancelled(2);
});

test('a call that takes long becomes a stream with keep-alive comments', async () => {
  await using door = await startDoor({ timing: { streamAfterMs: 20, keepAliveMs: 10 } });
  const response = await sendModern(door.url, 'tools/call', { params: { name: 'hang-quietly' } });
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes(': keep-alive')) text += (await reader.read()).value;
  door.gateway.release();
  while (!text.includes('released')) text += (await reader.read()).value;
});

test('failures of servers are results, so that the model hears of them', async () => {
  await using door = await startDoor();
  const response = await sendModern(door.url, 'tools/call', { params: { name: 'down' } });
  assert.equal(response.status, 200);
  const { result } = await bodyOf(response);
  assert.equal(result.resultType, 'complete');
  assert.equal(result.isError, true);
  assert.match(result.content[0].text, /down/);
  const facts = { code: 'UPSTREAM_DOWN', retryable: true, server: 'files' };
  assert.deepEqual(result._meta['io.toolgate/error'], facts);
  const prompt = await sendModern(door.url, 'prompts/get', { params: { name: 'down' } });
  assert.equal(prompt.status, 200);
  assert.equal((await bodyOf(prompt)).error.code, -31012);
});

test('what is not found is -32602 with 200, a resource with its URI', async () => {
  await using door = await startDoor();
  const tool = await sendModern(door.url, 'tools/call', { params: { name: 'none' } });
  assert.equal(tool.status, 200);
  assert.equal((await bodyOf(tool)).error.code, -32602);
  const uri = 'test://none';
  const resource = await sendModern(door.url, 'resources/read', { params: { uri } });
  assert.equal(resource.status, 200);
  const { error } = await bodyOf(resource);
  assert.equal(error.code, -32602);
  assert.equal(error.data.uri, uri);
  const found = await sendModern(door.url, 'resources/read', { params: { uri: RESOURCE } });
  assert.ok((await bodyOf(found)).result);
});

test('an error of the server passes; one about capabilities has its status', async () => {
  await using door = await startDoor();
  const plain = await sendModern(door.url, 'tools/call', { id: 3, params: { name: 'rpc-error' } });
  assert.equal(plain.status, 200);
  assert.deepEqual(await bodyOf(plain), {
    jsonrpc: '2.0',
    id: 3,
    error: { code: -32602, message: 'bad arguments' },
  });
  const capability = await sendModern(door.url, 'tools/call', {
    params: { name: 'rpc-capability' },
  });
  assert.equal(capability.status, 400);
});

test('a fault shows an id that the log has too, and nothing of its cause', async () => {
  await using door = await startDoor();
  const response = await sendModern(door.url, 'tools/call', { params: { name: 'throw' } });
  assert.equal(response.status, 500);
  const text = await response.text();
  assert.doesNotMatch(text, /secret/);
  const { error } = JSON.parse(text) as { error: { code: number; data: { fault: string } } };
  assert.equal(error.code, -32603);
  const line = door.log.lines.find(({ level }) => level === 'error');
  assert.deepEqual(line?.facts, { ...line?.facts, fault: error.data.fault });
});

test('parameters of the wrong form are refused before the gateway sees them', async () => {
  await using door = await startDoor();
  const wrong: [string, object][] = [
    ['tools/call', {}],
    ['tools/call', { name: 'echo', arguments: [] }],
    ['tools/call', { name: 'echo', _meta: { progressToken: {} } }],
    ['completion/complete', { ref: { type: 'ref/prompt' } }],
  ];
  for (const [method, { _meta: meta = {}, ...params }] of wrong as [
    string,
    Record<string, object>,
  ][]) {
    const response = await sendModern(door.url, method, { params, meta });
    assert.equal(response.status, 400);
    assert.equal((await bodyOf(response)).error.code, -32602, JSON.stringify(params));
  }
  assert.equal(door.gateway.calls.length, 0);
});

test('/mcp/<server> is one server; another name is not found', async () => {
  await using door = await startDoor();
  const call = { params: { name: 'echo' } };
  const response = await sendModern(door.url, 'tools/call', { ...call, path: '/mcp/files' });
  assert.equal(response.status, 200);
  assert.equal(door.gateway.calls[0]?.scope, 'files');
  for (const path of ['/mcp/none', '/mcp/%66iles%20', '/mcp/a%2']) {
    for (const method of ['tools/call', 'tools/list', 'server/discover', 'subscriptions/listen']) {
      const params = method === 'subscriptions/listen' ? { notifications: {} } : call.params;
      const refused = await sendModern(door.url, method, { params, path });
      assert.equal(refused.status, 404, `${method} ${path}`);
      assert.ok((await bodyOf(refused)).error.code < -31000);
    }
  }
});
