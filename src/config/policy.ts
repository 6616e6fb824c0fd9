// The policy part of the file → what the rest of the program knows of it, every name in it checked.
import type { JSONPath } from 'jsonc-parser';

import type { Allowance, Mode, ModeRule } from '../core/principal.ts';
import type { ConfigKey, PolicyConfig } from './config.ts';
import { compileExpression } from './expression.ts';
import type { Settings } from './schema.ts';
import { checkName, checkSelector, checkSelectors } from './selectors.ts';
import type { Names } from './selectors.ts';

type PolicySettings = Pick<
  Settings,
  | 'groups'
  | 'customers'
  | 'teams'
  | 'environments'
  | 'keys'
  | 'rules'
  | 'modes'
  | 'approvals'
  | 'pinning'
>;

interface LevelSettings {
  readonly tools?: readonly string[] | undefined;
  readonly deny: readonly string[];
  readonly prompts?: readonly string[] | undefined;
  readonly resources?: readonly string[] | undefined;
}

/** Customers, teams and environments narrow what keys have; where they say nothing they do not. */
const EVERYTHING = ['*'];

function toAllowance(level: LevelSettings, path: JSONPath, names: Names): Allowance {
  const { tools = EVERYTHING, deny, prompts, resources } = level;
  checkSelectors(level.tools, [...path, 'tools'], names);
  checkSelectors(deny, [...path, 'deny'], names);
  checkSelectors(prompts, [...path, 'prompts'], names);
  checkSelectors(resources, [...path, 'resources'], names);
  return { tools, deny, prompts, resources };
}

function toModes(modes: Readonly<Record<string, Mode>>, path: JSONPath, names: Names): ModeRule[] {
  return Object.entries(modes).map(([tools, mode]) => {
    checkSelector(tools, [...path, tools], names);
    return { tools, mode };
  });
}

function mapOf<T, U>(
  record: Readonly<Record<string, T>>,
  section: string,
  convert: (value: T, path: JSONPath) => U,
): Map<string, U> {
  return new Map(
    Object.entries(record).map(([name, value]) => [name, convert(value, [section, name])]),
  );
}

export function toPolicy(settings: PolicySettings, names: Names): PolicyConfig {
  const { customers, teams, environments, rules, modes, approvals, pinning } = settings;
  return {
    groups: mapOf(settings.groups, 'groups', (selectors, path) => {
      checkSelectors(selectors, path, names, true);
      return selectors;
    }),
    customers: mapOf(customers, 'customers', (level, path) => toAllowance(level, path, names)),
    teams: mapOf(teams, 'teams', (team, path) => {
      checkName(
        team.customer,
        [...path, 'customer'],
        Object.keys(customers),
        'a customer of "customers"',
        names,
      );
      return { ...toAllowance(team, path, names), customer: team.customer };
    }),
    environments: mapOf(environments, 'environments', (level, path) => {
      for (const [index, server] of level.readOnly.entries()) {
        checkName(
          server,
          [...path, 'readOnly', index],
          names.servers,
          'the name of a server',
          names,
        );
      }
      return { ...toAllowance(level, path, names), readOnly: level.readOnly };
    }),
    rules: rules.map(({ tools, when, mode }, index) => {
      const path = ['rules', index];
      checkSelectors(tools, [...path, 'tools'], names);
      const { problem } = compileExpression(when);
      if (problem !== undefined) {
        names.report({
          path: [...path, 'when'],
          text: `expected a CEL expression that is true or false, got ${problem}`,
        });
      }
      return { tools, when, mode };
    }),
    modes: toModes(modes, ['modes'], names),
    approvals: {
      waitMs: approvals.waitSeconds * 1000,
      expiryMs: approvals.expirySeconds * 1000,
      webhook: approvals.webhook,
    },
    pinning,
  };
}

export function toKeys({ keys }: PolicySettings, policy: PolicyConfig, names: Names): ConfigKey[] {
  const secrets = new Map<string, string>();
  const { customers, teams, environments } = policy;
  return Object.entries(keys).map(([name, key]): ConfigKey => {
    const path = ['keys', name];
    const { secret, team, environment, role, execute, enabled, notes, expires } = key;
    checkName(team, [...path, 'team'], teams.keys(), 'a team of "teams"', names);
    checkName(
      key.customer,
      [...path, 'customer'],
      customers.keys(),
      'a customer of "customers"',
      names,
    );
    checkName(
      environment,
      [...path, 'environment'],
      environments.keys(),
      'an environment of "environments"',
      names,
    );
    const ofTeam = team === undefined ? undefined : teams.get(team)?.customer;
    if (key.customer !== undefined && ofTeam !== undefined && key.customer !== ofTeam) {
      const text = `expected "${ofTeam}", the customer of team "${team}", got "${key.customer}"`;
      names.report({ path: [...path, 'customer'], text });
    }
    const other = secrets.get(secret);
    if (other !== undefined) {
      names.report({
        path: [...path, 'secret'],
        text: `expected a secret of its own, got that of "${other}"`,
      });
    }
    secrets.set(secret, name);
    return {
      name,
      secret,
      role,
      execute,
      team,
      customer: key.customer ?? ofTeam,
      environment,
      allowance: toAllowance(key, path, names),
      modes: toModes(key.modes, [...path, 'modes'], names),
      expiresAt: expires === undefined ? undefined : Date.parse(expires),
      enabled,
      notes,
    };
  });
}
