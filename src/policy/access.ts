// The one predicate (law 2): what a principal sees and may call. What servers themselves call a thing is what
// is compared, never the name under which it is shown.
import { createHash, randomUUID } from 'node:crypto';
import type { PolicyConfig, ServerConfig } from '../config/config.ts';
import { createGlob } from '../core/glob.ts';
import type { Glob } from '../core/glob.ts';
import type { Allowance, Principal } from '../core/principal.ts';
import type { ItemKind } from '../core/source.ts';
import { createAnnotations } from './annotations.ts';
import { createLevel, isOpen, missingLevel, reachesInto, refuse } from './levels.ts';
import type { Level, Reason } from './levels.ts';
import { compileNarrow } from './selectors.ts';
import type { SelectorScope } from './selectors.ts';

/** Who looks or calls, and what the request narrows itself to. */
export interface Viewer {
  readonly principal: Principal;
  readonly narrow: readonly (readonly string[])[];
}

export interface Refusal {
  /** For people: `team "core"`. */
  readonly level: string;
  readonly reason: Reason | { readonly kind: 'not-read-only' };
}

export interface Access {
  /**
   * @param name the server's own name or URI
   * @param definition as the server sent it; without one nothing passes that must be known to be read-only
   */
  permits(who: Viewer, kind: ItemKind, server: string, name: string, definition?: Buffer): boolean;
  /** The level that forbids it, the outermost first; undefined: it is permitted. */
  refusal(
    who: Viewer,
    kind: ItemKind,
    server: string,
    name: string,
    definition?: Buffer,
  ): Refusal | undefined;
  /** Equal keys see equal lists. */
  viewKey(who: Viewer): string;
  /** Others may see something else than this viewer. */
  isNarrowed(who: Viewer): boolean;
  /** The viewer may use something of the server that no list shows. */
  reaches(who: Viewer, server: string): boolean;
}

export interface AccessOptions {
  /** There are keys besides those of the configuration. Default: there may be. */
  readonly hasOtherKeys?: () => boolean;
}

/** What is compiled for one principal. */
interface Compiled {
  readonly levels: readonly Level[];
  readonly key: string;
  readonly isOpen: boolean;
}

/** Lists of narrowing headers that are kept compiled. */
const MAX_NARROWS = 500;

const digest = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64url');

type Servers = readonly ServerConfig[];

export function createAccess(
  policy: PolicyConfig,
  servers: Servers,
  { hasOtherKeys = () => true }: AccessOptions = {},
): Access {
  const scope: SelectorScope = { groups: policy.groups, servers: servers.map(({ name }) => name) };
  const filters = createServerFilters(servers);
  const annotations = createAnnotations(servers);
  // Of another instance the same viewer may see other things.
  const instance = randomUUID();
  const principals = new WeakMap<Principal, Compiled>();
  const hasLevels = policy.customers.size + policy.teams.size + policy.environments.size > 0;

  const compiled = (principal: Principal): Compiled => {
    const found = principals.get(principal) ?? compilePrincipal(principal, policy, scope);
    principals.set(principal, found);
    return found;
  };
  const narrowed = createNarrows(scope);
  const levelsOf = ({ principal, narrow }: Viewer): readonly Level[] => {
    const { levels } = compiled(principal);
    return narrow.length === 0
      ? levels
      : [...levels, ...narrow.map((list) => narrowed(list).level)];
  };
  const access: Access = {
    permits: (...question) => access.refusal(...question) === undefined,
    refusal(who, kind, server, name, definition) {
      const own = kind === 'tools' ? filters.get(server)?.(name) : undefined;
      if (own) return { level: `server "${server}"`, reason: own };
      for (const level of levelsOf(who)) {
        const reason = refuse(level, kind, server, name);
        if (reason) return { level: level.label, reason };
        if (kind !== 'tools' || !level.readOnly.has(server)) continue;
        if (annotations(server, name, definition)['readOnlyHint'] !== true) {
          return { level: level.label, reason: { kind: 'not-read-only' } };
        }
      }
      return undefined;
    },
    viewKey({ principal, narrow }) {
      const own = `${instance} ${compiled(principal).key}`;
      return narrow.length === 0
        ? own
        : `${own} ${narrow.map((list) => narrowed(list).key).join(' ')}`;
    },
    isNarrowed: ({ principal, narrow }) =>
      narrow.length > 0 || hasLevels || hasOtherKeys() || !compiled(principal).isOpen,
    reaches: (who, server) => levelsOf(who).every((level) => reachesInto(level, server)),
  };
  return access;
}

/** Each server's own allow and deny, over its own tool names. */
function createServerFilters(
  servers: Servers,
): ReadonlyMap<string, (name: string) => Reason | undefined> {
  const filters = servers.map(({ name: server, tools }) => {
    const allow = tools.allow.map(createGlob);
    const deny = tools.deny.map((text): [string, Glob] => [text, createGlob(text)]);
    const filter = (name: string): Reason | undefined => {
      if (tools.overrides.get(name)?.hidden) return { kind: 'hidden' };
      const denied = deny.find(([, glob]) => glob(name));
      if (denied) return { kind: 'denied', selector: denied[0] };
      return allow.some((glob) => glob(name)) ? undefined : { kind: 'not-allowed' };
    };
    return [server, filter] as const;
  });
  return new Map(filters);
}

function compilePrincipal(
  principal: Principal,
  { customers, teams, environments }: PolicyConfig,
  scope: SelectorScope,
): Compiled {
  const { id, name, allowance, team, customer, environment } = principal;
  const levels: Level[] = [];
  const add = (
    what: string,
    which: string | undefined,
    known: ReadonlyMap<string, Allowance>,
  ): void => {
    if (which === undefined) return;
    const label = `${what} "${which}"`;
    const found = known.get(which);
    levels.push(
      found ? createLevel(label, found, scope) : missingLevel(`${label}, which is not there,`),
    );
  };
  const ofTeam = team === undefined ? undefined : teams.get(team)?.customer;
  add('customer', ofTeam, customers);
  if (customer !== ofTeam) add('customer', customer, customers);
  add('team', team, teams);
  const place = environment === undefined ? undefined : environments.get(environment);
  if (place) levels.push(createLevel(`environment "${environment}"`, place, scope, place.readOnly));
  else add('environment', environment, environments);
  levels.push(createLevel(`key "${name || id}"`, allowance, scope));
  const key = digest([allowance, team, customer, environment]);
  return { levels, key, isOpen: levels.every(isOpen) };
}

interface Narrow {
  readonly level: Level;
  readonly key: string;
}

/** Compiles the lists of requests, and keeps the last ones compiled. */
function createNarrows(scope: SelectorScope): (list: readonly string[]) => Narrow {
  const kept = new Map<string, Narrow>();
  return (list) => {
    const text = JSON.stringify(list);
    let found = kept.get(text);
    if (!found) {
      const tools = compileNarrow(list, scope);
      const base = missingLevel(`the request's own list "${list.join(', ')}"`);
      found = { level: { ...base, tools }, key: digest(list) };
      kept.set(text, found);
      const [oldest] = kept.keys();
      if (kept.size > MAX_NARROWS && oldest !== undefined) kept.delete(oldest);
    }
    return found;
  };
}
