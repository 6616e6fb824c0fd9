import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RESOURCE, startDoor } from './support.ts';
import type { TestDoor } from './support.ts';
import {
  allEventsOf,
  bodyOf,
  eventsOf,
  initializeBody,
  next,
  openSession,
  send,
} from './requests.ts';
import type { LegacySession } from './requests.ts';

const getStream = (door: TestDoor, session: LegacySession, headers = {}) =>
  fetch(`${door.url}/mcp`, {
    headers: {
      authorization: 'Bearer alice',
      accept: 'text/event-stream',
      'mcp-session-id': session.id,
      ...headers,
    },
  });

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};

test('a session is its owner’s, at its endpoint; others read what they would for none', async () => {
  await using door = await startDoor();
  const session = await openSession(door.url);
  const scoped = await openSession(door.url, '2025-11-25', { path: '/mcp/files' });
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
  const foreign = [
    ['/mcp', { 'mcp-session-id': 'never-was' }],
    ['/mcp', { ...session.headers, authorization: 'Bearer bob' }],
    ['/mcp/files', session.headers],
    ['/mcp', scoped.headers],
  ] as const;
  const bodies = new Set<string>();
  for (const [path, headers] of foreign) {
    const post = await send(door.url + path, ping, headers);
    assert.equal(post.status, 404);
    bodies.add(await post.text());
    for (const method of ['GET', 'DELETE']) {
      const all = { authorization: 'Bearer alice', accept: 'text/event-stream', ...headers };
      const response = await fetch(door.url + path, { method, headers: all });
      assert.equal(response.status, 404);
      bodies.add((await response.text()).replace('"jsonrpc":"2.0",', '"jsonrpc":"2.0","id":1,'));
    }
  }
  assert.equal(bodies.size, 1);
  assert.equal(door.door.sessionCount, 2);
  assert.equal((await session.send('ping')).status, 200);
});

test('ids are not to be guessed', async () => {
  await using door = await startDoor();
  const ids = await Promise.all(
    Array.from({ length: 20 }, async () => (await openSession(door.url)).id),
  );
  assert.equal(new Set(ids).size, 20);
  for (const id of ids) assert.ok(Buffer.from(id, 'base64url').length >= 16);
});

test('DELETE ends the session and cancels its calls', async () => {
  await using door = await startDoor();
  const session = await openSession(door.url);
  const call = session.send('tools/call', { name: 'hang-quietly' });
  await door.gateway.called(1);
  const stream = await getStream(door, session);
  const headers = { authorization: 'Bearer alice', 'mcp-session-id': session.id };
  const response = await fetch(`${door.url}/mcp`, { method: 'DELETE', headers });
  assert.equal(response.status, 204);
  await door.gateway.cancelled(1);
  assert.deepEqual(await allEventsOf(await call), []);
  assert.deepEqual(await allEventsOf(stream), []);
  assert.equal((await session.send('ping')).status, 404);
  assert.equal(door.door.sessionCount, 0);
});

test('idle sessions end; one with an open stream stays', async () => {
  const config = { maxRequestBytes: 10_000, sessionSeconds: 0.05, maxSessions: 2000 };
  await using door = await startDoor({ config });
  const kept = await openSession(door.url);
  const stream = await getStream(door, kept);
  await Promise.all(Array.from({ length: 50 }, () => openSession(door.url)));
  await until(() => door.door.sessionCount === 1);
  assert.equal((await kept.send('ping')).status, 200);
  await stream.body?.cancel();
  await until(() => door.door.sessionCount === 0);
  assert.equal((await kept.send('ping')).status, 404);
});

test('there are no more sessions than may be', async () => {
  const config = { maxRequestBytes: 10_000, sessionSeconds: 60, maxSessions: 2 };
  await using door = await startDoor({ config });
  await openSession(door.url);
  await openSession(door.url);
  const response = await send(`${door.url}/mcp`, initializeBody('2025-11-25'));
  assert.equal(response.status, 503);
  assert.equal((await bodyOf(response)).error.data.code, 'TOO_MANY_SESSIONS');
});

