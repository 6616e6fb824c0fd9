import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isGatewayError } from '../../../src/core/errors.ts';
import {
  openDataDirectory,
  readGatewayFile,
  removeGatewayFile,
  writeGatewayFile,
} from '../../../src/storage/data-directory.ts';
import { acquireLock } from '../../../src/storage/lock.ts';

const LOCK_MODULE = new URL('../../../src/storage/lock.ts', import.meta.url).href;

/** A process that says whether it got the lock, and holds it until it dies or is told to let go. */
const HOLDER = `
  const { acquireLock } = await import(process.argv[2]);
  const lock = await acquireLock(process.argv[3]);
  process.send(lock !== undefined);
  process.on('message', async () => { await lock[Symbol.asyncDispose](); process.send('free'); });
`;

async function temporary() {
  const path = await mkdtemp(join(tmpdir(), 'toolgate-lock-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function startHolder(directory: string) {
  const script = join(directory, 'holder.mjs');
  await writeFile(script, HOLDER);
  const child = fork(script, [LOCK_MODULE, directory], { stdio: 'inherit' });
  const [held] = (await once(child, 'message')) as [boolean];
  return { child, held };
}

async function end(child: ChildProcess, signal: NodeJS.Signals) {
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

test('one holder at a time, in one process and across processes', async () => {
  await using directory = await temporary();
  const first = await acquireLock(directory.path);
  assert.ok(first);
  assert.equal(await acquireLock(directory.path), undefined);
  const { child, held } = await startHolder(directory.path);
  assert.equal(held, false);
  await end(child, 'SIGTERM');
  await first[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await using second = await acquireLock(directory.path);
  assert.ok(second);
});

test('a holder killed with SIGKILL leaves the lock free', async () => {
  await using directory = await temporary();
  for (let round = 0; round < 3; round++) {
    const { child, held } = await startHolder(directory.path);
    assert.equal(held, true);
    assert.equal(await acquireLock(directory.path), undefined);
    await end(child, 'SIGKILL');
  }
  await using lock = await acquireLock(directory.path);
  assert.ok(lock);
});

test('a holder that lets go passes the lock on while it lives', async () => {
  await using directory = await temporary();
  const { child } = await startHolder(directory.path);
  child.send('let go');
  await once(child, 'message');
  await using lock = await acquireLock(directory.path);
  assert.ok(lock);
  await end(child, 'SIGKILL');
});

test('the lock file is for this user alone', { skip: process.platform === 'win32' }, async () => {
  await using directory = await temporary();
  await using _lock = await acquireLock(directory.path);
  assert.equal((await stat(join(directory.path, 'gateway.lock'))).mode & 0o777, 0o600);
});

test('a lock that cannot be opened says what to do', async () => {
  await assert.rejects(
    acquireLock(join(tmpdir(), 'toolgate-no-such-folder')),
    (error) => isGatewayError(error) && error.code === 'DATA_UNREADABLE',
  );
});

test('the data directory is made for this user alone', async () => {
  await using parent = await temporary();
  const path = await openDataDirectory(join(parent.path, 'a', 'b'));
  if (process.platform !== 'win32') assert.equal((await stat(path)).mode & 0o777, 0o700);
  assert.equal(await openDataDirectory(path), path);
});

test('a data directory that cannot be one says what to do', async () => {
  await using parent = await temporary();
  const file = join(parent.path, 'file');
  await writeFile(file, '');
  for (const path of [file, join(file, 'below')]) {
    await assert.rejects(
      openDataDirectory(path),
      (error) =>
        isGatewayError(error) &&
        error.code === 'DATA_UNREADABLE' &&
        error.message.includes('TOOLGATE_DATA'),
    );
  }
});

test('gateway.json is whole or not there', async () => {
  await using directory = await temporary();
  const { path } = directory;
  assert.equal(await readGatewayFile(path), undefined);
  const file = {
    url: 'http://127.0.0.1:8931',
    pid: 7,
    startedAt: '2026-01-01T00:00:00Z',
    version: '0.1.0',
  };
  await writeGatewayFile(path, file);
  await writeGatewayFile(path, { ...file, pid: 8 });
  assert.deepEqual(await readGatewayFile(path), { ...file, pid: 8 });
  if (process.platform !== 'win32') {
    assert.equal((await stat(join(path, 'gateway.json'))).mode & 0o777, 0o600);
  }
  for (const torn of ['', '{"url":"http://127', '[]', 'null', '{"url":7,"pid":1,"startedAt":""}']) {
    await writeFile(join(path, 'gateway.json'), torn);
    assert.equal(await readGatewayFile(path), undefined, torn);
  }
  await removeGatewayFile(path);
  await removeGatewayFile(path);
  assert.equal(await readGatewayFile(path), undefined);
});
