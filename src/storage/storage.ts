// All that is kept in one database, and the seal over the secrets in it.
import type { DatabaseSync } from 'node:sqlite';
import { GatewayError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Seal } from '../core/seal.ts';
import type {
  ApprovalStore,
  CallStore,
  CatalogStore,
  GrantStore,
  KeyStore,
  PinStore,
} from '../core/store.ts';
import { createApprovalStore } from './approval-store.ts';
import { createCallStore } from './call-store.ts';
import { createCatalogStore } from './catalog-store.ts';
import { createGrantStore } from './grant-store.ts';
import { createKeyStore } from './key-store.ts';
import { createPinStore } from './pin-store.ts';
import { createSeal, deriveKey } from './seal.ts';
import { openDatabase } from './sqlite.ts';
import { createInlineWriter, createThreadWriter } from './writer.ts';

export interface Storage extends AsyncDisposable {
  readonly catalog: CatalogStore;
  readonly keys: KeyStore;
  readonly approvals: ApprovalStore;
  readonly grants: GrantStore;
  readonly calls: CallStore;
  readonly pins: PinStore;
  readonly seal: Seal;
  /** The key of the MACs as which the secrets of virtual keys are kept. */
  readonly pepper: Buffer;
}

export interface StorageOptions {
  /** A path, or `:memory:`. */
  readonly file: string;
  /** What `loadSealKey` gave. */
  readonly sealKey: Buffer;
  readonly log: Log;
}

/** @throws GatewayError DATA_UNREADABLE, SEAL_KEY_WRONG */
export function openStorage({ file, sealKey, log }: StorageOptions): Storage {
  const database = openDatabase(file);
  const seal = createSeal(sealKey);
  try {
    assertSealKey(database, seal, file);
  } catch (error) {
    database.close();
    throw error;
  }
  const writer = file === ':memory:' ? createInlineWriter(database) : createThreadWriter(file);
  const calls = createCallStore(database, writer, log);
  return {
    catalog: createCatalogStore(database, writer),
    keys: createKeyStore(database, writer),
    approvals: createApprovalStore(database, writer),
    grants: createGrantStore(database, writer),
    calls,
    pins: createPinStore(database, writer),
    seal,
    pepper: deriveKey(sealKey, 'key lookup'),
    async [Symbol.asyncDispose]() {
      if (!database.isOpen) return;
      await calls[Symbol.asyncDispose]();
      await writer[Symbol.asyncDispose]();
      database.close();
    },
  };
}

const CHECK = 'seal check';

/** Finds out at the start, not at the first secret, that the key is another one than last time. */
function assertSealKey(database: DatabaseSync, seal: Seal, file: string): void {
  const row = database.prepare('SELECT value FROM meta WHERE name = ?').get(CHECK);
  if (row === undefined) {
    const insert = database.prepare('INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)');
    insert.run(CHECK, seal.seal(CHECK, CHECK));
    return;
  }
  if (seal.open(row['value'] as string, CHECK) === CHECK) return;
  throw new GatewayError(
    'SEAL_KEY_WRONG',
    `The seal key is not the one that ${file} was written with. Put back the seal.key of its data ` +
      'directory, or the TOOLGATE_SEAL_KEY it was started with. Nothing was changed.',
  );
}
