import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDoor } from './support.ts';
import { bodyOf, initializeBody, openSession, send, sendModern } from './requests.ts';

test('drain refuses new work, lets calls in flight end, and closes the sessions', async () => {
  await using door = await startDoor();
  const session = await openSession(door.url);
  const legacy = session.send('tools/call', { name: 'hang-quietly' }, 'old');
  const modern = sendModern(door.url, 'tools/call', { params: { name: 'hang-quietly' } });
  await door.gateway.called(2);
  const drained = door.door.drain(60_000);

  const call = await sendModern(door.url, 'tools/call', { params: { name: 'echo' } });
  assert.equal(call.status, 200);
  const { result } = await bodyOf(call);
  assert.equal(result._meta['io.toolgate/error'].code, 'SHUTTING_DOWN');
  const list = await sendModern(door.url, 'tools/list');
  assert.equal(list.status, 503);
  const opened = await send(`${door.url}/mcp`, initializeBody('2025-11-25'));
  assert.equal(opened.status, 503);
  const listen = await sendModern(door.url, 'subscriptions/listen', {
    params: { notifications: {} },
  });
  assert.equal(listen.status, 503);
  assert.equal(door.gateway.calls.length, 2);

  door.gateway.release();
  for (const response of [await legacy, await modern]) {
    assert.equal(response.headers.get('connection'), 'close');
    assert.equal((await bodyOf(response)).result.content[0].text, 'released');
  }
  await drained;
  assert.equal(door.door.callCount, 0);
  assert.equal(door.door.sessionCount, 0);
});

test('calls that are left at the deadline are answered and cancelled', async () => {
  await using door = await startDoor();
  const session = await openSession(door.url);
  const calls = [
    session.send('tools/call', { name: 'hang-quietly' }, 'old'),
    sendModern(door.url, 'tools/call', { params: { name: 'hang-quietly' } }),
  ];
  await door.gateway.called(2);
  await door.door.drain(20);
  for (const response of await Promise.all(calls)) {
    assert.equal(response.status, 200);
    const { result } = await bodyOf(response);
    assert.equal(result.isError, true);
    assert.equal(result._meta['io.toolgate/error'].code, 'SHUTTING_DOWN');
  }
  await door.gateway.cancelled(2);
});

test('an idle door drains at once', async () => {
  await using door = await startDoor();
  await door.door.drain(60_000);
});
