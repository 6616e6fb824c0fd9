import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENVELOPE, modern, startHost } from './host.ts';
import { byMethod, openEvents, result, sendJson, startRawServer } from './raw-server.ts';
import type { Received } from './raw-server.ts';

const at = (server: { url: string }) => async () => ({ url: server.url, key: 'tg_test' });

const acknowledged = (id: unknown) =>
  JSON.stringify({
    jsonrpc: '2.0',
    method: 'notifications/subscriptions/acknowledged',
    params: {
      _meta: { 'io.modelcontextprotocol/subscriptionId': id },
      notifications: { toolsListChanged: true, resourceSubscriptions: ['a://1'] },
    },
  });

const LISTEN = { notifications: { toolsListChanged: true, resourceSubscriptions: ['a://1'] } };

const TOOL = {
  name: 'query',
  inputSchema: {
    type: 'object',
    properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
  },
};

test('requests are POSTs with their headers, and no session', async () => {
  await using server = await startRawServer((received) => {
    const { message } = received;
    sendJson(
      received,
      result(message?.id, message?.method === 'tools/list' ? { tools: [TOOL] } : {}),
    );
  });
  await using host = startHost({ endpoint: at(server) });
  host.send(modern(1, 'server/discover'));
  await host.answer(1);
  host.send(modern(2, 'tools/list'));
  await host.answer(2);
  host.send(modern('3', 'tools/call', { name: 'query', arguments: { region: 'Köln' } }));
  host.send(modern(4, 'resources/read', { uri: 'a://ü' }));
  await Promise.all([host.answer('3'), host.answer(4)]);
  for (const { headers, message } of server.seen) {
    assert.equal(headers['mcp-protocol-version'], '2026-07-28');
    assert.equal(headers['mcp-method'], message?.method);
    assert.equal(headers['mcp-session-id'], undefined);
    assert.equal(headers.accept, 'application/json, text/event-stream');
    assert.equal(headers.authorization, 'Bearer tg_test');
  }
  const call = server.seen.find(byMethod('tools/call'));
  assert.equal(call?.headers['mcp-name'], 'query');
  assert.equal(call?.headers['mcp-param-region'], '=?base64?S8O2bG4=?=');
  assert.equal(
    server.seen.find(byMethod('resources/read'))?.headers['mcp-name'],
    '=?base64?YTovL8O8?=',
  );
});

test('bytes pass unchanged both ways', async () => {
  const odd = '{"n":12345678901234567890,"e":1e400,"z":-0,"__proto__":1,"s":"\\ud800"}';
  const answer = `{"result":{"resultType":"complete","structuredContent":${odd}},"id":1,"jsonrpc":"2.0"}`;
  await using server = await startRawServer((received) => sendJson(received, answer));
  await using host = startHost({ endpoint: at(server) });
  const line = `{"jsonrpc":"2.0","id":1, "method":"tools/call","params":{"_meta":${JSON.stringify(ENVELOPE)},"name":"t","arguments":${odd}}}`;
  host.send(line);
  await host.answer(1);
  assert.equal(server.seen[0]?.body.toString(), line);
  assert.ok(host.lines.includes(answer));
});

test('headers that the server misses are learnt from tools/list, and the call is sent once more', async () => {
  await using server = await startRawServer((received) => {
    const { message, headers } = received;
    if (message?.method === 'tools/list') {
      const isSecond = message.params?.['cursor'] === 'p2';
      const page = isSecond ? { tools: [TOOL] } : { tools: [], nextCursor: 'p2' };
      return sendJson(received, result(message.id, page));
    }
    if (headers['mcp-param-region']) return sendJson(received, result(message?.id, { ok: true }));
    const error = { code: -32020, message: 'Mcp-Param-Region is missing' };
    const text = JSON.stringify({ jsonrpc: '2.0', id: message?.id, error });
    return sendJson(received, text, { status: 400 });
  });
  await using host = startHost({ endpoint: at(server) });
  host.send(modern(1, 'tools/call', { name: 'query', arguments: { region: 'eu' } }));
  assert.deepEqual((await host.answer(1)).result, { ok: true });
  host.send(modern(2, 'tools/call', { name: 'other', arguments: {} }));
  assert.equal((await host.answer(2)).error.code, -32020);
  assert.equal(server.seen.filter(byMethod('tools/call')).length, 3);
});

test('notifications/cancelled closes the POST and nothing more is written for it', async () => {
  await using server = await startRawServer((received) => {
    if (received.message?.method === 'ping') sendJson(received, result(received.message.id, {}));
    else
      openEvents(received).send('{"jsonrpc":"2.0","method":"notifications/progress","params":{}}');
  });
  await using host = startHost({ endpoint: at(server) });
  host.send(modern(1, 'tools/call', { name: 'slow' }));
  await host.line((message) => message.method === 'notifications/progress');
  const { res } = await server.next(byMethod('tools/call'));
  const closed = new Promise((resolve) => res.once('close', resolve));
  host.send({ method: 'notifications/cancelled', params: { requestId: 1 } });
  await closed;
  host.send(modern(2, 'ping'));
  await host.answer(2);
  assert.equal(host.lines.length, 2);
  assert.equal(server.seen.length, 2);
});

test('a subscription outlives its gateway: listened again, acknowledged once, changes announced', async () => {
  const open = (received: Received) => {
    if (received.message?.method !== 'subscriptions/listen') {
      return sendJson(received, result(received.message?.id, {}));
    }
    openEvents(received).send(acknowledged(received.message.id));
    return undefined;
  };
  const first = await startRawServer(open);
  await using second = await startRawServer(open);
  let current = first;
  await using host = startHost({ endpoint: async () => ({ url: current.url, key: 'tg_test' }) });
  host.send(modern('sub', 'subscriptions/listen', LISTEN));
  await host.line((message) => message.method?.endsWith('acknowledged'));
  current = second;
  await first.stop();
  const change = await host.line(
    (message) => message.method === 'notifications/tools/list_changed',
  );
  assert.equal(JSON.parse(change).params._meta['io.modelcontextprotocol/subscriptionId'], 'sub');
  await host.line((message) => message.params?.uri === 'a://1');
  assert.deepEqual(second.seen[0]?.body, first.seen[0]?.body);
  assert.equal(host.lines.filter((line) => line.includes('acknowledged')).length, 1);
  host.input.end();
  await host.ended;
  const ends = host.lines.filter((line) => JSON.parse(line).id === 'sub');
  assert.deepEqual(
    ends.map((line) => JSON.parse(line).result.resultType),
    ['complete'],
  );
});

test('a gateway that ends a subscription and stays away: its own result ends it', async () => {
  const server = await startRawServer((received) => {
    const events = openEvents(received);
    events.send(acknowledged(1));
    events.send(result(1, { resultType: 'complete', last: true }));
    events.end();
    void server.stop();
  });
  await using host = startHost({ endpoint: at(server), reopenMs: 1 });
  host.send(modern(1, 'subscriptions/listen', LISTEN));
  assert.equal((await host.answer(1)).result.last, true);
});

test('a subscription that is refused is answered at once', async () => {
  await using server = await startRawServer((received) => {
    const error = { code: -32601, message: 'no such method' };
    const text = JSON.stringify({ jsonrpc: '2.0', id: 1, error });
    sendJson(received, text, { status: 404 });
  });
  await using host = startHost({ endpoint: at(server) });
  host.send(modern(1, 'subscriptions/listen', LISTEN));
  assert.equal((await host.answer(1)).error.code, -32601);
});
