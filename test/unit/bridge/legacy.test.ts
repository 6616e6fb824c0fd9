import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INITIALIZE, initialize, startHost } from './host.ts';
import {
  byMethod,
  legacyAnswers,
  openEvents,
  result,
  sendJson,
  startRawServer,
} from './raw-server.ts';
import type { Received } from './raw-server.ts';

const KEY = 'tg_test';
const at = (server: { url: string }) => async () => ({ url: server.url, key: KEY });

test('a session: id and version on every request, GET stream, DELETE at the end', async () => {
  const stream = Promise.withResolvers<ReturnType<typeof openEvents>>();
  await using server = await startRawServer(
    legacyAnswers('s1', (received) => {
      if (received.method === 'GET') stream.resolve(openEvents(received));
      else if (received.message?.id !== undefined)
        sendJson(received, result(received.message.id, { tools: [] }));
    }),
  );
  const host = startHost({ endpoint: at(server) });
  await initialize(host);
  host.send({ id: 1, method: 'tools/list' });
  assert.deepEqual(await host.answer(1), { jsonrpc: '2.0', id: 1, result: { tools: [] } });
  (await stream.promise).send('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');
  await host.line((message) => message.method === 'notifications/tools/list_changed');
  await host[Symbol.asyncDispose]();

  const [opening, initialized] = server.seen as [Received, Received];
  assert.equal(opening.headers.authorization, `Bearer ${KEY}`);
  assert.equal(opening.headers['mcp-session-id'], undefined);
  assert.equal(opening.headers['mcp-protocol-version'], undefined);
  assert.equal(initialized.message?.method, 'notifications/initialized');
  for (const { headers } of server.seen.slice(1)) {
    assert.equal(headers['mcp-session-id'], 's1');
    assert.equal(headers['mcp-protocol-version'], '2025-11-25');
  }
  assert.equal(server.seen.at(-1)?.method, 'DELETE');
});

test('a request that follows initialized at once arrives after it', async () => {
  const held = Promise.withResolvers<void>();
  await using server = await startRawServer(async (received) => {
    if (byMethod('notifications/initialized')(received)) await held.promise;
    return legacyAnswers('s1', (other) => {
      if (other.method === 'GET') other.res.writeHead(405).end();
      else if (other.message?.id !== undefined) sendJson(other, result(other.message.id, {}));
    })(received);
  });
  await using host = startHost({ endpoint: at(server) });
  await initialize(host);
  host.send({ id: 1, method: 'tools/list' });
  await server.next(byMethod('notifications/initialized'));
  assert.ok(!server.seen.some(byMethod('tools/list')));
  held.resolve();
  await host.answer(1);
});

test('bytes pass unchanged both ways, as JSON and as events', async () => {
  const odd =
    '{"n":12345678901234567890,"e":1e400,"z":-0,"__proto__":{"a":1},"s":"\\ud800 \\u00e9é","x":1.0}';
  const answers = new Map([
    [1, `{ "jsonrpc":"2.0", "result":${odd},\r\n "vendor": 1.50, "id":1 }`],
    [2, `{"id":2,"jsonrpc":"2.0","result":${odd}}`],
  ]);
  await using server = await startRawServer(
    legacyAnswers('s1', (received) => {
      if (received.method === 'GET') return void received.res.writeHead(405).end();
      const { id } = received.message ?? {};
      if (id === 1) return sendJson(received, answers.get(1)!);
      if (id !== 2) return undefined;
      const events = openEvents(received);
      events.send(`{"jsonrpc":"2.0","method":"notifications/progress","params":${odd}}`);
      events.send(answers.get(2)!);
      events.end();
      return undefined;
    }),
  );
  await using host = startHost({ endpoint: at(server) });
  await initialize(host);
  const sent = [1, 2].map(
    (id) =>
      `{"params":{"name":"t","arguments":${odd}},"method":"tools/call",  "id":${id},"jsonrpc":"2.0"}`,
  );
  for (const line of sent) host.send(line);
  await Promise.all([host.answer(1), host.answer(2)]);
  const calls = server.seen.filter(byMethod('tools/call')).map(({ body }) => body.toString());
  assert.deepEqual(calls.toSorted(), sent.toSorted());
  // Line breaks between the tokens are the one thing that a line cannot keep.
  const spaced = host.lines.find((line) => JSON.parse(line).id === 1);
  assert.equal(spaced?.trimEnd(), answers.get(1)!.replace('\r\n', '  '));
  assert.ok(host.lines.includes(answers.get(2)!));
  assert.ok(
    host.lines.includes(`{"jsonrpc":"2.0","method":"notifications/progress","params":${odd}}`),
  );
});

