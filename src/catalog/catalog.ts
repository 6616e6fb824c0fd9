// The live catalog: what all servers have, under exposed names, always served from memory.
import type { Era } from '../core/call.ts';
import { createEmitter } from '../core/emitter.ts';
import type { Emitter } from '../core/emitter.ts';
import type { Log } from '../core/log.ts';
import { ITEM_KINDS } from '../core/source.ts';
import type { ItemKind, Source, Target } from '../core/source.ts';
import { merge } from './merge.ts';
import type { Entry, Listed, Merged } from './merge.ts';
import type { Naming } from './names.ts';
import { rewriteDefinition } from './rewrite.ts';
import type { ExposeUri } from './rewrite.ts';
import { parseQualified, qualified, templateFit } from './uris.ts';
import { cacheHints, listResult } from './view.ts';

export interface CatalogChange {
  readonly kinds: readonly ItemKind[];
  readonly servers: readonly string[];
}

/** Changes of several servers within this time become one merge and one notification. */
const SETTLE_MS = 25;

export class Catalog {
  readonly changed: Emitter<CatalogChange>;
  readonly #log: Log;
  #naming: Naming;
  #listed: readonly Listed[] = [];
  readonly #watches = new Map<string, { source: Source; watch: Disposable }>();
  #merged: Merged;
  /** The version that listeners were last told of. */
  #announced: Merged;
  #isDirty = false;
  /** Lists as raw JSON by view, for the version that is merged now. */
  readonly #lists = new Map<string, { readonly stamp: string; readonly list: Buffer }>();
  readonly #pending = { kinds: new Set<ItemKind>(), servers: new Set<string>() };
  #timer: NodeJS.Timeout | undefined;
  #told = '';

  constructor(naming: Naming, log: Log) {
    this.#naming = naming;
    this.#log = log;
    this.changed = createEmitter((error) => log.error({ err: error }, 'a listener failed'));
    this.#merged = merge([], naming);
    this.#announced = this.#merged;
  }

