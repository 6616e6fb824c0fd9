// How each kind of caller is asked, and what each answer does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call } from '../../../src/core/call.ts';
import { resultAnswer } from '../../../src/wire/message.ts';
import { parseAt } from '../../../src/wire/json.ts';
import { done, makeCall, makeTarget, openRig, principal, resultOf } from './approval-rig.ts';
import type { Rig } from './approval-rig.ts';

const answered = (answer: string): string =>
  JSON.stringify({ toolgate_approval: { action: 'accept', content: { answer } } });

/** Asks as a modern client that can elicit, and gives back the round that answers. */
async function askModern(rig: Rig, more: object = {}) {
  const result = resultOf(await rig.call(makeCall({ elicits: true, ...more })));
  assert.equal(result.resultType, 'input_required');
  const state = result.requestState as string;
  const round = (responses: string, requestState = state) =>
    makeCall({
      elicits: true,
      more: `"inputResponses":${responses},"requestState":${JSON.stringify(requestState)}`,
      ...more,
    });
  return { result, state, round };
}

test('auto runs at once, and no other method is asked for', async () => {
  await using rig = await openRig();
  rig.judged = { ...rig.judged, mode: 'auto' };
  const call = makeCall();
  await rig.call(call);
  assert.equal(rig.ran[0], call);
  assert.deepEqual(await rig.pending(), []);
});

test('a modern client is asked by input_required, and its yes runs the call without the round', async () => {
  await using rig = await openRig();
  const { result, round } = await askModern(rig);
  const { method, params } = result.inputRequests.toolgate_approval;
  assert.equal(method, 'elicitation/create');
  assert.match(params.message, /Allow "write" of server "files" to run for alice\?/);
  assert.match(params.message, /Writes a file\./);
  assert.match(params.message, /path: "a\.txt"/);
  assert.match(params.message, /To run it unasked: "autoExecute"/);
  assert.deepEqual(params.requestedSchema.properties.answer.enum, ['once', 'hour', 'always', 'no']);
  assert.equal(rig.ran.length, 0);
  const final = resultOf(await rig.call(round(answered('once'))));
  assert.equal(final.content[0].text, 'written');
  const sent = parseAt(rig.ran[0]!.message.bytes, rig.ran[0]!.message.params!);
  assert.deepEqual(sent, { name: 'files__write', arguments: { path: 'a.txt' } });
});

for (const [answer, grants] of [
  ['hour', 1],
  ['always', 1],
  ['once', 0],
] as const) {
  test(`the answer "${answer}" leaves ${grants} standing yes`, async () => {
    await using rig = await openRig();
    const { round } = await askModern(rig);
    await rig.call(round(answered(answer)));
    assert.equal(rig.approvals.grants.length, grants);
    assert.equal(rig.ran.length, 1);
    // Other arguments: covered by a standing yes alone.
    const other = resultOf(await rig.call(makeCall({ elicits: true, arguments: '{"path":"b"}' })));
    assert.equal(other.resultType, grants === 1 ? 'complete' : 'input_required');
  });
}

test('no, and closing the dialog, run nothing', async () => {
  await using rig = await openRig();
  for (const [responses, text] of [
    [answered('no'), /was denied/],
    ['{"toolgate_approval":{"action":"decline"}}', /was denied/],
    ['{"toolgate_approval":{"action":"cancel"}}', /needs approval and has not run/],
    ['{"toolgate_approval":{"action":"accept","content":{}}}', /needs approval/],
    ['{"toolgate_approval":{"action":"accept","content":{"answer":"yes"}}}', /needs approval/],
  ] as const) {
    const { round } = await askModern(rig);
    const result = resultOf(await rig.call(round(responses)));
    assert.equal(result.isError, true);
    assert.match(result.content[0].text, text);
  }
  assert.equal(rig.ran.length, 0);
});

test('an answer without the state of its question is none', async () => {
  await using rig = await openRig();
  const result = resultOf(
    await rig.call(makeCall({ elicits: true, more: `"inputResponses":${answered('once')}` })),
  );
  assert.equal(result.resultType, 'input_required');
  assert.equal(rig.ran.length, 0);
});

