import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { isGatewayError } from '../../../src/core/errors.ts';
import { createCredential } from '../../../src/identity/credential.ts';
import { createMac } from '../../../src/identity/mac.ts';
import type { Keyring } from '../../../src/identity/virtual-keys.ts';
import { configKey, openTestKeyring } from './keyring.ts';

const HOUR = 3_600_000;
const code = (wanted: string) => (error: unknown) => isGatewayError(error) && error.code === wanted;
const says = (pattern: RegExp) => (error: unknown) =>
  code('CREDENTIAL_INVALID')(error) && pattern.test((error as Error).message);
const refuses = (keyring: Keyring, credential: string, pattern = /unknown/) =>
  assert.throws(() => keyring.authenticate(credential), says(pattern));

test('the MAC is HMAC-SHA-256', () => {
  for (const length of [1, 32, 64]) {
    const key = randomBytes(length);
    for (const text of ['', 'tg_', 'ü'.repeat(300)]) {
      assert.deepEqual(createMac(key)(text), createHmac('sha256', key).update(text).digest());
    }
  }
});

test('a key that was made lets its caller in, allows nothing by itself, and outlives a restart', async () => {
  await using ring = await openTestKeyring();
  const { key, secret } = await ring.keyring.create({ name: 'ci' });
  assert.match(secret, new RegExp(`^tg_${key.id}_[\\w-]{43}$`));
  const principal = ring.keyring.authenticate(secret);
  const allowance = { tools: [], deny: [], prompts: undefined, resources: undefined };
  const place = { team: undefined, customer: undefined, environment: undefined };
  const expected = {
    id: key.id,
    name: 'ci',
    role: 'caller',
    execute: false,
    ...place,
    allowance,
    modes: [],
  };
  assert.deepEqual(principal, expected);
  await using again = await ring.open();
  assert.deepEqual(again.show(key.id), key);
  assert.deepEqual(again.authenticate(secret), principal);
});

test('all that is near a secret is refused alike', async () => {
  await using ring = await openTestKeyring([configKey('cursor', 'a secret of the file, long')]);
  const { key, secret } = await ring.keyring.create({ name: 'ci' });
  const other = createCredential(key.id);
  const wrong = [
    '',
    'tg_',
    key.id,
    secret.slice(0, -1),
    `${secret}x`,
    secret.toUpperCase(),
    other,
    createCredential(),
    'a secret of the file, lon',
    'A secret of the file, long',
    ring.local.slice(0, -1),
    `config:cursor`,
  ];
  const words = new Set<string>();
  for (const credential of wrong) {
    assert.throws(
      () => ring.keyring.authenticate(credential),
      (error) => {
        words.add((error as Error).message);
        return code('CREDENTIAL_INVALID')(error);
      },
    );
  }
  assert.equal(words.size, 1);
});

test('it takes as long to refuse an unknown id as a wrong secret', async () => {
  await using ring = await openTestKeyring();
  const { key } = await ring.keyring.create({ name: 'ci' });
  const probe = (credential: string): number => {
    const startedAt = process.hrtime.bigint();
    try {
      ring.keyring.authenticate(credential);
    } catch {
      return Number(process.hrtime.bigint() - startedAt);
    }
    return assert.fail('let in');
  };
  const times = { known: [] as number[], unknown: [] as number[] };
  for (let i = 0; i < 20_000; i++) {
    times.known.push(probe(createCredential(key.id)));
    times.unknown.push(probe(createCredential()));
  }
  const median = (all: number[]) => all.toSorted((a, b) => a - b)[all.length / 2]!;
  // Most of it is the error that is made; what would show is a MAC that is not computed.
  const ratio = median(times.known) / median(times.unknown);
  assert.ok(ratio > 0.5 && ratio < 2, String(ratio));
});

test('rotation: both secrets count for the overlap, then the new one only', async () => {
  await using ring = await openTestKeyring();
  const { keyring, clock } = ring;
  const { key, secret: first } = await keyring.create({ name: 'ci' });
  const principal = keyring.authenticate(first);
  const { key: rotated, secret: second } = await keyring.rotate(key.id);
  assert.equal(rotated.oldSecretUntil, clock.now() + 24 * HOUR);
  assert.deepEqual(ring.heard(), []);
  for (const secret of [first, second]) assert.equal(keyring.authenticate(secret), principal);
  clock.advance(24 * HOUR - 1);
  assert.equal(keyring.authenticate(first), principal);
  clock.advance(1);
  refuses(keyring, first);
  assert.deepEqual(ring.heard(), [{ id: key.id, ended: true }]);
  assert.equal(keyring.authenticate(second), principal);
  assert.equal(keyring.show(key.id).oldSecretUntil, undefined);
  await using again = await ring.open();
  refuses(again, first);
  assert.ok(again.authenticate(second));
});

