// Walks JSON text byte by byte, without building anything: checks it, and tells where its parts lie.
import { isUtf8 } from 'node:buffer';
import type { Span } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';

/** Arrays and objects may be nested this deep; more is refused, since readers on the way may recurse. */
export const MAX_DEPTH = 1000;

export const QUOTE = 0x22;
const BACKSLASH = 0x5c;
export const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
export const OPEN_BRACKET = 0x5b;
export const CLOSE_BRACKET = 0x5d;
const COLON = 0x3a;
export const COMMA = 0x2c;
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
export function walkObject(b: Buffer, at: number, depth: number, visit?: Visit): number {
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

export function skipValue(b: Buffer, at: number, depth: number): number {
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

/** Hears where a member of an object lies, the quotes of its key included. */
export type Visit = (
  keyStart: number,
  keyEnd: number,
  valueStart: number,
  valueEnd: number,
) => void;

/**
 * Checks that the bytes are one JSON value in strict UTF-8 (RFC 8259); `visit` sees the members of an object.
 * @returns where the value lies
 */
export function checkValue(b: Buffer, visit?: Visit): Span {
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