test('a failed initialize leaves no session', async () => {
  await using door = await startDoor();
  const wrong = { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} };
  assert.equal((await bodyOf(await send(`${door.url}/mcp`, wrong))).error.code, -32602);
  const nowhere = await send(`${door.url}/mcp/none`, initializeBody('2025-11-25'));
  assert.equal(nowhere.status, 404);
  assert.equal((await bodyOf(nowhere)).error.data.code, 'SERVER_NOT_FOUND');
  assert.equal(door.door.sessionCount, 0);
});

test('the version header is checked, and may be absent', async () => {
  await using door = await startDoor();
  const session = await openSession(door.url);
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
  for (const version of ['1999-01-01', 'x', '2025-11-25, 2025-06-18']) {
    const headers = { ...session.headers, 'mcp-protocol-version': version };
    assert.equal((await send(`${door.url}/mcp`, ping, headers)).status, 400, version);
    assert.equal((await getStream(door, session, { 'mcp-protocol-version': version })).status, 400);
  }
  const headers = { ...session.headers, 'mcp-protocol-version': undefined };
  assert.equal((await send(`${door.url}/mcp`, ping, headers)).status, 200);
});

test('the GET stream tells list changes, also those that came before it, and updates', async () => {
  await using door = await startDoor();
  const session = await openSession(door.url);
  door.gateway.change({ kinds: ['prompts', 'tools'] });
  const stream = eventsOf(await getStream(door, session));
  assert.equal((await next(stream))['method'], 'notifications/prompts/list_changed');
  assert.equal((await next(stream))['method'], 'notifications/tools/list_changed');
  door.gateway.change({ kinds: ['resources', 'resourceTemplates'] });
  assert.equal((await next(stream))['method'], 'notifications/resources/list_changed');
  assert.deepEqual(
    (await bodyOf(await session.send('resources/subscribe', { uri: RESOURCE }))).result,
    {},
  );
  door.gateway.update(RESOURCE);
  assert.deepEqual(await next(stream), {
    jsonrpc: '2.0',
    method: 'notifications/resources/updated',
    params: { uri: RESOURCE },
  });
  await session.send('resources/unsubscribe', { uri: RESOURCE });
  assert.equal(door.gateway.subscribed.size, 0);
  const unknown = await session.send('resources/subscribe', { uri: 'test://none' });
  const { error } = await bodyOf(unknown);
  assert.equal(error.code, -32002);
  assert.equal(error.data.uri, 'test://none');
});

test('a stream of one server hears of that server only', async () => {
  await using door = await startDoor();
  const session = await openSession(door.url, '2025-11-25', { path: '/mcp/files' });
  const response = await fetch(`${door.url}/mcp/files`, {
    headers: {
      authorization: 'Bearer alice',
      accept: 'text/event-stream',
      'mcp-session-id': session.id,
    },
  });
  door.gateway.change({ kinds: ['tools'], servers: ['other'] });
  door.gateway.change({ kinds: ['prompts'], servers: ['files'] });
  const first = await next(eventsOf(response));
  assert.equal(first['method'], 'notifications/prompts/list_changed');
});

test('the newest GET stream of a session takes the place of the one before', async () => {
  await using door = await startDoor();
  const session = await openSession(door.url);
  const first = await getStream(door, session);
  const second = await getStream(door, session);
  assert.deepEqual(await allEventsOf(first), []);
  door.gateway.change({});
  assert.equal((await next(eventsOf(second)))['method'], 'notifications/tools/list_changed');
});

