// Reads JSON as text, so that tests can look at and compare exactly what was sent. It is written apart from the
// gateway's own reader on purpose: a fault in one must not hide a fault in the other.

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /-?[0-9][0-9.eE+-]*|true|false|null/y;

export function skipSpace(text: string, at: number): number {
  SPACE.lastIndex = at;
  SPACE.test(text);
  return SPACE.lastIndex;
}

/** The position after a string that starts at `at`. */
export function endOfString(text: string, at: number): number {
  for (let p = at + 1; ;) {
    const quote = text.indexOf('"', p);
    if (quote < 0) throw new SyntaxError(`A string that starts at ${at} has no end.`);
    let back = quote - 1;
    while (text.charCodeAt(back) === 0x5c) back--;
    if ((quote - 1 - back) % 2 === 0) return quote + 1;
    p = quote + 1;
  }
}

function endOfScalar(text: string, at: number): number {
  SCALAR.lastIndex = at;
  if (!SCALAR.test(text)) throw new SyntaxError(`No JSON value at ${at}.`);
  return SCALAR.lastIndex;
}

/** The position after a value; brackets are counted, not checked, and without recursion. */
export function endOfValue(text: string, at: number): number {
  if (text[at] === '"') return endOfString(text, at);
  if (text[at] !== '{' && text[at] !== '[') return endOfScalar(text, at);
  let depth = 0;
  let p = at;
  do {
    const c = text[p];
    if (c === undefined) throw new SyntaxError(`The value that starts at ${at} has no end.`);
    if (c === '"') {
      p = endOfString(text, p);
      continue;
    }
    if (c === '{' || c === '[') depth++;
    else if (c === '}' || c === ']') depth--;
    p++;
  } while (depth > 0);
  return p;
}

export interface TextMember {
  readonly key: string;
  /** From the key's quote on. */
  readonly keyStart: number;
  /** Raw JSON of the value. */
  readonly value: string;
  /** Where the value lies in the text. */
  readonly start: number;
  readonly end: number;
}

/** The members of an object, as they were written and in their order. Empty when it is no object. */
export function membersOf(text: string): TextMember[] {
  const members: TextMember[] = [];
  let p = skipSpace(text, 0);
  if (text[p] !== '{') return members;
  p = skipSpace(text, p + 1);
  while (text[p] === '"') {
    const keyEnd = endOfString(text, p);
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = endOfValue(text, start);
    members.push({
      key: JSON.parse(text.slice(p, keyEnd)) as string,
      keyStart: p,
      value: text.slice(start, end),
      start,
      end,
    });
    p = skipSpace(text, end);
    if (text[p] === ',') p = skipSpace(text, p + 1);
  }
  return members;
}

/** Raw JSON of what stands under a path of keys; undefined where there is nothing. */
export function textAt(text: string, ...path: string[]): string | undefined {
  let value: string | undefined = text;
  for (const key of path) {
    if (value === undefined) return undefined;
    value = membersOf(value).findLast((member) => member.key === key)?.value;
  }
  return value;
}

/** The elements of an array, as they were written. Empty when it is no array. */
export function elementsOf(text: string): string[] {
  const elements: string[] = [];
  let p = skipSpace(text, 0);
  if (text[p] !== '[') return elements;
  p = skipSpace(text, p + 1);
  while (p < text.length && text[p] !== ']') {
    const end = endOfValue(text, p);
    elements.push(text.slice(p, end));
    p = skipSpace(text, end);
    if (text[p] === ',') p = skipSpace(text, p + 1);
  }
  return elements;
}

/** One token on: punctuation, string or scalar as it was written. Undefined at the end. */
function tokenAt(text: string, at: number): { start: number; end: number } | undefined {
  const start = skipSpace(text, at);
  const c = text[start];
  if (c === undefined) return undefined;
  if (c === '"') return { start, end: endOfString(text, start) };
  if ('{}[],:'.includes(c)) return { start, end: start + 1 };
  return { start, end: endOfScalar(text, start) };
}

const around = (text: string, at: number): string =>
  JSON.stringify(text.slice(Math.max(0, at - 40), at + 60));

export interface CompareOptions {
  /** Compare strings after their escapes are resolved; without it, `A` and its \u escape differ. */
  readonly unescape?: boolean;
}

function tokensEqual(x: string, y: string, options: CompareOptions): boolean {
  if (x === y) return true;
  if (options.unescape !== true || x[0] !== '"' || y[0] !== '"') return false;
  return JSON.parse(x) === JSON.parse(y);
}

/**
 * Compares two JSON texts token by token: white space is ignored, the order of keys is not, and numbers are
 * compared by how they are written. @returns where they differ, or undefined when they are the same.
 */
export function jsonDifference(
  a: Buffer | string,
  b: Buffer | string,
  options: CompareOptions = {},
): string | undefined {
  const left = a.toString();
  const right = b.toString();
  let x = tokenAt(left, 0);
  let y = tokenAt(right, 0);
  while (x !== undefined && y !== undefined) {
    if (!tokensEqual(left.slice(x.start, x.end), right.slice(y.start, y.end), options)) {
      return `at ${x.start}: …${around(left, x.start)}…\nat ${y.start}: …${around(right, y.start)}…`;
    }
    x = tokenAt(left, x.end);
    y = tokenAt(right, y.end);
  }
  if (x === undefined && y === undefined) return undefined;
  if (x !== undefined) return `only the first goes on, at ${x.start}: ${around(left, x.start)}`;
  return `only the second goes on, at ${y!.start}: ${around(right, y!.start)}`;
}

export const sameJson = (
  a: Buffer | string,
  b: Buffer | string,
  options: CompareOptions = {},
): boolean => jsonDifference(a, b, options) === undefined;

/** Throws with the place of the first difference. */
export function assertSameJson(
  actual: Buffer | string,
  expected: Buffer | string,
  what = 'JSON',
  options: CompareOptions = {},
): void {
  const difference = jsonDifference(actual, expected, options);
  if (difference !== undefined)
    throw new Error(`${what} differs (actual, expected)\n${difference}`);
}
