import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startHttpServer } from '../../../src/http/server.ts';
import { createTestLog } from '../mcp/log.ts';
import { askRaw, startHouse } from './support.ts';
import { ALL_SEEING } from '../../support/principal.ts';

const jsonOf = async (response: Response) => (await response.json()) as Record<string, any>;

test('MCP paths go to their door, with or without a query; others do not', async () => {
  await using house = await startHouse();
  const mine = ['/mcp', '/mcp?x=1', '/mcp/', '/mcp/files', '/sse', '/messages?sessionId=1'];
  for (const path of mine) assert.equal(await (await fetch(house.server.url + path)).text(), 'mcp');
  assert.deepEqual(house.seen, mine);
  for (const path of ['/mcpx', '/MCP', '/x/mcp', '/sse/x']) {
    const response = await fetch(house.server.url + path);
    assert.equal(response.status, 404);
    assert.equal(response.headers.get('content-type'), 'application/problem+json');
    const problem = await jsonOf(response);
    assert.equal(problem['code'], 'NOT_FOUND');
    assert.equal(problem['title'], 'Not found');
    assert.equal(problem['status'], 404);
  }
});

test('/livez is 200 while the process answers, /readyz tells why not', async () => {
  let ready = false;
  const servers = { files: { state: 'down', reason: 'it ended with code 1' } };
  await using house = await startHouse({
    readiness: () => (ready ? { ready, servers } : { ready, reason: 'still starting', servers }),
  });
  const { url } = house.server;
  assert.equal((await fetch(`${url}/livez`)).status, 200);
  const early = await fetch(`${url}/readyz`);
  assert.equal(early.status, 503);
  assert.deepEqual(await jsonOf(early), { status: 'not ready', reason: 'still starting', servers });
  ready = true;
  const late = await fetch(`${url}/readyz`);
  assert.equal(late.status, 200);
  assert.deepEqual(await jsonOf(late), { status: 'ready', servers });
});

test('paths where hosts look for OAuth say which header to send', async () => {
  await using house = await startHouse();
  const paths = [
    '/.well-known/oauth-protected-resource',
    '/.well-known/oauth-protected-resource/mcp',
    '/.well-known/oauth-protected-resource/mcp/files',
    '/.well-known/oauth-authorization-server',
    '/.well-known/oauth-authorization-server/mcp',
    '/.well-known/openid-configuration',
    '/.well-known/openid-configuration/mcp',
    '/authorize?response_type=code',
  ];
  const requests = [
    ...paths.map((path) => [path, 'GET'] as const),
    ['/register', 'POST'] as const,
    ['/token', 'POST'] as const,
  ];
  for (const [path, method] of requests) {
    const response = await fetch(house.server.url + path, { method });
    assert.equal(response.status, 404, path);
    const { error, error_description: text } = await jsonOf(response);
    assert.equal(error, 'invalid_request');
    assert.match(text, /Authorization: Bearer tg_/);
  }
});

test('GET / names /mcp', async () => {
  await using house = await startHouse();
  assert.match(await (await fetch(house.server.url)).text(), /\/mcp/);
});

test('a port that is taken is told with what to do', async () => {
  await using house = await startHouse();
  const { port } = house.server;
  await assert.rejects(
    startHttpServer({
      host: '127.0.0.1',
      port,
      mcp: (_req, res) => res.end(),
      readiness: () => ({ ready: true, servers: {} }),
      authenticate: () => ALL_SEEING,
      routes: [],
      log: createTestLog(),
    }),
    { code: 'PORT_IN_USE', message: /gateway\.port/ },
  );
  await assert.rejects(startHouse({ host: '203.0.113.1' }), { code: 'CONFIG_INVALID' });
});

test('close lets an answer end, takes no new connection, and cuts what is left at the deadline', async () => {
  const held: (() => void)[] = [];
  const asked = Promise.withResolvers<void>();
  const house = await startHouse({
    mcp(_req, res) {
      held.push(() => res.end('late'));
      asked.resolve();
    },
  });
  const { server } = house;
  const answer = fetch(`${server.url}/mcp`);
  await asked.promise;
  const closed = server.close(60_000);
  await assert.rejects(fetch(`${server.url}/livez`));
  for (const end of held) end();
  assert.equal(await (await answer).text(), 'late');
  await closed;

  await using other = await startHouse({ mcp: (_req, res) => void res.write('x') });
  const stuck = await fetch(`${other.server.url}/mcp/never`);
  await other.server.close(10);
  await assert.rejects(stuck.text());
});

test('what is no HTTP is refused and closed', async () => {
  await using house = await startHouse();
  const { port } = house.server;
  const head = 'POST /mcp HTTP/1.1\r\nhost: localhost\r\n';
  const bad = [
    'nonsense\r\n\r\n',
    `${head}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${head}content-length: 3\r\ncontent-length: 4\r\n\r\nabc`,
    `${head}x: a\r\n b\r\ncontent-length: x\r\n\r\n`,
    `GET /mcp HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
    'GET /mcp HTTP/1.1\r\n\r\n',
  ];
  for (const text of bad)
    assert.match(await askRaw(port, text), /^HTTP\/1\.1 4(00|31) /, text.slice(0, 60));
  assert.deepEqual(house.seen, []);
});