test('two rotations within an overlap leave two secrets; no overlap leaves one', async () => {
  await using ring = await openTestKeyring();
  const { keyring } = ring;
  const { key, secret: first } = await keyring.create({ name: 'ci' });
  const { secret: second } = await keyring.rotate(key.id, HOUR);
  const { secret: third } = await keyring.rotate(key.id, HOUR);
  refuses(keyring, first);
  assert.deepEqual(ring.heard(), [{ id: key.id, ended: true }]);
  assert.ok(keyring.authenticate(second) && keyring.authenticate(third));
  const { secret: fourth } = await keyring.rotate(key.id, 0);
  for (const secret of [second, third]) refuses(keyring, secret);
  assert.deepEqual(ring.heard(), [{ id: key.id, ended: true }]);
  assert.ok(keyring.authenticate(fourth));
});

test('expiry ends a key at its time, and says so to who has the secret only', async () => {
  await using ring = await openTestKeyring([
    configKey('file', 'x'.repeat(24), { expiresAt: 1_000_500 }),
  ]);
  const { keyring, clock } = ring;
  const expiresAt = clock.now() + HOUR;
  const { key, secret } = await keyring.create({ name: 'ci', expiresAt });
  clock.advance(500);
  assert.deepEqual(ring.heard(), [{ id: 'config:file', ended: true }]);
  refuses(keyring, 'x'.repeat(24), /"file" has expired/);
  clock.advance(HOUR - 501);
  assert.ok(keyring.authenticate(secret) && keyring.principal(key.id));
  clock.advance(1);
  refuses(keyring, secret, /"ci" has expired/);
  refuses(keyring, createCredential(key.id));
  assert.equal(keyring.principal(key.id), undefined);
  assert.deepEqual(ring.heard(), [{ id: key.id, ended: true }]);
  await keyring.update(key.id, { expiresAt: undefined });
  assert.ok(keyring.authenticate(secret));
  assert.deepEqual(ring.heard(), [{ id: key.id, ended: false }]);
});

test('disabled and revoked keys are refused at once; a revoked one for good', async () => {
  await using ring = await openTestKeyring();
  const { keyring } = ring;
  const { key, secret } = await keyring.create({ name: 'ci' });
  await keyring.update(key.id, { enabled: false });
  refuses(keyring, secret, /disabled/);
  assert.deepEqual(ring.heard(), [{ id: key.id, ended: true }]);
  await keyring.update(key.id, { enabled: true });
  assert.ok(keyring.authenticate(secret));
  await keyring.revoke(key.id);
  refuses(keyring, secret);
  assert.deepEqual(ring.heard().at(-1), { id: key.id, ended: true });
  await assert.rejects(keyring.rotate(key.id), code('KEY_NOT_FOUND'));
  assert.throws(() => keyring.show(key.id), code('KEY_NOT_FOUND'));
  await using again = await ring.open();
  refuses(again, secret);
});

test('the principal stays the same object until something about it changes', async () => {
  const file = configKey('file', 'x'.repeat(24), { modes: [{ tools: 'a/*', mode: 'auto' }] });
  await using ring = await openTestKeyring([file]);
  const { keyring } = ring;
  const { key, secret } = await keyring.create({ name: 'ci', tools: ['files/*'] });
  const principal = keyring.authenticate(secret);
  const ofFile = keyring.authenticate(file.secret);
  await keyring.update(key.id, { notes: 'hello', tools: ['files/*'] });
  keyring.reload([structuredClone(file)]);
  assert.equal(keyring.authenticate(secret), principal);
  assert.equal(keyring.principal(key.id), principal);
  assert.equal(keyring.authenticate(file.secret), ofFile);
  assert.deepEqual(ring.heard(), []);
  await keyring.update(key.id, { tools: ['files/read'] });
  assert.notEqual(keyring.authenticate(secret), principal);
  assert.deepEqual(principal.allowance.tools, ['files/*']);
  keyring.reload([{ ...file, team: 'core' }]);
  assert.equal(keyring.authenticate(file.secret).team, 'core');
  assert.deepEqual(ring.heard(), [
    { id: key.id, ended: false },
    { id: 'config:file', ended: false },
  ]);
});

