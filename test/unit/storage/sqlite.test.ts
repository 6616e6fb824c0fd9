import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { isGatewayError } from '../../../src/core/errors.ts';
import { openDatabase } from '../../../src/storage/sqlite.ts';
import { temporaryFolder } from './folder.ts';

const versionOf = (database: DatabaseSync): unknown =>
  database.prepare('PRAGMA user_version').get()?.['user_version'];

const unreadable = (pattern: RegExp) => (error: unknown) => {
  assert.ok(isGatewayError(error) && error.code === 'DATA_UNREADABLE', String(error));
  assert.match(error.message, pattern);
  return true;
};

test('a new database gets every migration, in WAL mode; an old one keeps what it has', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'toolgate.db');
  const first = openDatabase(file);
  const version = versionOf(first);
  assert.ok(Number(version) >= 1);
  assert.equal(first.prepare('PRAGMA journal_mode').get()?.['journal_mode'], 'wal');
  first.exec(`INSERT INTO catalog VALUES ('a', '{}', 1)`);
  first.close();
  const second = openDatabase(file);
  assert.equal(versionOf(second), version);
  assert.equal(second.prepare('SELECT count(*) AS n FROM catalog').get()?.['n'], 1);
  second.close();
});

test('a database of a newer version is refused and stays as it is', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'toolgate.db');
  const newer = new DatabaseSync(file);
  newer.exec('PRAGMA user_version = 9999');
  newer.close();
  assert.throws(
    () => openDatabase(file),
    unreadable(/toolgate\.db.*newer version.*Update Toolgate/s),
  );
  const again = new DatabaseSync(file);
  assert.equal(versionOf(again), 9999);
  assert.deepEqual(again.prepare('SELECT name FROM sqlite_schema').all(), []);
  again.close();
});

test('a file that is no database is refused, with what to do', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'toolgate.db');
  await writeFile(file, 'this is not a database, '.repeat(500));
  assert.throws(
    () => openDatabase(file),
    unreadable(/toolgate\.db cannot be opened.*move the file away/s),
  );
});

test('a database that cannot be made is refused, with where it should have been', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'missing', 'toolgate.db');
  assert.throws(() => openDatabase(file), unreadable(/missing.toolgate\.db cannot be opened/));
});

test('a migration that fails leaves nothing behind', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'toolgate.db');
  const odd = new DatabaseSync(file);
  odd.exec('CREATE TABLE catalog (other TEXT)');
  odd.close();
  assert.throws(
    () => openDatabase(file),
    unreadable(/cannot be opened: table catalog already exists/),
  );
  const again = new DatabaseSync(file);
  assert.equal(versionOf(again), 0);
  again.close();
});
