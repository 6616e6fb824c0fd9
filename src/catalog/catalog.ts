// The live catalog: what all servers have, under exposed names, always served from memory.
import type { ToolOverride } from '../config/config.ts';
import type { Call, Era } from '../core/call.ts';
import { createEmitter } from '../core/emitter.ts';
import type { Emitter } from '../core/emitter.ts';
import type { Log } from '../core/log.ts';
import { ITEM_KINDS } from '../core/source.ts';
import type { ItemKind, Source, Target } from '../core/source.ts';
import { ListCache } from './list-cache.ts';
import { merge, shownTools } from './merge.ts';
import type { Entry, Listed, Merged } from './merge.ts';
import type { Naming } from './names.ts';
import { overrideArguments, overrideDefinition } from './override.ts';
import { locateResource } from './locate-resource.ts';
import type { PermitsResource } from './locate-resource.ts';
import { rewriteDefinition } from './rewrite.ts';
import type { ExposeUri } from './rewrite.ts';
import { qualified, templateFit } from './uris.ts';
import { cacheHints, listResult } from './view.ts';

export interface CatalogChange {
  readonly kinds: readonly ItemKind[];
  readonly servers: readonly string[];
}

/** What one viewer sees of the catalog. */
export interface ListView {
  /** Equal keys see equal lists. */
  readonly key: string;
  /** Something may be left out of what the viewer sees, so that the list is for nobody else. */
  readonly narrowed: boolean;
  /** @param name the server's own name or URI */
  permits(kind: ItemKind, server: string, name: string, definition: Buffer): boolean;
}

export interface Located {
  readonly server: string;
  /** The server's own name for it. */
  readonly name: string;
  /** As the server sent it and it may be shown; undefined: it does not list it. */
  readonly definition: Buffer | undefined;
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
  /** For the version that is merged now. */
  readonly #lists = new ListCache();
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
      const watch = source.changed.on((kinds) => this.#hear(source, kinds));
      this.#watches.set(source.name, { source, watch });
      if (!before.has(source.name)) this.#pending.servers.add(source.name);
    }
    for (const kind of ITEM_KINDS) this.#pending.kinds.add(kind);
    this.#isDirty = true;
    this.#settle();
  }

  /** What of a server's tools may be shown has changed. */
  touch(server: string): void {
    if (this.#watches.has(server)) this.#note(['tools'], [server]);
  }

  #hear(source: Source, kinds: readonly ItemKind[]): void {
    const listed = this.#listed.find((one) => one.source === source);
    // Whoever judges a call must know of a change before somebody happens to look at a list.
    if (listed && kinds.includes('tools')) shownTools(listed);
    this.#note(kinds, [source.name]);
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
    this.#refresh();
    return this.#merged;
  }

  #refresh(): void {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    this.#merged = merge(this.#listed, this.#naming);
    this.#lists.clear();
    this.#tellDiagnostics();
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

  /** Whether anything of a server may be seen. */
  sees(server: string, permits: ListView['permits']): boolean {
    const items = this.#current.byServer.get(server);
    return ITEM_KINDS.some((kind) =>
      items?.[kind].values().some(({ name, item }) => permits(kind, server, name, item.raw)),
    );
  }

  /** Raw JSON of a list result. */
  list(kind: ItemKind, era: Era, scope: string | undefined, view: ListView): Buffer {
    this.#refresh();
    const sources = this.sources.filter(({ name }) => scope === undefined || name === scope);
    // A server may go, come back or change its era while its items stay the same.
    const stamp =
      cacheHints(era, sources, view.narrowed) +
      sources.map(({ snapshot }) => snapshot.era[0]).join('');
    const key = JSON.stringify([kind, era, scope ?? '', view.narrowed, view.key, stamp]);
    return this.#lists.get(key, () => this.#makeList(kind, era, scope, view));
  }

  #makeList(kind: ItemKind, era: Era, scope: string | undefined, view: ListView): Buffer {
    const entries = this.entries(kind, scope).filter(({ source, name, item }) =>
      view.permits(kind, source.name, name, item.raw),
    );
    // Of the others not even the age is told.
    const seen = view.narrowed ? new Set(entries.map(({ source }) => source)) : undefined;
    const sources = this.sources.filter(
      (source) => (scope === undefined || source.name === scope) && (seen?.has(source) ?? true),
    );
    const definitions = entries.map(({ source, raw, scoped }) => ({
      raw: scope === undefined ? rewriteDefinition(raw, this.exposeUri(source.name)) : scoped.raw,
      era: source.snapshot.era,
    }));
    return listResult(kind, era, definitions, cacheHints(era, sources, view.narrowed));
  }

  /**
   * Where an exposed tool or prompt name leads, whoever asks; `scope`: the names of that server's own
   * endpoint.
   */
  find(kind: 'tools' | 'prompts', name: string, scope: string | undefined): Entry | undefined {
    const { byName, byServer } = this.#current;
    const names = scope === undefined ? byName : byServer.get(scope);
    return names?.[kind].get(name);
  }

  /**
   * A tool by its name at the merged endpoint, or as `server/own-name`, whoever asks and whether it is shown or
   * not: for people who want to know why.
   */
  locate(text: string): Located | undefined {
    const entry = this.#current.byName.tools.get(text);
    if (entry) return { server: entry.source.name, name: entry.name, definition: entry.item.raw };
    const slash = text.indexOf('/');
    const source = this.source(text.slice(0, Math.max(0, slash)));
    const name = text.slice(slash + 1);
    const listed = this.#listed.find((one) => one.source === source);
    const item = listed && shownTools(listed).find((one) => one.name === name);
    return source && { server: source.name, name, definition: item?.raw };
  }

  /** The definition of a tool as callers see it, but for its name. */
  shown({ source, name, item }: Target): Buffer | undefined {
    const override = this.#overrideOf(source, name);
    return item && override ? overrideDefinition(item.raw, override) : item?.raw;
  }

  #overrideOf(source: Source, tool: string): ToolOverride | undefined {
    return this.#listed.find((one) => one.source === source)?.overrides.get(tool);
  }

  /** The call with the arguments that the server is sent. */
  withArguments(call: Call, { source, name }: Target): Call {
    const override = this.#overrideOf(source, name);
    const message = override ? overrideArguments(call.message, override) : call.message;
    return message === call.message ? call : { ...call, message };
  }

  /**
   * The servers that may have a resource, among those that may be asked for it: the one that lists it, else
   * those whose templates fit best, else all that have resources. Which servers there are besides makes no
   * difference, so that a resource one may not see looks like one that is not there.
   */
  findResource(
    uri: string,
    scope: string | undefined,
    permits: PermitsResource,
  ): readonly Target[] {
    return locateResource(this.#current, this.sources, uri, scope, permits);
  }

  /** The template that a completion's reference names, whoever asks. */
  findTemplate(ref: string, scope: string | undefined): Target | undefined {
    const { byName, byServer } = this.#current;
    const names = scope === undefined ? byName : byServer.get(scope);
    return names?.resourceTemplates.get(ref);
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
