import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadLocalKey } from '../../../src/identity/local-key.ts';

async function withDirectory(run: (path: string) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'toolgate-key-'));
  try {
    await run(path);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

test('the first start makes a key that only its owner reads; the next ones read it', () =>
  withDirectory(async (root) => {
    const directory = join(root, 'data');
    const key = await loadLocalKey(directory);
    assert.match(key, /^tg_[a-z0-9]{8}_[\w-]{43}$/);
    assert.equal(await modeOf(directory), 0o700);
    assert.equal(await modeOf(join(directory, 'local.key')), 0o600);
    assert.equal(await loadLocalKey(directory), key);
    assert.deepEqual(await readdir(directory), ['local.key']);
  }));

test('starts at the same time end with one key', () =>
  withDirectory(async (root) => {
    const keys = await Promise.all(
      Array.from({ length: 20 }, () => loadLocalKey(join(root, 'data'))),
    );
    assert.equal(new Set(keys).size, 1);
    assert.deepEqual(await readdir(join(root, 'data')), ['local.key']);
  }));

test('a key file that was opened to others is closed again', () =>
  withDirectory(async (root) => {
    await loadLocalKey(root);
    await chmod(join(root, 'local.key'), 0o644);
    await loadLocalKey(root);
    assert.equal(await modeOf(join(root, 'local.key')), 0o600);
  }));

test('a file that holds no key is left alone, and named', () =>
  withDirectory(async (root) => {
    const path = join(root, 'local.key');
    await writeFile(path, 'hello');
    await assert.rejects(loadLocalKey(root), {
      code: 'DATA_UNREADABLE',
      message: /Delete the file/,
    });
    assert.equal(await readFile(path, 'utf8'), 'hello');
  }));

test('a directory that cannot be made is named', () =>
  withDirectory(async (root) => {
    await writeFile(join(root, 'file'), '');
    await assert.rejects(loadLocalKey(join(root, 'file', 'data')), { code: 'DATA_UNREADABLE' });
  }));
