// The embedded database: one file, WAL, migrations that only go forward.
import { DatabaseSync } from 'node:sqlite';
import { GatewayError, reasonOf } from '../core/errors.ts';

/** Each is run once, in order; `user_version` counts them. Never change one that was released. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE catalog (
     server TEXT PRIMARY KEY,
     listing TEXT NOT NULL,
     saved_at INTEGER NOT NULL
   ) STRICT`,
];

/** @throws GatewayError DATA_UNREADABLE */
export function openDatabase(file: string): DatabaseSync {
  try {
    const database = new DatabaseSync(file, { timeout: 5_000 });
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON',
    );
    migrate(database, file);
    return database;
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw new GatewayError(
      'DATA_UNREADABLE',
      `The database ${file} cannot be opened: ${reasonOf(error)}. Check the folder's rights and space, ` +
        'or move the file away to start with an empty one.',
      { cause: error },
    );
  }
}

function migrate(database: DatabaseSync, file: string): void {
  const row = database.prepare('PRAGMA user_version').get() as { user_version: number };
  const version = row.user_version;
  if (version > MIGRATIONS.length) {
    throw new GatewayError(
      'DATA_UNREADABLE',
      `The database ${file} was written by a newer version (${version} > ${MIGRATIONS.length}). Update Toolgate.`,
    );
  }
  for (const [i, migration] of MIGRATIONS.entries()) {
    if (i < version) continue;
    database.exec('BEGIN IMMEDIATE');
    try {
      database.exec(migration);
      database.exec(`PRAGMA user_version = ${i + 1}`);
      database.exec('COMMIT');
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
  }
}
