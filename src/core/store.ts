// Ports to what outlives the process. Implemented in storage/.
import type { Era } from './call.ts';
import type { ItemKind } from './source.ts';

/** What is kept of one server so that a restart answers lists at once. */
export interface StoredServer {
  readonly server: string;
  /** Digest of the configuration that the listing came from: another one makes it worthless. */
  readonly fingerprint: string;
  readonly era: Era;
  /** When the era was last probed, epoch milliseconds. */
  readonly eraProbedAt: number;
  /** Raw JSON definitions by kind. */
  readonly items: Readonly<Record<ItemKind, readonly string[]>>;
  readonly instructions: string;
  readonly completions: boolean;
  readonly logging: boolean;
  readonly subscribe: boolean;
  readonly ttlMs: number;
  readonly cacheScope: 'public' | 'private';
}

export interface CatalogStore {
  load(): Promise<readonly StoredServer[]>;
  save(server: StoredServer): Promise<void>;
  remove(server: string): Promise<void>;
}
