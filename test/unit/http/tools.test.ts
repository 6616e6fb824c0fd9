import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openHouse, TOOLS } from './house.ts';

const SCHEMA =
  '{"type":"object","properties":{"max":{"type":"number","maximum":12345678901234567890,"multipleOf":1.0}},"x-vendor":[1e400,-0]}';
const TEXT = '"Reads a \\u0066ile \\"x\\""';

test('each format is byte for byte what the LLM API takes, schemas as the server wrote them', async () => {
  await using house = await openHouse();
  const { secret } = await house.keyring.create({ name: 'ci', tools: ['files/*'] });
  const bare = '{"type":"object"}';
  const chat =
    `{"tools":[{"type":"function","function":{"name":"files__read","description":${TEXT},"parameters":${SCHEMA}}},` +
    `{"type":"function","function":{"name":"files__bare","parameters":${bare}}}]}`;
  const expected = {
    mcp: `{"tools":[${TOOLS['files']!.join(',')}]}`,
    chat,
    openai: chat,
    responses:
      `{"tools":[{"type":"function","name":"files__read","description":${TEXT},"parameters":${SCHEMA}},` +
      `{"type":"function","name":"files__bare","parameters":${bare}}]}`,
    anthropic:
      `{"tools":[{"name":"files__read","description":${TEXT},"input_schema":${SCHEMA}},` +
      `{"name":"files__bare","input_schema":${bare}}]}`,
  };
  for (const [format, raw] of Object.entries(expected)) {
    const answer = await house.request('GET', `/v1/mcp/tools?format=${format}`, secret);
    assert.deepEqual([answer.status, answer.raw], [200, raw], format);
    assert.equal(answer.headers.get('content-type'), 'application/json');
  }
  assert.equal((await house.request('GET', '/v1/mcp/tools', secret)).raw, expected.mcp);
});

test('a request narrows itself; a key without tools sees none', async () => {
  await using house = await openHouse();
  const { secret } = await house.keyring.create({ name: 'none' });
  assert.equal(
    (await house.request('GET', '/v1/mcp/tools?format=chat', secret)).raw,
    '{"tools":[]}',
  );
  const narrow = { 'x-toolgate-tools': 'git/*' };
  const answer = await house.request(
    'GET',
    '/v1/mcp/tools?format=anthropic',
    house.local,
    undefined,
    narrow,
  );
  assert.deepEqual(
    answer.json().tools.map(({ name }: { name: string }) => name),
    ['git__log'],
  );
});

test('an unknown format or parameter is refused', async () => {
  await using house = await openHouse();
  for (const query of [
    'format=gemini',
    'format=',
    'format=mcp&format=chat',
    'fromat=chat',
    'format=__proto__',
  ]) {
    const answer = await house.request('GET', `/v1/mcp/tools?${query}`, house.local);
    assert.deepEqual([answer.status, answer.json().code], [400, 'PARAMS_INVALID'], query);
  }
});

test('servers: callers see those they see something of, admins all and why', async () => {
  await using house = await openHouse();
  const { secret } = await house.keyring.create({ name: 'ci', tools: ['git/*'] });
  const { secret: none } = await house.keyring.create({ name: 'none' });
  const of = async (key: string) =>
    (await house.request('GET', '/v1/mcp/servers', key)).json().servers;
  const counts = { tools: 1, prompts: 0, resources: 0, resourceTemplates: 0 };
  assert.deepEqual(await of(secret), [{ name: 'git', state: 'down', counts }]);
  assert.deepEqual(await of(none), []);
  assert.deepEqual((await of(house.local)).length, 2);
  const all = await of(house.admin);
  assert.deepEqual(
    all.map(({ name }: { name: string }) => name),
    ['files', 'git', 'off'],
  );
  assert.equal(all[1].reason, 'secret path');
});

test('what is done with a server is one of four things, by the name of one that is configured', async () => {
  await using house = await openHouse();
  const post = (path: string, body?: unknown) =>
    house.request('POST', `/v1/mcp/servers/${path}`, house.admin, body);
  for (const action of ['refresh', 'reconnect', 'enable', 'disable']) {
    const answer = await post(`git/${action}`, { command: 'sh', args: ['-c', 'true'] });
    assert.deepEqual([answer.status, answer.json().server.name], [200, 'git']);
  }
  assert.deepEqual(house.ran, ['refresh git', 'reconnect git', 'enable git', 'disable git']);
  assert.equal((await post('none/enable')).json().code, 'SERVER_NOT_FOUND');
  for (const path of ['git/start', 'git/', 'git', 'git/enable/x', 'git/Enable', '']) {
    assert.equal((await post(path)).json().code, 'NOT_FOUND', path);
  }
  assert.equal(house.ran.length, 4);
});
