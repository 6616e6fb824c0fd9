// The clients that hosts are built from, against the door: SDK v1 over both transports, SDK v2 in both eras.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as HttpV2,
} from '@modelcontextprotocol/client';
import { RESOURCE, startDoor } from '../unit/mcp/support.ts';

const requestInit = { headers: { authorization: 'Bearer alice' } };
const identity = { name: 'test', version: '1.0.0' };

const v1Transports = {
  http: (url: string) => new HttpV1(new URL(`${url}/mcp`), { requestInit }),
  sse: (url: string) =>
    new SSEClientTransport(new URL(`${url}/sse`), {
      requestInit,
      eventSourceInit: {
        fetch: (input, init) =>
          fetch(input, { ...init, headers: { ...init?.headers, ...requestInit.headers } }),
      },
    }),
};

for (const [name, transportTo] of Object.entries(v1Transports)) {
  test(`SDK v1 over ${name} lists, calls with progress, is told of changes and cancels`, async () => {
    await using door = await startDoor();
    const client = new ClientV1(identity);
    const changed = Promise.withResolvers<void>();
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => changed.resolve());
    await client.connect(transportTo(door.url));
    try {
      assert.equal(client.getServerVersion()?.name, 'toolgate');
      assert.equal(client.getInstructions(), 'Be kind.');
      const { tools } = await client.listTools();
      assert.ok(tools.some((tool) => tool.name === 'echo'));
      // This client loses progress that shares a chunk with the answer, so the answer waits for it.
      const result = await client.callTool({ name: 'hang' }, undefined, {
        onprogress: () => door.gateway.release(),
      });
      assert.deepEqual(result.content, [{ type: 'text', text: 'released' }]);
      door.gateway.change({ kinds: ['tools'] });
      await changed.promise;
      await client.subscribeResource({ uri: RESOURCE });
      assert.equal(door.gateway.subscribed.size, 1);
      await client.setLoggingLevel('warning');
      assert.deepEqual(door.gateway.levels, ['warning']);
      const stop = new AbortController();
      const hanging = client.callTool({ name: 'hang' }, undefined, { signal: stop.signal });
      await door.gateway.called(2);
      stop.abort();
      await assert.rejects(hanging);
      await door.gateway.cancelled(1);
      await client.ping();
    } finally {
      await client.close();
    }
  });
}

for (const mode of ['legacy', 'auto', { pin: '2026-07-28' }] as const) {
  const label = typeof mode === 'string' ? mode : 'modern';
  test(`SDK v2 in mode ${label} lists and calls with progress`, async () => {
    await using door = await startDoor();
    const client = new ClientV2(identity, { versionNegotiation: { mode } });
    await client.connect(new HttpV2(new URL(`${door.url}/mcp`), { requestInit }));
    try {
      const { tools } = await client.listTools();
      assert.ok(tools.some((tool) => tool.name === 'echo'));
      const seen: number[] = [];
      const result = await client.callTool(
        { name: 'count', arguments: { times: 5 } },
        { onprogress: ({ progress }) => void seen.push(progress) },
      );
      assert.deepEqual(result.content, [{ type: 'text', text: '5' }]);
      assert.deepEqual(seen, [1, 2, 3, 4, 5]);
      assert.equal(door.gateway.calls[0]?.client.era, mode === 'legacy' ? 'legacy' : 'modern');
      await client.getPrompt({ name: 'greet' }).catch(() => undefined);
    } finally {
      await client.close();
    }
  });
}

test('SDK v2 listens, hears of changes, and of the end when the door drains', async () => {
  await using door = await startDoor();
  const client = new ClientV2(identity, { versionNegotiation: { mode: 'auto' } });
  const changed = Promise.withResolvers<void>();
  const updated = Promise.withResolvers<string>();
  client.setNotificationHandler('notifications/tools/list_changed', () => changed.resolve());
  client.setNotificationHandler('notifications/resources/updated', ({ params }) =>
    updated.resolve(params.uri),
  );
  await client.connect(new HttpV2(new URL(`${door.url}/mcp`), { requestInit }));
  try {
    const asked = { toolsListChanged: true, resourceSubscriptions: [RESOURCE] };
    const subscription = await client.listen(asked);
    assert.deepEqual(subscription.honoredFilter, asked);
    door.gateway.change({ kinds: ['tools'] });
    await changed.promise;
    door.gateway.update(RESOURCE);
    assert.equal(await updated.promise, RESOURCE);
    await door.door.drain(1000);
    assert.notEqual(await subscription.closed, 'local');
  } finally {
    await client.close();
  }
});

test('SDK v2 in modern mode cancels by going away', async () => {
  await using door = await startDoor();
  const client = new ClientV2(identity, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
  await client.connect(new HttpV2(new URL(`${door.url}/mcp`), { requestInit }));
  try {
    const stop = new AbortController();
    const hanging = client.callTool({ name: 'hang-quietly' }, { signal: stop.signal });
    await door.gateway.called(1);
    stop.abort();
    await assert.rejects(hanging);
    await door.gateway.cancelled(1);
  } finally {
    await client.close();
  }
});
