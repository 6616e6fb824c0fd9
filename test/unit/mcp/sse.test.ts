import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RESOURCE, startDoor } from './support.ts';
import type { TestDoor } from './support.ts';
import { initializeBody, next, rawEventsOf, send } from './requests.ts';
import type { Json } from './requests.ts';

const accept = 'text/event-stream';

async function openSse(door: TestDoor) {
  const stop = new AbortController();
  const headers = { authorization: 'Bearer alice', accept };
  const response = await fetch(`${door.url}/sse`, { headers, signal: stop.signal });
  assert.equal(response.status, 200);
  const events = rawEventsOf(response);
  const first = await next(events);
  assert.equal(first.event, 'endpoint');
  const url = door.url + first.data;
  return {
    close: () => stop.abort(),
    url,
    post: (message: Json, own = {}) => send(url, { jsonrpc: '2.0', ...message }, own),
    async message(): Promise<Json> {
      const { event, data } = await next(events);
      assert.equal(event, 'message');
      return JSON.parse(data) as Json;
    },
  };
}

test('the endpoint comes first; POSTs are taken with 202 and answered on the stream', async () => {
  await using door = await startDoor();
  const sse = await openSse(door);
  assert.match(sse.url, /\/messages\?sessionId=[\w-]{22,}$/);
  await sse.post({ id: 0, method: 'tools/list' });
  assert.equal((await sse.message())['error'].code, -32600);
  const response = await sse.post(initializeBody('2024-11-05'));
  assert.equal(response.status, 202);
  assert.equal((await sse.message())['result'].protocolVersion, '2024-11-05');
  assert.equal((await sse.post({ method: 'notifications/initialized' })).status, 202);
  await sse.post({
    id: 'c',
    method: 'tools/call',
    params: { name: 'count', arguments: { times: 2 }, _meta: { progressToken: 'p' } },
  });
  const seen = [await sse.message(), await sse.message()];
  assert.deepEqual(
    seen.map(({ params }) => params.progress),
    [1, 2],
  );
  for (const level of ['debug', 'info', 'error']) {
    assert.equal((await sse.message())['params'].level, level);
  }
  assert.equal((await sse.message())['id'], 'c');
  assert.equal(door.gateway.calls[0]?.door, 'sse');
  await sse.post({ id: 5, method: 'resources/subscribe', params: { uri: RESOURCE } });
  await sse.message();
  door.gateway.update(RESOURCE);
  assert.equal((await sse.message())['params'].uri, RESOURCE);
  door.gateway.change({});
  assert.equal((await sse.message())['method'], 'notifications/tools/list_changed');
});

test('closing the stream ends the session and cancels its calls', async () => {
  await using door = await startDoor();
  const sse = await openSse(door);
  await sse.post(initializeBody('2024-11-05'));
  await sse.post({ id: 1, method: 'tools/call', params: { name: 'hang-quietly' } });
  await door.gateway.called(1);
  sse.close();
  await door.gateway.cancelled(1);
  assert.equal(door.door.sessionCount, 0);
  assert.equal((await sse.post({ id: 2, method: 'ping' })).status, 404);
});

test('messages are for the owner of the stream, and no session of /mcp', async () => {
  await using door = await startDoor();
  const sse = await openSse(door);
  const ping = { id: 1, method: 'ping' };
  assert.equal((await sse.post(ping, { authorization: 'Bearer bob' })).status, 404);
  assert.equal(
    (await send(`${door.url}/messages?sessionId=none`, { jsonrpc: '2.0', ...ping })).status,
    404,
  );
  assert.equal((await send(`${door.url}/messages`, { jsonrpc: '2.0', ...ping })).status, 400);
  const id = new URL(sse.url).searchParams.get('sessionId') ?? '';
  const headers = { 'mcp-session-id': id };
  assert.equal((await send(`${door.url}/mcp`, { jsonrpc: '2.0', ...ping }, headers)).status, 404);
  assert.equal((await send(sse.url, '{', {})).status, 400);
});

test('/sse takes GET and /messages POST', async () => {
  await using door = await startDoor();
  const posted = await send(`${door.url}/sse`, initializeBody('2025-11-25'));
  assert.equal(posted.status, 405);
  assert.equal(posted.headers.get('allow'), 'GET');
  const got = await fetch(`${door.url}/messages`, { headers: { authorization: 'Bearer alice' } });
  assert.equal(got.status, 405);
});
