// Records and rows: each member of a record is a column of its own.
import type { Value } from './commit.ts';

/** Member → column. */
export type Columns<T> = Readonly<Record<keyof T & string, string>>;

export const toValue = (value: unknown): Value => (value === undefined ? null : (value as Value));

/** `INSERT INTO table (…) VALUES (?, …)`, for the values of `valuesOf`. */
export function insertInto<T>(table: string, columns: Columns<T>): string {
  const names = Object.values<string>(columns);
  return `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
}

export const valuesOf = <T>(record: T, columns: Columns<T>): Value[] =>
  (Object.keys(columns) as (keyof T & string)[]).map((member) => toValue(record[member]));

export function toRecord<T>(row: Record<string, unknown>, columns: Columns<T>): T {
  const entries = Object.entries<string>(columns).map(([member, column]) => [
    member,
    row[column] ?? undefined,
  ]);
  return Object.fromEntries(entries) as T;
}
