// Every row of the table of what one endpoint for both eras answers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { META } from '../../../src/wire/era.ts';
import { SUPPORTED_VERSIONS } from '../../../src/mcp/era.ts';
import { startDoor } from './support.ts';
import {
  bodyOf,
  envelope,
  initializeBody,
  modernHeaders,
  openSession,
  send,
  sendModern,
} from './requests.ts';

const LEGACY = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];

test('initialize echoes each legacy version it knows', async () => {
  await using door = await startDoor();
  for (const version of LEGACY) {
    const response = await send(`${door.url}/mcp`, initializeBody(version));
    assert.equal(response.status, 200);
    assert.match(response.headers.get('mcp-session-id') ?? '', /^[\x21-\x7e]{22,}$/);
    const { result, id } = await bodyOf(response);
    assert.equal(id, 0);
    assert.equal(result.protocolVersion, version);
    assert.equal(result.serverInfo.name, 'toolgate');
    assert.equal(result.instructions, 'Be kind.');
    assert.ok(!('resultType' in result));
  }
});

test('initialize offers 2025-11-25 for versions it does not negotiate', async () => {
  await using door = await startDoor();
  for (const version of ['2026-07-28', '1999-01-01', 'x']) {
    const response = await send(`${door.url}/mcp`, initializeBody(version));
    assert.equal(response.status, 200);
    assert.equal((await bodyOf(response)).result.protocolVersion, '2025-11-25');
  }
});

test('a request without envelope and modern header is legacy', async () => {
  await using door = await startDoor();
  const body = { jsonrpc: '2.0', id: 5, method: 'tools/list' };
  const missing = await send(`${door.url}/mcp`, body);
  assert.equal(missing.status, 400);
  assert.deepEqual((await bodyOf(missing)).error.code, -32000);
  const session = await openSession(door.url);
  const response = await session.send('tools/list');
  assert.equal(response.status, 200);
  const { result } = await bodyOf(response);
  assert.ok(result.tools.length > 0 && !('resultType' in result));
});

test('a modern header without envelope names the missing key', async () => {
  await using door = await startDoor();
  for (const params of [
    undefined,
    {},
    { _meta: {} },
    { _meta: { [META.clientCapabilities]: {} } },
  ]) {
    const body = { jsonrpc: '2.0', id: 5, method: 'tools/list', params };
    const response = await send(`${door.url}/mcp`, body, modernHeaders('tools/list'));
    assert.equal(response.status, 400);
    const { error, id } = await bodyOf(response);
    assert.equal(id, 5);
    assert.equal(error.code, -32602);
    assert.match(error.message, /io\.modelcontextprotocol\/protocolVersion/);
  }
  const partly = { jsonrpc: '2.0', id: 6, method: 'tools/list', params: { _meta: envelope() } };
  delete partly.params._meta[META.clientCapabilities];
  const response = await send(`${door.url}/mcp`, partly, modernHeaders('tools/list'));
  assert.equal(response.status, 400);
  assert.deepEqual((await bodyOf(response)).error.data.missing, [META.clientCapabilities]);
});

test('an envelope without clientInfo is served; members of a wrong type are not', async () => {
  await using door = await startDoor();
  const served = await sendModern(door.url, 'tools/list', {
    meta: { [META.clientInfo]: undefined },
  });
  assert.equal(served.status, 200);
  const wrong = [
    { [META.clientInfo]: 'me' },
    { [META.clientCapabilities]: [] },
    { [META.logLevel]: 'loud' },
    { [META.logLevel]: 3 },
    { [META.protocolVersion]: 2026 },
  ];
  for (const meta of wrong) {
    const response = await sendModern(door.url, 'tools/list', { meta });
    assert.equal(response.status, 400);
    assert.equal((await bodyOf(response)).error.code, -32602, JSON.stringify(meta));
  }
});