test('a question of the server reaches the host, and its answer the server', async () => {
  let call: ReturnType<typeof openEvents> | undefined;
  await using server = await startRawServer(
    legacyAnswers('s1', (received) => {
      if (received.method === 'GET') return void received.res.writeHead(405).end();
      if (received.message?.method === 'tools/call') {
        call = openEvents(received);
        call.send('{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{}}');
      } else if (received.message?.id === 'q') {
        call?.send(result(7, { content: [] }));
        call?.end();
      }
      return undefined;
    }),
  );
  await using host = startHost({ endpoint: at(server) });
  await initialize(host);
  host.send({ id: 7, method: 'tools/call', params: { name: 't' } });
  await host.line((message) => message.method === 'elicitation/create');
  host.send({ id: 'q', result: { action: 'accept' } });
  assert.deepEqual((await host.answer(7)).result, { content: [] });
});

test('notifications/cancelled is posted, and nothing is answered', async () => {
  await using server = await startRawServer(
    legacyAnswers('s1', (received) => {
      if (received.method === 'GET') received.res.writeHead(405).end();
      else if (received.message?.method === 'ping')
        sendJson(received, result(received.message.id, {}));
    }),
  );
  await using host = startHost({ endpoint: at(server) });
  await initialize(host);
  host.send({ id: 1, method: 'tools/call', params: { name: 'slow' } });
  const call = await server.next(byMethod('tools/call'));
  const closed = new Promise((resolve) => call.res.once('close', resolve));
  host.send({ method: 'notifications/cancelled', params: { requestId: 1 } });
  await server.next(byMethod('notifications/cancelled'));
  await closed;
  host.send({ id: 2, method: 'ping' });
  await host.answer(2);
  assert.ok(!host.lines.some((line) => JSON.parse(line).id === 1));
});

test('404 for the session: a new one, brought to the old state, and the call sent once more', async () => {
  let generation = 1;
  const serve = () =>
    legacyAnswers(`s${generation}`, (received) => {
      if (received.method === 'GET') return void openEvents(received);
      const { id } = received.message ?? {};
      if (id !== undefined && received.message?.method)
        sendJson(received, result(id, { from: generation }));
      return undefined;
    });
  let answer = serve();
  await using server = await startRawServer((received) => answer(received));
  await using host = startHost({ endpoint: at(server) });
  await initialize(host);
  host.send({ id: 1, method: 'logging/setLevel', params: { level: 'info' } });
  host.send({ id: 2, method: 'resources/subscribe', params: { uri: 'a://1' } });
  host.send({ id: 3, method: 'resources/subscribe', params: { uri: 'a://2' } });
  await Promise.all([1, 2, 3].map((id) => host.answer(id)));
  host.send({ id: 4, method: 'resources/unsubscribe', params: { uri: 'a://1' } });
  await host.answer(4);

  generation = 2;
  answer = serve();
  const before = server.seen.length;
  host.send({ id: 5, method: 'tools/call', params: { name: 't' } });
  assert.deepEqual((await host.answer(5)).result, { from: 2 });
  const posts = server.seen.slice(before).filter(({ method }) => method === 'POST');
  assert.deepEqual(
    posts.map(({ message }) => message?.method),
    [
      'tools/call',
      'initialize',
      'notifications/initialized',
      'logging/setLevel',
      'resources/subscribe',
      'tools/call',
    ],
  );
  assert.deepEqual(JSON.parse(posts[1]!.body.toString()), { jsonrpc: '2.0', ...INITIALIZE });
  assert.equal(posts[4]?.message?.params?.['uri'], 'a://2');
  await host.line((message) => message.method === 'notifications/tools/list_changed');
  await host.line((message) => message.method === 'notifications/resources/list_changed');
  await host.line((message) => message.params?.uri === 'a://2');
  for (const id of ['init', 1, 2, 3, 4, 5]) {
    assert.equal(host.lines.filter((line) => JSON.parse(line).id === id).length, 1, `answer ${id}`);
  }
  assert.ok(!host.lines.some((line) => line.includes('prompts/list_changed')));
});