test('progress and logs of a call come on its own POST, at the level of the session', async () => {
  await using door = await startDoor();
  const session = await openSession(door.url);
  const set = await session.send('logging/setLevel', { level: 'error' });
  assert.deepEqual((await bodyOf(set)).result, {});
  assert.deepEqual(door.gateway.levels, ['error']);
  const wrong = await session.send('logging/setLevel', { level: 'loud' });
  assert.equal((await bodyOf(wrong)).error.code, -32602);
  const response = await session.send('tools/call', {
    name: 'count',
    arguments: { times: 2 },
    _meta: { progressToken: 0 },
  });
  const events = await allEventsOf(response);
  assert.deepEqual(
    events.map(({ params, id }) => params?.progress ?? params?.level ?? id),
    [1, 2, 'error', 1],
  );
});

test('cancelled aborts the call of that id in that session only', async () => {
  await using door = await startDoor();
  const [one, two] = [await openSession(door.url), await openSession(door.url)];
  const calls = [1, 'x'].flatMap((id) =>
    [one, two].map((s) => s.send('tools/call', { name: 'hang-quietly' }, id)),
  );
  await door.gateway.called(4);
  await one.notify('notifications/cancelled', { requestId: '1' });
  await one.notify('notifications/cancelled', { requestId: 77 });
  await one.notify('notifications/cancelled', { requestId: 1, reason: 'no more' });
  await door.gateway.cancelled(1);
  assert.deepEqual(await allEventsOf(await calls[0]!), []);
  await send(
    `${door.url}/mcp`,
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"\\u0078"}}',
    one.headers,
  );
  await door.gateway.cancelled(2);
  assert.equal(door.door.callCount, 2);
  door.gateway.release();
  const rest = await Promise.all([calls[1]!, calls[3]!].map(async (call) => bodyOf(await call)));
  assert.deepEqual(
    rest.map(({ id }) => id),
    [1, 'x'],
  );
});

test('a client that goes away cancels nothing: the call goes on, its answer is dropped', async () => {
  await using door = await startDoor();
  const session = await openSession(door.url);
  const gone = new AbortController();
  const call = session.send('tools/call', { name: 'hang-quietly' }, 1, { signal: gone.signal });
  await door.gateway.called(1);
  gone.abort();
  await assert.rejects(call);
  assert.equal((await session.send('ping', undefined, 2)).status, 200);
  assert.equal(door.gateway.calls[0]?.signal.aborted, false);
  const again = await session.send('ping', undefined, 1);
  assert.equal(again.status, 400, 'the id is in use until the call ends');
  door.gateway.release();
  await until(() => door.door.callCount === 0);
  assert.equal(door.gateway.calls[0]?.signal.aborted, false);
});

test('an id that is in use is refused, under any spelling', async () => {
  await using door = await startDoor();
  const session = await openSession(door.url);
  const call = session.send('tools/call', { name: 'hang-quietly' }, 'a');
  await door.gateway.called(1);
  for (const id of ['"a"', String.raw`"\u0061"`]) {
    const body = `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"echo"}}`;
    const response = await send(`${door.url}/mcp`, body, session.headers);
    assert.equal(response.status, 400);
    assert.equal((await bodyOf(response)).error.code, -32600);
  }
  assert.equal(door.gateway.calls.length, 1);
  door.gateway.release();
  assert.equal((await call).status, 200);
  assert.equal((await session.send('tools/call', { name: 'echo' }, 'a')).status, 200);
});

test('errors are told with 200, failures of servers as results without modern words', async () => {
  await using door = await startDoor();
  const session = await openSession(door.url);
  const down = await bodyOf(await session.send('tools/call', { name: 'down' }));
  assert.equal(down['result'].isError, true);
  assert.ok(!('resultType' in down['result']));
  const missing = await session.send('resources/read', { uri: 'test://none' });
  assert.equal(missing.status, 200);
  assert.equal((await bodyOf(missing)).error.code, -32002);
  const fault = await session.send('tools/call', { name: 'throw' });
  assert.equal(fault.status, 200);
  assert.equal((await bodyOf(fault)).error.code, -32603);
});