test('a yes given elsewhere while the dialog is open counts, and the round does not reach the server', async () => {
  await using rig = await openRig();
  const { round } = await askModern(rig);
  const [approval] = await rig.pending();
  await rig.approvals.decide(approval!.id, 'boss', 'once');
  await rig.call(round('{"toolgate_approval":{"action":"cancel"}}'));
  const params = parseAt(rig.ran[0]!.message.bytes, rig.ran[0]!.message.params!) as object;
  assert.deepEqual(Object.keys(params).sort(), ['arguments', 'name']);
});

for (const [what, change] of [
  ['auto', (rig: Rig) => void (rig.judged = { ...rig.judged, mode: 'auto' })],
  [
    'granted',
    async (rig: Rig) => rig.approvals.decide((await rig.pending())[0]!.id, 'boss', 'always'),
  ],
] as const) {
  test(`a tool that is ${what} by the time of the answer runs without the round`, async () => {
    await using rig = await openRig();
    const { round } = await askModern(rig);
    await change(rig);
    await rig.call(round(answered('no')));
    const params = parseAt(rig.ran[0]!.message.bytes, rig.ran[0]!.message.params!) as object;
    assert.deepEqual(Object.keys(params).sort(), ['arguments', 'name']);
  });
}

const legacy = (ask: Call['ask'], more: object = {}) =>
  makeCall({ era: 'legacy', elicits: true, ask, ...more });

test('a legacy client is asked live', async () => {
  await using rig = await openRig();
  let asked: unknown;
  const call = legacy((method, params) => {
    asked = [method, Object.keys(params)];
    return Promise.resolve(resultAnswer('{"action":"accept","content":{"answer":"once"}}'));
  });
  const result = resultOf(await rig.call(call));
  assert.deepEqual(asked, ['elicitation/create', ['mode', 'message', 'requestedSchema']]);
  assert.equal(result.content[0].text, 'written');
  const [approval] = await rig.approvals.list({});
  assert.equal(approval!.decidedBy, 'client of alice');
  assert.equal(approval!.status, 'done');
});

test('a live question ends when somebody else has decided', async () => {
  await using rig = await openRig();
  let signal: AbortSignal | undefined;
  const waiting = rig.call(
    legacy((_method, _params, one) => {
      signal = one;
      return new Promise((_resolve, reject) =>
        one.addEventListener('abort', () => reject(new Error('x'))),
      );
    }),
  );
  const id = await rig.event('created');
  await rig.approvals.decide(id, 'boss', 'no');
  assert.match(resultOf(await waiting).content[0].text, /was denied/);
  assert.equal(signal?.aborted, true);
});

test('a client that cannot be asked after all is held', async () => {
  await using rig = await openRig();
  rig.waitMs = 30_000;
  const created = rig.event('created');
  const waiting = rig.call(legacy(() => Promise.reject(new Error('no stream'))));
  await rig.approvals.decide(await created, 'boss', 'once');
  assert.equal(resultOf(await waiting).content[0].text, 'written');
});

test('a held call runs when the yes comes, and hears progress until then', async () => {
  await using rig = await openRig();
  rig.waitMs = 30_000;
  const heard: unknown[] = [];
  const created = rig.event('created');
  const waiting = rig.call(
    makeCall({
      more: '"_meta":{"progressToken":"p"}',
      onNotification: ({ bytes, params }) => heard.push(parseAt(bytes, params!)),
    }),
  );
  await rig.approvals.decide(await created, 'boss', 'once');
  assert.equal(resultOf(await waiting).content[0].text, 'written');
  assert.deepEqual(heard, [
    { progressToken: 'p', progress: 1e-6, message: 'Waiting for approval' },
  ]);
});

