// A caller's arguments as rules see them: read from the bytes when a rule looks at them, and a bar to what a
// rule must not decide on.
import type { Span } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import {
  elementsOf,
  isArrayAt,
  isObjectAt,
  isStringAt,
  membersOf,
  parseAt,
  stringAt,
} from '../wire/json.ts';

/** Longer lists, and texts, are not looked into. */
const MAX_ELEMENTS = 500;
const MAX_TEXT_BYTES = 256 * 1024;

const unusable = (what: string): GatewayError =>
  new GatewayError('PARAMS_INVALID', `A rule looked at ${what}.`);

export interface Reading {
  readonly bytes: Buffer;
  /** Called at each look, and throws when the time is over. */
  readonly tick: () => void;
}

/**
 * The members of an object as CEL reads them: int for whole numbers, double for others. Looking at one of these
 * throws, so that the rule ends in an error: a number that cannot be had exactly (beyond 2^53, or too large or
 * too small for a double), which the server may read otherwise; a key that stands twice, since readers differ
 * in which one counts; a list of more than 500; a text of more than 256 KiB.
 */
export function objectAt(reading: Reading, span: Span): Record<string, unknown> {
  const object: Record<string, unknown> = Object.create(null);
  const { bytes } = reading;
  for (const { key, value } of membersOf(bytes, span)) {
    const isTwice = Object.hasOwn(object, key);
    define(object, key, reading, () => {
      if (isTwice) throw unusable(`"${key}", which stands twice`);
      return valueAt(reading, value);
    });
  }
  return object;
}

/** A member that is read once, when it is first looked at; each look counts. */
function define(
  object: object,
  key: string | number,
  { tick }: Reading,
  read: () => unknown,
): void {
  let value: { readonly it: unknown } | undefined;
  Object.defineProperty(object, key, {
    enumerable: true,
    configurable: true,
    get() {
      tick();
      value ??= { it: read() };
      return value.it;
    },
  });
}

function valueAt(reading: Reading, span: Span): unknown {
  const { bytes } = reading;
  if (isStringAt(bytes, span)) {
    if (span.end - span.start > MAX_TEXT_BYTES) throw unusable('a text of more than 256 KiB');
    return stringAt(bytes, span);
  }
  if (isObjectAt(bytes, span)) return objectAt(reading, span);
  if (isArrayAt(bytes, span)) return listAt(reading, span);
  const text = bytes.toString('latin1', span.start, span.end);
  return /^[-\d]/.test(text) ? numberOf(text) : parseAt(bytes, span);
}

function listAt(reading: Reading, span: Span): unknown[] {
  const elements = elementsOf(reading.bytes, span);
  if (elements.length > MAX_ELEMENTS) throw unusable(`a list of more than ${MAX_ELEMENTS}`);
  const list: unknown[] = [];
  for (const [index, element] of elements.entries()) {
    define(list, index, reading, () => valueAt(reading, element));
  }
  return list;
}

function numberOf(text: string): bigint | number {
  const value = Number(text);
  const isZeroed = value === 0 && /[1-9]/.test(text.split(/e/i)[0]!);
  if (!Number.isFinite(value) || isZeroed || Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    throw unusable('a number that cannot be had exactly');
  }
  return /^-?\d+$/.test(text) ? BigInt(text) : value;
}
