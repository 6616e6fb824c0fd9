// Keywords for objects.
import { count, keyword, plural, ruleMap, subRule, SCHEMA } from './reader.ts';
import type { Compile, Context } from './reader.ts';
import { both, FALSE, TRUE, UNKNOWN } from './run.ts';
import type { Check, Rule, Run, Seen, Verdict } from './run.ts';
import { matchSteps, shortList } from './scalars.ts';
import { KIND, stringValue } from './value.ts';
import type { Value } from './value.ts';
import type { Pattern } from './pattern.ts';

export const objectChecks: Compile = (schema, context) => {
  const checks: Check[] = [];
  requiredChecks(schema, context, checks);
  sizeCheck(schema, context, checks);
  const names = subRule(schema, 'propertyNames', context, checks);
  if (names) checks.push(namesCheck(names));
  propertyChecks(schema, context, checks);
  dependencyChecks(schema, context, checks);
  return checks;
};

/** The names in a list of strings; undefined where it is none. */
function namesIn(list: Value): readonly string[] | undefined {
  if (!list.is(KIND.array) || list.elements.some((one) => !one.is(KIND.string))) return undefined;
  return list.elements.map((one) => one.text);
}

function requiredChecks(schema: Value, context: Context, checks: Check[]): void {
  const list = keyword(schema, 'required', KIND.array, context, checks);
  const names = list && namesIn(list);
  if (list && !names) checks.push(context.leave(list, 'required is no list of names'));
  if (!names || names.length === 0) return;
  const properties = schema.members.get('properties');
  const wanted = names.map((name) => {
    const property = properties?.members.get(name);
    return { name, rule: property?.is(SCHEMA) ? context.rule(property) : undefined };
  });
  checks.push((value, run) => {
    if (value.kind !== KIND.object) return TRUE;
    if (!run.spend(wanted.length >> 3)) return UNKNOWN;
    let verdict: Verdict = TRUE;
    for (const { name, rule } of wanted) {
      if (value.members.has(name)) continue;
      const what = rule?.description;
      verdict = run.failKey(value, name, what ? `${what} (required)` : 'a value (required)');
    }
    return verdict;
  });
}

function sizeCheck(schema: Value, context: Context, checks: Check[]): void {
  const least = count(schema, 'minProperties', context, checks) ?? 0;
  const most = count(schema, 'maxProperties', context, checks) ?? Infinity;
  if (least === 0 && most === Infinity) return;
  checks.push((value, run) => {
    if (value.kind !== KIND.object) return TRUE;
    const { size } = value.members;
    if (size < least) return run.fail(value, `at least ${plural(least, 'property')}`);
    return size > most ? run.fail(value, `at most ${plural(most, 'property')}`) : TRUE;
  });
}

const namesCheck =
  (names: Rule): Check =>
  (value, run) => {
    if (value.kind !== KIND.object) return TRUE;
    let verdict: Verdict = TRUE;
    for (const key of value.members.keys()) {
      verdict = both(verdict, run.check(names, stringValue(key, value)));
      if (run.cap !== '') return both(verdict, UNKNOWN);
    }
    return verdict;
  };

interface PatternRule {
  readonly pattern: Pattern | undefined;
  readonly rule: Rule;
}