test('a gateway that goes away: the call ends in an error and is not sent again, the session moves', async () => {
  const answers = legacyAnswers('s1', (received) => {
    if (received.method === 'GET') openEvents(received);
  });
  const first = await startRawServer(answers);
  await using second = await startRawServer(
    legacyAnswers('s2', (received) => {
      if (received.method === 'GET') openEvents(received);
      else if (received.message?.id !== undefined)
        sendJson(received, result(received.message.id, {}));
    }),
  );
  let current = first;
  await using host = startHost({ endpoint: async () => ({ url: current.url, key: KEY }) });
  await initialize(host);
  await first.next(({ method }) => method === 'GET');
  host.send({ id: 1, method: 'tools/call', params: { name: 'pay' } });
  await first.next(byMethod('tools/call'));
  current = second;
  await first.stop();
  const { result: lost } = await host.answer(1);
  assert.equal(lost.isError, true);
  assert.equal(lost._meta['io.toolgate/error'].code, 'UPSTREAM_LOST');
  assert.match(lost.content[0].text, /may have run/);
  // The stream notices by itself: no request is needed for the new session.
  await host.line((message) => message.method === 'notifications/tools/list_changed');
  assert.ok(!second.seen.some(byMethod('tools/call')));
  host.send({ id: 2, method: 'tools/call', params: { name: 'pay' } });
  assert.deepEqual((await host.answer(2)).result, {});
  assert.equal(second.seen.find(byMethod('tools/call'))?.headers['mcp-session-id'], 's2');
});

test('the stream of notifications is opened again after a drop, from the last event on', async () => {
  const streams: ReturnType<typeof openEvents>[] = [];
  const opened = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using server = await startRawServer(
    legacyAnswers('s1', (received) => {
      if (received.method !== 'GET') return;
      streams.push(openEvents(received));
      opened[streams.length - 1]?.resolve();
    }),
  );
  await using host = startHost({ endpoint: at(server) });
  await initialize(host);
  await opened[0]!.promise;
  streams[0]!.raw('id: e1\nretry: 10\ndata: {"jsonrpc":"2.0","method":"notifications/a"}\n\n');
  await host.line((message) => message.method === 'notifications/a');
  streams[0]!.drop();
  await opened[1]!.promise;
  streams[1]!.send('{"jsonrpc":"2.0","method":"notifications/b"}');
  await host.line((message) => message.method === 'notifications/b');
  assert.equal(
    server.seen.filter(({ method }) => method === 'GET')[1]?.headers['last-event-id'],
    'e1',
  );
});

test('an answer whose stream was closed on purpose is taken up where it broke', async () => {
  await using server = await startRawServer(
    legacyAnswers('s1', (received) => {
      if (received.message?.method === 'tools/call') {
        const events = openEvents(received);
        events.raw('id: c1\nretry: 5\ndata:\n\n');
        events.end();
      } else if (received.method === 'GET' && received.headers['last-event-id'] === 'c1') {
        const events = openEvents(received);
        events.send(result(1, { resumed: true }));
        events.end();
      } else if (received.method === 'GET') received.res.writeHead(405).end();
    }),
  );
  await using host = startHost({ endpoint: at(server) });
  await initialize(host);
  host.send({ id: 1, method: 'tools/call', params: { name: 't' } });
  assert.deepEqual((await host.answer(1)).result, { resumed: true });
  assert.equal(server.seen.filter(byMethod('tools/call')).length, 1);
});
