import assert from 'node:assert/strict';
import { createDecipheriv, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isGatewayError } from '../../../src/core/errors.ts';
import { createSeal, deriveKey, loadSealKey } from '../../../src/storage/seal.ts';

const code = (wanted: string) => (error: unknown) => isGatewayError(error) && error.code === wanted;

test('what is sealed opens in its place only', () => {
  const seal = createSeal(randomBytes(32));
  for (const text of ['', 'a', '{"path":"Ärger 🎈"}', 'x'.repeat(100_000)]) {
    const sealed = seal.seal(text, 'approval|1|arguments');
    assert.match(sealed, /^v1\.[\w-]{16}\.[\w-]{22,}$/);
    assert.equal(seal.open(sealed, 'approval|1|arguments'), text);
    assert.equal(seal.open(sealed, 'approval|2|arguments'), undefined);
    assert.equal(seal.open(sealed, 'approval|1|result'), undefined);
    assert.equal(createSeal(randomBytes(32)).open(sealed, 'approval|1|arguments'), undefined);
  }
  assert.notEqual(seal.seal('a', 'c'), seal.seal('a', 'c'));
});

test('any altered character keeps it shut', () => {
  const seal = createSeal(randomBytes(32));
  const sealed = seal.seal('secret', 'place');
  for (let i = 0; i < sealed.length; i++) {
    for (const other of ['A', 'B', '-', '.', '=', ' ']) {
      if (sealed[i] === other) continue;
      const altered = sealed.slice(0, i) + other + sealed.slice(i + 1);
      assert.equal(seal.open(altered, 'place'), undefined, `${i} ${other}`);
    }
    assert.equal(seal.open(sealed.slice(0, i), 'place'), undefined);
  }
  assert.equal(seal.open(`${sealed}A`, 'place'), undefined);
});

test('it is AES-256-GCM with the place as associated data', () => {
  const sealKey = randomBytes(32);
  const [, nonce = '', text = ''] = createSeal(sealKey).seal('hello', 'place').split('.');
  const bytes = Buffer.from(text, 'base64url');
  const key = deriveKey(sealKey, 'seal');
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'));
  decipher.setAAD(Buffer.from('place')).setAuthTag(bytes.subarray(-16));
  assert.equal(
    decipher.update(bytes.subarray(0, -16), undefined, 'utf8') + decipher.final('utf8'),
    'hello',
  );
  assert.notDeepEqual(key, deriveKey(sealKey, 'key lookup'));
});

test('the key is made once, for this user alone, also by processes that start together', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'toolgate-seal-'));
  try {
    const keys = await Promise.all(Array.from({ length: 8 }, () => loadSealKey(directory)));
    for (const key of keys) assert.deepEqual(key, keys[0]);
    const path = join(directory, 'seal.key');
    if (process.platform !== 'win32') assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal((await readFile(path, 'utf8')).trim().length, 43);
    await writeFile(path, 'torn');
    await assert.rejects(loadSealKey(directory), code('DATA_UNREADABLE'));
    assert.equal(await readFile(path, 'utf8'), 'torn');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('a key of the environment is taken as base64 or hex; a placeholder is refused', async () => {
  const key = randomBytes(32);
  for (const encoding of ['base64', 'base64url', 'hex'] as const) {
    assert.deepEqual(await loadSealKey('/nowhere', key.toString(encoding)), key);
  }
  for (const bad of [
    '',
    'change-me',
    'A'.repeat(43),
    '0'.repeat(64),
    key.toString('base64').slice(1),
  ]) {
    await assert.rejects(loadSealKey('/nowhere', bad), code('SEAL_KEY_WRONG'));
  }
});
