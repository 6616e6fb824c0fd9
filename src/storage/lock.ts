// One gateway for each data directory. The lock is an exclusive transaction on a database of its own, so
// the operating system frees it at any kind of death, and no stale file has to be judged.
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { GatewayError, reasonOf } from '../core/errors.ts';

const SQLITE_BUSY = 5;

/** Held until disposed, or until this process ends. Disposing twice is harmless. */
export type Lock = AsyncDisposable;

/** The primary code is in the low byte; the rest says why, which does not matter here. */
const isBusy = (error: unknown): boolean =>
  ((error as { errcode?: number } | undefined)?.errcode ?? 0) % 256 === SQLITE_BUSY;

/**
 * Takes the lock of a data directory, or finds at once that another process holds it.
 *
 * Nothing in this process may open `gateway.lock` with node:fs: on POSIX, closing any descriptor of the
 * file frees the lock.
 * @returns undefined when it is held
 * @throws GatewayError DATA_UNREADABLE
 */
export async function acquireLock(directory: string): Promise<Lock | undefined> {
  const path = join(directory, 'gateway.lock');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    await chmod(path, 0o600);
  } catch (error) {
    if (database?.isOpen) database.close();
    if (isBusy(error)) return undefined;
    throw new GatewayError(
      'DATA_UNREADABLE',
      `The lock ${path} cannot be taken: ${reasonOf(error)}. Check that this user may write there, ` +
        'or name another directory in TOOLGATE_DATA.',
      { cause: error },
    );
  }
  return {
    async [Symbol.asyncDispose]() {
      if (database.isOpen) database.close();
    },
  };
}
