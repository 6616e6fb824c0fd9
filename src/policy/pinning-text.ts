// How a changed definition is shown: as lines that differ, and with what is invisible made visible.
import { checkJson } from '../wire/json.ts';
import { KIND, readTree } from './schema/value.ts';
import type { Value } from './schema/value.ts';

/**
 * Characters that hide or reorder text, or are no text: controls, format characters (bidirectional, zero-width,
 * tags), other ignorable ones, line separators, private use, and blanks that look like nothing.
 */
const ODD = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{DI}\u00a0\u115f\u1160\u2800\u3164\uffa0]/u;
const PLAIN_SPACE: ReadonlySet<string> = new Set(['\n', '\r', '\t']);
const PICTURE = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\u{fe0f}]/u;
const JOINER = '\u200d';
const EMOJI_STYLE = '\ufe0f';
const MAX_ODD = 100;
/** More values of a definition are not shown. */
const MAX_VALUES = 200_000;
const MAX_LINES = 4_000;
/** Lines that differ are paired within this many steps, else shown as two blocks. */
const MAX_PAIRINGS = 4_000_000;
const MAX_SHOWN_LINES = 400;
const MAX_LINE = 200;
const MAX_INDENT = 60;
const AROUND = 60;

export interface OddCharacter {
  /** `$.inputSchema.properties.a.description` */
  readonly path: string;
  /** `U+200B` */
  readonly code: string;
}

const codeOf = (char: string): string =>
  char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');

/** Joins and styles pictures, as honest text does. */
const isOfPicture = (chars: readonly string[], i: number): boolean => {
  const before = chars[i - 1] ?? '';
  if (chars[i] === EMOJI_STYLE) return /[\p{Emoji}]/u.test(before);
  return chars[i] === JOINER && PICTURE.test(before) && PICTURE.test(chars[i + 1] ?? '');
};

const isOdd = (chars: readonly string[], i: number): boolean =>
  ODD.test(chars[i]!) && !PLAIN_SPACE.has(chars[i]!) && !isOfPicture(chars, i);

/** The text, character by character, odd ones as `\u{…}`. */
function visible(text: string): string[] {
  const chars = Array.from(text);
  return chars.map((char, i) => (isOdd(chars, i) ? `\\u{${codeOf(char)}}` : char));
}

/** Invisible, bidirectional and tag characters anywhere in a definition, at most 100. */
export function oddCharacters(definition: Buffer): readonly OddCharacter[] {
  const found: OddCharacter[] = [];
  const look = (text: string, path: string): void => {
    if (!ODD.test(text)) return;
    const chars = Array.from(text);
    for (let i = 0; i < chars.length && found.length < MAX_ODD; i++) {
      if (isOdd(chars, i))
        found.push({ path: visible(path).join(''), code: `U+${codeOf(chars[i]!)}` });
    }
  };
  const walk = (value: Value, path: string): void => {
    if (found.length >= MAX_ODD) return;
    if (value.kind === KIND.string) look(value.text, path);
    for (const [i, element] of value.elements.entries()) walk(element, `${path}[${i}]`);
    for (const [key, member] of value.members) {
      look(key, `${path}.${key}`);
      walk(member, `${path}.${key}`);
    }
  };
  const root = hasOdd(definition) ? treeOf(definition) : undefined;
  if (root) walk(root, '$');
  return found;
}

const treeOf = (definition: Buffer): Value | undefined =>
  readTree(definition, checkJson(definition), MAX_VALUES)?.root;

/** Most definitions are plain ASCII without escapes; those need no walk. */
function hasOdd(definition: Buffer): boolean {
  for (const byte of definition) if (byte > 0x7e || byte === 0x5c) return true;
  return false;
}

/** A definition as lines, members sorted, so that only what differs differs. */
function linesOf(definition: Buffer): string[] {
  const root = treeOf(definition);
  const lines: string[] = [];
  if (root) writeLines(root, '', '', lines);
  if (!root || lines.length > MAX_LINES) lines.push(`… more than ${MAX_LINES} lines`);
  return lines;
}

