// Reads JSON text without building objects, and edits it by splicing. What is not edited keeps its bytes,
// so numbers such as 12345678901234567890, 1e400 and -0 and odd keys such as __proto__ pass unchanged.
import { isUtf8 } from 'node:buffer';
import type { Span } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';

/** Arrays and objects may be nested this deep; more is refused, since readers on the way may recurse. */
export const MAX_DEPTH = 1000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COLON = 0x3a;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

const invalid = (at: number, what: string): GatewayError =>
  new GatewayError('JSON_INVALID', `The message is no valid JSON: ${what} at byte ${at}.`);

export function skipSpace(b: Buffer, at: number): number {
  let p = at;
  for (;;) {
    const c = b[p];
    if (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) p++;
    else return p;
  }
}

const isHex = (c: number | undefined): boolean =>
  c !== undefined &&
  ((c >= ZERO && c <= NINE) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66));

function skipEscape(b: Buffer, at: number): number {
  switch (b[at + 1]) {
    case 0x22: // "
    case 0x5c: // \
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return at + 2;
    case 0x75: // u
      if (isHex(b[at + 2]) && isHex(b[at + 3]) && isHex(b[at + 4]) && isHex(b[at + 5])) {
        return at + 6;
      }
  }
  throw invalid(at, 'a bad escape');
}

function skipString(b: Buffer, at: number): number {
  const end = b.length;
  let p = at + 1;
  while (p < end) {
    const c = b[p]!;
    if (c === QUOTE) return p + 1;
    if (c === BACKSLASH) p = skipEscape(b, p);
    else if (c < 0x20) throw invalid(p, 'a control character in a string');
    else p++;
  }
  throw invalid(end, 'the end inside a string');
}

function skipDigits(b: Buffer, at: number): number {
  let p = at;
  while (b[p]! >= ZERO && b[p]! <= NINE) p++;
  if (p === at) throw invalid(p, p >= b.length ? 'the end' : 'an unexpected character');
  return p;
}

function skipNumber(b: Buffer, at: number): number {
  let p = b[at] === MINUS ? at + 1 : at;
  if (b[p] === ZERO) p++;
  else p = skipDigits(b, p);
  if (b[p] === 0x2e) p = skipDigits(b, p + 1);
  if (b[p] === 0x65 || b[p] === 0x45) {
    p++;
    if (b[p] === 0x2b || b[p] === MINUS) p++;
    p = skipDigits(b, p);
  }
  return p;
}

function skipLiteral(b: Buffer, at: number, literal: string): number {
  for (let i = 0; i < literal.length; i++) {
    if (b[at + i] !== literal.charCodeAt(i)) throw invalid(at, 'an unexpected character');
  }
  return at + literal.length;
}

function skipArray(b: Buffer, at: number, depth: number): number {
  let p = skipSpace(b, at + 1);
  if (b[p] === CLOSE_BRACKET) return p + 1;
  for (;;) {
    p = skipSpace(b, skipValue(b, p, depth));
    if (b[p] === CLOSE_BRACKET) return p + 1;
    if (b[p] !== COMMA) throw invalid(p, p >= b.length ? 'the end inside an array' : 'no comma');
    p = skipSpace(b, p + 1);
  }
}

/** Walks an object; `visit` sees each member's key and value. @returns the position after the object. */
function walkObject(b: Buffer, at: number, depth: number, visit?: Visit): number {
  let p = skipSpace(b, at + 1);
  if (b[p] === CLOSE_BRACE) return p + 1;
  for (;;) {
    if (b[p] !== QUOTE) throw invalid(p, p >= b.length ? 'the end inside an object' : 'no key');
    const keyStart = p;
    const keyEnd = skipString(b, p);
    p = skipSpace(b, keyEnd);
    if (b[p] !== COLON) throw invalid(p, 'no colon');
    const valueStart = skipSpace(b, p + 1);
    const valueEnd = skipValue(b, valueStart, depth);
    visit?.(keyStart, keyEnd, valueStart, valueEnd);
    p = skipSpace(b, valueEnd);
    if (b[p] === CLOSE_BRACE) return p + 1;
    if (b[p] !== COMMA) throw invalid(p, p >= b.length ? 'the end inside an object' : 'no comma');
    p = skipSpace(b, p + 1);
  }
}

