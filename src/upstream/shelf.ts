// The last known listing of one upstream: kept fresh, kept over restarts, never emptied by a failure.
import type { Emitter } from '../core/emitter.ts';
import { reasonOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { ITEM_KINDS } from '../core/source.ts';
import type { Item, ItemKind, Items, Snapshot } from '../core/source.ts';
import type { CatalogStore, StoredServer } from '../core/store.ts';
import type { ServerConfig } from '../config/config.ts';
import type { Opened } from './connect.ts';
import type { Greeting, ServerCapabilities } from './connection.ts';
import type { ClientInfo } from './handshake.ts';
import { itemOf, listAll } from './listing.ts';
import type { Listed } from './listing.ts';
import type { Notices } from './notices.ts';

const LIST_MS = 30_000;
/** A flood of list_changed becomes one listing in this time. */
const REFRESH_GAP_MS = 100;

export interface ShelfOptions {
  readonly config: ServerConfig;
  readonly stored: StoredServer | undefined;
  readonly last: Snapshot | undefined;
  readonly store: CatalogStore;
  readonly info: ClientInfo;
  readonly notices: Notices;
  readonly changed: Emitter<readonly ItemKind[]>;
  readonly log: Log;
}

const EMPTY: Items = { tools: [], prompts: [], resources: [], resourceTemplates: [] };

const capabilityOf = (kind: ItemKind) => (kind === 'resourceTemplates' ? 'resources' : kind);

export class Shelf {
  readonly #options: ShelfOptions;
  readonly #disposed = new AbortController();
  readonly #dirty = new Set<ItemKind>();
  #config: ServerConfig;
  #eraProbedAt: number;
  #snapshot: Snapshot;
  #opened: Opened | undefined;
  #running: Promise<void> | undefined;
  #poll: NodeJS.Timeout | undefined;

  constructor(options: ShelfOptions) {
    this.#options = options;
    this.#config = options.config;
    const { stored, last } = options;
    this.#snapshot = !stored && last ? { ...last, stale: true } : fromStored(stored);
    this.#eraProbedAt = options.stored?.eraProbedAt ?? 0;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  adjust(config: ServerConfig): void {
    this.#config = config;
    this.#schedule();
  }

  tool(name: string): Item | undefined {
    return this.#snapshot.items.tools.find((item) => item.name === name);
  }

  markStale(): void {
    this.#opened = undefined;
    clearInterval(this.#poll);
    this.#snapshot = { ...this.#snapshot, stale: true };
  }

  /** Lists everything anew. @returns what could not be listed, as sentences */
  async fill(opened: Opened): Promise<readonly string[]> {
    this.#opened = opened;
    if (opened.probed) this.#eraProbedAt = Date.now();
    const { greeting } = opened;
    this.#snapshot = {
      ...this.#snapshot,
      era: greeting.era,
      instructions: greeting.instructions,
      completions: greeting.capabilities.completions !== undefined,
      logging: greeting.capabilities.logging !== undefined,
      subscribe: greeting.capabilities.resources?.subscribe === true,
      stale: false,
    };
    const faults = await this.#list(ITEM_KINDS, opened);
    this.#schedule();
    await this.#save(greeting);
    return faults;
  }

  /** Servers that cannot tell of changes are asked again and again. */
  #schedule(): void {
    clearInterval(this.#poll);
    if (!this.#opened || this.#disposed.signal.aborted) return;
    this.#poll = setInterval(() => {
      const capabilities: ServerCapabilities = this.#opened?.greeting.capabilities ?? {};
      const silent = ITEM_KINDS.filter((kind) => {
        const name = capabilityOf(kind);
        return capabilities[name] !== undefined && !this.#options.notices.tells(name);
      });
      if (silent.length > 0) this.refresh(silent);
    }, this.#config.refreshMs).unref();
  }

  refresh(kinds: readonly ItemKind[]): void {
    for (const kind of kinds) this.#dirty.add(kind);
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined;
      if (this.#dirty.size > 0 && this.#opened) this.refresh([]);
    });
  }

  /** Fetches the tools again and waits for it. */
  async relist(): Promise<void> {
    this.refresh(['tools']);
    await this.#running;
  }

  async #work(): Promise<void> {
    while (this.#dirty.size > 0 && this.#opened && !this.#disposed.signal.aborted) {
      const opened = this.#opened;
      const kinds = [...this.#dirty];
      this.#dirty.clear();
      const startedAt = performance.now();
      const faults = await this.#list(kinds, opened);
      for (const fault of faults)
        this.#options.log.warn({ fault }, 'a list could not be refreshed');
      await this.#save(opened.greeting);
      const rest = REFRESH_GAP_MS - (performance.now() - startedAt);
      if (rest > 0 && this.#dirty.size > 0)
        await new Promise((resolve) => setTimeout(resolve, rest));
    }
  }

  async #list(kinds: readonly ItemKind[], opened: Opened): Promise<string[]> {
    const faults: string[] = [];
    const changed: ItemKind[] = [];
    await Promise.all(
      kinds.map(async (kind) => {
        try {
          if (this.#take(kind, await this.#fetch(kind, opened))) changed.push(kind);
        } catch (error) {
          // Templates are often not implemented although resources are.
          if (kind !== 'resourceTemplates') faults.push(reasonOf(error));
        }
      }),
    );
    if (changed.length > 0 && !this.#disposed.signal.aborted) this.#options.changed.emit(changed);
    return faults;
  }

  #fetch(kind: ItemKind, { connection, greeting }: Opened): Promise<Listed> | Listed {
    if (greeting.capabilities[capabilityOf(kind)] === undefined) {
      return { items: [], ttlMs: greeting.ttlMs, cacheScope: greeting.cacheScope };
    }
    const { info, log } = this.#options;
    const signal = AbortSignal.any([this.#disposed.signal, AbortSignal.timeout(LIST_MS)]);
    return listAll(kind, { server: this.#config.name, connection, signal, info, log });
  }

  /** @returns whether the items differ from those known. */
  #take(kind: ItemKind, { items, ttlMs, cacheScope }: Listed): boolean {
    const before = this.#snapshot.items[kind];
    const same =
      before.length === items.length && items.every((item, i) => item.raw.equals(before[i]!.raw));
    const hints = kind === 'tools' ? { ttlMs, cacheScope } : {};
    const all = same ? this.#snapshot.items : { ...this.#snapshot.items, [kind]: items };
    this.#snapshot = { ...this.#snapshot, ...hints, items: all };
    return !same;
  }

  async #save({ era }: Greeting): Promise<void> {
    if (this.#disposed.signal.aborted) return;
    const { items, ...facts } = this.#snapshot;
    const texts = (kind: ItemKind) => items[kind].map(({ raw }) => raw.toString());
    try {
      await this.#options.store.save({
        server: this.#config.name,
        fingerprint: this.#config.fingerprint,
        eraProbedAt: this.#eraProbedAt,
        ...facts,
        era,
        items: {
          tools: texts('tools'),
          prompts: texts('prompts'),
          resources: texts('resources'),
          resourceTemplates: texts('resourceTemplates'),
        },
      });
    } catch (error) {
      this.#options.log.error({ error: reasonOf(error) }, 'the catalog could not be saved');
    }
  }

  dispose(): void {
    this.#disposed.abort(new Error('disposed'));
    clearInterval(this.#poll);
  }
}

function fromStored(stored: StoredServer | undefined): Snapshot {
  if (!stored) {
    return {
      items: EMPTY,
      era: 'legacy',
      instructions: '',
      completions: false,
      logging: false,
      subscribe: false,
      ttlMs: 0,
      cacheScope: 'private',
      stale: true,
    };
  }
  const read = (kind: ItemKind) =>
    stored.items[kind]
      .map((text) => itemOf(kind, Buffer.from(text)))
      .filter((item) => typeof item !== 'string');
  return {
    items: {
      tools: read('tools'),
      prompts: read('prompts'),
      resources: read('resources'),
      resourceTemplates: read('resourceTemplates'),
    },
    era: stored.era,
    instructions: stored.instructions,
    completions: stored.completions,
    logging: stored.logging,
    subscribe: stored.subscribe,
    ttlMs: stored.ttlMs,
    cacheScope: stored.cacheScope,
    stale: true,
  };
}
