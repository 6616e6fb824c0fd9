// One level of the filters (customer, team, environment, key, request): what it lets through.
import type { Allowance } from '../core/principal.ts';
import type { ItemKind } from '../core/source.ts';
import { isPlainUri } from './plain-uri.ts';
import { compileSelectors, matches } from './selectors.ts';
import type { Selector, SelectorScope } from './selectors.ts';

export interface Level {
  /** For people: `team "core"`. */
  readonly label: string;
  readonly tools: readonly Selector[];
  readonly deny: readonly Selector[];
  readonly prompts: readonly Selector[] | undefined;
  readonly resources: readonly Selector[] | undefined;
  /** Servers of which only tools that are said to change nothing pass. */
  readonly readOnly: ReadonlySet<string>;
  /** Selectors of `deny` that say nothing: what they were to forbid is not known, so nothing passes. */
  readonly broken: readonly string[];
}

/** Why one level lets something not through. */
export type Reason =
  | { readonly kind: 'denied'; readonly selector: string }
  | { readonly kind: 'not-allowed' }
  | { readonly kind: 'broken'; readonly selector: string }
  | { readonly kind: 'not-plain' }
  | { readonly kind: 'hidden' };

const NONE: ReadonlySet<string> = new Set();
const NOTHING: Allowance = { tools: [], deny: [], prompts: undefined, resources: undefined };

export function createLevel(
  label: string,
  { tools, deny, prompts, resources }: Allowance,
  scope: Pick<SelectorScope, 'groups'>,
  readOnly: readonly string[] = [],
): Level {
  const compile = (texts: readonly string[]) => compileSelectors(texts, scope);
  const denied = compile(deny);
  return {
    label,
    tools: compile(tools).selectors,
    deny: denied.selectors,
    prompts: prompts && compile(prompts).selectors,
    resources: resources && compile(resources).selectors,
    readOnly: readOnly.length === 0 ? NONE : new Set(readOnly),
    broken: denied.unknown,
  };
}

/** The level of a team or the like that the configuration does not have: it lets nothing through. */
export const missingLevel = (label: string): Level =>
  createLevel(label, NOTHING, { groups: new Map() });

/** What the level allows of a kind: prompts and resources follow `tools` where that holds whole servers. */
function allowed(level: Level, kind: ItemKind): readonly Selector[] {
  const own = kind === 'tools' ? level.tools : kind === 'prompts' ? level.prompts : level.resources;
  return own ?? level.tools.filter(({ isWhole }) => isWhole);
}

/** @param name the server's own name or URI */
export function refuse(
  level: Level,
  kind: ItemKind,
  server: string,
  name: string,
): Reason | undefined {
  const [broken] = level.broken;
  if (broken !== undefined) return { kind: 'broken', selector: broken };
  const isOdd = kind === 'resources' && !isPlainUri(name);
  for (const selector of level.deny) {
    // Another spelling of the URI may be what is denied.
    const isHit = isOdd ? selector.server(server) : matches(selector, server, name);
    if (isHit) return { kind: 'denied', selector: selector.text };
  }
  const hits = allowed(level, kind).filter((selector) => matches(selector, server, name));
  if (hits.length === 0) return { kind: 'not-allowed' };
  return isOdd && !hits.some(({ isWhole }) => isWhole) ? { kind: 'not-plain' } : undefined;
}

/** Everything passes. */
export const isOpen = (level: Level): boolean =>
  level.deny.length === 0 &&
  level.broken.length === 0 &&
  level.readOnly.size === 0 &&
  [level.tools, level.prompts, level.resources].every(
    (list) => list?.some(({ text, isWhole }) => isWhole && /^\*+(?:\/\*+)?$/.test(text)) ?? true,
  );

/** The level may let something of the server through that no list shows: all of it, or some of its URIs. */
export const reachesInto = (level: Level, server: string): boolean =>
  level.broken.length === 0 &&
  !level.deny.some((one) => one.isWhole && one.server(server)) &&
  (level.tools.some((one) => one.isWhole && one.server(server)) ||
    (level.resources?.some((one) => one.server(server)) ?? false));
