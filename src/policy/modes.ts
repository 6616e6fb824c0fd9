// Whether a call runs when it is called (auto), once somebody who may has said yes (ask), or once another
// principal has (review). Key before server before gateway; within each the first that matches.
import { createHash } from 'node:crypto';
import type { PolicyConfig, ServerConfig } from '../config/config.ts';
import { createGlob } from '../core/glob.ts';
import type { Log } from '../core/log.ts';
import type { Mode, ModeRule, Principal } from '../core/principal.ts';
import { createAnnotations } from './annotations.ts';
import { createRule } from './rules.ts';
import type { Rule } from './rules.ts';
import { compileSelectors, matches } from './selectors.ts';
import type { SelectorScope } from './selectors.ts';

export interface ModeQuestion {
  readonly principal: Principal;
  readonly server: string;
  /** The server's own name for it. */
  readonly tool: string;
  /** As the server sent it. */
  readonly definition: Buffer | undefined;
  /** Raw JSON of the arguments that will be sent; undefined: none. */
  readonly argumentsBytes: Buffer | undefined;
}

export interface Decision {
  readonly mode: Mode;
  /** What decided, for people: `rules[0]`, `autoExecute of server "files": "read_*"`, `default`. */
  readonly rule: string;
  /** SHA-256, hex, over everything that can decide this principal and tool: a yes holds only under the same. */
  readonly hash: string;
  /** The configuration that would make it run unasked, when nothing decided. */
  readonly suggestion: string | undefined;
  /** Rules that could not be told to hold or not, as sentences. */
  readonly faults: readonly string[];
}

export interface Modes {
  decide(question: ModeQuestion): Decision;
  /** What can decide this principal and tool, in order, as sentences. */
  candidates(principal: Principal, server: string, tool: string): readonly string[];
}

/** Something that decides: always, or when its rule holds. */
interface Candidate {
  readonly label: string;
  readonly mode: Mode;
  readonly rule?: Rule;
}

interface Plan {
  /** All but the last have a rule. */
  readonly candidates: readonly Candidate[];
  readonly hash: string;
}

export const DEFAULT_RULE = 'default';

const STRICTNESS: Readonly<Record<Mode, number>> = { auto: 0, ask: 1, review: 2 };
/** Plans that are kept for one principal. */
const MAX_PLANS = 5_000;

type Match = (server: string, tool: string) => Candidate | undefined;
type ServerMatch = (tool: string) => Candidate | undefined;

type PlanOf = (principal: Principal, server: string, tool: string) => Plan;

export function createModes(
  policy: PolicyConfig,
  servers: readonly ServerConfig[],
  log: Log,
): Modes {
  const annotations = createAnnotations(servers);
  const planOf = keepPlans(createPlanner(policy, servers));
  return {
    decide(question) {
      const { principal, server, tool, definition } = question;
      const plan = planOf(principal, server, tool);
      const facts = { ...question, annotations: annotations(server, tool, definition) };
      const { chosen, faults } = choose(plan, facts);
      if (faults.length > 0) {
        log.warn({ server, tool, key: principal.id, faults }, 'a rule could not be told');
      }
      const { mode, label } = chosen;
      const suggestion = label === DEFAULT_RULE ? suggestionFor(server, tool) : undefined;
      return { mode, rule: label, hash: plan.hash, suggestion, faults };
    },
    candidates: (principal, server, tool) =>
      planOf(principal, server, tool).candidates.map(({ label, mode, rule }) =>
        rule ? `${label}, when ${rule.when}: ${mode}` : `${label}: ${mode}`,
      ),
  };
}

