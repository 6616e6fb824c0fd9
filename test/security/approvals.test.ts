// An agent that holds only its host's key, and tries every route with it, gets none of its own calls to run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MODERN_VERSION } from '../../src/wire/era.ts';
import { program, startGateway } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';
import { adminOf, makeKey, nextApproval, restOf } from '../support/rest.ts';
import type { Rest } from '../support/rest.ts';

const start = () =>
  startGateway({
    servers: {
      asks: { ...program('echo.ts'), autoExecute: [] },
      reviews: { ...program('echo.ts'), autoExecute: [], modes: { '*': 'review' } },
      free: program('echo.ts'),
    },
    config: { approvals: { waitSeconds: 0 } },
  });

const CALLS = [
  { name: 'asks__count', arguments: { key: 'k' } },
  { name: 'reviews__count', arguments: { key: 'k' } },
];

/** How often the tool has run, asked by somebody who may. */
async function runs(gateway: TestGateway): Promise<number[]> {
  const admin = await adminOf(gateway);
  const counts: number[] = [];
  for (const server of ['asks', 'reviews']) {
    const { json } = await admin('GET', '/v1/mcp/approvals');
    const done = json.approvals.filter(
      (one: { server: string; status: string }) =>
        one.server === server &&
        ['claimed', 'done', 'failed', 'unknown', 'approved'].includes(one.status),
    );
    counts.push(done.length);
  }
  return counts;
}

/** Everything that a request can be tried with against an approval. */
async function attack(rest: Rest, id: string): Promise<void> {
  const answers = [undefined, {}, { answer: 'once' }, { answer: 'always' }, { answer: 'hour' }];
  for (const verb of ['approve', 'deny', 'APPROVE', 'approve/', 'approve?', 'approve/../approve']) {
    for (const answer of answers) {
      for (const method of ['POST', 'GET', 'PATCH', 'DELETE']) {
        const body = method === 'GET' || method === 'DELETE' ? undefined : answer;
        const { status } = await rest(method, `/v1/mcp/approvals/${id}/${verb}`, body);
        assert.ok([403, 404, 400].includes(status), `${method} ${verb} ${status}`);
      }
    }
  }
  for (const headers of [
    { 'x-toolgate-role': 'admin' },
    { 'x-forwarded-user': 'admin' },
    { 'x-http-method-override': 'POST' },
    { cookie: 'toolgate_session=x' },
  ]) {
    const { status } = await rest('POST', `/v1/mcp/approvals/${id}/approve`, {}, headers);
    assert.equal(status, 403);
  }
}

test('the local key and others without rights cannot say yes to their own calls over REST', async () => {
  await using gateway = await start();
  for (const key of [gateway.key, await makeKey(gateway, 'agent')]) {
    const rest = restOf(gateway.base, key);
    for (const call of CALLS) {
      const { status, json } = await rest('POST', '/v1/mcp/tool/execute', call);
      assert.equal(status, 202);
      const { id } = json.approval;
      await attack(rest, id);
      for (const body of [
        { approvalId: id },
        { approvalId: id, answer: 'once' },
        { ...call, approvalId: id },
        { ...call, execute: true },
        { ...call, answer: 'once', approved: true },
      ]) {
        assert.equal((await rest('POST', '/v1/mcp/tool/execute', body)).status, 202);
      }
    }
    // Other routes of those who may.
    for (const [method, path, body] of [
      ['GET', '/v1/mcp/keys'],
      ['POST', '/v1/mcp/keys', { name: 'mine', role: 'admin', tools: ['*'] }],
      ['PATCH', '/v1/mcp/keys/local', { execute: true }],
      ['POST', '/v1/mcp/why', { key: 'local', tool: 'asks__count' }],
    ] as const) {
      assert.equal((await rest(method, path, body)).status, 403);
    }
  }
  assert.deepEqual(await runs(gateway), [0, 0]);
});

test('nor does the page let it', async () => {
  await using gateway = await start();
  const rest = restOf(gateway.base, gateway.key);
  for (const call of CALLS) {
    const { id } = (await rest('POST', '/v1/mcp/tool/execute', call)).json.approval;
    const form = (
      path: string,
      fields: Record<string, string>,
      headers: Record<string, string> = {},
    ) =>
      fetch(`${gateway.base}/approvals/${id}/${path}`, {
        method: 'POST',
        redirect: 'manual',
        headers: { origin: gateway.base, ...headers },
        body: new URLSearchParams(fields),
      });
    assert.equal((await form('decide', { answer: 'once' })).status, 401);
    const signedIn = await form('sign-in', { key: gateway.key });
    assert.equal(signedIn.status, 303);
    const cookie = signedIn.headers.get('set-cookie')!.split(';')[0]!;
    const shown = await (
      await fetch(`${gateway.base}/approvals/${id}`, { headers: { cookie } })
    ).text();
    assert.match(shown, /Somebody else must decide/);
    assert.doesNotMatch(shown, /name="token"/);
    for (const answer of ['once', 'hour', 'always', 'no']) {
      assert.equal((await form('decide', { answer }, { cookie })).status, 403);
      assert.equal((await form('decide', { answer, token: 'x' }, { cookie })).status, 403);
    }
  }
  assert.deepEqual(await runs(gateway), [0, 0]);
});

