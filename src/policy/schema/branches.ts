// Keywords that apply other schemas to the same value.
import { keyword, subRule, subRules } from './reader.ts';
import type { Compile } from './reader.ts';
import { FALSE, mergeSeen, newSeen, not, TRUE, UNKNOWN } from './run.ts';
import type { Check, Finding, Rule, Run, Seen, Verdict } from './run.ts';
import { KIND } from './value.ts';
import type { Value } from './value.ts';

export const branchChecks: Compile = (schema, context) => {
  const checks: Check[] = [];
  for (const rule of subRules(schema, 'allOf', context, checks)) {
    checks.push((value, run, seen) => run.checkPart(rule, value, seen));
  }
  const any = subRules(schema, 'anyOf', context, checks);
  if (any.length > 0) checks.push(anyOf(any));
  const one = subRules(schema, 'oneOf', context, checks);
  if (one.length > 0) checks.push(oneOf(one));
  const negated = subRule(schema, 'not', context, checks);
  if (negated) checks.push(noneOf(negated));
  const condition = subRule(schema, 'if', context, checks);
  if (condition) {
    const [yes, no] = ['then', 'else'].map((name) => subRule(schema, name, context, checks));
    checks.push(conditional(condition, yes, no));
  }
  return checks;
};

interface Tried {
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  readonly seen: Seen | undefined;
}

function tryBranch(rule: Rule, value: Value, run: Run, seen: Seen | undefined): Tried {
  const own = seen && newSeen();
  return { ...run.collect(rule, value, own), seen: own };
}

/** With unevaluated… around, every branch that holds counts, so all are looked at. */
function anyOf(rules: readonly Rule[]): Check {
  return (value, run, seen) => {
    const tried: Tried[] = [];
    let verdict: Verdict = FALSE;
    for (const rule of rules) {
      const one = tryBranch(rule, value, run, seen);
      mergeSeen(seen, one.seen, one.verdict);
      if (one.verdict === TRUE && !seen) return TRUE;
      tried.push(one);
      if (one.verdict > verdict) verdict = one.verdict;
      if (run.cap !== '') return verdict === TRUE ? TRUE : UNKNOWN;
    }
    return verdict === FALSE ? explain(rules, tried, value, run) : verdict;
  };
}

function oneOf(rules: readonly Rule[]): Check {
  return (value, run, seen) => {
    const tried: Tried[] = [];
    let sure = 0;
    let isUnsure = false;
    for (const rule of rules) {
      const one = tryBranch(rule, value, run, seen);
      mergeSeen(seen, one.seen, one.verdict);
      tried.push(one);
      if (one.verdict === TRUE) sure++;
      if (one.verdict === UNKNOWN) isUnsure = true;
      if (sure > 1)
        return run.fail(value, `exactly one of ${rules.length} forms, and not two of them`);
      if (run.cap !== '') return UNKNOWN;
    }
    if (isUnsure) return UNKNOWN;
    return sure === 1 ? TRUE : explain(rules, tried, value, run);
  };
}

/**
 * Why no branch holds: what is wrong with the branch that was meant, where one can be told by its kind or
 * constants, else all that would do.
 */
function explain(
  rules: readonly Rule[],
  tried: readonly Tried[],
  value: Value,
  run: Run,
): typeof FALSE {
  const meant = tried.filter(
    ({ findings }) => findings.length > 0 && !findings.some((one) => isMisfit(one, value)),
  );
  const [best] = meant.toSorted((a, b) => a.findings.length - b.findings.length);
  if (best && meant.length === 1) return run.addAll(best.findings);
  if (best) {
    const others = `, or what ${meant.length === 2 ? 'another form asks' : `${meant.length - 1} other forms ask`} for`;
    return run.addAll(
      best.findings.map((one) => ({ ...one, expected: `${one.expected}${others}` })),
    );
  }
  const forms = [
    ...new Set(rules.map(({ description }) => description).filter((text) => text !== '')),
  ];
  const more = forms.length > MAX_FORMS ? ` or ${forms.length - MAX_FORMS} more` : '';
  const expected =
    forms.length > 0 ? `${forms.slice(0, MAX_FORMS).join(' or ')}${more}` : 'one of several forms';
  return run.fail(value, expected, 'kind');
}

const MAX_FORMS = 6;

/** The value itself, or a constant directly in it such as a `type` that tells the forms apart. */
const isMisfit = ({ misfit, value: at }: Finding, value: Value): boolean =>
  (misfit !== 'none' && at === value) || (misfit === 'constant' && at.parent === value);

const noneOf =
  (rule: Rule): Check =>
  (value, run) => {
    const verdict = not(run.try(rule, value));
    if (verdict !== FALSE) return verdict;
    return run.fail(value, `anything but ${rule.description || 'what the schema excludes'}`);
  };

function conditional(condition: Rule, yes: Rule | undefined, no: Rule | undefined): Check {
  return (value, run, seen) => {
    const own = seen && newSeen();
    const verdict = run.try(condition, value, own);
    mergeSeen(seen, own, verdict);
    if (verdict === TRUE) return yes ? run.checkPart(yes, value, seen) : TRUE;
    if (verdict === FALSE) return no ? run.checkPart(no, value, seen) : TRUE;
    if (!yes || !no) return UNKNOWN;
    // Undecided which: wrong only if both say so.
    const one = run.try(yes, value);
    const other = run.try(no, value);
    if (one === FALSE && other === FALSE) return run.check(yes, value);
    return UNKNOWN;
  };
}

/** `$ref` and its like, where they lead to a place in the same document. */
export const referenceChecks: Compile = (schema, context) => {
  const checks: Check[] = [];
  for (const name of ['$ref', '$dynamicRef', '$recursiveRef']) {
    const reference = keyword(schema, name, KIND.string, context, checks);
    if (!reference) continue;
    const anchor = /^#([A-Za-z_][\w.-]*)$/.exec(reference.text)?.[1];
    const target =
      name === '$dynamicRef' && anchor !== undefined
        ? context.dynamic(anchor)
        : name === '$recursiveRef'
          ? undefined
          : context.resolve(reference.text, schema);
    if (!target) checks.push(context.leave(reference, `${name} leads to no place in this schema`));
    else {
      const rule = context.rule(target);
      checks.push((value, run, seen) => run.checkPart(rule, value, seen));
    }
  }
  return checks;
};
