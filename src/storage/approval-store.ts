// Calls that wait for a yes or had one. A step counts when its row says so, and the row says so first.
import type { DatabaseSync } from 'node:sqlite';
import type { ApprovalStore, StoredApproval } from '../core/store.ts';
import { insertInto, toRecord, toValue, valuesOf } from './columns.ts';
import type { Columns } from './columns.ts';
import type { Value } from './commit.ts';
import type { Writer } from './writer.ts';

const COLUMNS: Columns<StoredApproval> = {
  id: 'id',
  status: 'status',
  principal: 'principal',
  principalName: 'principal_name',
  team: 'team',
  customer: 'customer',
  server: 'server',
  tool: 'tool',
  exposed: 'exposed',
  mode: 'mode',
  definitionHash: 'definition_hash',
  argumentsDigest: 'arguments_digest',
  rulesHash: 'rules_hash',
  arguments: 'arguments',
  createdAt: 'created_at',
  expiresAt: 'expires_at',
  decidedBy: 'decided_by',
  decidedAt: 'decided_at',
  claimedAt: 'claimed_at',
  finishedAt: 'finished_at',
  result: 'result',
};

const DEFAULT_LIMIT = 1_000;
const INSERT = insertInto('approvals', COLUMNS);

export function createApprovalStore(database: DatabaseSync, writer: Writer): ApprovalStore {
  const get = database.prepare('SELECT * FROM approvals WHERE id = ?');
  const list = database.prepare(
    `SELECT * FROM approvals
     WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR principal = ?2)
     ORDER BY created_at DESC, rowid DESC LIMIT ?3`,
  );
  return {
    async create(approval) {
      await writer.write([{ sql: INSERT, values: valuesOf(approval, COLUMNS) }]);
    },
    async get(id) {
      const row = get.get(id);
      return Promise.resolve(row && toRecord(row, COLUMNS));
    },
    async list({ status, principal, limit = DEFAULT_LIMIT }) {
      const rows = list.all(status ?? null, principal ?? null, limit);
      return Promise.resolve(rows.map((row) => toRecord(row, COLUMNS)));
    },
    async move(id, from, to, fields) {
      const sets = ['status = ?'];
      const values: Value[] = [to];
      for (const [member, column] of Object.entries(COLUMNS)) {
        if (member === 'id' || member === 'status' || !Object.hasOwn(fields, member)) continue;
        sets.push(`${column} = ?`);
        values.push(toValue(fields[member as keyof StoredApproval]));
      }
      // One statement compares and swaps: of two that race, the second finds the status changed.
      const sql = `UPDATE approvals SET ${sets.join(', ')} WHERE id = ? AND status = ?`;
      const [changes] = await writer.write([{ sql, values: [...values, id, from] }]);
      return changes === 1;
    },
  };
}
