import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { isGatewayError } from '../../../src/core/errors.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { quietLog as log } from '../../support/log.ts';
import { storedApproval, storedCall, storedGrant, storedKey, storedPin } from './records.ts';

const sealKey = randomBytes(32);

async function temporary() {
  const path = await mkdtemp(join(tmpdir(), 'toolgate-store-'));
  const file = join(path, 'toolgate.db');
  const open = (): Storage => openStorage({ file, sealKey, log });
  return { file, open, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const inMemory = (): Storage => openStorage({ file: ':memory:', sealKey, log });

const code = (wanted: string) => (error: unknown) => isGatewayError(error) && error.code === wanted;

test('every record comes back as it was written, from the disk too', async () => {
  await using place = await temporary();
  const key = storedKey('abcdefgh', { lastUsedAt: 5 });
  const approval = storedApproval('one', { result: 'v1.x', decidedAt: 3 });
  {
    await using stores = place.open();
    await stores.keys.save(key);
    await stores.approvals.create(approval);
    await stores.grants.create(storedGrant('g'));
    await stores.pins.save([storedPin('files', 'a'), storedPin('git', 'b')]);
    stores.calls.record(storedCall('c'));
  }
  await using stores = place.open();
  assert.deepEqual(await stores.keys.load(), [key]);
  assert.deepEqual(await stores.approvals.get('one'), approval);
  assert.deepEqual(await stores.grants.list(), [storedGrant('g')]);
  assert.deepEqual(await stores.pins.load(), [storedPin('files', 'a'), storedPin('git', 'b')]);
  assert.deepEqual(await stores.calls.list(10), [storedCall('c')]);
  await stores.pins.remove('files');
  assert.equal((await stores.pins.load()).length, 1);
  assert.deepEqual(
    [await stores.grants.remove('g'), await stores.grants.remove('g')],
    [true, false],
  );
  await stores.keys.remove('abcdefgh');
  assert.deepEqual(await stores.keys.load(), []);
});

test('the last use goes forward only, and an older copy of the key does not take it back', async () => {
  await using stores = inMemory();
  const uses = async () => (await stores.keys.load()).map(({ lastUsedAt }) => lastUsedAt);
  await stores.keys.save(storedKey('a'));
  assert.deepEqual(await uses(), [undefined]);
  await stores.keys.touch(
    new Map([
      ['a', 50],
      ['gone', 50],
    ]),
  );
  await stores.keys.touch(new Map([['a', 40]]));
  assert.deepEqual(await uses(), [50]);
  await stores.keys.save(storedKey('a', { notes: 'new' }));
  assert.deepEqual(await uses(), [50]);
});

test('approvals are found by status and principal, newest first', async () => {
  await using stores = inMemory();
  await stores.approvals.create(storedApproval('1', { createdAt: 1 }));
  await stores.approvals.create(storedApproval('2', { createdAt: 2, principal: 'other' }));
  await stores.approvals.create(storedApproval('3', { createdAt: 3, status: 'done' }));
  const ids = async (filter: object) => (await stores.approvals.list(filter)).map(({ id }) => id);
  assert.deepEqual(await ids({}), ['3', '2', '1']);
  assert.deepEqual(await ids({ status: 'pending' }), ['2', '1']);
  assert.deepEqual(await ids({ status: 'pending', principal: 'other' }), ['2']);
  assert.deepEqual(await ids({ limit: 1 }), ['3']);
  assert.equal(await stores.approvals.get('none'), undefined);
});

for (const kind of ['memory', 'disk'] as const) {
  test(`of many that move one approval at once, one does (${kind})`, async () => {
    await using place = await temporary();
    await using stores = kind === 'disk' ? place.open() : inMemory();
    for (let round = 0; round < 20; round++) {
      const id = `r${round}`;
      await stores.approvals.create(storedApproval(id, { status: 'approved' }));
      const moves = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          stores.approvals.move(id, 'approved', 'claimed', { claimedAt: i }),
        ),
      );
      assert.equal(moves.filter(Boolean).length, 1);
      assert.equal((await stores.approvals.get(id))?.claimedAt, moves.indexOf(true));
    }
  });
}

test('a move changes what it names: undefined clears, id and status are not for it to set', async () => {
  await using stores = inMemory();
  await stores.approvals.create(storedApproval('1', { result: 'v1.x', status: 'done' }));
  const sneaky = { result: undefined, id: 'other', status: 'pending' } as const;
  assert.equal(await stores.approvals.move('1', 'done', 'done', sneaky), true);
  assert.deepEqual(await stores.approvals.get('1'), storedApproval('1', { status: 'done' }));
  assert.equal(await stores.approvals.move('1', 'pending', 'approved', {}), false);
  assert.equal(await stores.approvals.move('none', 'pending', 'approved', {}), false);
});

test('a write that fails takes no other with it', async () => {
  await using place = await temporary();
  await using stores = place.open();
  const made = await Promise.allSettled([
    stores.approvals.create(storedApproval('1')),
    stores.approvals.create(storedApproval('1')),
    stores.approvals.create(storedApproval('2')),
  ]);
  assert.deepEqual(
    made.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.ok(code('DATA_UNREADABLE')((made[1] as PromiseRejectedResult).reason));
  assert.equal((await stores.approvals.list({})).length, 2);
});

test('recording calls never throws, and all are there after a flush', async () => {
  await using place = await temporary();
  await using stores = place.open();
  for (let i = 0; i < 2_000; i++) stores.calls.record(storedCall(`c${i}`));
  await stores.calls.flush();
  const calls = await stores.calls.list(5_000);
  assert.equal(calls.length, 2_000);
  assert.equal(calls[0]?.id, 'c1999');
  await stores[Symbol.asyncDispose]();
  stores.calls.record(storedCall('late'));
  await stores.calls.flush();
});

test('a database of the first version moves forward and keeps its catalog', async () => {
  await using place = await temporary();
  const old = new DatabaseSync(place.file);
  old.exec(`CREATE TABLE catalog (server TEXT PRIMARY KEY, listing TEXT NOT NULL, saved_at INTEGER NOT NULL) STRICT;
    INSERT INTO catalog VALUES ('files', '{"server":"files","items":{"tools":[],"prompts":[],"resources":[],"resourceTemplates":[]}}', 1);
    PRAGMA user_version = 1`);
  old.close();
  await using stores = place.open();
  assert.equal((await stores.catalog.load())[0]?.server, 'files');
  await stores.keys.save(storedKey('a'));
  if (process.platform !== 'win32') assert.equal((await stat(place.file)).mode & 0o777, 0o600);
});

test('a newer database is left alone', async () => {
  await using place = await temporary();
  const newer = new DatabaseSync(place.file);
  newer.exec('PRAGMA user_version = 99');
  newer.close();
  assert.throws(place.open, code('DATA_UNREADABLE'));
});

test('another seal key is found out at the start, and nothing is lost by it', async () => {
  await using place = await temporary();
  {
    await using stores = place.open();
    await stores.keys.save(storedKey('a'));
  }
  const wrong = () => openStorage({ file: place.file, sealKey: randomBytes(32), log });
  assert.throws(wrong, code('SEAL_KEY_WRONG'));
  await using stores = place.open();
  assert.equal((await stores.keys.load()).length, 1);
});
