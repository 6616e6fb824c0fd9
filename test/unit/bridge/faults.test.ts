import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initialize, modern, startHost } from './host.ts';
import {
  byMethod,
  legacyAnswers,
  openEvents,
  result,
  sendJson,
  startRawServer,
} from './raw-server.ts';
import type { Received } from './raw-server.ts';

const at = (server: { url: string }) => async () => ({ url: server.url, key: 'tg_test' });
const answerAll = (received: Received) => sendJson(received, result(received.message?.id, {}));

test('lines that are no message get an error with the id that can be read', async () => {
  await using server = await startRawServer(answerAll);
  await using host = startHost({ endpoint: at(server) });
  host.send('{"jsonrpc":"2.0","id":7,"method":');
  host.send('{"jsonrpc":"1.0","id":"x","method":"ping"}');
  host.send('not json');
  host.send('   ');
  host.send('[]');
  host.send('{"jsonrpc":"2.0","id":8,"id":8,"method":"ping"}');
  assert.equal((await host.answer(7)).error.code, -32700);
  assert.equal((await host.answer('x')).error.code, -32600);
  assert.equal((await host.answer(8)).error.code, -32600);
  host.send(modern(9, 'ping'));
  await host.answer(9);
  assert.equal(host.lines.filter((line) => JSON.parse(line).id === null).length, 2);
  assert.equal(server.seen.length, 1);
});

test('a torn line is one message, and a last line without a newline counts', async () => {
  await using server = await startRawServer(answerAll);
  await using host = startHost({ endpoint: at(server) });
  const line = JSON.stringify({ jsonrpc: '2.0', ...modern(1, 'ping', { text: 'é€😀' }) });
  for (const byte of Buffer.from(line)) host.input.write(Buffer.from([byte]));
  host.input.end();
  await host.answer(1);
  assert.equal(server.seen[0]?.body.toString(), line);
});

test('lines of the largest size pass; larger ones get an error that names the limit', async () => {
  const maxMessageBytes = 4_000_000;
  await using server = await startRawServer((received) => {
    sendJson(received, result(received.message?.id, { echo: received.message?.params?.['text'] }));
  });
  await using host = startHost({ endpoint: at(server), maxMessageBytes });
  const text = 'x'.repeat(maxMessageBytes - 1_000);
  host.send(modern(1, 'ping', { text }));
  assert.equal((await host.answer(1)).result.echo, text);
  host.send({ id: 2, method: 'ping', params: { text: 'x'.repeat(maxMessageBytes) } });
  host.send(
    `{"params":{"id":99,"text":"${'x'.repeat(maxMessageBytes)}"},"method":"ping","jsonrpc":"2.0","id":"last"}`,
  );
  for (const id of [2, 'last']) {
    const { error } = await host.answer(id);
    assert.equal(error.data.code, 'BODY_TOO_LARGE');
    assert.match(error.message, /4000000/);
  }
  assert.equal(server.seen.length, 1);
});

test('an answer that is too large ends its own request only', async () => {
  await using server = await startRawServer((received) => {
    const { message } = received;
    if (message?.id === 3) return answerAll(received);
    const text = result(message?.id, { text: 'x'.repeat(200_000) });
    if (message?.id === 1) return sendJson(received, text);
    const events = openEvents(received);
    events.send(text);
    events.end();
    return undefined;
  });
  await using host = startHost({ endpoint: at(server), maxMessageBytes: 100_000 });
  host.send(modern(1, 'tools/call', { name: 'big' }));
  host.send(modern(2, 'tools/call', { name: 'big' }));
  host.send(modern(3, 'ping'));
  await host.answer(3);
  for (const id of [1, 2]) {
    const { result: told } = await host.answer(id);
    assert.equal(told.isError, true);
    assert.equal(told.resultType, 'complete');
    assert.equal(told._meta['io.toolgate/error'].code, 'RESULT_TOO_LARGE');
  }
});

test('401 says which key to set', async () => {
  await using server = await startRawServer((received) => {
    const detail = 'The key is unknown.';
    sendJson(received, JSON.stringify({ detail }), { status: 401 });
  });
  await using host = startHost({ endpoint: at(server) });
  host.send(modern(1, 'tools/list'));
  const { error } = await host.answer(1);
  assert.equal(error.data.code, 'CREDENTIAL_INVALID');
  assert.match(error.message, /TOOLGATE_KEY.*--key.*The key is unknown\./);
  host.send({ id: 2, method: 'initialize', params: {} });
  assert.match((await host.answer(2)).error.message, /TOOLGATE_KEY/);
});

test('other HTTP failures: a JSON-RPC error passes unchanged, anything else is put in words', async () => {
  const bodies = new Map<unknown, [number, string]>([
    [1, [404, '{"jsonrpc":"2.0","error":{"code":-32601,"data":1e400,"message":"m"},"id":1}']],
    [2, [400, '{"jsonrpc":"2.0","id":null,"error":{"code":-32602,"message":"m"}}']],
    [3, [502, '<h1>Bad gateway</h1>']],
    [4, [200, '<h1>Hello</h1>']],
    [5, [202, '']],
    [6, [200, '{"jsonrpc":"2.0","id":77,"result":{}}']],
  ]);
  await using server = await startRawServer((received) => {
    const [status, text] = bodies.get(received.message?.id)!;
    sendJson(received, text, { status });
  });
  await using host = startHost({ endpoint: at(server) });
  for (const id of bodies.keys()) host.send(modern(id, 'tools/list'));
  await Promise.all([...bodies.keys()].map((id) => host.answer(id)));
  assert.ok(host.lines.includes(bodies.get(1)![1]));
  assert.equal((await host.answer(2)).error.code, -32602);
  assert.match((await host.answer(3)).error.message, /HTTP 502.*Bad gateway/);
  assert.equal((await host.answer(4)).error.data.code, 'UPSTREAM_INVALID');
  assert.equal((await host.answer(5)).error.data.code, 'UPSTREAM_INVALID');
  assert.ok((await host.answer(6)).error);
  assert.equal(host.lines.length, bodies.size);
});

