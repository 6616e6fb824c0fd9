// Many small transactions as one: the file is synced once for all that came while it was synced before.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { reasonOf } from '../core/errors.ts';

export type Value = string | number | null;

export interface Statement {
  readonly sql: string;
  readonly values: readonly Value[];
}

/** Statements that count all together or not at all. */
export interface Job {
  readonly id: number;
  readonly statements: readonly Statement[];
}

export type Outcome =
  | { readonly id: number; readonly changes: readonly number[] }
  | { readonly id: number; readonly fault: string };

/** @returns what runs jobs in their order and says of each how it ended; it never throws */
export function createCommitter(database: DatabaseSync): (jobs: readonly Job[]) => Outcome[] {
  const prepared = new Map<string, StatementSync>();
  const run = ({ sql, values }: Statement): number => {
    let statement = prepared.get(sql);
    if (!statement) prepared.set(sql, (statement = database.prepare(sql)));
    return Number(statement.run(...values).changes);
  };
  const runJob = ({ id, statements }: Job): Outcome => {
    database.exec('SAVEPOINT job');
    try {
      const changes = statements.map(run);
      database.exec('RELEASE job');
      return { id, changes };
    } catch (error) {
      // A full disk ends the whole transaction; then this throws, and no job has run.
      database.exec('ROLLBACK TO job; RELEASE job');
      return { id, fault: reasonOf(error) };
    }
  };
  return (jobs) => {
    try {
      database.exec('BEGIN IMMEDIATE');
      const outcomes = jobs.map(runJob);
      database.exec('COMMIT');
      return outcomes;
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      return jobs.map(({ id }) => ({ id, fault: reasonOf(error) }));
    }
  };
}
