// An application's whole loop over REST: list in its LLM's format, let a model propose, execute, hand back the answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { program, startGateway } from '../support/gateway.ts';
import { adminOf, makeKey, restOf } from '../support/rest.ts';

const ask = { autoExecute: [] };
const start = () => startGateway({ servers: { up: { ...program('echo.ts'), ...ask } } });

/** Arguments that a round trip through JavaScript would change. */
const ARGUMENTS = '{"n":12345678901234567890,"x":1.0,"s":"caf\\u00e9 \\"q\\"","huge":1e400}';

interface Tool {
  readonly name?: string;
  readonly function?: { readonly name: string };
}

/** A scripted model: takes the tools as they are listed, proposes a call as its API would, reads the answer. */
const MODELS = {
  chat: {
    nameOf: (tool: Tool) => tool.function!.name,
    propose: (name: string) => ({
      id: 'call_1',
      type: 'function',
      index: 0,
      function: { name, arguments: ARGUMENTS },
    }),
    textOf: (answer: { content: string }) => answer.content.split('\n')[0],
    check: (answer: object, name: string) => {
      const { content: _content, ...rest } = answer as { content: string };
      assert.deepEqual(rest, { role: 'tool', tool_call_id: 'call_1', name });
    },
  },
  responses: {
    nameOf: (tool: Tool) => tool.name!,
    propose: (name: string) => ({
      type: 'function_call',
      id: 'fc_1',
      call_id: 'call_1',
      name,
      arguments: ARGUMENTS,
    }),
    textOf: (answer: { output: string }) => answer.output.split('\n')[0],
    check: (answer: object) => {
      const { output: _output, ...rest } = answer as { output: string };
      assert.deepEqual(rest, { type: 'function_call_output', call_id: 'call_1' });
    },
  },
  anthropic: {
    nameOf: (tool: Tool) => tool.name!,
    propose: (name: string) =>
      `{"type":"tool_use","id":"call_1","name":"${name}","input":${ARGUMENTS}}`,
    textOf: (answer: { content: [{ text: string }] }) => answer.content[0].text,
    check: (answer: object) => {
      const { content: _content, ...rest } = answer as { content: object[] };
      assert.deepEqual(rest, { type: 'tool_result', tool_use_id: 'call_1', is_error: false });
    },
  },
  mcp: {
    nameOf: (tool: Tool) => tool.name!,
    propose: (name: string) => `{"name":"${name}","arguments":${ARGUMENTS}}`,
    textOf: (answer: { content: [{ text: string }] }) => answer.content[0].text,
    check: (answer: object) => assert.ok('structuredContent' in answer),
  },
} as const;

for (const [format, model] of Object.entries(MODELS)) {
  test(`the whole loop in the format ${format}`, async () => {
    await using gateway = await start();
    const rest = restOf(gateway.base, await makeKey(gateway, 'agent', { execute: true }));
    const list = await rest('GET', `/v1/mcp/tools?format=${format}`);
    const names = (list.json.tools as Tool[]).map(model.nameOf);
    const name = names.find((one) => one.endsWith('echo'))!;
    const answer = await rest('POST', '/v1/mcp/tool/execute', model.propose(name));
    assert.equal(answer.status, 200, answer.raw);
    model.check(answer.json, name);
    // What the tool got, and what came of it, has every digit.
    assert.equal(model.textOf(answer.json), ARGUMENTS);
  });
}

test('without the right to execute the call waits, and is claimed by its id or by being made again', async () => {
  await using gateway = await start();
  const admin = await adminOf(gateway);
  const agent = restOf(gateway.base, await makeKey(gateway, 'agent'));
  for (const again of ['approvalId', 'same'] as const) {
    const body = {
      id: 'c',
      type: 'function',
      function: { name: 'up__count', arguments: `{"key":"${again}"}` },
    };
    const waiting = await agent('POST', '/v1/mcp/tool/execute', body);
    assert.equal(waiting.status, 202, waiting.raw);
    const { id, status, url } = waiting.json.approval;
    assert.equal(status, 'pending');
    assert.equal(url, `${gateway.base}/approvals/${id}`);
    const same = await agent('POST', '/v1/mcp/tool/execute', body);
    assert.equal(same.json.approval.id, id);
    assert.equal((await agent('POST', '/v1/mcp/tool/execute', { approvalId: id })).status, 202);
    const shown = await admin('GET', `/v1/mcp/approvals/${id}`);
    assert.equal(shown.json.approval.arguments, `  key: "${again}"`);
    const approved = await admin('POST', `/v1/mcp/approvals/${id}/approve`);
    assert.equal(approved.json.approval.status, 'approved', approved.raw);
    assert.equal((await admin('POST', `/v1/mcp/approvals/${id}/deny`)).status, 409);
    const claim = again === 'same' ? body : { approvalId: id, format: 'chat', id: 'c' };
    const done = await agent('POST', '/v1/mcp/tool/execute', claim);
    assert.equal(done.status, 200, done.raw);
    assert.equal(done.json.tool_call_id, 'c');
    assert.equal((await agent('POST', '/v1/mcp/tool/execute', { approvalId: id })).status, 409);
    const listed = await agent('GET', '/v1/mcp/approvals?status=done');
    assert.deepEqual(listed.json.approvals.map((one: { id: string }) => one.id).includes(id), true);
  }
});

