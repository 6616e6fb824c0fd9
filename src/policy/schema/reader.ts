// What the compilers of keywords share: reading keywords, and noting what is left to the upstream.
import type { Check, Rule } from './run.ts';
import { UNKNOWN } from './run.ts';
import { KIND } from './value.ts';
import type { Value } from './value.ts';
import type { Pattern } from './pattern.ts';

export interface Context {
  /** Older than 2019-09: what stands beside $ref does not count. */
  readonly isOld: boolean;
  /** The compiled schema at this place. */
  rule(schema: Value): Rule;
  /** @param schema where the reference stands */
  resolve(reference: string, schema: Value): Value | undefined;
  /** The only anchor of that name that is dynamic; undefined when there are several. */
  dynamic(name: string): Value | undefined;
  pattern(value: Value): Pattern | undefined;
  /** Notes a part that cannot be checked here. @returns a check that decides nothing */
  leave(value: Value, why: string): Check;
}

/** @returns checks of some keywords of an object schema */
export type Compile = (schema: Value, context: Context) => readonly Check[];

export const undecided: Check = () => UNKNOWN;

/** A keyword of that kind; one of another kind is left to the upstream. */
export function keyword(
  schema: Value,
  name: string,
  kinds: number,
  context: Context,
  checks: Check[],
): Value | undefined {
  const value = schema.members.get(name);
  if (!value || value.is(kinds)) return value;
  checks.push(context.leave(value, `${name} is a ${value.kindName}`));
  return undefined;
}

export const SCHEMA = KIND.object | KIND.boolean;

/** The schema under a keyword, compiled. */
export function subRule(
  schema: Value,
  name: string,
  context: Context,
  checks: Check[],
): Rule | undefined {
  const value = keyword(schema, name, SCHEMA, context, checks);
  return value && context.rule(value);
}

/** A list of schemas under a keyword, compiled. */
export function subRules(
  schema: Value,
  name: string,
  context: Context,
  checks: Check[],
): readonly Rule[] {
  const list = keyword(schema, name, KIND.array, context, checks);
  return (list?.elements ?? []).map((element) => context.rule(element));
}

/** A map of schemas under a keyword, compiled. */
export function ruleMap(
  schema: Value,
  name: string,
  context: Context,
  checks: Check[],
): ReadonlyMap<string, Rule> | undefined {
  const map = keyword(schema, name, KIND.object, context, checks);
  return map && new Map([...map.members].map(([key, value]) => [key, context.rule(value)]));
}

/** A count such as minLength: a whole number from 0 on. */
export function count(
  schema: Value,
  name: string,
  context: Context,
  checks: Check[],
): number | undefined {
  const value = keyword(schema, name, KIND.number, context, checks);
  if (!value) return undefined;
  const number = Number(value.source);
  if (number >= 0 && (Number.isInteger(number) || number === Infinity)) return number;
  checks.push(context.leave(value, `${name} is no count`));
  return undefined;
}

export const plural = (number: number, noun: string): string => {
  if (number === 1) return `1 ${noun}`;
  return noun === 'property' ? `${number} properties` : `${number} ${noun}s`;
};
