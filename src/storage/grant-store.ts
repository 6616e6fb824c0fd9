// Standing yeses.
import type { DatabaseSync } from 'node:sqlite';
import type { GrantStore, StoredGrant } from '../core/store.ts';
import { insertInto, toRecord, valuesOf } from './columns.ts';
import type { Columns } from './columns.ts';
import type { Writer } from './writer.ts';

const COLUMNS: Columns<StoredGrant> = {
  id: 'id',
  principal: 'principal',
  server: 'server',
  tool: 'tool',
  definitionHash: 'definition_hash',
  grantedBy: 'granted_by',
  createdAt: 'created_at',
  expiresAt: 'expires_at',
};

const INSERT = insertInto('grants', COLUMNS);

export function createGrantStore(database: DatabaseSync, writer: Writer): GrantStore {
  const list = database.prepare('SELECT * FROM grants ORDER BY created_at, rowid');
  return {
    async create(grant) {
      await writer.write([{ sql: INSERT, values: valuesOf(grant, COLUMNS) }]);
    },
    async list() {
      return Promise.resolve(list.all().map((row) => toRecord(row, COLUMNS)));
    },
    async remove(id) {
      const [changes] = await writer.write([
        { sql: 'DELETE FROM grants WHERE id = ?', values: [id] },
      ]);
      return changes === 1;
    },
  };
}