test('a version that is not served is answered with those that are', async () => {
  await using door = await startDoor();
  for (const requested of ['v999.0.0', '2027-01-01', '1999-01-01']) {
    const response = await sendModern(door.url, 'server/discover', {
      meta: { [META.protocolVersion]: requested },
      headers: { 'mcp-protocol-version': requested },
    });
    assert.equal(response.status, 400);
    const { error } = await bodyOf(response);
    assert.equal(error.code, -32022);
    assert.deepEqual(error.data.supported, SUPPORTED_VERSIONS);
    assert.equal(error.data.requested, requested);
  }
});

test('a legacy version in an envelope is not offered again', async () => {
  await using door = await startDoor();
  const response = await sendModern(door.url, 'server/discover', {
    meta: { [META.protocolVersion]: '2025-11-25' },
    headers: { 'mcp-protocol-version': '2025-11-25' },
  });
  assert.equal(response.status, 400);
  assert.deepEqual((await bodyOf(response)).error.data.supported, ['2026-07-28']);
});

test('headers that are missing or differ from the body are refused', async () => {
  await using door = await startDoor();
  const call = { params: { name: 'echo' } };
  const cases: [string, object, Record<string, string | undefined>][] = [
    ['tools/list', {}, { 'mcp-protocol-version': '2025-11-25' }],
    ['tools/list', {}, { 'mcp-protocol-version': undefined }],
    ['tools/list', {}, { 'mcp-method': 'prompts/list' }],
    ['tools/list', {}, { 'mcp-method': 'TOOLS/LIST' }],
    ['tools/list', {}, { 'mcp-method': undefined }],
    ['tools/call', call, { 'mcp-name': 'other' }],
    ['tools/call', call, { 'mcp-name': undefined }],
    ['tools/call', call, { 'mcp-name': '=?base64?ZWNobw?=' }],
    ['resources/read', { params: { uri: 'file:///a.txt' } }, { 'mcp-name': 'file:///b.txt' }],
    ['tools/call', { params: { name: 'mirror', arguments: { region: 'eu' } } }, {}],
    [
      'tools/call',
      { params: { name: 'mirror', arguments: { region: 'eu' } } },
      { 'mcp-param-region': 'us' },
    ],
  ];
  for (const [method, options, headers] of cases) {
    const response = await sendModern(door.url, method, { ...options, headers });
    assert.equal(response.status, 400, JSON.stringify([method, headers]));
    const { error, id } = await bodyOf(response);
    assert.equal(error.code, -32020);
    assert.equal(id, 1);
  }
  assert.equal(door.gateway.calls.length, 0);
  const accepted = [
    { params: { name: 'echo' }, headers: { 'mcp-name': '  echo  ' } },
    { params: { name: 'echo' }, headers: { 'mcp-name': '=?base64?ZWNobw==?=' } },
    {
      params: { name: 'mirror', arguments: { region: 'eu' } },
      headers: { 'mcp-param-region': 'eu' },
    },
  ];
  for (const options of accepted) {
    const response = await sendModern(door.url, 'tools/call', options);
    assert.equal(response.status, 200);
    await response.body?.cancel();
  }
});

test('content types: 415 for another body, 406 for a legacy POST that does not take both', async () => {
  await using door = await startDoor();
  const types = [undefined, 'text/plain', 'application/jsonx', 'application/x-www-form-urlencoded'];
  for (const type of types) {
    const response = await fetch(`${door.url}/mcp`, {
      method: 'POST',
      headers: { authorization: 'Bearer alice', ...(type ? { 'content-type': type } : {}) },
      body: new TextEncoder().encode('{}'),
    });
    assert.equal(response.status, 415, String(type));
  }
  const gzip = await send(`${door.url}/mcp`, '{}', { 'content-encoding': 'gzip' });
  assert.equal(gzip.status, 415);
  const charset = await sendModern(door.url, 'tools/list', {
    headers: { 'content-type': 'application/json; charset=utf-8', accept: 'text/html' },
  });
  assert.equal(charset.status, 200);
  for (const accept of ['application/json', 'text/event-stream', 'text/html']) {
    const response = await send(`${door.url}/mcp`, initializeBody('2025-11-25'), { accept });
    assert.equal(response.status, 406);
    assert.equal((await bodyOf(response)).id, 0);
  }
});

