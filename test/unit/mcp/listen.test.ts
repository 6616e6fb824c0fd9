import assert from 'node:assert/strict';
import { test } from 'node:test';
import { META } from '../../../src/wire/era.ts';
import { MAX_STREAMS_PER_PRINCIPAL } from '../../../src/mcp/listen.ts';
import { RESOURCE, startDoor } from './support.ts';
import type { TestDoor } from './support.ts';
import { bodyOf, eventsOf, next, sendModern } from './requests.ts';
import type { Json } from './requests.ts';

const listen = (door: TestDoor, notifications: unknown, id: number | string = 1) =>
  sendModern(door.url, 'subscriptions/listen', { id, params: { notifications } });

const tagOf = (message: Json) => message['params']._meta[META.subscriptionId] as unknown;

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};

test('the acknowledgement comes first, with what is granted; then what was asked for, tagged', async () => {
  await using door = await startDoor();
  const asked = {
    toolsListChanged: true,
    resourceSubscriptions: [RESOURCE, 'test://none', RESOURCE],
  };
  const stream = eventsOf(await listen(door, asked, 'sub'));
  const ack = await next(stream);
  assert.equal(ack['method'], 'notifications/subscriptions/acknowledged');
  const granted = { toolsListChanged: true, resourceSubscriptions: [RESOURCE] };
  assert.deepEqual(ack['params'].notifications, granted);
  assert.equal(tagOf(ack), 'sub');
  door.gateway.change({ kinds: ['prompts'] });
  door.gateway.change({ kinds: ['tools'] });
  const change = await next(stream);
  assert.equal(change['method'], 'notifications/tools/list_changed');
  assert.equal(tagOf(change), 'sub');
  door.gateway.update(RESOURCE);
  const update = await next(stream);
  assert.equal(update['params'].uri, RESOURCE);
  assert.equal(tagOf(update), 'sub');
});

test('two streams of one client each carry their own id', async () => {
  await using door = await startDoor();
  const first = eventsOf(await listen(door, { toolsListChanged: true }, 1));
  const second = eventsOf(
    await listen(door, { promptsListChanged: true, toolsListChanged: false }, 2),
  );
  assert.equal(tagOf(await next(first)), 1);
  assert.equal(tagOf(await next(second)), 2);
  door.gateway.change({ kinds: ['tools'] });
  door.gateway.change({ kinds: ['prompts'] });
  assert.equal((await next(first))['method'], 'notifications/tools/list_changed');
  assert.equal((await next(second))['method'], 'notifications/prompts/list_changed');
});

test('a filter of the wrong form is refused', async () => {
  await using door = await startDoor();
  const wrong = [
    undefined,
    [],
    { toolsListChanged: 1 },
    { resourceSubscriptions: RESOURCE },
    { resourceSubscriptions: [1] },
    { resourceSubscriptions: Array.from({ length: 1001 }, (_, i) => `test://${i}`) },
  ];
  for (const notifications of wrong) {
    const response = await listen(door, notifications);
    assert.equal(response.status, 400);
    assert.equal((await bodyOf(response)).error.code, -32602);
  }
  assert.equal(door.gateway.subscribed.size, 0);
});

test('the client ends it by going away, and its subscriptions with it', async () => {
  await using door = await startDoor();
  const response = await listen(door, { resourceSubscriptions: [RESOURCE] });
  assert.equal(door.gateway.subscribed.size, 1);
  await response.body?.cancel();
  await until(() => door.gateway.subscribed.size === 0);
  assert.equal(door.door.listenerCount, 0);
});

test('drain ends a stream with notifications/cancelled and then the result', async () => {
  await using door = await startDoor();
  const stream = eventsOf(await listen(door, { toolsListChanged: true }, 7));
  await next(stream);
  await door.door.drain(1000);
  const cancelled = await next(stream);
  assert.equal(cancelled['method'], 'notifications/cancelled');
  assert.equal(cancelled['params'].requestId, 7);
  assert.equal(tagOf(cancelled), 7);
  const result = await next(stream);
  assert.equal(result['id'], 7);
  assert.equal(result['result'].resultType, 'complete');
  assert.equal(result['result']._meta[META.subscriptionId], 7);
  assert.ok((await stream.next()).done);
});

test('quiet streams carry keep-alive comments', async () => {
  await using door = await startDoor({ timing: { keepAliveMs: 5 } });
  const response = await listen(door, {});
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes(': keep-alive\n\n: keep-alive')) text += (await reader.read()).value;
  await reader.cancel();
});

test('one key has a bounded number of streams', async () => {
  await using door = await startDoor();
  const open: Response[] = [];
  for (let i = 0; i < MAX_STREAMS_PER_PRINCIPAL; i += 50) {
    open.push(
      ...(await Promise.all(Array.from({ length: 50 }, (_, j) => listen(door, {}, i + j)))),
    );
  }
  const refused = await listen(door, {}, 'more');
  assert.equal(refused.status, 429);
  assert.equal((await bodyOf(refused)).error.data.code, 'TOO_MANY_STREAMS');
  const other = await sendModern(door.url, 'subscriptions/listen', {
    params: { notifications: {} },
    headers: { authorization: 'Bearer bob' },
  });
  assert.equal(other.status, 200);
  for (const response of [...open, other]) await response.body?.cancel();
});
