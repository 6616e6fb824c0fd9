// A JSON text as a tree that keeps the source: numbers are not rounded, strings are decoded when asked for.
import type { Span } from '../../core/call.ts';
import { skipSpace, stringAt } from '../../wire/json.ts';
import { decimalKey, toDecimal } from './decimal.ts';
import type { Decimal } from './decimal.ts';

/** Bits, so that a set of kinds is a number. */
export const KIND = {
  null: 1,
  boolean: 2,
  number: 4,
  string: 8,
  array: 16,
  object: 32,
} as const;

const NAMES = ['null', 'boolean', 'number', 'string', 'array', 'object'] as const;
const NO_MEMBERS: ReadonlyMap<string, Value> = new Map();
const NO_ELEMENTS: readonly Value[] = [];

export class Value {
  readonly kind: number;
  readonly bytes: Buffer;
  readonly start: number;
  end = 0;
  readonly parent: Value | undefined;
  readonly key: string | number;
  members: ReadonlyMap<string, Value> = NO_MEMBERS;
  elements: readonly Value[] = NO_ELEMENTS;
  #text: string | undefined;
  #decimal: Decimal | undefined | null = null;
  #identity: string | undefined | null = null;

  constructor(
    kind: number,
    bytes: Buffer,
    start: number,
    parent: Value | undefined,
    key: string | number,
  ) {
    this.kind = kind;
    this.bytes = bytes;
    this.start = start;
    this.parent = parent;
    this.key = key;
  }

  is(kinds: number): boolean {
    return (this.kind & kinds) !== 0;
  }

  get kindName(): string {
    return NAMES[Math.log2(this.kind)]!;
  }

  /** Length of its JSON text. */
  get length(): number {
    return this.end - this.start;
  }

  get source(): string {
    return this.bytes.toString('utf8', this.start, this.end);
  }

  /** The text of a string. */
  get text(): string {
    this.#text ??= stringAt(this.bytes, this);
    return this.#text;
  }

  /** The number, exactly. */
  get decimal(): Decimal | undefined {
    if (this.#decimal === null) this.#decimal = toDecimal(this.source);
    return this.#decimal;
  }

  get isTrue(): boolean {
    return this.kind === KIND.boolean && this.bytes[this.start] === 0x74;
  }

  /** A text that is the same for equal values only; undefined where a number has no exact value here. */
  get identity(): string | undefined {
    if (this.#identity === null) this.#identity = identityOf(this);
    return this.#identity;
  }
}

function identityOf(value: Value): string | undefined {
  const parts: string[] = [];
  return writeIdentity(value, parts) ? parts.join('') : undefined;
}

/** Into one list: joining on every level would cost depth times size. */
function writeIdentity(value: Value, parts: string[]): boolean {
  switch (value.kind) {
    case KIND.string:
      parts.push(JSON.stringify(value.text));
      return true;
    case KIND.number:
      if (!value.decimal) return false;
      parts.push(decimalKey(value.decimal));
      return true;
    case KIND.array:
      parts.push('[');
      for (const element of value.elements) {
        if (!writeIdentity(element, parts)) return false;
        parts.push(',');
      }
      parts.push(']');
      return true;
    case KIND.object:
      parts.push('{');
      for (const key of [...value.members.keys()].toSorted()) {
        parts.push(JSON.stringify(key), ':');
        if (!writeIdentity(value.members.get(key)!, parts)) return false;
        parts.push(',');
      }
      parts.push('}');
      return true;
    default:
      parts.push(value.source);
      return true;
  }
}

/** A string that stands nowhere, such as a property's name. */
export function stringValue(text: string, parent: Value): Value {
  const bytes = Buffer.from(JSON.stringify(text));
  const value = new Value(KIND.string, bytes, 0, parent, text);
  value.end = bytes.length;
  return value;
}

export interface Tree {
  readonly root: Value;
  /** Objects with a key that stands twice, and the key. */
  readonly twice: readonly { readonly object: Value; readonly key: string }[];
}

/**
 * Reads JSON that `checkJson` has seen, so that it need not be checked again and is not too deep to recurse.
 * @returns undefined when it has more than `maxValues` values
 */
export function readTree(bytes: Buffer, span: Span, maxValues: number): Tree | undefined {
  const reader = new Reader(bytes, maxValues);
  const root = reader.read(skipSpace(bytes, span.start), undefined, '');
  return reader.isOver ? undefined : { root, twice: reader.twice };
}

const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

class Reader {
  readonly twice: { object: Value; key: string }[] = [];
  readonly #bytes: Buffer;
  #left: number;

  constructor(bytes: Buffer, maxValues: number) {
    this.#bytes = bytes;
    this.#left = maxValues;
  }

  get isOver(): boolean {
    return this.#left < 0;
  }

  read(at: number, parent: Value | undefined, key: string | number): Value {
    this.#left--;
    const value = new Value(this.#kindAt(at), this.#bytes, at, parent, key);
    value.end = this.#end(value);
    return value;
  }

  #kindAt(at: number): number {
    switch (this.#bytes[at]) {
      case QUOTE:
        return KIND.string;
      case 0x7b: // {
        return KIND.object;
      case 0x5b: // [
        return KIND.array;
      case 0x74: // t
      case 0x66: // f
        return KIND.boolean;
      case 0x6e: // n
        return KIND.null;
      default:
        return KIND.number;
    }
  }

  #end(value: Value): number {
    switch (value.kind) {
      case KIND.string:
        return this.#stringEnd(value.start);
      case KIND.object:
        return this.#readMembers(value);
      case KIND.array:
        return this.#readElements(value);
      case KIND.null:
        return value.start + 4;
      case KIND.boolean:
        return value.start + (this.#bytes[value.start] === 0x74 ? 4 : 5);
      default:
        return this.#numberEnd(value.start);
    }
  }

  #stringEnd(at: number): number {
    const b = this.#bytes;
    let p = at + 1;
    while (p < b.length && b[p] !== QUOTE) p += b[p] === BACKSLASH ? 2 : 1;
    return p + 1;
  }

  #numberEnd(at: number): number {
    const b = this.#bytes;
    let p = at;
    for (; p < b.length; p++) {
      const c = b[p]!;
      // What may follow a number: , ] } and white space.
      if (c === COMMA || c === 0x5d || c === 0x7d || c <= 0x20) break;
    }
    return p;
  }

  #readMembers(object: Value): number {
    const b = this.#bytes;
    const members = new Map<string, Value>();
    object.members = members;
    let p = skipSpace(b, object.start + 1);
    while (b[p] === QUOTE && !this.isOver) {
      const end = this.#stringEnd(p);
      const key = stringAt(b, { start: p, end });
      if (members.has(key)) this.twice.push({ object, key });
      const value = this.read(skipSpace(b, skipSpace(b, end) + 1), object, key);
      members.set(key, value);
      p = skipSpace(b, value.end);
      if (b[p] === COMMA) p = skipSpace(b, p + 1);
    }
    return p + 1;
  }

  #readElements(array: Value): number {
    const b = this.#bytes;
    const elements: Value[] = [];
    array.elements = elements;
    let p = skipSpace(b, array.start + 1);
    while (p < b.length && b[p] !== 0x5d && !this.isOver) {
      const value = this.read(p, array, elements.length);
      elements.push(value);
      p = skipSpace(b, value.end);
      if (b[p] === COMMA) p = skipSpace(b, p + 1);
    }
    return p + 1;
  }
}