function writeLines(value: Value, indent: string, lead: string, lines: string[]): void {
  if (lines.length > MAX_LINES) return;
  const isObject = value.kind === KIND.object;
  if (!isObject && value.kind !== KIND.array) {
    writeText(
      value.kind === KIND.string ? value.text : undefined,
      value.source,
      indent,
      lead,
      lines,
    );
    return;
  }
  // Deep ones would be wider than they are long.
  const inner = indent.length < MAX_INDENT ? `${indent}  ` : indent;
  lines.push(`${indent}${lead}${isObject ? '{' : '['}`);
  for (const key of [...value.members.keys()].toSorted()) {
    writeLines(value.members.get(key)!, inner, `${JSON.stringify(key)}: `, lines);
  }
  for (const element of value.elements) writeLines(element, inner, '', lines);
  lines.push(`${indent}${isObject ? '}' : ']'}`);
}

/** A text of several lines is shown as such. */
function writeText(
  text: string | undefined,
  source: string,
  indent: string,
  lead: string,
  lines: string[],
): void {
  if (text === undefined) {
    lines.push(`${indent}${lead}${source}`);
    return;
  }
  const parts = text.split('\n').map((part) => JSON.stringify(part).slice(1, -1));
  for (const [i, part] of parts.entries()) {
    const [open, close] = [i === 0 ? `${lead}"` : '    ', i < parts.length - 1 ? '\\n' : '"'];
    lines.push(`${indent}${open}${part}${close}`);
  }
}

/** What was and what is, in lines that start with `-` or `+`; lines around them start with a space. */
export function definitionDiff(before: Buffer, after: Buffer): string {
  const [a, b] = [linesOf(before), linesOf(after)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (
    end < a.length - start &&
    end < b.length - start &&
    a[a.length - 1 - end] === b[b.length - 1 - end]
  )
    end++;
  const rows = pairLines(a.slice(start, a.length - end), b.slice(start, b.length - end));
  const around = [
    ...a.slice(Math.max(0, start - 3), start).map((line): Row => [' ', line]),
    ...rows,
    ...a.slice(a.length - end, a.length - end + 3).map((line): Row => [' ', line]),
  ];
  const shown = around
    .slice(0, MAX_SHOWN_LINES)
    .map((row, i) => showRow(row, around[i - 1], around[i + 1]));
  if (around.length > MAX_SHOWN_LINES)
    shown.push(`… ${around.length - MAX_SHOWN_LINES} more lines`);
  return rows.length === 0 ? '' : shown.join('\n');
}

type Row = readonly ['-' | '+' | ' ', string];

/** The longest common subsequence, where it is not too long to find. */
function pairLines(a: readonly string[], b: readonly string[]): Row[] {
  const width = b.length + 1;
  if ((a.length + 1) * width > MAX_PAIRINGS) {
    return [...a.map((line): Row => ['-', line]), ...b.map((line): Row => ['+', line])];
  }
  const common = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const at = i * width + j;
      common[at] =
        a[i] === b[j]
          ? common[at + width + 1]! + 1
          : Math.max(common[at + width]!, common[at + 1]!);
    }
  }
  const rows: Row[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const at = i * width + j;
    if (i < a.length && j < b.length && a[i] === b[j]) {
      rows.push([' ', a[i]!]);
      i++;
      j++;
    } else if (i < a.length && (j === b.length || common[at + width]! >= common[at + 1]!))
      rows.push(['-', a[i++]!]);
    else rows.push(['+', b[j++]!]);
  }
  return rows;
}

/** Of a long line that has a counterpart, the part that differs. */
function showRow([sign, line]: Row, before: Row | undefined, after: Row | undefined): string {
  const other =
    sign === '-' && after?.[0] === '+'
      ? after[1]
      : sign === '+' && before?.[0] === '-'
        ? before[1]
        : undefined;
  const chars = visible(line);
  if (chars.length <= MAX_LINE) return `${sign} ${chars.join('')}`;
  const counterpart = other === undefined ? chars : visible(other);
  let from = 0;
  while (from < chars.length && chars[from] === counterpart[from]) from++;
  let to = chars.length;
  let end = counterpart.length;
  while (to > from && end > from && chars[to - 1] === counterpart[end - 1]) {
    to--;
    end--;
  }
  if (from === chars.length)
    return `${sign} ${chars.slice(0, MAX_LINE).join('')}… (${chars.length} characters)`;
  const first = Math.max(0, from - AROUND);
  const last = Math.min(chars.length, Math.max(to + AROUND, first + MAX_LINE));
  return `${sign} ${first > 0 ? '…' : ''}${chars.slice(first, last).join('')}${last < chars.length ? '…' : ''}`;
}