test('keys of the file: any secret, taken over at a reload, changed in the file only', async () => {
  const long = `${createCredential()} and more ü`;
  await using ring = await openTestKeyring([configKey('a', 'x'.repeat(24)), configKey('b', long)]);
  const { keyring } = ring;
  assert.equal(keyring.authenticate('x'.repeat(24)).id, 'config:a');
  assert.equal(keyring.authenticate(long).id, 'config:b');
  for (const change of [
    () => keyring.update('config:a', { notes: '' }),
    () => keyring.rotate('config:a'),
    () => keyring.revoke('config:a'),
    () => keyring.revoke('local'),
    () => keyring.rotate('admin'),
  ]) {
    await assert.rejects(change, code('KEY_FIXED'));
  }
  keyring.reload([configKey('a', 'y'.repeat(24))]);
  refuses(keyring, 'x'.repeat(24));
  refuses(keyring, long);
  assert.equal(keyring.authenticate('y'.repeat(24)).id, 'config:a');
  assert.deepEqual(ring.heard(), [
    { id: 'config:a', ended: true },
    { id: 'config:b', ended: true },
  ]);
  assert.deepEqual(await ring.stores.keys.load(), []);
});

test('one secret opens one key of the file', async () => {
  const keys = [configKey('a', 'x'.repeat(24)), configKey('b', 'x'.repeat(24), { role: 'admin' })];
  await using ring = await openTestKeyring(keys);
  assert.equal(ring.keyring.authenticate('x'.repeat(24)).name, 'a');
});

test('a name is one key’s, wherever it comes from', async () => {
  await using ring = await openTestKeyring([configKey('file', 'x'.repeat(24))]);
  const { keyring } = ring;
  const { key } = await keyring.create({ name: 'ci' });
  for (const name of ['ci', 'file', 'local', 'admin']) {
    await assert.rejects(keyring.create({ name }), code('KEY_EXISTS'));
  }
  await assert.rejects(keyring.update(key.id, { name: 'file' }), code('KEY_EXISTS'));
  assert.equal((await keyring.update(key.id, { name: 'ci' })).name, 'ci');
  const made = await Promise.allSettled([1, 2, 3].map(() => keyring.create({ name: 'new' })));
  assert.equal(made.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('changes at the same time each start from the one before', async () => {
  await using ring = await openTestKeyring();
  const { key } = await ring.keyring.create({ name: 'ci' });
  await Promise.all([
    ring.keyring.update(key.id, { notes: 'n' }),
    ring.keyring.update(key.id, { team: 't' }),
    ring.keyring.update(key.id, { tools: ['a/*'] }),
  ]);
  const { notes, team, tools } = ring.keyring.show(key.id);
  assert.deepEqual({ notes, team, tools }, { notes: 'n', team: 't', tools: ['a/*'] });
});

test('the two keys of the first start: local may call all and approve nothing', async () => {
  await using ring = await openTestKeyring();
  const { role, execute, allowance } = ring.keyring.authenticate(ring.local);
  assert.deepEqual([role, execute, allowance.tools], ['caller', false, ['*']]);
  assert.equal(ring.keyring.authenticate(ring.admin).role, 'admin');
});

test('the last use is written after a while and at the end', async () => {
  await using ring = await openTestKeyring();
  const { keyring, clock, stores } = ring;
  const { key, secret } = await keyring.create({ name: 'ci' });
  const stored = async () => (await stores.keys.load())[0]?.lastUsedAt;
  keyring.authenticate(secret);
  const firstUse = clock.now();
  assert.equal(keyring.show(key.id).lastUsedAt, firstUse);
  assert.equal(await stored(), undefined);
  clock.advance(15_000);
  await keyring.update(key.id, { notes: 'waits for the write before it' });
  assert.equal(await stored(), firstUse);
  keyring.authenticate(secret);
  const secondUse = clock.now();
  await keyring[Symbol.asyncDispose]();
  assert.equal(await stored(), secondUse);
});

test('10,000 look-ups among 10,000 keys', async () => {
  const keys = Array.from({ length: 5_000 }, (_, i) =>
    configKey(`k${i}`, `a secret of the file ${i}`),
  );
  await using ring = await openTestKeyring(keys);
  const secrets = keys.map(({ secret }) => secret);
  const made = await Promise.all(
    Array.from({ length: 5_000 }, (_, i) => ring.keyring.create({ name: `n${i}` })),
  );
  secrets.push(...made.map(({ secret }) => secret));
  const startedAt = performance.now();
  for (const secret of secrets) ring.keyring.authenticate(secret);
  const ms = performance.now() - startedAt;
  // 0.2 ms each is what is promised; here it is about 5 µs.
  assert.ok(ms < 2_000, `${ms} ms`);
});
