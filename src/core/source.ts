// What the catalog and the gateway need of a place that has tools: an upstream server, later Code Mode.
import type { Call, Era, LogLevel, Message } from './call.ts';
import type { Emitter } from './emitter.ts';

export const ITEM_KINDS = ['tools', 'prompts', 'resources', 'resourceTemplates'] as const;
export type ItemKind = (typeof ITEM_KINDS)[number];

/** One definition as the server sent it. */
export interface Item {
  /** The server's own name: `name` of a tool or prompt, `uri` of a resource, `uriTemplate` of a template. */
  readonly name: string;
  /** The whole definition, raw JSON. */
  readonly raw: Buffer;
}

export type Items = Readonly<Record<ItemKind, readonly Item[]>>;

/** What a server has said of itself, last heard. */
export interface Snapshot {
  readonly items: Items;
  readonly era: Era;
  readonly instructions: string;
  /** The server can complete arguments. */
  readonly completions: boolean;
  /** The server can send log messages. */
  readonly logging: boolean;
  /** The server can be asked to tell of changes to a resource. */
  readonly subscribe: boolean;
  /** Milliseconds for which a client may keep the list: least of what the server said, 0 when it said nothing. */
  readonly ttlMs: number;
  readonly cacheScope: 'public' | 'private';
  /** The server is not connected now: the items are those of the last time. */
  readonly stale: boolean;
}

/** A request about one item, with the server's own name for it. */
export interface Target {
  readonly source: Source;
  /** The server's own name or URI. */
  readonly name: string;
  /** The definition, when the catalog knows one (a resource may be readable without being listed). */
  readonly item: Item | undefined;
  /** Its name or URI at the merged endpoint. What the caller wrote is in the call. */
  readonly exposed: string;
  /**
   * SHA-256, hex, of name, title, description, schemas, annotations and `_meta` as the server sent them; empty
   * without a definition.
   */
  readonly definitionHash: string;
}

export interface ResourceUpdate {
  /** The server's own URI. */
  readonly uri: string;
  /** The notification as it came. */
  readonly notification: Message;
}

export interface Timeouts {
  /** Milliseconds without progress. */
  readonly timeoutMs: number;
  /** Milliseconds in all, progress or not. */
  readonly maxTimeoutMs: number;
}

export interface Source {
  readonly name: string;
  readonly snapshot: Snapshot;
  /** The snapshot has changed in these kinds. */
  readonly changed: Emitter<readonly ItemKind[]>;
  readonly updated: Emitter<ResourceUpdate>;
  /** How long a call of this item may take. */
  timeouts(name: string): Timeouts;
  /** @returns the answer in the caller's era. @throws GatewayError UPSTREAM_… */
  call(call: Call, target: Target): Promise<Message>;
  /** Asks for updates of a resource until disposed. */
  subscribe(uri: string): AsyncDisposable;
  /** Sees to it that log messages from this level on are sent. Never raises the level. */
  lowerLogLevel(level: LogLevel): Promise<void>;
}
