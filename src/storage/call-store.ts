// Who called what. Written in batches behind the calls, which never wait for it.
import type { DatabaseSync } from 'node:sqlite';
import { reasonOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { CallStore, StoredCall } from '../core/store.ts';
import { insertInto, toRecord, valuesOf } from './columns.ts';
import type { Columns } from './columns.ts';
import type { Writer } from './writer.ts';

const COLUMNS: Columns<StoredCall> = {
  id: 'id',
  at: 'at',
  principal: 'principal',
  door: 'door',
  era: 'era',
  method: 'method',
  server: 'server',
  name: 'name',
  decision: 'decision',
  rule: 'rule',
  approval: 'approval',
  outcome: 'outcome',
  ms: 'ms',
};

const FLUSH_MS = 250;
const BATCH = 500;
/** A disk that cannot keep up costs records, not memory. */
const MAX_WAITING = 20_000;
const MAX_KEPT = 200_000;

const INSERT = insertInto('calls', COLUMNS);
const PRUNE = 'DELETE FROM calls WHERE seq <= (SELECT max(seq) FROM calls) - ?';

export interface ClosableCallStore extends CallStore, AsyncDisposable {}

export function createCallStore(
  database: DatabaseSync,
  writer: Writer,
  log: Log,
): ClosableCallStore {
  const select = database.prepare('SELECT * FROM calls ORDER BY seq DESC LIMIT ?');
  let waiting: StoredCall[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;
  let lost = 0;

  const writeBatch = async (): Promise<void> => {
    const batch = waiting.slice(0, BATCH);
    waiting = waiting.slice(BATCH);
    const inserts = batch.map((call) => ({ sql: INSERT, values: valuesOf(call, COLUMNS) }));
    try {
      await writer.write([...inserts, { sql: PRUNE, values: [MAX_KEPT] }]);
    } catch (error) {
      log.error({ calls: batch.length, error: reasonOf(error) }, 'calls were not recorded');
    }
  };
  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) await writeBatch();
    if (lost > 0) log.error({ calls: lost }, 'calls were not recorded: the disk does not keep up');
    lost = 0;
  };
  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    while (writing || waiting.length > 0) {
      writing ??= writeAll().finally(() => {
        writing = undefined;
      });
      await writing;
    }
  };
  return {
    record(call) {
      if (waiting.length >= MAX_WAITING) lost++;
      else waiting.push(call);
      if (waiting.length >= BATCH && !writing) void flush();
      else timer ??= setTimeout(() => void flush(), FLUSH_MS).unref();
    },
    async list(limit) {
      await flush();
      return select.all(limit).map((row) => toRecord(row, COLUMNS));
    },
    flush,
    [Symbol.asyncDispose]: flush,
  };
}