function createPlanner(policy: PolicyConfig, servers: readonly ServerConfig[]): PlanOf {
  const { groups } = policy;
  const ofServer = new Map(servers.map((server) => [server.name, matchServer(server)]));
  const ofFile = matchModes(policy.modes, (text) => `modes of the file: "${text}"`, { groups });
  const rules = policy.rules.map((rule, index) => createRule(rule, `rules[${index}]`, { groups }));
  const trusted = new Set(servers.filter((server) => server.trusted).map(({ name }) => name));
  const annotations = createAnnotations(servers);
  const fromFile = (server: string, tool: string): Candidate[] => [
    ...rules
      .filter((rule) => rule.concerns(server, tool))
      .map((rule) => ({ label: rule.label, mode: rule.mode, rule })),
    ofFile(server, tool) ?? { label: DEFAULT_RULE, mode: 'ask' },
  ];
  return (principal, server, tool) => {
    const label = (text: string): string => `modes of key "${principal.name}": "${text}"`;
    const ofKey = matchModes(principal.modes, label, { groups });
    const first = ofKey(server, tool) ?? ofServer.get(server)?.(tool);
    const candidates = first ? [first] : fromFile(server, tool);
    const texts = candidates.map((one) => [one.label, one.mode, one.rule?.when]);
    // What an expression can see besides the call itself.
    const about = candidates.some(({ rule }) => rule)
      ? [factsOf(principal), trusted.has(server), annotations(server, tool, undefined)]
      : [];
    const hash = createHash('sha256')
      .update(JSON.stringify([texts, about]))
      .digest('hex');
    return { candidates, hash };
  };
}

function keepPlans(makePlan: PlanOf): PlanOf {
  const plans = new WeakMap<Principal, Map<string, Plan>>();
  return (principal, server, tool) => {
    let known = plans.get(principal);
    if (!known || known.size >= MAX_PLANS) {
      known = new Map();
      plans.set(principal, known);
    }
    const key = `${server}/${tool}`;
    const plan = known.get(key) ?? makePlan(principal, server, tool);
    known.set(key, plan);
    return plan;
  };
}

const suggestionFor = (server: string, tool: string): string =>
  `"autoExecute": [${JSON.stringify(tool)}] under "mcpServers" → ${JSON.stringify(server)}`;

const factsOf = ({ name, team, customer, environment }: Principal) => [
  name,
  team,
  customer,
  environment,
];

/**
 * The first candidate that holds. A rule that cannot be told does not hold, unless it is stricter than what
 * decides then: whoever chooses the arguments must not get past a rule by sending what makes it fail.
 */
function choose({ candidates }: Plan, facts: Parameters<Rule['judge']>[0]) {
  const faults: string[] = [];
  let doubtful: Candidate | undefined;
  for (const candidate of candidates) {
    const verdict = candidate.rule?.judge(facts);
    if (verdict?.fault !== undefined) {
      faults.push(`${candidate.label} could not be told: ${verdict.fault}`);
      if (!doubtful || STRICTNESS[candidate.mode] > STRICTNESS[doubtful.mode]) doubtful = candidate;
    } else if (verdict === undefined || verdict.holds) {
      const isDoubtful =
        doubtful !== undefined && STRICTNESS[doubtful.mode] > STRICTNESS[candidate.mode];
      return { chosen: isDoubtful ? doubtful! : candidate, faults };
    }
  }
  const last: Candidate = { label: DEFAULT_RULE, mode: 'ask' };
  return { chosen: last, faults };
}

function matchModes(
  modes: readonly ModeRule[],
  labelOf: (text: string) => string,
  scope: Pick<SelectorScope, 'groups'>,
): Match {
  const compiled = modes.map(({ tools, mode }) => {
    const { selectors } = compileSelectors([tools], scope);
    return { selectors, candidate: { label: labelOf(tools), mode } };
  });
  return (server, tool) =>
    compiled.find(({ selectors }) => selectors.some((one) => matches(one, server, tool)))
      ?.candidate;
}

/** `modes` before `autoExecute`: who writes both means the exceptions by the first. */
function matchServer({ name, modes, autoExecute }: ServerConfig): ServerMatch {
  const all = [
    ...modes.map(({ tools, mode }) => ({
      glob: createGlob(tools),
      candidate: { label: `modes of server "${name}": "${tools}"`, mode },
    })),
    ...autoExecute.map((tools) => ({
      glob: createGlob(tools),
      candidate: { label: `autoExecute of server "${name}": "${tools}"`, mode: 'auto' as const },
    })),
  ];
  return (tool) => all.find(({ glob }) => glob(tool))?.candidate;
}
