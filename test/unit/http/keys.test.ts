import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openHouse } from './house.ts';

const KEYS = '/v1/mcp/keys';

const ALL = {
  name: 'ci',
  role: 'approver',
  execute: true,
  team: 'core',
  customer: 'acme',
  environment: 'prod',
  tools: ['files/*', '@readers', '*'],
  deny: ['files/rm_*'],
  prompts: ['files/*'],
  resources: ['files/file:///a/*'],
  modes: { 'files/write': 'review', '*': 'auto' },
  expiresAt: 4_000_000_000_000,
  enabled: true,
  notes: 'for the build',
};

test('the whole life of a key', async () => {
  await using house = await openHouse();
  const ask = (method: string, path = '', body?: unknown) =>
    house.request(method, KEYS + path, house.admin, body);
  const made = await ask('POST', '', ALL);
  assert.equal(made.status, 201);
  assert.equal(made.headers.get('cache-control'), 'no-store');
  const { key, secret } = made.json();
  const { id, origin, createdAt, ...fields } = key;
  assert.deepEqual(fields, ALL);
  assert.equal(origin, 'store');
  assert.ok(createdAt > 0);
  assert.equal(house.keyring.authenticate(secret).id, id);

  const shown = await ask('GET', `/${id}`);
  assert.equal(shown.json().key.name, 'ci');
  const patched = await ask('PATCH', `/${id}`, { team: null, prompts: null, modes: {}, tools: [] });
  assert.equal(patched.status, 200);
  const { team, prompts, modes, tools, notes } = patched.json().key;
  assert.deepEqual(
    { team, prompts, modes, tools, notes },
    { team: undefined, prompts: undefined, modes: {}, tools: [], notes: ALL.notes },
  );

  const rotated = await ask('POST', `/${id}/rotate`, { overlapSeconds: 60 });
  assert.equal(rotated.status, 200);
  assert.equal(rotated.json().key.oldSecretUntil, house.clock.now() + 60_000);
  const again = await ask('POST', `/${id}/rotate`);
  assert.equal(again.status, 200);

  const listed = await ask('GET');
  assert.deepEqual(
    listed.json().keys.map((one: { name: string }) => one.name),
    ['admin', 'local', 'ci'],
  );
  for (const answer of [shown, patched, listed]) {
    for (const one of [secret, rotated.json().secret, house.local, house.admin]) {
      assert.ok(!answer.raw.includes(one.slice(12)));
    }
    assert.ok(!/[0-9a-f]{64}/.test(answer.raw));
  }

  const gone = await ask('DELETE', `/${id}`);
  assert.deepEqual([gone.status, gone.raw], [204, '']);
  assert.equal((await ask('GET', `/${id}`)).status, 404);
  assert.equal((await ask('DELETE', `/${id}`)).json().code, 'KEY_NOT_FOUND');
});

test('bodies are strict', async () => {
  await using house = await openHouse();
  const post = (body: unknown, headers = {}) =>
    house.request('POST', KEYS, house.admin, body, headers);
  const wrong: [unknown, number, string][] = [
    [{}, 400, 'PARAMS_INVALID'],
    [[], 400, 'PARAMS_INVALID'],
    ['null', 400, 'PARAMS_INVALID'],
    ['{"name":"a"', 400, 'JSON_INVALID'],
    ['{"name":"a","name":"b"}', 400, 'REQUEST_INVALID'],
    ['{"name":"a","modes":{"*":"auto","*":"ask"}}', 400, 'REQUEST_INVALID'],
    [`{"name":${'['.repeat(40)}${']'.repeat(40)}}`, 400, 'PARAMS_INVALID'],
    [{ name: 'a', color: 'red' }, 400, 'PARAMS_INVALID'],
    [{ name: 'a', secret: 'x'.repeat(40) }, 400, 'PARAMS_INVALID'],
    [{ name: 'a', id: 'abcdefgh' }, 400, 'PARAMS_INVALID'],
    [{ name: '' }, 400, 'PARAMS_INVALID'],
    [{ name: 'a\u202eb' }, 400, 'PARAMS_INVALID'],
    [{ name: 'a', role: 'root' }, 400, 'PARAMS_INVALID'],
    [{ name: 'a', execute: 'yes' }, 400, 'PARAMS_INVALID'],
    [{ name: 'a', tools: ['read_file'] }, 400, 'PARAMS_INVALID'],
    [{ name: 'a', tools: 'files/*' }, 400, 'PARAMS_INVALID'],
    [{ name: 'a', modes: { 'files/*': 'maybe' } }, 400, 'PARAMS_INVALID'],
    [{ name: 'a', expiresAt: '2030-01-01' }, 400, 'PARAMS_INVALID'],
    [{ name: 'local' }, 409, 'KEY_EXISTS'],
    [{ name: 'a', notes: 'x'.repeat(300_000) }, 413, 'BODY_TOO_LARGE'],
  ];
  for (const [body, status, code] of wrong) {
    const answer = await post(body);
    assert.deepEqual([answer.status, answer.json().code], [status, code], answer.raw);
    assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
  }
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
  ]) {
    assert.equal((await post('{"name":"a"}', { 'content-type': type })).status, 415);
  }
  assert.equal(house.keyring.list().length, 2);
  const text = (await post({ name: 'a', color: 'red' })).json().detail;
  assert.match(text, /color/);
});

test('keys of the first start are shown and not changed', async () => {
  await using house = await openHouse();
  for (const [method, path, body] of [
    ['PATCH', '/local', { execute: true }],
    ['DELETE', '/admin', undefined],
    ['POST', '/admin/rotate', {}],
  ] as const) {
    const answer = await house.request(method, KEYS + path, house.admin, body);
    assert.deepEqual([answer.status, answer.json().code], [409, 'KEY_FIXED']);
  }
});