test('denied, expired, unknown and foreign approvals each have their status', async () => {
  await using gateway = await startGateway({
    servers: { up: { ...program('echo.ts'), ...ask } },
    config: { approvals: { expirySeconds: 1 } },
  });
  const admin = await adminOf(gateway);
  const agent = restOf(gateway.base, await makeKey(gateway, 'agent'));
  const other = restOf(gateway.base, await makeKey(gateway, 'other'));
  const call = { name: 'up__echo', arguments: { a: 1 } };
  const { id } = (await agent('POST', '/v1/mcp/tool/execute', call)).json.approval;
  const foreign = await other('POST', '/v1/mcp/tool/execute', { approvalId: id });
  const unknown = await other('POST', '/v1/mcp/tool/execute', {
    approvalId: 'ap_AAAAAAAAAAAAAAAA',
  });
  assert.deepEqual([foreign.status, unknown.status], [404, 404]);
  assert.equal(foreign.json.code, unknown.json.code);
  assert.equal((await other('GET', `/v1/mcp/approvals/${id}`)).status, 404);
  await admin('POST', `/v1/mcp/approvals/${id}/deny`);
  assert.equal((await agent('POST', '/v1/mcp/tool/execute', { approvalId: id })).status, 403);
  const second = (await agent('POST', '/v1/mcp/tool/execute', call)).json.approval;
  while (Date.now() < Date.parse(second.expiresAt)) await new Promise(setImmediate);
  assert.equal(
    (await agent('POST', '/v1/mcp/tool/execute', { approvalId: second.id })).status,
    410,
  );
  assert.equal((await admin('POST', `/v1/mcp/approvals/${second.id}/approve`)).status, 410);
});

test('unknown and forbidden tools read alike; other failures have their own status', async () => {
  await using gateway = await startGateway({
    servers: { up: { ...program('echo.ts'), ...ask, timeoutSeconds: 1 } },
    gateway: { maxRequestBytes: 65_536 },
  });
  const agent = restOf(
    gateway.base,
    await makeKey(gateway, 'agent', { execute: true, tools: ['up/echo', 'up/delay', 'up/exit'] }),
  );
  const run = (name: string, args: object = {}) =>
    agent('POST', '/v1/mcp/tool/execute', { name, arguments: args });
  const [missing, forbidden] = [await run('up__nowhere'), await run('up__count')];
  assert.deepEqual([missing.status, forbidden.status], [404, 404]);
  assert.equal(missing.raw.replaceAll('nowhere', 'X'), forbidden.raw.replaceAll('count', 'X'));
  assert.equal((await run('up__delay', { ms: 5_000 })).status, 504);
  assert.equal((await run('up__exit')).status, 502);
  assert.equal((await run('up__echo', { filler: 'x'.repeat(70_000) })).status, 413);
  for (const [body, code] of [
    ['{', 'JSON_INVALID'],
    ['[]', 'PARAMS_INVALID'],
    ['{}', 'PARAMS_INVALID'],
    ['{"name":"up__echo","name":"up__exit"}', 'REQUEST_INVALID'],
    ['{"name":"up__echo","arguments":"[1]"}', 'PARAMS_INVALID'],
    ['{"name":"up__echo","arguments":"{\\"a\\":1,\\"a\\":2}"}', 'REQUEST_INVALID'],
    ['{"name":"up__echo","format":"xml"}', 'PARAMS_INVALID'],
    ['{"function":"up__echo"}', 'PARAMS_INVALID'],
  ] as const) {
    const refused = await agent('POST', '/v1/mcp/tool/execute', body);
    assert.deepEqual([refused.status, refused.json?.code], [400, code], body);
  }
});

test('an application that leaves finds the result of its approved call waiting', async () => {
  await using gateway = await start();
  const admin = await adminOf(gateway);
  const key = await makeKey(gateway, 'agent');
  const agent = restOf(gateway.base, key);
  const call = { name: 'up__delay', arguments: { ms: 300, key: 'once' } };
  const { id } = (await agent('POST', '/v1/mcp/tool/execute', call)).json.approval;
  await admin('POST', `/v1/mcp/approvals/${id}/approve`);
  const stop = new AbortController();
  const leaving = fetch(`${gateway.base}/v1/mcp/tool/execute`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(call),
    signal: stop.signal,
  });
  const status = async () =>
    (await admin('GET', `/v1/mcp/approvals/${id}`)).json.approval.status as string;
  while ((await status()) !== 'claimed') await new Promise(setImmediate);
  stop.abort();
  await assert.rejects(leaving);
  while ((await status()) === 'claimed') await new Promise(setImmediate);
  assert.equal(await status(), 'done');
  const answer = await agent('POST', '/v1/mcp/tool/execute', { approvalId: id });
  assert.equal(answer.status, 200, answer.raw);
  assert.deepEqual(answer.json.structuredContent, { echo: { key: 'once', ms: 300 } });
  assert.equal((await agent('POST', '/v1/mcp/tool/execute', { approvalId: id })).status, 409);
});
