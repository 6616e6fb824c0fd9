// Rules: execution modes by an expression over the call.
import { compileExpression } from '../config/expression.ts';
import type { RuleConfig } from '../config/config.ts';
import { GatewayError, reasonOf } from '../core/errors.ts';
import type { Mode, Principal } from '../core/principal.ts';
import type { Annotations } from './annotations.ts';
import { objectAt } from './rule-values.ts';
import { compileSelectors, matches } from './selectors.ts';
import type { SelectorScope } from './selectors.ts';

/** What an expression can see of a call. */
export interface RuleFacts {
  readonly principal: Principal;
  readonly server: string;
  /** The server's own name for it. */
  readonly tool: string;
  readonly annotations: Annotations;
  /** Raw JSON of the arguments that will be sent; undefined: none. */
  readonly argumentsBytes: Buffer | undefined;
}

/** `fault`: why it could not be told. */
export type Verdict =
  | { readonly holds: boolean; readonly fault?: undefined }
  | { readonly holds: false; readonly fault: string };

export interface Rule {
  /** `rules[0]` */
  readonly label: string;
  readonly when: string;
  readonly mode: Mode;
  concerns(server: string, tool: string): boolean;
  judge(facts: RuleFacts): Verdict;
}

/** One expression may take so long. It is looked at whenever it looks at an argument. */
const MAX_MS = 50;
const NO_ARGUMENTS = Buffer.from('{}');

/** @param config checked; an expression that is none never holds */
export function createRule(
  config: RuleConfig,
  label: string,
  scope: Pick<SelectorScope, 'groups'>,
): Rule {
  const { when, mode } = config;
  const { selectors } = compileSelectors(config.tools, scope);
  const compiled = compileExpression(when);
  return {
    label,
    when,
    mode,
    concerns: (server, tool) => selectors.some((selector) => matches(selector, server, tool)),
    judge(facts) {
      if (compiled.problem !== undefined) return { holds: false, fault: compiled.problem };
      try {
        return { holds: compiled.run(valuesOf(facts)) };
      } catch (error) {
        return { holds: false, fault: reasonOf(error).split('\n')[0]! };
      }
    },
  };
}

function valuesOf(facts: RuleFacts): Record<string, unknown> {
  const { principal, server, tool, annotations, argumentsBytes: bytes = NO_ARGUMENTS } = facts;
  const deadline = performance.now() + MAX_MS;
  const tick = (): void => {
    if (performance.now() <= deadline) return;
    throw new GatewayError('PARAMS_INVALID', `A rule took longer than ${MAX_MS} ms.`);
  };
  const args = objectAt({ bytes, tick }, { start: 0, end: bytes.length });
  return {
    args,
    tool,
    server,
    annotations,
    key: principal.name,
    team: principal.team ?? '',
    customer: principal.customer ?? '',
    environment: principal.environment ?? '',
  };
}
