// What becomes of an approved call that ends badly, whose caller leaves, or whose server asks something.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call, Message } from '../../../src/core/call.ts';
import { GatewayError } from '../../../src/core/errors.ts';
import { readMessage, readParams, resultAnswer } from '../../../src/wire/message.ts';
import { valueOf } from '../../../src/wire/json.ts';
import { done, makeCall, openRig, principal, resultOf } from './approval-rig.ts';
import type { CallOptions, Rig } from './approval-rig.ts';

/** A call that has its yes and is not yet made again. */
async function approve(rig: Rig, options: CallOptions = {}): Promise<string> {
  await rig.call(makeCall(options));
  const [approval] = await rig.pending();
  await rig.approvals.decide(approval!.id, 'boss', 'once');
  return approval!.id;
}

const statusOf = async (rig: Rig, id: string) => (await rig.approvals.get(id))?.status;

test('the result for a caller that has gone is kept, and given once', async () => {
  await using rig = await openRig();
  for (const era of ['legacy', 'modern'] as const) {
    const options = { era, arguments: `{"era":"${era}"}` };
    const id = await approve(rig, options);
    const before = rig.ran.length;
    let isHere = true;
    rig.next = () => {
      isHere = false;
      return Promise.resolve(done('late'));
    };
    await rig.call(makeCall({ ...options, isGone: () => !isHere }));
    assert.equal(rig.ran.length, before + 1);
    const row = await rig.storage.approvals.get(id);
    assert.equal(row?.status, 'done');
    assert.doesNotMatch(row.result!, /late/);
    // Also after a restart.
    const again = rig.restarted();
    await again.load();
    assert.equal(again.find(row)?.id, id);
    assert.equal(resultOf(await rig.call(makeCall(options))).content[0].text, 'late');
    assert.equal(rig.ran.length, before + 1);
    const anew = resultOf(await rig.call(makeCall(options)));
    assert.equal(anew.structuredContent.approval.status, 'pending');
    assert.notEqual(anew.structuredContent.approval.id, id);
  }
});

test('a kept result is given in the era of who asks for it', async () => {
  await using rig = await openRig();
  await approve(rig);
  await rig.call(makeCall({ isGone: () => true }));
  const result = resultOf(await rig.call(makeCall({ era: 'legacy' })));
  assert.deepEqual(result, { content: [{ type: 'text', text: 'written' }] });
});

test('a yes given after the host gave up: one run, and the repeated call gets its result', async () => {
  await using rig = await openRig();
  rig.waitMs = 30_000;
  let isGone = false;
  const created = rig.event('created');
  const finished = rig.event('finished');
  const held = rig.call(makeCall({ era: 'legacy', isGone: () => isGone }));
  const id = await created;
  isGone = true;
  await rig.approvals.decide(id, 'boss', 'once');
  await finished;
  await held;
  assert.equal(resultOf(await rig.call(makeCall({ era: 'legacy' }))).content[0].text, 'written');
  assert.equal(rig.ran.length, 1);
});

test('the run goes on when its caller cancels, and who repeats the call meanwhile waits for it', async () => {
  await using rig = await openRig();
  await approve(rig);
  const cancel = new AbortController();
  const answer = Promise.withResolvers<Message>();
  const started = Promise.withResolvers<Call>();
  rig.next = (call) => {
    started.resolve(call);
    return answer.promise;
  };
  const first = rig.call(makeCall({ signal: cancel.signal }));
  const inside = await started.promise;
  cancel.abort();
  assert.equal(inside.signal.aborted, false);
  const second = rig.call(makeCall());
  answer.resolve(done('slow'));
  assert.equal(resultOf(await second).content[0].text, 'slow');
  await first;
  assert.equal(rig.ran.length, 1);
  const [row] = await rig.approvals.list({});
  assert.equal(row!.result, undefined, 'somebody heard it');
});

for (const [code, status] of [
  ['UPSTREAM_DOWN', 'failed'],
  ['UPSTREAM_LOST', 'unknown'],
  ['UPSTREAM_TIMEOUT', 'unknown'],
  ['INTERNAL', 'unknown'],
] as const) {
  test(`after ${code} the approval is ${status} and the yes is used`, async () => {
    await using rig = await openRig();
    const id = await approve(rig);
    rig.next = () => Promise.reject(new GatewayError(code, 'x'));
    await assert.rejects(rig.call(makeCall()), { code });
    assert.equal(await statusOf(rig, id), status);
    await rig.call(makeCall());
    assert.equal(rig.ran.length, 1);
  });
}

test('an error of the server is passed on and ends the approval', async () => {
  await using rig = await openRig();
  const id = await approve(rig);
  rig.next = () =>
    Promise.resolve(
      readMessage(Buffer.from('{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"bad"}}')),
    );
  assert.equal(resultOf(await rig.call(makeCall())).code, -32602);
  assert.equal(await statusOf(rig, id), 'failed');
});

test('a crash between claim and result leaves unknown, which never runs by itself', async () => {
  await using rig = await openRig();
  const id = await approve(rig);
  const approval = (await rig.approvals.get(id))!;
  await rig.approvals.claim(approval);
  // The gateway dies here; another starts over the same rows.
  const after = rig.restarted();
  await after.load();
  assert.equal((await after.get(id))?.status, 'unknown');
  assert.equal(after.find(approval), undefined);
  await assert.rejects(after.claim(approval), { code: 'APPROVAL_DECIDED' });
  await assert.rejects(after.decide(id, 'boss', 'once'), { code: 'APPROVAL_DECIDED' });
  const later = rig.restarted();
  await later.load();
  assert.equal((await later.get(id))?.status, 'unknown');
});

