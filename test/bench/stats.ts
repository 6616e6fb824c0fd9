// Medians and the table that the benchmark prints.

export interface Row {
  readonly what: string;
  readonly values: readonly number[];
  readonly unit: string;
  /** Most that the median may be. */
  readonly target?: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const show = (value: number): string => {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
};

function verdict({ values, target }: Row): string {
  if (target === undefined) return '';
  return `at most ${target.toFixed(1)}: ${median(values) <= target ? 'met' : '**missed**'}`;
}

/** One Markdown table: each row's median, least and greatest value. */
export function markdownTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const { what, values, unit } = row;
    const range = `${show(Math.min(...values))}–${show(Math.max(...values))}`;
    return `| ${what} | ${show(median(values))} ${unit} | ${range} | ${values.length} | ${verdict(row)} |`;
  });
  const head = ['| measure | median | min–max | rounds | target |', '|---|---|---|---|---|'];
  return [...head, ...lines].join('\n');
}
