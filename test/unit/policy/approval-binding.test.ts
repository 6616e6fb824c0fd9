// A yes is for exactly one call, once: what differs in anything that matters does not run under it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from '../../support/gateway.ts';
import { makeCall, makeTarget, openRig, principal, resultOf } from './approval-rig.ts';
import type { CallOptions, Rig } from './approval-rig.ts';

const ARGUMENTS =
  '{"path":"/data/caf\u00e9.txt","count":1,"price":2.5,"big":12345678901234567890,"flag":true,"none":null,' +
  '"text":"transfer 100 to A","nested":{"list":[1,2,{"deep":"value"}],"name":"x"}}';

interface Alteration {
  readonly what: string;
  readonly call?: CallOptions;
  readonly server?: string;
  readonly tool?: string;
  readonly judged?: Partial<Rig['judged']>;
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** Each letter, digit and value of the arguments changed, one at a time. */
function oneByte(): Alteration[] {
  const all: Alteration[] = [];
  for (let at = 0; at < ARGUMENTS.length; at++) {
    const char = ARGUMENTS[at]!;
    if (!/[A-Za-z0-9 ./]/.test(char)) continue;
    const others = /[0-9]/.test(char)
      ? [String((Number(char) + 1) % 10)]
      : ['q', char.toUpperCase()];
    for (const other of others) {
      const json = ARGUMENTS.slice(0, at) + other + ARGUMENTS.slice(at + 1);
      if (other !== char && isJson(json))
        all.push({ what: `byte ${at}`, call: { arguments: json } });
    }
  }
  return all;
}

const replaced = (what: string, from: string, to: string): Alteration => {
  assert.ok(ARGUMENTS.includes(from), from);
  return { what, call: { arguments: ARGUMENTS.replace(from, to) } };
};

const ALTERATIONS: readonly Alteration[] = [
  replaced('1 as 1.0', '"count":1,', '"count":1.0,'),
  replaced('1 as 1e0', '"count":1,', '"count":1e0,'),
  replaced('1 as "1"', '"count":1,', '"count":"1",'),
  replaced('1 as true', '"count":1,', '"count":true,'),
  replaced('2.5 as 2.50', '2.5', '2.50'),
  replaced('2.5 as 25e-1', '2.5', '25e-1'),
  replaced('a number beyond a double', '12345678901234567890', '12345678901234567891'),
  replaced('the number that a double makes of it', '12345678901234567890', '12345678901234567000'),
  replaced('null as absent', '"none":null,', ''),
  replaced('null as ""', 'null', '""'),
  replaced('true as 1', 'true', '1'),
  replaced('NFD for NFC', 'caf\u00e9', 'cafe\u0301'),
  replaced('a look-alike', 'to A', 'to \u0410'),
  replaced('a full-width letter', 'to A', 'to \uff21'),
  replaced('a zero-width space', 'to A', 'to \u200bA'),
  replaced('a space at the end', 'to A"', 'to A "'),
  replaced('another space', 'transfer 100', 'transfer\u00a0100'),
  replaced('other case', 'transfer', 'Transfer'),
  replaced('another order of a list', '[1,2,', '[2,1,'),
  replaced('one more element', '[1,2,', '[1,2,2,'),
  replaced('one more member', '"name":"x"', '"name":"x","y":0'),
  replaced('a renamed member', '"path"', '"Path"'),
  replaced('a member twice', '"count":1,', '"count":1,"count":1,'),
  replaced('a list for its element', '"x"', '["x"]'),
  { what: 'no arguments', call: { arguments: '{}' } },
  { what: 'another key', call: { principal: principal('bob') } },
  { what: 'another server', server: 'other' },
  { what: 'another tool', tool: 'delete' },
  { what: 'another definition', judged: { definitionHash: 'd2' } },
  { what: 'other rules', judged: { hash: 'r2' } },
  ...oneByte(),
].slice(0, 198);

test('200 altered calls: none runs under the yes, which then still counts for its own call', async () => {
  assert.equal(ALTERATIONS.length, 198);
  await using rig = await openRig();
  const base = { arguments: ARGUMENTS };
  await rig.call(makeCall(base));
  const [approval] = await rig.pending();
  await rig.approvals.decide(approval!.id, 'boss', 'once');
  const { judged } = rig;
  for (const { what, call, server, tool, judged: change } of ALTERATIONS) {
    rig.judged = { ...judged, ...change };
    const result = resultOf(
      await rig.call(makeCall({ ...base, ...call }), makeTarget(server, tool)),
    );
    assert.equal(result.isError, true, what);
    assert.equal(rig.ran.length, 0, what);
  }
  rig.judged = judged;
  const same = ARGUMENTS.replace('"count":1,', '')
    .replace('{"path"', '{ "count" :\t1,\n"path"')
    .replace('[1,2,', '[ 1 , 2,');
  await rig.call(makeCall({ arguments: same }));
  assert.equal(rig.ran.length, 1, 'key order and white space alone');
  await rig.call(makeCall(base));
  assert.equal(rig.ran.length, 1, 'used');
});

test('an expired yes runs nothing', async () => {
  let now = 1_000_000;
  await using rig = await openRig({ now: () => now, expiryMs: 1_000 });
  await rig.call(makeCall());
  const [approval] = await rig.pending();
  await rig.approvals.decide(approval!.id, 'boss', 'once');
  now += 1_000;
  await rig.call(makeCall());
  assert.equal(rig.ran.length, 0);
  assert.equal((await rig.approvals.get(approval!.id))?.status, 'expired');
  await assert.rejects(rig.approvals.decide(approval!.id, 'boss', 'once'), {
    code: 'APPROVAL_EXPIRED',
  });
  await assert.rejects(rig.approvals.claim({ ...approval!, status: 'approved' }), {
    code: 'APPROVAL_EXPIRED',
  });
});

test('a decision counts once, and escapes are only spelling', async () => {
  await using rig = await openRig();
  await rig.call(makeCall({ arguments: '{"path":"a\\u002etxt"}' }));
  const [approval] = await rig.pending();
  await rig.approvals.decide(approval!.id, 'boss', 'no');
  for (const answer of ['once', 'no', 'always'] as const) {
    await assert.rejects(rig.approvals.decide(approval!.id, 'boss', answer), {
      code: 'APPROVAL_DECIDED',
    });
  }
  await assert.rejects(rig.approvals.decide('ap_none', 'boss', 'once'), {
    code: 'APPROVAL_NOT_FOUND',
  });
  // A new proposal: the no was for the first.
  await rig.call(makeCall({ arguments: '{"path":"a.txt"}' }));
  const [again] = await rig.pending();
  assert.notEqual(again!.id, approval!.id);
  assert.equal(again!.argumentsDigest, approval!.argumentsDigest);
  assert.equal(rig.ran.length, 0);
});

test('two claimers at once: one run each time, and both get its result', async () => {
  await using rig = await openRig();
  const races = count(1_000, 100);
  let runs = 0;
  rig.next = rig.next.bind(rig);
  for (let race = 0; race < races; race++) {
    const json = `{"race":${race}}`;
    await rig.call(makeCall({ arguments: json }));
    const [approval] = await rig.pending();
    await rig.approvals.decide(approval!.id, 'boss', 'once');
    const results = await Promise.all([
      rig.call(makeCall({ arguments: json })),
      rig.call(makeCall({ arguments: json })),
    ]);
    runs++;
    assert.equal(rig.ran.length, runs);
    for (const result of results) assert.equal(resultOf(result).content[0].text, 'written');
  }
});

test('two claimers with a view of their own: the row is the referee', async () => {
  await using rig = await openRig();
  for (let race = 0; race < count(1_000, 50); race++) {
    await rig.call(makeCall({ arguments: `{"race":${race}}` }));
    const [approval] = await rig.pending();
    await rig.approvals.decide(approval!.id, 'boss', 'once');
    const approved = { ...approval!, status: 'approved' as const };
    const other = rig.restarted();
    const claims = await Promise.allSettled([rig.approvals.claim(approved), other.claim(approved)]);
    assert.equal(claims.filter(({ status }) => status === 'fulfilled').length, 1);
  }
});

test('two equal calls at once make one proposal, and one decision settles both', async () => {
  await using rig = await openRig();
  rig.waitMs = 30_000;
  const created = rig.event('created');
  const both = [rig.call(makeCall()), rig.call(makeCall())];
  await rig.approvals.decide(await created, 'boss', 'once');
  for (const result of await Promise.all(both))
    assert.equal(resultOf(result).content[0].text, 'written');
  assert.equal(rig.ran.length, 1);
  assert.equal((await rig.approvals.list({})).length, 1);
});

test('a standing yes is bound to the definition, ends with its hour, and can be revoked', async () => {
  let now = 1_000_000;
  await using rig = await openRig({ now: () => now });
  const { judged } = rig;
  await rig.call(makeCall());
  await rig.approvals.decide((await rig.pending())[0]!.id, 'boss', 'hour');
  const runs = async (call = makeCall({ arguments: `{"n":${Math.random()}}` })) => {
    const before = rig.ran.length;
    await rig.call(call);
    return rig.ran.length > before;
  };
  assert.equal(await runs(), true);
  rig.judged = { ...judged, hash: 'other rules' };
  assert.equal(await runs(), true);
  rig.judged = { ...judged, definitionHash: 'd2' };
  assert.equal(await runs(), false);
  rig.judged = { ...judged, mode: 'review' };
  assert.equal(await runs(), false);
  rig.judged = judged;
  assert.equal(await runs(makeCall({ principal: principal('bob') })), false);
  // After a restart too.
  const again = rig.restarted();
  await again.load();
  assert.equal(again.grants.length, 1);
  now += 3_600_000;
  assert.equal(await runs(), false);
  assert.deepEqual(again.grants, []);
  await rig.approvals.decide((await rig.pending())[0]!.id, 'boss', 'always');
  now += 365 * 86_400_000;
  assert.equal(await runs(), true);
  assert.equal(await rig.approvals.revoke(rig.approvals.grants[0]!.id), true);
  assert.equal(await runs(), false);
  assert.equal(await rig.approvals.revoke('gr_none'), false);
});

test('the policy may change while somebody thinks', async () => {
  await using rig = await openRig();
  rig.waitMs = 30_000;
  for (const change of [{ hash: 'r2' }, { definitionHash: 'd2' }]) {
    const before = rig.judged;
    const created = rig.event('created');
    const waiting = rig.call(makeCall({ arguments: JSON.stringify(change) }));
    const id = await created;
    rig.judged = { ...before, ...change };
    await rig.approvals.decide(id, 'boss', 'once');
    await assert.rejects(waiting, { code: 'APPROVAL_EXPIRED' });
    rig.judged = before;
  }
  assert.equal(rig.ran.length, 0);
});

test('a caller in a loop cannot fill the queue', async () => {
  await using rig = await openRig();
  for (let i = 0; i < 205; i++) await rig.call(makeCall({ arguments: `{"i":${i}}` }));
  await rig.call(makeCall({ principal: principal('bob') }));
  const pending = await rig.pending();
  assert.equal(pending.filter((one) => one.principal === 'alice').length, 200);
  assert.equal(pending.filter((one) => one.principal === 'bob').length, 1);
});
