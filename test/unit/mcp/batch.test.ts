import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDoor } from './support.ts';
import {
  allEventsOf,
  bodyOf,
  envelope,
  initializeBody,
  modernHeaders,
  openSession,
  send,
} from './requests.ts';

test('a batch is for 2025-03-26 only: one event per response', async () => {
  await using door = await startDoor();
  const batch = [
    { jsonrpc: '2.0', id: 1, method: 'ping' },
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'echo', arguments: { a: 1 } } },
    { jsonrpc: '2.0', id: 3, method: 'no/such' },
    { jsonrpc: '1.0', id: 4, method: 'ping' },
    { jsonrpc: '2.0', id: 5, method: 'initialize', params: initializeBody('2025-03-26')['params'] },
  ];
  const session = await openSession(door.url, '2025-03-26');
  const response = await send(`${door.url}/mcp`, batch, session.headers);
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
  const events = await allEventsOf(response);
  assert.deepEqual(new Set(events.map(({ id }) => id)), new Set([1, 2, 3, 4, 5]));
  assert.equal(events.length, 5);
  const byId = new Map(events.map((event) => [event['id'], event]));
  assert.equal(byId.get(2)?.['result'].content[0].text, '{"a":1}');
  assert.equal(byId.get(3)?.['error'].code, -32601);
  assert.equal(byId.get(4)?.['error'].code, -32600);
  assert.equal(byId.get(5)?.['error'].code, -32600);

  const silent = await send(`${door.url}/mcp`, [batch[1]], session.headers);
  assert.equal(silent.status, 202);
  const later = await openSession(door.url, '2025-11-25');
  const refused = await send(`${door.url}/mcp`, batch, later.headers);
  assert.equal(refused.status, 400);
  const empty = await send(`${door.url}/mcp`, [], session.headers);
  assert.equal(empty.status, 400);
});

test('a batch with a modern element, or under a modern header, is refused whole', async () => {
  await using door = await startDoor();
  const session = await openSession(door.url, '2025-03-26');
  const modern = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'echo', _meta: envelope() },
  };
  const legacy = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'echo' } };
  const mixed = await send(`${door.url}/mcp`, [legacy, modern], session.headers);
  assert.equal(mixed.status, 400);
  assert.equal((await bodyOf(mixed)).error.code, -32600);
  const header = { ...session.headers, ...modernHeaders('tools/call', { name: 'echo' }) };
  assert.equal((await send(`${door.url}/mcp`, [legacy], header)).status, 400);
  assert.equal(door.gateway.calls.length, 0);
});