test('a held call that is not decided in time says how to go on; the same call then claims the yes', async () => {
  await using rig = await openRig();
  rig.waitMs = 5;
  const result = resultOf(await rig.call(makeCall()));
  const [approval] = await rig.pending();
  assert.equal(result.isError, true);
  assert.match(result.content[0].text, new RegExp(`toolgate approvals approve ${approval!.id}`));
  assert.match(result.content[0].text, /"write" on server "files"/);
  assert.match(result.content[0].text, /call again unchanged/);
  assert.deepEqual(result.structuredContent.approval, {
    id: approval!.id,
    status: 'pending',
    server: 'files',
    tool: 'write',
    mode: 'ask',
    expiresAt: new Date(approval!.expiresAt).toISOString(),
    url: `http://127.0.0.1:8931/approvals/${approval!.id}`,
  });
  await rig.approvals.decide(approval!.id, 'boss', 'once');
  assert.equal(rig.ran.length, 0);
  assert.equal(resultOf(await rig.call(makeCall())).content[0].text, 'written');
  assert.equal(rig.ran.length, 1);
});

test('a review is never asked of its own caller, nor run by its right to execute, nor granted', async () => {
  await using rig = await openRig();
  rig.judged = { ...rig.judged, mode: 'review' };
  const asked: string[] = [];
  const ask: Call['ask'] = (method) => {
    asked.push(method);
    return Promise.reject(new Error('no'));
  };
  assert.match(resultOf(await rig.call(legacy(ask))).content[0].text, /needs approval/);
  assert.match(
    resultOf(await rig.call(makeCall({ elicits: true }))).content[0].text,
    /needs approval/,
  );
  const executor = principal('alice', { execute: true });
  await assert.rejects(rig.call(makeCall({ door: 'rest', principal: executor })), {
    code: 'APPROVAL_PENDING',
  });
  assert.deepEqual(asked, []);
  const [approval] = await rig.pending();
  await rig.approvals.decide(approval!.id, 'boss', 'always');
  assert.deepEqual(rig.approvals.grants, []);
  await rig.call(makeCall());
  assert.equal(rig.ran.length, 1);
});

test('over REST the right to execute is the yes; without it the call waits', async () => {
  await using rig = await openRig();
  const call = makeCall({ door: 'rest' });
  await assert.rejects(rig.call(call), { code: 'APPROVAL_PENDING' });
  assert.equal(rig.ran.length, 0);
  const executor = principal('bob', { execute: true });
  await rig.call(makeCall({ door: 'rest', principal: executor }));
  assert.equal(rig.ran.length, 1);
  // Over MCP the same right is none: its host asks a person.
  const result = resultOf(await rig.call(makeCall({ principal: executor })));
  assert.equal(result.structuredContent.approval.status, 'pending');
});

test('a caller that cancels while it waits does not use up the yes', async () => {
  await using rig = await openRig();
  rig.waitMs = 30_000;
  const cancel = new AbortController();
  const created = rig.event('created');
  const waiting = rig.call(makeCall({ signal: cancel.signal }));
  const id = await created;
  cancel.abort();
  await waiting;
  await rig.approvals.decide(id, 'boss', 'once');
  assert.equal(rig.ran.length, 0);
  await rig.call(makeCall());
  assert.equal(rig.ran.length, 1);
});

test('what is shown hides secrets and reveals what cannot be seen', async () => {
  await using rig = await openRig();
  const json = JSON.stringify({
    path: 'a\u202eb',
    auth: { api_key: 'sk-12345' },
    Password: 'hunter2',
    list: [1.5],
  });
  const { result } = await askModern(rig, { arguments: json.replace('1.5', '1.50') });
  const { message } = result.inputRequests.toolgate_approval.params;
  assert.match(message, /path: "a\\u\{202e\}b"/);
  assert.match(message, /api_key: \[hidden\]/);
  assert.match(message, /Password: \[hidden\]/);
  assert.match(message, /list: \[1\.50\]/);
  assert.doesNotMatch(message, /sk-12345|hunter2/);
  const [approval] = await rig.pending();
  assert.doesNotMatch(JSON.stringify(approval), /sk-12345|hunter2/);
});

test('the target names the tool, whatever name the caller used', async () => {
  await using rig = await openRig();
  await rig.call(makeCall({ name: 'write' }), makeTarget());
  const [approval] = await rig.pending();
  assert.equal(approval!.exposed, 'files__write');
  assert.equal(approval!.tool, 'write');
  rig.next = () => Promise.resolve(done());
});