  /** Replaces the sources; those that stay keep what is known of them. */
  setSources(listed: readonly Listed[], naming: Naming): void {
    const before = new Set(this.#watches.keys());
    this.#naming = naming;
    this.#listed = listed.toSorted((a, b) => (a.source.name < b.source.name ? -1 : 1));
    for (const [name, { source, watch }] of this.#watches) {
      if (listed.some((one) => one.source === source)) continue;
      watch[Symbol.dispose]();
      this.#watches.delete(name);
      this.#pending.servers.add(name);
    }
    for (const { source } of listed) {
      if (this.#watches.has(source.name)) continue;
      const watch = source.changed.on((kinds) => this.#note(kinds, [source.name]));
      this.#watches.set(source.name, { source, watch });
      if (!before.has(source.name)) this.#pending.servers.add(source.name);
    }
    for (const kind of ITEM_KINDS) this.#pending.kinds.add(kind);
    this.#isDirty = true;
    this.#settle();
  }

  #note(kinds: readonly ItemKind[], servers: readonly string[]): void {
    this.#isDirty = true;
    for (const kind of kinds) this.#pending.kinds.add(kind);
    for (const server of servers) this.#pending.servers.add(server);
    this.#timer ??= setTimeout(() => this.#settle(), SETTLE_MS);
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const change = { kinds: [...this.#pending.kinds], servers: [...this.#pending.servers] };
    this.#pending.kinds.clear();
    this.#pending.servers.clear();
    const before = this.#announced;
    this.#announced = this.#current;
    const kinds = change.kinds.filter(
      (kind) => !sameEntries(before.entries[kind], this.#announced.entries[kind]),
    );
    if (kinds.length > 0) this.changed.emit({ kinds, servers: change.servers });
  }

  /** Merged when it is looked at: a reader never sees less than what the servers have said. */
  get #current(): Merged {
    if (this.#isDirty) {
      this.#isDirty = false;
      this.#merged = merge(this.#listed, this.#naming);
      this.#lists.clear();
      this.#tellDiagnostics();
    }
    return this.#merged;
  }

  #tellDiagnostics(): void {
    const text = this.#merged.diagnostics.join('\n');
    if (text === this.#told) return;
    this.#told = text;
    for (const diagnostic of this.#merged.diagnostics)
      this.#log.warn({ diagnostic }, 'name collision');
  }

  /** Name collisions and the like, as sentences. */
  get diagnostics(): readonly string[] {
    return this.#current.diagnostics;
  }

  get sources(): readonly Source[] {
    return this.#listed.map(({ source }) => source);
  }

  source(name: string): Source | undefined {
    return this.#watches.get(name)?.source;
  }

  entries(kind: ItemKind, scope: string | undefined): readonly Entry[] {
    const all = this.#current.entries[kind];
    return scope === undefined ? all : all.filter(({ source }) => source.name === scope);
  }

  /** Raw JSON of a list result. */
  list(kind: ItemKind, era: Era, scope: string | undefined): Buffer {
    const sources = this.sources.filter(({ name }) => scope === undefined || name === scope);
    const hints = cacheHints(era, sources);
    // A server may go, come back or change its era while its items stay the same.
    const stamp = hints + sources.map(({ snapshot }) => snapshot.era[0]).join('');
    const key = `${kind} ${era} ${scope ?? ''}`;
    const entries = this.entries(kind, scope);
    const made = this.#lists.get(key);
    if (made?.stamp === stamp) return made.list;
    const definitions = entries.map(({ source, item, raw }) => ({
      raw: scope === undefined ? rewriteDefinition(raw, this.exposeUri(source.name)) : item.raw,
      era: source.snapshot.era,
    }));
    const list = listResult(kind, era, definitions, hints);
    this.#lists.set(key, { stamp, list });
    return list;
  }

  /** Where an exposed tool or prompt name leads; `scope`: the server's own names. */
  find(kind: 'tools' | 'prompts', name: string, scope: string | undefined): Target | undefined {
    if (scope === undefined) return this.#current.byName[kind].get(name);
    const source = this.source(scope);
    const item = source?.snapshot.items[kind].find((one) => one.name === name);
    return source && item ? { source, name, item } : undefined;
  }

  /**
   * The servers that may have a resource: the one that lists it, else those whose templates fit best, else
   * all that have resources.
   */
  findResource(uri: string, scope: string | undefined): readonly Target[] {
    const sources = this.sources.filter(({ name }) => scope === undefined || name === scope);
    const listed = scope === undefined ? this.#current.byName.resources.get(uri) : undefined;
    if (listed) return [listed];
    const parsed = scope === undefined ? parseQualified(uri) : undefined;
    const owner = parsed && sources.find(({ name }) => name === parsed.server);
    if (owner) return [{ source: owner, name: parsed.uri, item: undefined }];
    const targets = (list: readonly Source[]) =>
      list.map((source) => ({ source, name: uri, item: undefined }));
    const own = sources.filter(({ snapshot }) =>
      snapshot.items.resources.some((i) => i.name === uri),
    );
    if (own.length === 1) return targets(own);
    const fits = sources.map((source) => ({ source, fit: bestFit(source, uri) }));
    const best = Math.max(-1, ...fits.map(({ fit }) => fit));
    if (best >= 0)
      return targets(fits.filter(({ fit }) => fit === best).map(({ source }) => source));
    return targets(sources.filter(hasResources));
  }

  /** The servers that a completion's reference may mean. */
  findReference(ref: string, isPrompt: boolean, scope: string | undefined): readonly Target[] {
    if (isPrompt) {
      const prompt = this.find('prompts', ref, scope);
      return prompt ? [prompt] : [];
    }
    const template =
      scope === undefined ? this.#current.byName.resourceTemplates.get(ref) : undefined;
    return template ? [template] : this.findResource(ref, scope);
  }

  /** How a server's own URIs are shown at the merged endpoint. */
  exposeUri(server: string): ExposeUri {
    const { shared, byName } = this.#current;
    const templates = this.source(server)?.snapshot.items.resourceTemplates ?? [];
    const both = templates.filter(({ name }) => shared.has(name));
    // What only a template that others have too tells of would lead to any of them.
    const isShared = (uri: string): boolean =>
      shared.has(uri) ||
      (!byName.resources.has(uri) && both.some(({ name }) => templateFit(name, uri) >= 0));
    return (uri) => (isShared(uri) ? qualified(server, uri) : uri);
  }

  /** Whether any URI of the merged catalog is not shown as its server has it. */
  get rewrites(): boolean {
    return this.#current.shared.size > 0;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    for (const { watch } of this.#watches.values()) watch[Symbol.dispose]();
  }
}

const sameEntries = (a: readonly Entry[], b: readonly Entry[]): boolean =>
  a.length === b.length && a.every((entry, i) => entry.raw.equals(b[i]!.raw));

const hasResources = ({ snapshot }: Source): boolean =>
  snapshot.items.resources.length > 0 || snapshot.items.resourceTemplates.length > 0;

const bestFit = ({ snapshot }: Source, uri: string): number =>
  Math.max(-1, ...snapshot.items.resourceTemplates.map(({ name }) => templateFit(name, uri)));
