// Keywords for any value, for numbers and for strings.
import { compareDecimals, isInteger, isMultiple } from './decimal.ts';
import type { Decimal } from './decimal.ts';
import { count, keyword, plural } from './reader.ts';
import type { Context } from './reader.ts';
import { TRUE, UNKNOWN } from './run.ts';
import type { Check } from './run.ts';
import { KIND } from './value.ts';
import type { Value } from './value.ts';

const MAX_SHOWN = 8;
const KINDS: ReadonlyMap<string, number> = new Map<string, number>(Object.entries(KIND));

/** A constant in a few words. */
export const shortConstant = (value: Value): string =>
  value.length <= 60 ? value.source : `${value.source.slice(0, 60)}…`;

export function shortList(texts: readonly string[]): string {
  const shown = texts.slice(0, MAX_SHOWN).join(', ');
  return texts.length > MAX_SHOWN ? `${shown} and ${texts.length - MAX_SHOWN} more` : shown;
}

/** The types that a schema names; undefined: it names none, or wrongly. */
export function typesOf(schema: Value): readonly string[] | undefined {
  const type = schema.members.get('type');
  if (!type) return undefined;
  const list = type.is(KIND.array) ? type.elements : [type];
  const names = list.map((one) => (one.is(KIND.string) ? one.text : ''));
  return names.every((name) => name === 'integer' || KINDS.has(name)) ? names : undefined;
}

export function typeChecks(schema: Value, context: Context): readonly Check[] {
  const type = schema.members.get('type');
  if (!type) return [];
  const names = typesOf(schema);
  if (!names) return [context.leave(type, 'type names no JSON type')];
  const kinds = names.reduce((mask, name) => mask | (KINDS.get(name) ?? 0), 0);
  const integers = names.includes('integer') && !names.includes('number');
  // OpenAPI's word for "or null": JSON Schema does not know it, but who writes it means it.
  const isNullable = schema.members.get('nullable')?.isTrue === true;
  const expected = names.join(' or ');
  const check: Check = (value, run) => {
    if (value.is(kinds)) return TRUE;
    if (integers && value.kind === KIND.number) {
      if (!value.decimal) return UNKNOWN;
      if (isInteger(value.decimal)) return TRUE;
    }
    if (isNullable && value.kind === KIND.null) return UNKNOWN;
    return run.fail(value, expected, 'kind');
  };
  return [check];
}

export function constantChecks(schema: Value, context: Context): readonly Check[] {
  const checks: Check[] = [];
  const list = keyword(schema, 'enum', KIND.array, context, checks);
  if (list) checks.push(oneOfConstants(list, list.elements, context));
  const constant = schema.members.get('const');
  if (constant) checks.push(oneOfConstants(constant, [constant], context));
  return checks;
}

/** By identity in a set: a list of 10,000 costs no more than one of two. */
function oneOfConstants(at: Value, constants: readonly Value[], context: Context): Check {
  const known = new Set(constants.map((constant) => constant.identity));
  if (known.has(undefined)) return context.leave(at, 'a number is out of all measure');
  const kinds = constants.reduce((mask, constant) => mask | constant.kind, 0);
  const shown = shortList(constants.slice(0, MAX_SHOWN + 1).map(shortConstant));
  const more = constants.length > MAX_SHOWN + 1 ? ` (${constants.length} in all)` : '';
  const expected = constants.length === 1 ? shown : `one of ${shown}${more}`;
  const misfit = constants.length === 1 ? 'constant' : 'kind';
  return (value, run) => {
    if (!value.is(kinds)) return run.fail(value, expected, misfit);
    if (!run.spend(value.length >> 4)) return UNKNOWN;
    const { identity } = value;
    if (identity === undefined) return UNKNOWN;
    return known.has(identity) ? TRUE : run.fail(value, expected, misfit);
  };
}

type Holds = (order: number) => boolean;

