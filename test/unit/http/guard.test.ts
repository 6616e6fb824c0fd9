import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, askRaw, startHouse } from './support.ts';

const ROUTES = [
  '/',
  '/mcp',
  '/mcp/files',
  '/sse',
  '/messages?sessionId=x',
  '/livez',
  '/readyz',
  '/.well-known/oauth-protected-resource',
  '/register',
  '/nothing',
];

test('12 origins x 8 hosts x all routes: nothing but the allowed pairs gets through', async () => {
  await using house = await startHouse({
    publicUrl: 'https://tools.example.com',
    allowOrigins: ['https://app.example.com'],
  });
  const { port } = house.server;
  const hosts: [string, boolean][] = [
    [`127.0.0.1:${port}`, true],
    [`localhost:${port}`, true],
    [`[::1]:${port}`, true],
    ['tools.example.com', true],
    ['evil.example.com', false],
    [`127.0.0.1.evil.example.com:${port}`, false],
    [`localhost@evil.example.com:${port}`, false],
    ['10.0.0.1', false],
  ];
  const origins: [string | undefined, boolean][] = [
    [undefined, true],
    [`http://127.0.0.1:${port}`, true],
    [`http://localhost:${port}`, true],
    ['https://tools.example.com', true],
    ['https://app.example.com', true],
    ['http://tools.example.com', false],
    ['null', false],
    ['http://evil.example.com', false],
    ['http://localhost:1', false],
    [`https://localhost:${port}`, false],
    ['https://app.example.com.evil.example', false],
    ['file://', false],
  ];
  assert.equal(hosts.length * origins.length, 96);
  for (const [host, hostAllowed] of hosts) {
    for (const [origin, originAllowed] of origins) {
      const headers = ['host', host, ...(origin === undefined ? [] : ['origin', origin])];
      const answers = await Promise.all(ROUTES.map((path) => ask(port, 'GET', path, headers)));
      for (const [i, { status }] of answers.entries()) {
        const what = `${origin} at ${host} asks ${ROUTES[i]}`;
        if (hostAllowed && originAllowed) assert.notEqual(status, 403, what);
        else assert.equal(status, 403, what);
      }
    }
  }
});

test('a refusal says what to set; on MCP paths it is a JSON-RPC error without an id', async () => {
  await using house = await startHouse();
  const { port } = house.server;
  const host = ['host', 'evil.example.com'];
  const rest = await ask(port, 'GET', '/livez', host);
  assert.equal(rest.headers['content-type'], 'application/problem+json');
  const problem = JSON.parse(rest.text) as Record<string, unknown>;
  assert.equal(problem['code'], 'HOST_REFUSED');
  assert.match(String(problem['detail']), /gateway\.publicUrl/);
  const origin = ['host', `localhost:${port}`, 'origin', 'http://evil.example.com'];
  const mcp = JSON.parse((await ask(port, 'POST', '/mcp', origin)).text) as Record<string, unknown>;
  assert.ok(!('id' in mcp));
  assert.match(JSON.stringify(mcp), /allowOrigins.*ORIGIN_REFUSED/);
  assert.deepEqual(house.seen, []);
});

test('any port of a loopback name is fine, since it may be mapped; odd hosts are not', async () => {
  await using house = await startHouse();
  const { port } = house.server;
  for (const host of ['localhost', 'LocalHost:9', '127.5.5.5', '[::1]', '127.0.0.1:65535']) {
    assert.equal((await ask(port, 'GET', '/livez', ['host', host])).status, 200, host);
  }
  const odd = [
    '',
    'localhost:',
    'localhost:99999',
    'localhost/x',
    'localhost?',
    'localhost#',
    'a b',
    'localhost:80:80',
    '127.1',
    '0x7f.1',
    '[::1',
    'localhost.',
    '::1',
    '127.0.0.1.',
  ];
  for (const host of odd) {
    const { status } = await ask(port, 'GET', '/livez', ['host', host]);
    assert.ok(status === 403 || status === 400, `${host}: ${status}`);
  }
});

test('headers that decide stand once', async () => {
  await using house = await startHouse();
  const { port } = house.server;
  const own = ['host', `localhost:${port}`];
  const origin = `http://localhost:${port}`;
  const twice: [number, string[]][] = [
    [403, [...own, 'origin', origin, 'Origin', origin]],
    [400, [...own, 'Host', `localhost:${port}`]],
    [400, [...own, 'authorization', 'a', 'AUTHORIZATION', 'b']],
  ];
  for (const [status, headers] of twice) {
    assert.equal((await ask(port, 'GET', '/livez', headers)).status, status);
    assert.equal((await ask(port, 'GET', '/mcp', headers)).status, status);
  }
  const many = [...own, ...Array.from({ length: 250 }, (_, i) => [`x-${i}`, '1']).flat()];
  assert.ok([400, 431].includes((await ask(port, 'GET', '/livez', many)).status));
  const fine = [...own, 'origin', origin, 'authorization', 'a'];
  assert.equal((await ask(port, 'GET', '/livez', fine)).status, 200);
});

test('a request target that programs read differently is refused', async () => {
  await using house = await startHouse();
  const { port } = house.server;
  const targets = [
    'http://evil.example.com/livez',
    '//evil.example.com/livez',
    '/mcp/../livez',
    '/./livez',
    '/mcp%2flivez',
    '/mcp/%2e%2e/livez',
    String.raw`/mcp\livez`,
    '/livez%00',
    '/livez#x',
    'livez',
    '*',
  ];
  for (const target of targets) {
    const answer = await askRaw(
      port,
      `GET ${target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 400 /, target);
  }
  assert.deepEqual(house.seen, []);
});

test('bound to an address, its own Host is allowed; bound to all, the one that was dialled', async () => {
  await using one = await startHouse({ host: '127.0.0.2' });
  const answer = await fetch(`http://127.0.0.2:${one.server.port}/livez`);
  assert.equal(answer.status, 200);
  await using all = await startHouse({ host: '0.0.0.0' });
  const { port } = all.server;
  assert.equal((await ask(port, 'GET', '/livez', ['host', `127.0.0.1:${port}`])).status, 200);
  assert.equal((await ask(port, 'GET', '/livez', ['host', '10.1.2.3'])).status, 403);
  assert.equal((await ask(port, 'GET', '/livez', ['host', '0.0.0.0'])).status, 403);
});

test('a page of an allowed origin may read the answer; others get no CORS headers', async () => {
  const app = 'https://app.example.com';
  await using house = await startHouse({ allowOrigins: [app] });
  const { port } = house.server;
  const own = ['host', `localhost:${port}`];
  const preflight = await ask(port, 'OPTIONS', '/mcp', [
    ...own,
    'origin',
    app,
    'access-control-request-method',
    'POST',
    'access-control-request-headers',
    'authorization',
  ]);
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers['access-control-allow-origin'], app);
  assert.equal(preflight.headers['access-control-allow-headers'], 'authorization');
  const answer = await ask(port, 'GET', '/mcp', [...own, 'origin', app]);
  assert.equal(answer.headers['access-control-allow-origin'], app);
  const plain = await ask(port, 'GET', '/mcp', own);
  assert.equal(plain.headers['access-control-allow-origin'], undefined);
  assert.equal(house.seen.length, 2);
});
