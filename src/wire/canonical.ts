// One spelling for each JSON value, so that digests can be compared: members sorted by UTF-16 code unit,
// white space dropped, strings in their shortest escapes, numbers by their source text (1 and 1.0 differ).
import { createHash } from 'node:crypto';
import type { Span } from '../core/call.ts';
import { membersOf, skipSpace } from './json.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;

/** What has been read, and where it ended. One reader a value: nothing is scanned twice, however deep. */
class Reader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  value(): string {
    this.#at = skipSpace(this.#bytes, this.#at);
    switch (this.#bytes[this.#at]) {
      case OPEN_BRACE:
        return this.#object();
      case OPEN_BRACKET:
        return this.#array();
      case QUOTE:
        return JSON.stringify(this.#string());
      default:
        return this.#word();
    }
  }

  #string(): string {
    const b = this.#bytes;
    const start = this.#at;
    let p = start + 1;
    let isPlain = true;
    while (b[p] !== QUOTE) {
      if (b[p] === BACKSLASH) {
        isPlain = false;
        p++;
      }
      p++;
    }
    this.#at = p + 1;
    return isPlain
      ? b.toString('utf8', start + 1, p)
      : (JSON.parse(b.toString('utf8', start, p + 1)) as string);
  }

  /** A number, true, false or null. */
  #word(): string {
    const b = this.#bytes;
    const start = this.#at;
    let p = start;
    // Letters, digits, '+', '-' and '.'; a comma, bracket or white space ends it.
    while (
      p < b.length &&
      b[p]! > 0x20 &&
      b[p] !== COMMA &&
      b[p] !== CLOSE_BRACKET &&
      b[p] !== CLOSE_BRACE
    ) {
      p++;
    }
    this.#at = p;
    return b.toString('latin1', start, p);
  }

  /** Steps over what stands after an element. @returns whether the closing bracket came */
  #isOver(close: number): boolean {
    this.#at = skipSpace(this.#bytes, this.#at);
    const c = this.#bytes[this.#at];
    if (c === close || c === COMMA) this.#at++;
    return c === close;
  }

  #array(): string {
    this.#at++;
    if (this.#isOver(CLOSE_BRACKET)) return '[]';
    const elements: string[] = [];
    do elements.push(this.value());
    while (!this.#isOver(CLOSE_BRACKET));
    return `[${elements.join(',')}]`;
  }

  #object(): string {
    this.#at++;
    if (this.#isOver(CLOSE_BRACE)) return '{}';
    const members: [key: string, text: string][] = [];
    do {
      this.#at = skipSpace(this.#bytes, this.#at);
      const key = this.#string();
      // Past the colon.
      this.#at = skipSpace(this.#bytes, this.#at) + 1;
      members.push([key, `${JSON.stringify(key)}:${this.value()}`]);
    } while (!this.#isOver(CLOSE_BRACE));
    return `{${sorted(members).join(',')}}`;
  }
}

/** A key that stands twice keeps its order: which one counts is for the reader to say. */
const sorted = (members: readonly (readonly [string, string])[]): string[] =>
  members.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, text]) => text);

/** @param span of a value that `checkJson` has seen */
export const canonicalJson = (bytes: Buffer, span: Span): Buffer =>
  Buffer.from(new Reader(bytes, span.start).value());

/** What a client, a model or a person reads of a definition. Icons are left out: they change nothing that is called. */
const PINNED: ReadonlySet<string> = new Set([
  'name',
  'title',
  'description',
  'inputSchema',
  'outputSchema',
  'annotations',
  '_meta',
]);

/** SHA-256, hex, of a definition as its server sent it: other text, other hash; other white space, the same. */
export function definitionHash(raw: Buffer): string {
  const members = membersOf(raw, { start: 0, end: raw.length })
    .filter(({ key }) => PINNED.has(key))
    .map(({ key, value }) => [key, canonicalJson(raw, value).toString()] as const)
    .map(([key, text]) => [key, `${JSON.stringify(key)}:${text}`] as const);
  return createHash('sha256')
    .update(`{${sorted(members).join(',')}}`)
    .digest('hex');
}