function skipValue(b: Buffer, at: number, depth: number): number {
  switch (b[at]) {
    case QUOTE:
      return skipString(b, at);
    case OPEN_BRACE:
    case OPEN_BRACKET:
      if (depth >= MAX_DEPTH) throw invalid(at, `more than ${MAX_DEPTH} levels of nesting`);
      return b[at] === OPEN_BRACE ? walkObject(b, at, depth + 1) : skipArray(b, at, depth + 1);
    case 0x74:
      return skipLiteral(b, at, 'true');
    case 0x66:
      return skipLiteral(b, at, 'false');
    case 0x6e:
      return skipLiteral(b, at, 'null');
    default:
      return skipNumber(b, at);
  }
}

type Visit = (keyStart: number, keyEnd: number, valueStart: number, valueEnd: number) => void;

function checkValue(b: Buffer, visit?: Visit): Span {
  if (!isUtf8(b)) {
    throw new GatewayError('JSON_INVALID', 'The message is not valid UTF-8.');
  }
  const start = skipSpace(b, 0);
  const end =
    visit && b[start] === OPEN_BRACE ? walkObject(b, start, 1, visit) : skipValue(b, start, 0);
  const rest = skipSpace(b, end);
  if (rest !== b.length) throw invalid(rest, 'something after the value');
  return { start, end };
}

/** Checks that the bytes are one JSON value in strict UTF-8 (RFC 8259). @returns where the value lies. */
export const checkJson = (b: Buffer): Span => checkValue(b);

/** As `checkJson`, in one pass with the members of the object; undefined when it is none. */
export function checkObject(b: Buffer): Member[] | undefined {
  const members: Member[] = [];
  const span = checkValue(b, collectInto(b, members));
  return isObjectAt(b, span) ? members : undefined;
}

export interface Member {
  readonly key: string;
  /** From the key's quote on. */
  readonly start: number;
  readonly value: Span;
}

export const isObjectAt = (b: Buffer, span: Span): boolean => b[span.start] === OPEN_BRACE;
export const isArrayAt = (b: Buffer, span: Span): boolean => b[span.start] === OPEN_BRACKET;
export const isStringAt = (b: Buffer, span: Span): boolean => b[span.start] === QUOTE;

/** The text of a string value or key, its escapes resolved. */
export function stringAt(b: Buffer, span: Span): string {
  const raw = b.toString('utf8', span.start + 1, span.end - 1);
  return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
}

const byLength = (keys: readonly string[]): readonly (readonly string[])[] => {
  const lengths = Array.from({ length: Math.max(...keys.map((key) => key.length)) + 1 });
  return lengths.map((_, length) => keys.filter((key) => key.length === length));
};

/** Keys of nearly every message: to compare their bytes costs less than to make a string of them. */
const COMMON_KEYS = byLength([
  ...['jsonrpc', 'id', 'method', 'params', 'result', 'error', 'code', 'message'],
  ...['name', 'uri', 'arguments', '_meta', 'progressToken', 'resultType', 'content'],
  ...['structuredContent', 'isError', 'ttlMs', 'cacheScope', 'type', 'text'],
  'io.modelcontextprotocol/protocolVersion',
  'io.modelcontextprotocol/clientCapabilities',
  'io.modelcontextprotocol/clientInfo',
  'io.modelcontextprotocol/serverInfo',
]);