test('nor does a right to execute, an approver’s role, or an admin’s decide one’s own review', async () => {
  await using gateway = await start();
  const review = CALLS[1]!;
  for (const fields of [
    { execute: true },
    { role: 'approver', execute: true },
    { role: 'admin', execute: true },
  ]) {
    const rest = restOf(gateway.base, await makeKey(gateway, JSON.stringify(fields), fields));
    const { status, json } = await rest('POST', '/v1/mcp/tool/execute', review);
    assert.equal(status, 202);
    assert.equal((await rest('POST', `/v1/mcp/approvals/${json.approval.id}/approve`)).status, 403);
    assert.equal(
      (await rest('POST', '/v1/mcp/tool/execute', { approvalId: json.approval.id })).status,
      202,
    );
  }
  assert.deepEqual(await runs(gateway), [0, 0]);
});

test('an approver decides for its own team and customer alone', async () => {
  await using gateway = await startGateway({
    servers: { asks: { ...program('echo.ts'), autoExecute: [] } },
    config: { customers: { acme: { tools: ['*'] }, other: { tools: ['*'] } } },
  });
  const agent = restOf(gateway.base, await makeKey(gateway, 'agent', { customer: 'acme' }));
  const theirs = restOf(
    gateway.base,
    await makeKey(gateway, 'theirs', { role: 'approver', customer: 'acme' }),
  );
  const foreign = restOf(
    gateway.base,
    await makeKey(gateway, 'foreign', { role: 'approver', customer: 'other' }),
  );
  const { id } = (await agent('POST', '/v1/mcp/tool/execute', CALLS[0])).json.approval;
  for (const path of [`/v1/mcp/approvals/${id}`, '/v1/mcp/approvals/ap_AAAAAAAAAAAAAAAA']) {
    const answer = await foreign('GET', path);
    assert.deepEqual([answer.status, answer.json.code], [404, 'APPROVAL_NOT_FOUND']);
  }
  assert.equal((await foreign('POST', `/v1/mcp/approvals/${id}/approve`)).status, 404);
  assert.deepEqual((await foreign('GET', '/v1/mcp/approvals')).json.approvals, []);
  assert.equal((await theirs('GET', '/v1/mcp/approvals')).json.approvals.length, 1);
  assert.equal(
    (await theirs('POST', `/v1/mcp/approvals/${id}/approve`, { answer: 'always' })).status,
    200,
  );
  const { grants } = (await agent('GET', '/v1/mcp/grants')).json;
  assert.equal(grants.length, 1);
  assert.deepEqual((await foreign('GET', '/v1/mcp/grants')).json.grants, []);
  assert.equal((await foreign('DELETE', `/v1/mcp/grants/${grants[0].id}`)).status, 404);
  assert.equal((await agent('DELETE', `/v1/mcp/grants/${grants[0].id}`)).status, 204);
  assert.equal((await agent('DELETE', `/v1/mcp/grants/${grants[0].id}`)).status, 404);
});

test('a GET decides nothing, and no secret is told', async () => {
  await using gateway = await start();
  const admin = await adminOf(gateway);
  const rest = restOf(gateway.base, gateway.key);
  const secret = 'sk-canary-0123456789';
  const watch = await nextApproval(gateway);
  const call = { name: 'asks__echo', arguments: { password: secret, path: 'a\u202eb' } };
  const { id } = (await rest('POST', '/v1/mcp/tool/execute', call)).json.approval;
  assert.equal(await watch.id, id);
  watch.close();
  for (const path of ['', `/${id}`, `/${id}/approve`, `/${id}/deny`, '?status=pending']) {
    const { raw } = await admin('GET', `/v1/mcp/approvals${path}`);
    assert.doesNotMatch(raw, /canary/);
  }
  const { json } = await admin('GET', `/v1/mcp/approvals/${id}`);
  assert.equal(json.approval.status, 'pending');
  assert.match(json.approval.arguments, /password: \[hidden\]/);
  assert.match(json.approval.arguments, /a\\u\{202e\}b/);
});

test('a key that is revoked hears no more of the queue', async () => {
  await using gateway = await start();
  const admin = await adminOf(gateway);
  const key = await makeKey(gateway, 'watcher', { role: 'approver' });
  const response = await fetch(`${gateway.base}/v1/mcp/approvals/events`, {
    headers: { authorization: `Bearer ${key}` },
  });
  const reader = response.body!.getReader();
  await reader.read();
  const { keys } = (await admin('GET', '/v1/mcp/keys')).json;
  const { id } = keys.find((one: { name: string }) => one.name === 'watcher');
  await admin('DELETE', `/v1/mcp/keys/${id}`);
  await assert.rejects(async () => {
    for (;;) if ((await reader.read()).done) throw new Error('ended');
  });
});

test('a modern client that declares nothing, and one that makes up an answer, run nothing', async () => {
  await using gateway = await start();
  const call = (params: object) =>
    fetch(gateway.url, {
      method: 'POST',
      headers: {
        ...gateway.headers,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': MODERN_VERSION,
        'mcp-method': 'tools/call',
        'mcp-name': 'reviews__count',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: {
          ...CALLS[1],
          ...params,
          _meta: {
            'io.modelcontextprotocol/protocolVersion': MODERN_VERSION,
            'io.modelcontextprotocol/clientInfo': { name: 'x', version: '1' },
            'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
          },
        },
      }),
    });
  const yes = { toolgate_approval: { action: 'accept', content: { answer: 'always' } } };
  for (const params of [
    {},
    { inputResponses: yes },
    { inputResponses: yes, requestState: 'tg1.x' },
  ]) {
    const text = await (await call(params)).text();
    assert.match(text, /needs approval|requestState/, text);
  }
  assert.deepEqual(await runs(gateway), [0, 0]);
});