export function numberChecks(schema: Value, context: Context): readonly Check[] {
  const checks: Check[] = [];
  const bound = (name: string, words: string, holds: Holds) => {
    const limit = keyword(schema, name, KIND.number, context, checks);
    if (limit)
      checks.push(boundCheck(limit, `a number ${words} ${shortConstant(limit)}`, holds, context));
  };
  // Draft-04 says with true that the bound itself is out.
  const [leastOut, mostOut] = ['exclusiveMinimum', 'exclusiveMaximum'].map(
    (name) => schema.members.get(name)?.isTrue === true,
  );
  bound('minimum', leastOut ? 'above' : 'of at least', leastOut ? (o) => o > 0 : (o) => o >= 0);
  bound('maximum', mostOut ? 'below' : 'of at most', mostOut ? (o) => o < 0 : (o) => o <= 0);
  if (!schema.members.get('exclusiveMinimum')?.is(KIND.boolean))
    bound('exclusiveMinimum', 'above', (o) => o > 0);
  if (!schema.members.get('exclusiveMaximum')?.is(KIND.boolean))
    bound('exclusiveMaximum', 'below', (o) => o < 0);
  const multiple = keyword(schema, 'multipleOf', KIND.number, context, checks);
  if (multiple) checks.push(multipleCheck(multiple, context));
  return checks;
}

function numberCheck(
  of: Value,
  context: Context,
  judge: (value: Decimal, of: Decimal) => boolean | undefined,
  expected: string,
): Check {
  const known = of.decimal;
  if (!known) return context.leave(of, 'the number is out of all measure');
  return (value, run) => {
    if (value.kind !== KIND.number) return TRUE;
    // Long numbers cost more to read.
    if (!run.spend(value.length >> 4) || !value.decimal) return UNKNOWN;
    const verdict = judge(value.decimal, known);
    if (verdict === undefined) return UNKNOWN;
    return verdict ? TRUE : run.fail(value, expected);
  };
}

const boundCheck = (limit: Value, expected: string, holds: Holds, context: Context): Check =>
  numberCheck(limit, context, (value, of) => holds(compareDecimals(value, of)), expected);

function multipleCheck(multiple: Value, context: Context): Check {
  const decimal = multiple.decimal;
  if (!decimal || decimal.negative || decimal.digits === '' || decimal.digits.length > 100) {
    return context.leave(multiple, 'multipleOf is no number above 0 of at most 100 digits');
  }
  const check = numberCheck(
    multiple,
    context,
    isMultiple,
    `a multiple of ${shortConstant(multiple)}`,
  );
  return (value, run, seen) => {
    // Division of up to 1,000 digits, modular powers of up to 40 squarings.
    if (value.kind === KIND.number && !run.spend(10 + (value.length >> 1))) return UNKNOWN;
    return check(value, run, seen);
  };
}

/** The longest escape of one code point is a pair of \uXXXX. */
const MAX_BYTES_OF_CHARACTER = 12;

export function stringChecks(schema: Value, context: Context): readonly Check[] {
  const checks: Check[] = [];
  const least = count(schema, 'minLength', context, checks) ?? 0;
  const most = count(schema, 'maxLength', context, checks) ?? Infinity;
  if (least > 0 || most < Infinity) checks.push(lengthCheck(least, most));
  const source = keyword(schema, 'pattern', KIND.string, context, checks);
  if (source) checks.push(patternCheck(source, context));
  return checks;
}

function lengthCheck(least: number, most: number): Check {
  return (value, run) => {
    if (value.kind !== KIND.string) return TRUE;
    const bytes = value.length - 2;
    if (bytes <= most && Math.floor(bytes / MAX_BYTES_OF_CHARACTER) >= least) return TRUE;
    if (!run.spend(bytes >> 4)) return UNKNOWN;
    const length = codePoints(value.text);
    if (length < least) return run.fail(value, `at least ${plural(least, 'character')}`);
    return length > most ? run.fail(value, `at most ${plural(most, 'character')}`) : TRUE;
  };
}

function codePoints(text: string): number {
  let length = text.length;
  for (let i = 0; i + 1 < text.length; i++) {
    const isPair =
      (text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
    if (isPair) {
      length--;
      i++;
    }
  }
  return length;
}

/** What a text of so many bytes costs to match, in steps: an instruction takes 7 ns at worst (measured). */
export const matchSteps = (bytes: number, size: number): number => 5 + ((bytes * size) >>> 4);

function patternCheck(source: Value, context: Context): Check {
  const pattern = context.pattern(source);
  if (!pattern) return () => UNKNOWN;
  const expected = `a text that matches ${source.text.length <= 80 ? source.text : `${source.text.slice(0, 80)}…`}`;
  const check: Check = (value, run) => {
    if (value.kind !== KIND.string) return TRUE;
    if (!run.spend(matchSteps(value.length, pattern.size))) return UNKNOWN;
    return pattern.test(value.text) ? TRUE : run.fail(value, expected);
  };
  return check;
}