function propertyChecks(schema: Value, context: Context, checks: Check[]): void {
  const named = ruleMap(schema, 'properties', context, checks);
  const map = keyword(schema, 'patternProperties', KIND.object, context, checks);
  const patterns: PatternRule[] = [...(map?.members ?? [])].map(([source, value]) => ({
    pattern: context.pattern(stringValue(source, map!)),
    rule: context.rule(value),
  }));
  const others = subRule(schema, 'additionalProperties', context, checks);
  if (!named && patterns.length === 0 && !others) return;
  // Written as false: the name is what is wrong, not the value.
  const isClosed = schema.members.get('additionalProperties')?.source === 'false';
  const known = shortList(
    [...(named?.keys() ?? [])].map((name) => JSON.stringify(name.slice(0, 60))),
  );
  const closed = isClosed
    ? `no such property${known === '' ? '' : `; there are ${known}`}`
    : undefined;
  checks.push((value, run, seen) => {
    if (value.kind !== KIND.object) return TRUE;
    let verdict: Verdict = TRUE;
    for (const [key, member] of value.members) {
      verdict = both(verdict, property(key, member, value, run, seen));
      if (run.cap !== '') return both(verdict, UNKNOWN);
    }
    return verdict;
  });

  function property(
    key: string,
    member: Value,
    value: Value,
    run: Run,
    seen: Seen | undefined,
  ): Verdict {
    const rule = named?.get(key);
    let verdict: Verdict = rule ? run.check(rule, member) : TRUE;
    let isKnown = rule !== undefined;
    let isUnsure = false;
    for (const { pattern, rule: matched } of patterns) {
      if (!run.spend(1 + (pattern ? matchSteps(key.length, pattern.size) : 0))) return UNKNOWN;
      if (!pattern) isUnsure = true;
      else if (pattern.test(key)) {
        isKnown = true;
        verdict = both(verdict, run.check(matched, member));
      }
    }
    if (isUnsure) verdict = both(verdict, UNKNOWN);
    if (isUnsure && !isKnown) {
      if (seen) seen.unsure = true;
      return verdict;
    }
    if (!isKnown && closed !== undefined) return run.failKey(value, key, closed);
    if (!isKnown && others) verdict = both(verdict, run.check(others, member));
    if (isKnown || others) seen?.keys.add(key);
    return verdict;
  }
}

/** dependentRequired and dependentSchemas, and both as draft-07's `dependencies`. */
function dependencyChecks(schema: Value, context: Context, checks: Check[]): void {
  for (const name of ['dependentRequired', 'dependentSchemas', 'dependencies']) {
    const map = keyword(schema, name, KIND.object, context, checks);
    for (const [key, value] of map?.members ?? []) {
      const names = namesIn(value);
      if (names && name !== 'dependentSchemas') checks.push(dependentNames(key, names));
      else if (value.is(SCHEMA) && name !== 'dependentRequired') {
        checks.push(dependentRule(key, context.rule(value)));
      } else checks.push(context.leave(value, `${name} has neither names nor a schema here`));
    }
  }
}

const dependentNames =
  (key: string, names: readonly string[]): Check =>
  (value, run) => {
    if (value.kind !== KIND.object || !value.members.has(key)) return TRUE;
    if (!run.spend(names.length >> 3)) return UNKNOWN;
    let verdict: Verdict = TRUE;
    for (const name of names) {
      if (!value.members.has(name)) {
        verdict = run.failKey(
          value,
          name,
          `a value (required with ${JSON.stringify(key.slice(0, 60))})`,
        );
      }
    }
    return verdict;
  };

const dependentRule =
  (key: string, rule: Rule): Check =>
  (value, run, seen) =>
    value.kind === KIND.object && value.members.has(key) ? run.checkPart(rule, value, seen) : TRUE;

/** After all else of its schema: what nothing has looked at. */
export const unevaluatedPropertyChecks: Compile = (schema, context) => {
  const checks: Check[] = [];
  const rule = subRule(schema, 'unevaluatedProperties', context, checks);
  if (!rule) return checks;
  checks.push((value, run, seen) => {
    if (value.kind !== KIND.object || !seen || seen.all) return TRUE;
    let verdict: Verdict = TRUE;
    for (const [key, member] of value.members) {
      if (seen.keys.has(key)) continue;
      // Who knows whether an undecided part looked at it.
      const one = seen.unsure ? run.try(rule, member) : run.check(rule, member);
      verdict = both(verdict, seen.unsure && one === FALSE ? UNKNOWN : one);
      if (run.cap !== '') return both(verdict, UNKNOWN);
    }
    seen.all = true;
    return verdict;
  });
  return checks;
};
