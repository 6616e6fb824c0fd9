// A record of what tools did that outlives the process: lines appended to a file, so that a test can see after a kill
// that nothing ran twice.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

export interface LedgerEntry {
  readonly event: 'ran' | 'cancelled' | 'finished' | 'started';
  readonly key: string;
  readonly pid: number;
}

export type LedgerWriter = (event: LedgerEntry['event'], key: string) => void;

/** Writes at once and unbuffered; without a file it writes nothing. */
export function ledgerAt(file: string | undefined): LedgerWriter {
  return (event, key) => {
    if (file === undefined) return;
    appendFileSync(file, `${JSON.stringify({ event, key, pid: process.pid })}\n`);
  };
}

export function readLedger(file: string): LedgerEntry[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as LedgerEntry);
}

/** How often each key was executed. */
export function runsOf(file: string): Map<string, number> {
  const runs = new Map<string, number>();
  for (const { event, key } of readLedger(file)) {
    if (event === 'ran') runs.set(key, (runs.get(key) ?? 0) + 1);
  }
  return runs;
}
