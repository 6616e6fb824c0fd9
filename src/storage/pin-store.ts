// The definitions that were accepted.
import type { DatabaseSync } from 'node:sqlite';
import type { PinStore, StoredPin } from '../core/store.ts';
import { insertInto, toRecord, valuesOf } from './columns.ts';
import type { Columns } from './columns.ts';
import type { Writer } from './writer.ts';

const COLUMNS: Columns<StoredPin> = {
  server: 'server',
  tool: 'tool',
  definitionHash: 'definition_hash',
  definition: 'definition',
  acceptedAt: 'accepted_at',
  acceptedBy: 'accepted_by',
};

const UPSERT = `${insertInto('pins', COLUMNS)}
  ON CONFLICT (server, tool) DO UPDATE SET definition_hash = excluded.definition_hash,
    definition = excluded.definition, accepted_at = excluded.accepted_at,
    accepted_by = excluded.accepted_by`;

export function createPinStore(database: DatabaseSync, writer: Writer): PinStore {
  const select = database.prepare('SELECT * FROM pins ORDER BY server, tool');
  return {
    async load() {
      return Promise.resolve(select.all().map((row) => toRecord(row, COLUMNS)));
    },
    async save(pins) {
      const statements = pins.map((pin) => ({ sql: UPSERT, values: valuesOf(pin, COLUMNS) }));
      if (statements.length > 0) await writer.write(statements);
    },
    async remove(server) {
      await writer.write([{ sql: 'DELETE FROM pins WHERE server = ?', values: [server] }]);
    },
  };
}
