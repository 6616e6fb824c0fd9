// What each server had when it was last seen, so that a restart answers lists at once.
import type { DatabaseSync } from 'node:sqlite';
import { ITEM_KINDS } from '../core/source.ts';
import type { CatalogStore, StoredServer } from '../core/store.ts';
import type { Writer } from './writer.ts';

const UPSERT = `INSERT INTO catalog (server, listing, saved_at) VALUES (?, ?, ?)
  ON CONFLICT (server) DO UPDATE SET listing = excluded.listing, saved_at = excluded.saved_at`;

export function createCatalogStore(database: DatabaseSync, writer: Writer): CatalogStore {
  const select = database.prepare('SELECT listing FROM catalog ORDER BY server');
  return {
    async load() {
      return Promise.resolve(select.all().flatMap((row) => read(row['listing'] as string) ?? []));
    },
    async save(server) {
      await writer.write([
        { sql: UPSERT, values: [server.server, JSON.stringify(server), Date.now()] },
      ]);
    },
    async remove(server) {
      await writer.write([{ sql: 'DELETE FROM catalog WHERE server = ?', values: [server] }]);
    },
  };
}

/** A row of an unknown shape is left out: it is a copy of what the server will say again. */
function read(text: string): StoredServer | undefined {
  try {
    const value = JSON.parse(text) as Partial<StoredServer>;
    const { server, items } = value;
    const isComplete =
      typeof server === 'string' && ITEM_KINDS.every((kind) => Array.isArray(items?.[kind]));
    return isComplete ? (value as StoredServer) : undefined;
  } catch {
    return undefined;
  }
}
