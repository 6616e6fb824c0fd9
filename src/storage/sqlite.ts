// The embedded database: one file, WAL, migrations that only go forward.
import { chmodSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { GatewayError, reasonOf } from '../core/errors.ts';

/** Each is run once, in order; `user_version` counts them. Never change one that was released. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE catalog (
     server TEXT PRIMARY KEY,
     listing TEXT NOT NULL,
     saved_at INTEGER NOT NULL
   ) STRICT`,
  `CREATE TABLE meta (
     name TEXT PRIMARY KEY,
     value TEXT NOT NULL
   ) STRICT;
   CREATE TABLE keys (
     id TEXT PRIMARY KEY,
     record TEXT NOT NULL,
     last_used_at INTEGER
   ) STRICT;
   CREATE TABLE approvals (
     id TEXT PRIMARY KEY,
     status TEXT NOT NULL,
     principal TEXT NOT NULL,
     principal_name TEXT NOT NULL,
     team TEXT,
     customer TEXT,
     server TEXT NOT NULL,
     tool TEXT NOT NULL,
     exposed TEXT NOT NULL,
     mode TEXT NOT NULL,
     definition_hash TEXT NOT NULL,
     arguments_digest TEXT NOT NULL,
     rules_hash TEXT NOT NULL,
     arguments TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     decided_by TEXT,
     decided_at INTEGER,
     claimed_at INTEGER,
     finished_at INTEGER,
     result TEXT
   ) STRICT;
   CREATE INDEX approvals_by_status ON approvals (status, created_at);
   CREATE INDEX approvals_by_principal ON approvals (principal, created_at);
   CREATE TABLE grants (
     id TEXT PRIMARY KEY,
     principal TEXT NOT NULL,
     server TEXT NOT NULL,
     tool TEXT NOT NULL,
     definition_hash TEXT NOT NULL,
     granted_by TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     expires_at INTEGER
   ) STRICT;
   CREATE TABLE calls (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL,
     at INTEGER NOT NULL,
     principal TEXT NOT NULL,
     door TEXT NOT NULL,
     era TEXT NOT NULL,
     method TEXT NOT NULL,
     server TEXT NOT NULL,
     name TEXT NOT NULL,
     decision TEXT NOT NULL,
     rule TEXT NOT NULL,
     approval TEXT,
     outcome TEXT NOT NULL,
     ms REAL NOT NULL
   ) STRICT;
   CREATE TABLE pins (
     server TEXT NOT NULL,
     tool TEXT NOT NULL,
     definition_hash TEXT NOT NULL,
     definition TEXT NOT NULL,
     accepted_at INTEGER NOT NULL,
     accepted_by TEXT NOT NULL,
     PRIMARY KEY (server, tool)
   ) STRICT`,
];

/** @throws GatewayError DATA_UNREADABLE */
export function openDatabase(file: string): DatabaseSync {
  try {
    const database = new DatabaseSync(file, { timeout: 5_000 });
    configure(database);
    migrate(database, file);
    // The files of the log and the index get the rights of this one.
    if (file !== ':memory:') chmodSync(file, 0o600);
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

/** FULL: what is committed outlives not only this process but the machine. */
export function configure(database: DatabaseSync): void {
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
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
