// Many servers' listings as one: what is exposed under which name, and where each name leads.
import type { ToolOverride } from '../config/config.ts';
import type { Item, ItemKind, Source, Target } from '../core/source.ts';
import { definitionHash } from '../wire/canonical.ts';
import { splice, valueOf, membersOf } from '../wire/json.ts';
import { assignNames, settleNames } from './names.ts';
import type { Naming } from './names.ts';
import { overrideDefinition } from './override.ts';
import { qualified } from './uris.ts';

/** A source as the catalog lists it. */
export interface Listed {
  readonly source: Source;
  readonly prefix: string | undefined;
  /** By the server's own tool name. */
  readonly overrides: ReadonlyMap<string, ToolOverride>;
  /** What may be shown of its tools; absent: all, as they are. */
  readonly shown?: (items: readonly Item[]) => readonly Item[];
}

/** A server's tools as they may be shown. */
export const shownTools = ({ source, shown }: Listed): readonly Item[] => {
  const { tools } = source.snapshot.items;
  return shown ? shown(tools) : tools;
};

/** One item of the catalog: at the merged endpoint, and at that of its server. */
export interface Entry extends Target {
  readonly item: Item;
  readonly exposed: string;
  /** The definition under its exposed name. */
  readonly raw: Buffer;
  readonly scoped: { readonly exposed: string; readonly raw: Buffer };
}

export type ByName = Readonly<Record<ItemKind, ReadonlyMap<string, Entry>>>;

export interface Merged {
  readonly entries: Readonly<Record<ItemKind, readonly Entry[]>>;
  readonly byName: ByName;
  /** By server, under the names of its own endpoint. */
  readonly byServer: ReadonlyMap<string, ByName>;
  /** URIs and templates that several servers have. */
  readonly shared: ReadonlySet<string>;
  readonly diagnostics: readonly string[];
}

const KEYS: Readonly<Record<ItemKind, string>> = {
  tools: 'name',
  prompts: 'name',
  resources: 'uri',
  resourceTemplates: 'uriTemplate',
};

/** A definition with another name; the same bytes where the name is the same. */
function renamed(kind: ItemKind, raw: Buffer, from: string, to: string): Buffer {
  if (from === to) return raw;
  const span = valueOf(membersOf(raw, { start: 0, end: raw.length }), KEYS[kind]);
  return span ? splice(raw, [{ ...span, text: JSON.stringify(to) }]) : raw;
}

/** One item under the name of its own server's endpoint. */
interface Thing {
  readonly server: string;
  readonly prefix: string | undefined;
  /** As its own endpoint has it. */
  readonly name: string;
  readonly source: Source;
  readonly item: Item;
  /** The definition as it is shown, under the server's own name. */
  readonly raw: Buffer;
}

function entry(kind: ItemKind, { source, item, name, raw }: Thing, exposed: string): Entry {
  let hash: string | undefined;
  return {
    source,
    name: item.name,
    item,
    exposed,
    raw: renamed(kind, raw, item.name, exposed),
    scoped: { exposed: name, raw: renamed(kind, raw, item.name, name) },
    // Only for what is called: a large catalog is merged often.
    get definitionHash() {
      return (hash ??= definitionHash(item.raw));
    },
  };
}

function toolsOf(listed: Listed, diagnostics: string[]): Thing[] {
  const { source, prefix, overrides } = listed;
  const shown = shownTools(listed).filter(({ name }) => !overrides.get(name)?.hidden);
  const names = settleNames(
    shown.map(({ name }) => ({ own: name, wished: overrides.get(name)?.name })),
    ({ own, wished }) =>
      diagnostics.push(
        `Tool "${own}" of server "${source.name}" keeps its name: another tool there is called "${wished}".`,
      ),
  );
  return shown.map((item, place) => {
    const override = overrides.get(item.name);
    const raw = override ? overrideDefinition(item.raw, override) : item.raw;
    return { server: source.name, prefix, name: names[place]!, source, item, raw };
  });
}

const plainOf = ({ source, prefix }: Listed, kind: ItemKind): Thing[] =>
  source.snapshot.items[kind].map((item) => ({
    server: source.name,
    prefix,
    name: item.name,
    source,
    item,
    raw: item.raw,
  }));

function named(
  kind: 'tools' | 'prompts',
  listed: readonly Listed[],
  naming: Naming,
  diagnostics: string[],
): Entry[] {
  const things = listed.flatMap((one) =>
    kind === 'tools' ? toolsOf(one, diagnostics) : plainOf(one, kind),
  );
  const assigned = assignNames(things, naming);
  diagnostics.push(...assigned.diagnostics);
  return assigned.names.map(({ exposed, thing }) => entry(kind, thing, exposed));
}

/** @param listed in the order in which their items are shown: by name, so that it never changes by chance */
export function merge(listed: readonly Listed[], naming: Naming): Merged {
  const diagnostics: string[] = [];
  const shared = new Set<string>();
  const verbatim = (kind: 'resources' | 'resourceTemplates'): Entry[] => {
    const all = listed.flatMap((one) => plainOf(one, kind));
    for (const uri of repeated(all.map(({ item }) => item.name))) {
      shared.add(uri);
      diagnostics.push(
        `Several servers have the resource "${uri}"; it is shown as toolgate://server/….`,
      );
    }
    return all.map((thing) => {
      const { name, server } = thing;
      return entry(kind, thing, shared.has(name) ? qualified(server, name) : name);
    });
  };
  const entries = {
    tools: named('tools', listed, naming, diagnostics),
    prompts: named('prompts', listed, naming, diagnostics),
    resources: verbatim('resources'),
    resourceTemplates: verbatim('resourceTemplates'),
  };
  const byName = index(entries, (one) => one.exposed);
  const byServer = new Map(
    listed.map(({ source }) => [source.name, index(entries, (one) => one.scoped.exposed, source)]),
  );
  return { entries, byName, byServer, shared, diagnostics };
}

function index(
  entries: Readonly<Record<ItemKind, readonly Entry[]>>,
  nameOf: (entry: Entry) => string,
  source?: Source,
): ByName {
  const of = (kind: ItemKind): Map<string, Entry> => {
    const map = new Map<string, Entry>();
    for (const one of entries[kind]) {
      if (source && one.source !== source) continue;
      // A server that lists a name twice is asked for one thing either way: the first stays.
      const name = nameOf(one);
      if (!map.has(name)) map.set(name, one);
    }
    return map;
  };
  return {
    tools: of('tools'),
    prompts: of('prompts'),
    resources: of('resources'),
    resourceTemplates: of('resourceTemplates'),
  };
}

function repeated(names: readonly string[]): Set<string> {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const name of names) (seen.has(name) ? twice : seen).add(name);
  return twice;
}
