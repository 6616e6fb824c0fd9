// Measures what the gateway costs beside a plain proxy, and prints one Markdown table. Everything that is measured
// runs in a process of its own, the gateway as its user starts it.
//   node run.ts [--quick] [--only calls,lists,start]
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { benchCalls } from './calls.ts';
import { benchLists } from './lists.ts';
import { benchStart } from './start.ts';
import { markdownTable } from './stats.ts';
import type { Row } from './stats.ts';

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
});

const counts = values.quick
  ? { rounds: 3, calls: 10_000, singleCalls: 2_000, lists: 400, starts: 2 }
  : { rounds: 7, calls: 20_000, singleCalls: 5_000, lists: 1_000, starts: 5 };

const PARTS: Readonly<Record<string, () => Promise<Row[]>>> = {
  calls: () => benchCalls(counts),
  lists: () => benchLists(counts.rounds, counts.lists),
  start: () => benchStart(counts.starts),
};

const chosen = values.only?.split(',') ?? Object.keys(PARTS);
const unknown = chosen.filter((name) => !(name in PARTS));
if (unknown.length > 0) throw new Error(`--only knows ${Object.keys(PARTS).join(', ')}.`);

const rows: Row[] = [];
for (const name of chosen) rows.push(...(await PARTS[name]!()));

const { rounds, calls, singleCalls, lists } = counts;
process.stdout.write(
  [
    `Node ${process.version}, ${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}),`,
    `load average at the end ${loadavg()[0]!.toFixed(1)}. ${rounds} rounds in turns of ${calls} calls at`,
    `32 connections, ${singleCalls} calls at 1 connection, ${lists} lists.\n\n`,
  ].join(' '),
);
process.stdout.write(`${markdownTable(rows)}\n`);
