// What each server had when it was last seen, so that a restart answers lists at once.
import type { DatabaseSync } from 'node:sqlite';
import { ITEM_KINDS } from '../core/source.ts';
import type { CatalogStore, StoredServer } from '../core/store.ts';

export function createCatalogStore(database: DatabaseSync): CatalogStore {
  const select = database.prepare('SELECT listing FROM catalog ORDER BY server');
  const upsert = database.prepare(
    `INSERT INTO catalog (server, listing, saved_at) VALUES (?, ?, ?)
     ON CONFLICT (server) DO UPDATE SET listing = excluded.listing, saved_at = excluded.saved_at`,
  );
  const remove = database.prepare('DELETE FROM catalog WHERE server = ?');
  return {
    async load() {
      return Promise.resolve(select.all().flatMap((row) => read(row['listing'] as string) ?? []));
    },
    async save(server) {
      upsert.run(server.server, JSON.stringify(server), Date.now());
      return Promise.resolve();
    },
    async remove(server) {
      remove.run(server);
      return Promise.resolve();
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
