// Virtual keys. Their secrets are here only as MACs, so that a copy of the database lets nobody in.
import type { DatabaseSync } from 'node:sqlite';
import type { KeyStore, StoredKey } from '../core/store.ts';
import type { Writer } from './writer.ts';

const UPSERT = `INSERT INTO keys (id, record, last_used_at) VALUES (?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET record = excluded.record,
    last_used_at = max(coalesce(keys.last_used_at, 0), coalesce(excluded.last_used_at, 0))`;
const TOUCH = 'UPDATE keys SET last_used_at = ? WHERE id = ? AND coalesce(last_used_at, 0) < ?';

export function createKeyStore(database: DatabaseSync, writer: Writer): KeyStore {
  const select = database.prepare('SELECT record, last_used_at FROM keys ORDER BY id');
  return {
    async load() {
      return Promise.resolve(select.all().map(toKey));
    },
    async save(key) {
      const { lastUsedAt, ...record } = key;
      await writer.write([
        { sql: UPSERT, values: [key.id, JSON.stringify(record), lastUsedAt ?? null] },
      ]);
    },
    async remove(id) {
      await writer.write([{ sql: 'DELETE FROM keys WHERE id = ?', values: [id] }]);
    },
    async touch(uses) {
      const statements = [...uses].map(([id, at]) => ({ sql: TOUCH, values: [at, id, at] }));
      if (statements.length > 0) await writer.write(statements);
    },
  };
}

/** JSON leaves out what is undefined; every member is there again afterwards. */
function toKey(row: Record<string, unknown>): StoredKey {
  const record = JSON.parse(row['record'] as string) as Partial<StoredKey> & StoredKey;
  const at = row['last_used_at'] as number | null;
  return {
    ...record,
    secrets: record.secrets.map(({ mac, validUntil }) => ({ mac, validUntil })),
    team: record.team,
    customer: record.customer,
    environment: record.environment,
    prompts: record.prompts,
    resources: record.resources,
    expiresAt: record.expiresAt,
    lastUsedAt: at === null || at === 0 ? undefined : at,
  };
}
