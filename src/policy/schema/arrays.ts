// Keywords for arrays.
import { count, plural, subRule, subRules } from './reader.ts';
import type { Compile, Context } from './reader.ts';
import { both, FALSE, TRUE, UNKNOWN } from './run.ts';
import type { Check, Rule, Run, Seen, Verdict } from './run.ts';
import { KIND } from './value.ts';
import type { Value } from './value.ts';

export const arrayChecks: Compile = (schema, context) => {
  const checks: Check[] = [];
  lengthChecks(schema, context, checks);
  itemChecks(schema, context, checks);
  containsCheck(schema, context, checks);
  if (schema.members.get('uniqueItems')?.isTrue) checks.push(areUnique);
  return checks;
};

function lengthChecks(schema: Value, context: Context, checks: Check[]): void {
  const least = count(schema, 'minItems', context, checks) ?? 0;
  const most = count(schema, 'maxItems', context, checks) ?? Infinity;
  if (least === 0 && most === Infinity) return;
  checks.push((value, run) => {
    if (value.kind !== KIND.array) return TRUE;
    const { length } = value.elements;
    if (length < least) return run.fail(value, `at least ${plural(least, 'element')}`);
    return length > most ? run.fail(value, `at most ${plural(most, 'element')}`) : TRUE;
  });
}

/** Before 2020-12 `items` held the list that is now `prefixItems`, and `additionalItems` the rest. */
function itemChecks(schema: Value, context: Context, checks: Check[]): void {
  const isTuple = schema.members.get('items')?.is(KIND.array) === true;
  const prefix = subRules(schema, isTuple ? 'items' : 'prefixItems', context, checks);
  const rest = subRule(schema, isTuple ? 'additionalItems' : 'items', context, checks);
  if (prefix.length === 0 && !rest) return;
  checks.push((value, run, seen) => {
    if (value.kind !== KIND.array) return TRUE;
    let verdict: Verdict = TRUE;
    for (const [i, element] of value.elements.entries()) {
      const rule = prefix[i] ?? rest;
      if (!rule) break;
      verdict = both(verdict, run.check(rule, element));
      seen?.keys.add(i);
      if (run.cap !== '') return both(verdict, UNKNOWN);
      if (verdict === FALSE && run.isFull) break;
    }
    if (rest && seen) seen.all = true;
    return verdict;
  });
}

function containsCheck(schema: Value, context: Context, checks: Check[]): void {
  const rule = subRule(schema, 'contains', context, checks);
  const least = count(schema, 'minContains', context, checks) ?? 1;
  const most = count(schema, 'maxContains', context, checks) ?? Infinity;
  if (!rule) return;
  checks.push((value, run, seen) => {
    if (value.kind !== KIND.array) return TRUE;
    const { sure, maybe } = tally(rule, value, run, seen);
    if (run.cap !== '') return UNKNOWN;
    const range = most === Infinity ? plural(least, 'element') : `${least} to ${most} elements`;
    const expected = `${most === Infinity ? 'at least ' : ''}${range} that are: ${rule.description || 'as asked'}`;
    if (sure + maybe < least || sure > most) return run.fail(value, expected);
    return sure >= least && sure + maybe <= most ? TRUE : UNKNOWN;
  });
}

function tally(
  rule: Rule,
  value: Value,
  run: Run,
  seen: Seen | undefined,
): { sure: number; maybe: number } {
  let sure = 0;
  let maybe = 0;
  for (const [i, element] of value.elements.entries()) {
    const verdict = run.try(rule, element);
    if (verdict === TRUE) {
      sure++;
      seen?.keys.add(i);
    }
    if (verdict !== UNKNOWN) continue;
    maybe++;
    if (seen) seen.unsure = true;
    if (run.cap !== '') break;
  }
  return { sure, maybe };
}

const areUnique: Check = (value, run) => {
  if (value.kind !== KIND.array) return TRUE;
  if (!run.spend(value.elements.length + (value.length >> 4))) return UNKNOWN;
  const known = new Set<string>();
  let verdict: Verdict = TRUE;
  for (const element of value.elements) {
    const { identity } = element;
    if (identity === undefined) verdict = UNKNOWN;
    else if (known.has(identity))
      return run.fail(element, 'an element that is not in the array already');
    else known.add(identity);
  }
  return verdict;
};

/** After all else of its schema: what nothing has looked at. */
export const unevaluatedItemChecks: Compile = (schema, context) => {
  const checks: Check[] = [];
  const rule = subRule(schema, 'unevaluatedItems', context, checks);
  if (!rule) return checks;
  checks.push((value, run, seen) => {
    if (value.kind !== KIND.array || !seen || seen.all) return TRUE;
    let verdict: Verdict = TRUE;
    for (const [i, element] of value.elements.entries()) {
      if (seen.keys.has(i)) continue;
      const one = seen.unsure ? run.try(rule, element) : run.check(rule, element);
      verdict = both(verdict, seen.unsure && one === FALSE ? UNKNOWN : one);
      if (run.cap !== '') return both(verdict, UNKNOWN);
    }
    seen.all = true;
    return verdict;
  });
  return checks;
};