test('GET, DELETE and other methods', async () => {
  await using door = await startDoor();
  const authorization = 'Bearer alice';
  const accept = 'text/event-stream';
  for (const method of ['GET', 'DELETE']) {
    const modern = await fetch(`${door.url}/mcp`, {
      method,
      headers: { authorization, accept, 'mcp-protocol-version': '2026-07-28' },
    });
    assert.equal(modern.status, 405);
    assert.equal(modern.headers.get('allow'), 'POST');
    const missing = await fetch(`${door.url}/mcp`, { method, headers: { authorization, accept } });
    assert.equal(missing.status, 400);
    assert.equal((await bodyOf(missing)).error.code, -32000);
    const unknown = await fetch(`${door.url}/mcp`, {
      method,
      headers: { authorization, accept, 'mcp-session-id': 'nobody' },
    });
    assert.equal(unknown.status, 404);
    assert.equal((await bodyOf(unknown)).error.code, -32001);
  }
  const put = await fetch(`${door.url}/mcp`, { method: 'PUT', headers: { authorization } });
  assert.equal(put.status, 405);
  assert.equal(put.headers.get('allow'), 'POST, GET, DELETE');
});

test('notifications are taken with 202', async () => {
  await using door = await startDoor();
  const note = { jsonrpc: '2.0', method: 'notifications/whatever', params: {} };
  const modern = await send(`${door.url}/mcp`, note, modernHeaders('notifications/whatever'));
  assert.equal(modern.status, 202);
  assert.equal(await modern.text(), '');
  const session = await openSession(door.url);
  assert.equal((await session.notify('notifications/initialized')).status, 202);
  assert.equal((await session.notify('notifications/whatever', {})).status, 202);
  const response = await send(
    `${door.url}/mcp`,
    { jsonrpc: '2.0', id: 1, result: {} },
    session.headers,
  );
  assert.equal(response.status, 202);
  const foreign = await send(
    `${door.url}/mcp`,
    { jsonrpc: '2.0', id: 1, result: {} },
    modernHeaders('x'),
  );
  assert.equal(foreign.status, 400);
});

test('a body over the cap is refused with the limit, told or found', async () => {
  const config = { maxRequestBytes: 1000, sessionSeconds: 60, maxSessions: 10 };
  await using door = await startDoor({ config });
  const body = JSON.stringify({ filler: 'x'.repeat(2000) });
  const told = await send(`${door.url}/mcp`, body);
  assert.equal(told.status, 413);
  assert.match((await bodyOf(told)).error.message, /1000 bytes/);
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(body));
      controller.close();
    },
  });
  const init = { body: stream, duplex: 'half' } as RequestInit;
  const found = await send(`${door.url}/mcp`, '', {}, init);
  assert.equal(found.status, 413);
  assert.equal((await bodyOf(found)).error.data.maxBytes, 1000);
});

test('unknown and removed methods: 404 and -32601 in the modern era, 200 in the legacy one', async () => {
  await using door = await startDoor();
  const removed = [
    'initialize',
    'ping',
    'logging/setLevel',
    'resources/subscribe',
    'no/such',
    'toString',
  ];
  for (const method of removed) {
    const response = await sendModern(door.url, method, { id: 'q' });
    assert.equal(response.status, 404, method);
    const { error, id } = await bodyOf(response);
    assert.equal(error.code, -32601);
    assert.equal(id, 'q');
  }
  const session = await openSession(door.url);
  for (const method of ['server/discover', 'no/such', 'constructor']) {
    const response = await session.send(method);
    assert.equal(response.status, 200);
    assert.equal((await bodyOf(response)).error.code, -32601);
  }
});

test('a request without a key is told how to send one', async () => {
  await using door = await startDoor();
  for (const path of ['/mcp', '/mcp/files', '/sse', '/messages']) {
    const response = await send(door.url + path, '{}', { authorization: undefined });
    assert.equal(response.status, 401);
    assert.equal(response.headers.get('www-authenticate'), 'Bearer realm="toolgate"');
    assert.equal((await bodyOf(response)).error.data.code, 'CREDENTIAL_MISSING');
  }
});
