// One check of a value against a compiled schema: verdicts, faults and the budget.
import type { Value } from './value.ts';

/**
 * What is known of a value: Kleene's three truth values, so that "and" is the least, "or" the most and "not"
 * the mirror. What cannot be decided here is UNKNOWN and never becomes a refusal, not even under `not`.
 */
export const FALSE = 0;
export const UNKNOWN = 1;
export const TRUE = 2;
export type Verdict = 0 | 1 | 2;

export const not = (verdict: Verdict): Verdict => (2 - verdict) as Verdict;
export const both = (a: Verdict, b: Verdict): Verdict => (a < b ? a : b);

/** A step is about a tenth of a microsecond. */
export const MAX_STEPS = 400_000;
/** Schemas inside schemas at once: recursion must not end the process. */
const MAX_NESTING = 400;
const MAX_FAULTS = 10;

/** What is wrong with a value, as far as it takes no work to say. */
export interface Finding {
  readonly value: Value;
  /** The property that is missing, or that should not be there. */
  readonly key: string | undefined;
  readonly expected: string;
  readonly misfit: Misfit;
}

/** Of another kind, or another constant, than a branch asks for: it was hardly meant for that branch. */
export type Misfit = 'none' | 'kind' | 'constant';

/** Which properties and elements of one value have been looked at, for unevaluatedProperties and -Items. */
export interface Seen {
  readonly keys: Set<string | number>;
  all: boolean;
  /** A part could not be decided, so neither can what it looked at. */
  unsure: boolean;
}

export const newSeen = (): Seen => ({ keys: new Set(), all: false, unsure: false });

export type Check = (value: Value, run: Run, seen: Seen | undefined) => Verdict;

/** A compiled schema; filled after it is made, since schemas may refer to themselves. */
export interface Rule {
  checks: readonly Check[];
  /** What it asks for, in a few words. */
  description: string;
}

export class Run {
  /** Where findings go; undefined while nobody would see them. */
  findings: Finding[] | undefined = [];
  #steps = 0;
  #nesting = 0;
  /** The cap that ended the check; empty: none. */
  cap = '';

  /** @returns false when the budget is used up */
  spend(steps: number): boolean {
    this.#steps += steps;
    if (this.#steps > MAX_STEPS && this.cap === '') this.cap = `more than ${MAX_STEPS} steps`;
    return this.cap === '';
  }

  get steps(): number {
    return this.#steps;
  }

  get isFull(): boolean {
    return this.findings === undefined || this.findings.length >= MAX_FAULTS;
  }

  check(rule: Rule, value: Value, seen?: Seen): Verdict {
    if (!this.spend(1)) return UNKNOWN;
    if (this.#nesting >= MAX_NESTING) {
      this.cap = `more than ${MAX_NESTING} schemas inside each other`;
      return UNKNOWN;
    }
    this.#nesting++;
    let verdict: Verdict = TRUE;
    for (const check of rule.checks) {
      verdict = both(verdict, check(value, this, seen));
      if (verdict === FALSE && this.isFull) break;
    }
    this.#nesting--;
    return verdict;
  }

  /** Checks a schema that belongs to the value's own: what it has looked at counts there too. */
  checkPart(rule: Rule, value: Value, seen: Seen | undefined): Verdict {
    const verdict = this.check(rule, value, seen);
    if (verdict === UNKNOWN && seen) seen.unsure = true;
    return verdict;
  }

  /** Checks without telling what is wrong. */
  try(rule: Rule, value: Value, seen?: Seen): Verdict {
    const { findings } = this;
    this.findings = undefined;
    const verdict = this.check(rule, value, seen);
    this.findings = findings;
    return verdict;
  }

  /** Checks and keeps what is wrong apart. */
  collect(
    rule: Rule,
    value: Value,
    seen?: Seen,
  ): { verdict: Verdict; findings: readonly Finding[] } {
    const { findings } = this;
    const own: Finding[] | undefined = findings && [];
    this.findings = own;
    const verdict = this.check(rule, value, seen);
    this.findings = findings;
    return { verdict, findings: own ?? [] };
  }

  fail(value: Value, expected: string, misfit: Misfit = 'none'): typeof FALSE {
    return this.#add({ value, key: undefined, expected, misfit });
  }

  failKey(value: Value, key: string, expected: string): typeof FALSE {
    return this.#add({ value, key, expected, misfit: 'none' });
  }

  addAll(findings: readonly Finding[]): typeof FALSE {
    for (const finding of findings) this.#add(finding);
    return FALSE;
  }

  #add(finding: Finding): typeof FALSE {
    if (!this.isFull) this.findings!.push(finding);
    return FALSE;
  }
}

/** Takes over what a branch that holds has looked at. */
export function mergeSeen(into: Seen | undefined, from: Seen | undefined, verdict: Verdict): void {
  if (!into || !from || verdict === FALSE) return;
  if (verdict === UNKNOWN) into.unsure = true;
  into.unsure ||= from.unsure;
  into.all ||= from.all;
  for (const key of from.keys) into.keys.add(key);
}

/** `$.a[0].b`, keys that are no plain names in brackets. */
export function pathOf(value: Value, key?: string): string {
  const parts: string[] = [];
  if (key !== undefined) parts.push(step(key));
  for (let at: Value | undefined = value; at?.parent; at = at.parent) parts.push(step(at.key));
  const path = `$${parts.toReversed().join('')}`;
  return path.length <= MAX_PATH ? path : `${path.slice(0, MAX_PATH)}…`;
}

const MAX_PATH = 300;

function step(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`;
  return /^[A-Za-z_$][\w$-]{0,100}$/.test(key)
    ? `.${key}`
    : `[${JSON.stringify(key.slice(0, 100))}]`;
}
