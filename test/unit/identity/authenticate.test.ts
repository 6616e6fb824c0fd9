import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isGatewayError } from '../../../src/core/errors.ts';
import { createAuthenticator } from '../../../src/identity/authenticate.ts';
import { loadAdminKey, loadLocalKey } from '../../../src/identity/local-key.ts';
import { openTestKeyring } from './keyring.ts';

const code = (wanted: string) => (error: unknown) => isGatewayError(error) && error.code === wanted;

test('every header carries a key, and two different ones are refused', async () => {
  await using ring = await openTestKeyring();
  const authenticate = createAuthenticator(ring);
  const { key, secret } = await ring.keyring.create({ name: 'ci' });
  const headers = ['x-api-key', 'x-toolgate-key', 'x-goog-api-key', 'x-bf-vk'];
  for (const name of headers) assert.equal(authenticate({ [name]: secret }).id, key.id);
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
    assert.equal(authenticate({ authorization: `${scheme} ${secret}` }).id, key.id);
  }
  const both = { authorization: `Bearer ${secret}`, 'x-api-key': secret };
  assert.equal(authenticate(both).id, key.id);
  assert.throws(() => authenticate({ ...both, 'x-bf-vk': ring.admin }), code('CREDENTIAL_INVALID'));
  for (const none of [
    {},
    { authorization: `Basic ${secret}` },
    { 'x-api-key': '' },
    { 'x-user': 'admin' },
  ]) {
    assert.throws(() => authenticate(none), code('CREDENTIAL_MISSING'));
  }
});

test('no header but a verified credential says who calls', async () => {
  await using ring = await openTestKeyring();
  const authenticate = createAuthenticator(ring);
  const spoofed = {
    'x-user': 'admin',
    'x-forwarded-user': 'admin',
    'x-principal': 'admin',
    'mcp-session-id': 'x',
  };
  const principal = authenticate({ ...spoofed, authorization: `Bearer ${ring.local}` });
  assert.equal(principal.id, 'local');
});

test('the first start makes two different keys, for this user alone', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'toolgate-first-'));
  try {
    const [local, admin] = await Promise.all([loadLocalKey(directory), loadAdminKey(directory)]);
    assert.notEqual(local, admin);
    assert.equal(await loadLocalKey(directory), local);
    assert.equal(await loadAdminKey(directory), admin);
    if (process.platform !== 'win32') {
      for (const name of ['local.key', 'admin.key']) {
        assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600);
      }
    }
    await writeFile(join(directory, 'admin.key'), 'torn');
    await assert.rejects(loadAdminKey(directory), code('DATA_UNREADABLE'));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