test('no gateway at the address: an error that says so, and a later call finds the one that came', async () => {
  const gone = await startRawServer(answerAll);
  await gone.stop();
  await using host = startHost({ endpoint: at(gone) });
  host.send(modern(1, 'tools/call', { name: 't' }));
  const { result: told } = await host.answer(1);
  assert.equal(told._meta['io.toolgate/error'].code, 'GATEWAY_NOT_RUNNING');
  assert.match(told.content[0].text, /not sent/);
  await using back = await startRawServer(answerAll, gone.port);
  host.send(modern(2, 'tools/call', { name: 't' }));
  assert.deepEqual((await host.answer(2)).result, {});
  assert.equal(back.seen.length, 1);
});

test('a call whose connection was refused is sent to the gateway that is found next', async () => {
  const gone = await startRawServer(answerAll);
  await gone.stop();
  await using next = await startRawServer(answerAll);
  const urls = [gone.url, next.url];
  await using host = startHost({ endpoint: async () => ({ url: urls.shift()!, key: 'k' }) });
  host.send(modern(1, 'tools/call', { name: 't' }));
  assert.deepEqual((await host.answer(1)).result, {});
  assert.equal(next.seen.length, 1);
});

test('a connection that breaks after a call was sent ends it; a list is asked for again', async () => {
  let drops = 0;
  await using server = await startRawServer((received) => {
    const isFirst = received.message?.method === 'tools/call' || drops++ === 0;
    if (isFirst) received.res.destroy();
    else answerAll(received);
  });
  await using host = startHost({ endpoint: at(server) });
  host.send(modern(1, 'tools/call', { name: 't' }));
  const { result: told } = await host.answer(1);
  assert.equal(told._meta['io.toolgate/error'].code, 'UPSTREAM_LOST');
  assert.equal(server.seen.filter(byMethod('tools/call')).length, 1);
  host.send(modern(2, 'tools/list'));
  assert.deepEqual((await host.answer(2)).result, {});
});

test('an answer that breaks off in the middle is one error', async () => {
  await using server = await startRawServer((received) => {
    received.res.writeHead(200, { 'content-type': 'application/json' });
    received.res.write('{"jsonrpc":"2.0","id":1,', () => received.res.destroy());
  });
  await using host = startHost({ endpoint: at(server) });
  host.send(modern(1, 'tools/call', { name: 't' }));
  assert.equal((await host.answer(1)).result._meta['io.toolgate/error'].code, 'UPSTREAM_LOST');
});

test('requests run side by side', async () => {
  const both = Promise.withResolvers<void>();
  let open = 0;
  await using server = await startRawServer(async (received) => {
    if (++open === 2) both.resolve();
    await both.promise;
    answerAll(received);
  });
  await using host = startHost({ endpoint: at(server) });
  host.send(modern(1, 'ping'));
  host.send(modern(2, 'ping'));
  await Promise.all([host.answer(1), host.answer(2)]);
});

test('the end of the input: calls finish, what does not is answered, the session is deleted', async () => {
  const release = Promise.withResolvers<void>();
  await using server = await startRawServer(
    legacyAnswers('s1', async (received) => {
      if (received.method === 'GET') received.res.writeHead(405).end();
      else if (received.message?.id === 1) {
        await release.promise;
        sendJson(received, result(1, {}));
      }
    }),
  );
  const host = startHost({ endpoint: at(server), drainMs: 100 });
  await initialize(host);
  host.send({ id: 1, method: 'tools/call', params: { name: 'slow' } });
  host.send({ id: 2, method: 'tools/call', params: { name: 'endless' } });
  await server.next(({ message }) => message?.id === 2);
  host.input.end();
  release.resolve();
  assert.deepEqual((await host.answer(1)).result, {});
  assert.equal((await host.answer(2)).result._meta['io.toolgate/error'].code, 'SHUTTING_DOWN');
  await host.ended;
  assert.equal(server.seen.at(-1)?.method, 'DELETE');
  await host[Symbol.asyncDispose]();
});

test('the signal ends the bridge while the input is open', async () => {
  const controller = new AbortController();
  await using server = await startRawServer(answerAll);
  await using host = startHost({ endpoint: at(server), signal: controller.signal });
  host.send(modern(1, 'ping'));
  await host.answer(1);
  controller.abort();
  await host.ended;
});

test('a host that is gone ends the bridge', async () => {
  await using server = await startRawServer((received) => {
    openEvents(received);
  });
  await using host = startHost({ endpoint: at(server) });
  host.send(modern(1, 'tools/call', { name: 'endless' }));
  await server.next(byMethod('tools/call'));
  host.output.destroy();
  await host.ended;
});
