import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthenticator } from '../../../src/identity/authenticate.ts';
import { createCredential, credentialId } from '../../../src/identity/credential.ts';

const localKey = createCredential();
const authenticate = createAuthenticator({ localKey });
const HEADERS = ['x-api-key', 'x-toolgate-key', 'x-goog-api-key', 'x-bf-vk'];

test('keys are of one form and all different', () => {
  const keys = Array.from({ length: 1000 }, createCredential);
  for (const key of keys) assert.match(key, /^tg_[a-z0-9]{8}_[\w-]{43}$/);
  assert.equal(new Set(keys).size, 1000);
  assert.equal(new Set(keys.map(credentialId)).size, 1000);
});

test('each header that may carry the key does', () => {
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
    assert.equal(authenticate({ authorization: `${scheme} ${localKey}` }).id, 'local');
  }
  for (const name of HEADERS) assert.equal(authenticate({ [name]: localKey }).id, 'local');
  assert.equal(
    authenticate({ authorization: `Bearer ${localKey}`, 'x-api-key': localKey }).id,
    'local',
  );
});

test('no key is told how to send one', () => {
  const none = [
    {},
    { authorization: '' },
    { authorization: 'Bearer ' },
    { authorization: 'Basic abc' },
    { 'x-api-key': '' },
  ];
  for (const headers of none) {
    assert.throws(() => authenticate(headers), {
      code: 'CREDENTIAL_MISSING',
      message: /toolgate snippet/,
    });
  }
});

test('another key is unknown, however near it comes', () => {
  const last = localKey.at(-1) === 'A' ? 'B' : 'A';
  const wrong = [
    createCredential(),
    localKey.slice(0, -1) + last,
    localKey.slice(0, 12) + createCredential().slice(12),
    localKey.toUpperCase(),
    `${localKey} x`,
    'local',
    '__proto__',
  ];
  for (const key of wrong) {
    assert.throws(() => authenticate({ 'x-api-key': key }), {
      code: 'CREDENTIAL_INVALID',
      message: /toolgate snippet/,
    });
  }
});

test('two different keys in one request are refused, even if one is right', () => {
  const other = createCredential();
  assert.throws(() => authenticate({ authorization: `Bearer ${other}`, 'x-api-key': localKey }), {
    code: 'CREDENTIAL_INVALID',
    message: /two different keys/,
  });
  assert.throws(() => authenticate({ 'x-bf-vk': `${localKey}, ${localKey}` }), {
    code: 'CREDENTIAL_INVALID',
  });
});
