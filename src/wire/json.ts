// Reads JSON text without building objects, and edits it by splicing. What is not edited keeps its bytes,
// so numbers such as 12345678901234567890, 1e400 and -0 and odd keys such as __proto__ pass unchanged.
import type { Span } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import {
  checkValue,
  CLOSE_BRACKET,
  COMMA,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  skipSpace,
  skipValue,
  walkObject,
} from './scan.ts';
import type { Visit } from './scan.ts';

export { MAX_DEPTH, skipSpace } from './scan.ts';

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
