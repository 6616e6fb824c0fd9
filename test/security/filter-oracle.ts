// Who may use what, written down a second time and as plainly as it can be.
import type { Config } from '../../src/config/config.ts';
import type { Allowance, Principal } from '../../src/core/principal.ts';
import type { ItemKind } from '../../src/core/source.ts';

/** A `*` stands for any run, everything else for itself. */
function globbed(pattern: string, text: string): boolean {
  const [first, ...rest] = pattern.split('*');
  if (first === undefined || !text.startsWith(first)) return false;
  if (rest.length === 0) return text === first;
  const after = text.slice(first.length);
  const next = rest.join('*');
  for (let at = 0; at <= after.length; at += 1) {
    if (globbed(next, after.slice(at))) return true;
  }
  return false;
}

interface Thing {
  readonly kind: ItemKind;
  readonly server: string;
  readonly name: string;
  readonly annotations: { readonly readOnlyHint?: boolean } | undefined;
}

function expand(list: readonly string[], config: Config): string[] {
  return list
    .flatMap((one) => (one.startsWith('@') ? (config.groups.get(one.slice(1)) ?? []) : [one]))
    .map((one) => (one === '*' ? '*/*' : one));
}

const hits = (selector: string, server: string, name: string): boolean => {
  const slash = selector.indexOf('/');
  return globbed(selector.slice(0, slash), server) && globbed(selector.slice(slash + 1), name);
};

function passes(level: Allowance, { kind, server, name }: Thing, config: Config): boolean {
  const odd = kind === 'resources' && /\.\.|\/\/.*\/\/|%|[A-Z].*:\/\//.test(name);
  const deny = expand(level.deny, config);
  if (
    deny.some(
      (one) => hits(one, server, name) || (odd && hits(one.replace(/\/.*/s, '/*'), server, name)),
    )
  )
    return false;
  const whole = expand(level.tools, config).filter((one) => one.endsWith('/*'));
  const own = kind === 'tools' ? level.tools : kind === 'prompts' ? level.prompts : level.resources;
  const list = own ? expand(own, config) : whole;
  return list.some((one) => hits(one, server, name) && (!odd || /^[^/]*\/\*$/.test(one)));
}

export function mayUse(
  config: Config,
  { team, customer, environment, allowance }: Principal,
  narrow: readonly (readonly string[])[],
  thing: Thing,
): boolean {
  const { server: serverName, kind, name } = thing;
  const server = config.servers.find((one) => one.name === serverName)!;
  if (kind === 'tools') {
    if (server.tools.overrides.get(name)?.hidden) return false;
    if (!server.tools.allow.some((glob) => globbed(glob, name))) return false;
    if (server.tools.deny.some((glob) => globbed(glob, name))) return false;
  }
  const ofTeam = team === undefined ? undefined : config.teams.get(team)!;
  const place = environment === undefined ? undefined : config.environments.get(environment)!;
  const levels = [
    allowance,
    ofTeam,
    ofTeam?.customer === undefined ? undefined : config.customers.get(ofTeam.customer),
    customer === undefined ? undefined : config.customers.get(customer),
    place,
    ...narrow.map((tools): Allowance => ({
      tools,
      deny: [],
      prompts: undefined,
      resources: undefined,
    })),
  ];
  if (!levels.every((level) => level === undefined || passes(level, thing, config))) return false;
  if (kind !== 'tools' || !place?.readOnly.includes(serverName)) return true;
  return server.trusted && thing.annotations?.readOnlyHint === true;
}