test('a yes that was given outlives the gateway', async () => {
  await using rig = await openRig();
  const id = await approve(rig);
  const after = rig.restarted();
  await after.load();
  assert.equal((await after.get(id))?.status, 'approved');
  assert.equal(after.argumentsOf((await after.get(id))!), '{"path":"a.txt"}');
});

test('a call claimed by another process is not run a second time', async () => {
  await using rig = await openRig();
  const id = await approve(rig);
  await rig.approvals.claim((await rig.approvals.get(id))!);
  await assert.rejects(rig.call(makeCall()), { code: 'APPROVAL_UNKNOWN' });
  assert.equal(rig.ran.length, 0);
});

// An odd spelling, to see that it comes back letter by letter.
const STATE = '"up\\u0073tream \\/ \\ud800 é"';
const question = (state = STATE) =>
  resultAnswer(
    `{"resultType":"input_required","inputRequests":{"q":{"method":"elicitation/create","params":{"x":1.0}}},"requestState":${state}}`,
  );

const goOn = (state: string, options: CallOptions = {}) =>
  makeCall({
    more: `"inputResponses":{"q":{"action":"accept"}},"requestState":${JSON.stringify(state)}`,
    ...options,
  });

async function askedByServer(rig: Rig, state?: string) {
  const id = await approve(rig);
  rig.next = () => Promise.resolve(question(state));
  const response = await rig.call(makeCall());
  const result = resultOf(response);
  assert.equal(result.resultType, 'input_required');
  assert.match(response.bytes.toString(), /"x":1\.0/);
  return { id, state: result.requestState as string };
}

test("the server's own question passes in an approved call, its state wrapped and unwrapped byte by byte", async () => {
  await using rig = await openRig();
  const { id, state } = await askedByServer(rig);
  assert.doesNotMatch(state, /tream/);
  assert.equal(await statusOf(rig, id), 'claimed');
  rig.next = () => Promise.resolve(question('"second"'));
  const second = resultOf(await rig.call(goOn(state)));
  const sent = rig.ran[1]!.message;
  const span = valueOf(readParams(sent).members, 'requestState')!;
  assert.equal(sent.bytes.toString('utf8', span.start, span.end), STATE);
  rig.next = () => Promise.resolve(done('answered'));
  assert.equal(resultOf(await rig.call(goOn(second.requestState))).content[0].text, 'answered');
  assert.equal(rig.ran.length, 3);
  assert.equal(await statusOf(rig, id), 'done');
});

test('a question without a state goes on without one', async () => {
  await using rig = await openRig();
  await approve(rig);
  rig.next = () =>
    Promise.resolve(resultAnswer('{"resultType":"input_required","inputRequests":{}}'));
  const { requestState } = resultOf(await rig.call(makeCall()));
  rig.next = () => Promise.resolve(done());
  await rig.call(goOn(requestState));
  assert.equal(valueOf(readParams(rig.ran[1]!.message).members, 'requestState'), undefined);
});

test('each round goes on once, whoever sends it again', async () => {
  await using rig = await openRig();
  const { state } = await askedByServer(rig);
  const answer = Promise.withResolvers<Message>();
  rig.next = () => answer.promise;
  const both = [rig.call(goOn(state)), rig.call(goOn(state))];
  answer.resolve(done());
  for (const result of await Promise.all(both))
    assert.equal(resultOf(result).content[0].text, 'written');
  await assert.rejects(rig.call(goOn(state)), { code: 'STATE_INVALID' });
  assert.equal(rig.ran.length, 2);
});

test('who lost the question gets it again by the same call, and the server is not asked anew', async () => {
  await using rig = await openRig();
  await askedByServer(rig);
  const again = resultOf(await rig.call(makeCall()));
  assert.equal(again.resultType, 'input_required');
  assert.equal(rig.ran.length, 1);
  rig.next = () => Promise.resolve(done());
  await rig.call(goOn(again.requestState));
  assert.equal(rig.ran.length, 2);
});

test('a state that was altered, is of another key, tool, argument or gateway, or has expired, is refused', async (t) => {
  await using rig = await openRig();
  const { state } = await askedByServer(rig);
  rig.next = () => Promise.resolve(done());
  const refused = { code: 'STATE_INVALID' };
  for (let at = 4; at < state.length; at += Math.ceil(state.length / 64)) {
    const other = state[at] === 'A' ? 'B' : 'A';
    await assert.rejects(
      rig.call(goOn(state.slice(0, at) + other + state.slice(at + 1))),
      refused,
      `at ${at}`,
    );
  }
  await assert.rejects(rig.call(goOn(state, { principal: principal('bob') })), refused);
  await assert.rejects(rig.call(goOn(state, { name: 'files__other' })), refused);
  await assert.rejects(rig.call(goOn(state, { arguments: '{"path":"b.txt"}' })), refused);
  await assert.rejects(rig.call(goOn(state.slice(0, -8))), refused);
  await using other = await openRig();
  const foreign = await askedByServer(other);
  await assert.rejects(rig.call(goOn(foreign.state)), refused);
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 3_600_001 });
  await assert.rejects(rig.call(goOn(state)), refused);
  assert.equal(rig.ran.length, 1);
});

test('a state of a gateway behind this one passes where no yes is needed', async () => {
  await using rig = await openRig();
  rig.judged = { ...rig.judged, mode: 'auto' };
  await using other = await openRig();
  const { state } = await askedByServer(other);
  const call = goOn(state);
  await rig.call(call);
  assert.equal(rig.ran[0], call);
});
