// Many servers' listings as one: what is exposed under which name, and where each name leads.
import type { Item, ItemKind, Source, Target } from '../core/source.ts';
import { splice, valueOf, membersOf } from '../wire/json.ts';
import { assignNames } from './names.ts';
import type { Naming } from './names.ts';
import { qualified } from './uris.ts';

/** A source as the catalog lists it. */
export interface Listed {
  readonly source: Source;
  readonly prefix: string | undefined;
}

/** One item of the merged catalog. */
export interface Entry extends Target {
  readonly item: Item;
  readonly exposed: string;
  /** The definition under its exposed name. */
  readonly raw: Buffer;
}

export interface Merged {
  readonly entries: Readonly<Record<ItemKind, readonly Entry[]>>;
  readonly byName: Readonly<Record<ItemKind, ReadonlyMap<string, Entry>>>;
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

/** The definition with another name; the same bytes where the name is the same. */
function renamed(kind: ItemKind, { name, raw }: Item, exposed: string): Buffer {
  if (name === exposed) return raw;
  const span = valueOf(membersOf(raw, { start: 0, end: raw.length }), KEYS[kind]);
  return span ? splice(raw, [{ ...span, text: JSON.stringify(exposed) }]) : raw;
}

const entry = (kind: ItemKind, source: Source, item: Item, exposed: string): Entry => ({
  source,
  name: item.name,
  item,
  exposed,
  raw: renamed(kind, item, exposed),
});

/** @param listed in the order in which their items are shown: by name, so that it never changes by chance */
export function merge(listed: readonly Listed[], naming: Naming): Merged {
  const diagnostics: string[] = [];
  const named = (kind: 'tools' | 'prompts'): Entry[] => {
    const things = listed.flatMap(({ source, prefix }) =>
      source.snapshot.items[kind].map((item) => ({
        server: source.name,
        prefix,
        name: item.name,
        source,
        item,
      })),
    );
    const assigned = assignNames(things, naming);
    diagnostics.push(...assigned.diagnostics);
    return assigned.names.map(({ exposed, thing }) =>
      entry(kind, thing.source, thing.item, exposed),
    );
  };
  const shared = new Set<string>();
  const verbatim = (kind: 'resources' | 'resourceTemplates'): Entry[] => {
    const all = listed.flatMap(({ source }) =>
      source.snapshot.items[kind].map((item) => ({ source, item })),
    );
    for (const uri of repeated(all.map(({ item }) => item.name))) {
      shared.add(uri);
      diagnostics.push(
        `Several servers have the resource "${uri}"; it is shown as toolgate://server/….`,
      );
    }
    return all.map(({ source, item }) => {
      const exposed = shared.has(item.name) ? qualified(source.name, item.name) : item.name;
      return entry(kind, source, item, exposed);
    });
  };
  const entries = {
    tools: named('tools'),
    prompts: named('prompts'),
    resources: verbatim('resources'),
    resourceTemplates: verbatim('resourceTemplates'),
  };
  const index = (kind: ItemKind) => new Map(entries[kind].map((one) => [one.exposed, one]));
  return {
    entries,
    byName: {
      tools: index('tools'),
      prompts: index('prompts'),
      resources: index('resources'),
      resourceTemplates: index('resourceTemplates'),
    },
    shared,
    diagnostics,
  };
}

function repeated(names: readonly string[]): Set<string> {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const name of names) (seen.has(name) ? twice : seen).add(name);
  return twice;
}
