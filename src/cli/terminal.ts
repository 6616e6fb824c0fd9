// Where commands print: results to stdout, all else to stderr, colours only on a terminal.
import { isatty } from 'node:tty';
import { styleText } from 'node:util';
import { environment } from '../config/load.ts';

export interface Terminal {
  /** A result. */
  readonly out: (text: string) => void;
  /** Progress, warnings, errors. */
  readonly err: (text: string) => void;
  readonly isInteractive: boolean;
  readonly color: boolean;
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
}

export function createTerminal(): Terminal {
  const isInteractive = isatty(process.stderr.fd);
  const color = isInteractive && !environment().noColor;
  const paint =
    (style: 'bold' | 'dim' | 'red' | 'green' | 'yellow') =>
    (text: string): string =>
      color ? styleText(style, text, { validateStream: false }) : text;
  return {
    out: (text) => console.log(text),
    err: (text) => console.error(text),
    isInteractive,
    color,
    bold: paint('bold'),
    dim: paint('dim'),
    red: paint('red'),
    green: paint('green'),
    yellow: paint('yellow'),
  };
}

/**
 * A server's own words, made harmless for a terminal: without characters that would move the cursor or
 * colour the screen.
 */
export const safe = (text: string): string =>
  text.replaceAll(
    // oxlint-disable-next-line no-control-regex -- these are the characters to show as escapes
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Columns of equal width, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!))).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}