function hasTextAt(b: Buffer, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (b[at + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

function keyAt(b: Buffer, start: number, end: number): string {
  for (const key of COMMON_KEYS[end - start - 2] ?? []) {
    if (hasTextAt(b, start + 1, key)) return key;
  }
  return stringAt(b, { start, end });
}

const collectInto =
  (b: Buffer, members: Member[]): Visit =>
  (start, keyEnd, valueStart, end) => {
    members.push({ key: keyAt(b, start, keyEnd), start, value: { start: valueStart, end } });
  };

/** The members of an object that `checkJson` has seen, in order. Empty when it is no object. */
export function membersOf(b: Buffer, span: Span): Member[] {
  const members: Member[] = [];
  if (isObjectAt(b, span)) walkObject(b, span.start, 0, collectInto(b, members));
  return members;
}

/** Refuses a key that stands twice: readers differ in which one they take. */
export function assertUnique(members: readonly Member[], where: string): void {
  for (let i = 1; i < members.length; i++) {
    for (let j = 0; j < i; j++) {
      if (members[i]!.key === members[j]!.key) {
        throw new GatewayError(
          'REQUEST_INVALID',
          `The key ${JSON.stringify(members[i]!.key)} stands twice in ${where}.`,
        );
      }
    }
  }
}

/** As `membersOf`, each key once. @throws GatewayError REQUEST_INVALID */
export function uniqueMembersOf(b: Buffer, span: Span, where: string): Member[] {
  const members = membersOf(b, span);
  assertUnique(members, where);
  return members;
}

/** The value of a key; the last one where it stands twice, as JSON.parse takes it. */
export function valueOf(members: readonly Member[], key: string): Span | undefined {
  for (let i = members.length - 1; i >= 0; i--) {
    if (members[i]!.key === key) return members[i]!.value;
  }
  return undefined;
}

/** The elements of an array that `checkJson` has seen. Empty when it is no array. */
export function elementsOf(b: Buffer, span: Span): Span[] {
  const elements: Span[] = [];
  if (!isArrayAt(b, span)) return elements;
  let p = skipSpace(b, span.start + 1);
  while (b[p] !== CLOSE_BRACKET) {
    const end = skipValue(b, p, 0);
    elements.push({ start: p, end });
    p = skipSpace(b, end);
    if (b[p] === COMMA) p = skipSpace(b, p + 1);
  }
  return elements;
}

/** A small value as JavaScript has it: for what the gateway must understand, never for what it passes on. */
export const parseAt = (b: Buffer, span: Span): unknown =>
  JSON.parse(b.toString('utf8', span.start, span.end));

export const sliceOf = (b: Buffer, span: Span): Buffer => b.subarray(span.start, span.end);

export type Text = string | Buffer;

export interface Edit extends Span {
  readonly text: Text;
}

/** Replaces pieces of the bytes; the edits must not overlap. All else keeps its bytes. */
export function splice(b: Buffer, edits: readonly Edit[]): Buffer {
  const sorted = edits.length > 1 ? edits.toSorted((x, y) => x.start - y.start) : edits;
  let length = b.length;
  for (const { start, end, text } of sorted) length += byteLength(text) - (end - start);
  const out = Buffer.allocUnsafe(length);
  let from = 0;
  let to = 0;
  for (const { start, end, text } of sorted) {
    to += b.copy(out, to, from, start);
    to += typeof text === 'string' ? out.write(text, to) : text.copy(out, to);
    from = end;
  }
  b.copy(out, to, from);
  return out;
}

const byteLength = (text: Text): number =>
  typeof text === 'string' ? Buffer.byteLength(text) : text.length;

/**
 * The text of an object with members set (a text) or removed (null). New members come first; the others
 * keep their order and bytes.
 */
export function editObject(
  b: Buffer,
  members: readonly Member[],
  changes: ReadonlyMap<string, Text | null>,
): Buffer {
  const parts: Buffer[] = [];
  const add = (piece: Text) => {
    parts.push(Buffer.from(parts.length === 0 ? '{' : ','));
    parts.push(typeof piece === 'string' ? Buffer.from(piece) : piece);
  };
  for (const [key, text] of changes) {
    if (text !== null && !members.some((member) => member.key === key)) {
      add(Buffer.concat([Buffer.from(`${JSON.stringify(key)}:`), Buffer.from(text as string)]));
    }
  }
  for (const member of members) {
    const change = changes.get(member.key);
    if (change === undefined) add(b.subarray(member.start, member.value.end));
    else if (change !== null) {
      const { start, value } = member;
      add(Buffer.concat([b.subarray(start, value.start), Buffer.from(change as string)]));
    }
  }
  parts.push(Buffer.from(parts.length === 0 ? '{}' : '}'));
  return Buffer.concat(parts);
}
