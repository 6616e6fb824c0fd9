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

/** A virtual key as it is kept; its secret is only there as a MAC. */
export interface StoredKey {
  readonly id: string;
  readonly name: string;
  /** HMAC-SHA-256 of each secret that counts, hex, newest first: two during a rotation. */
  readonly secrets: readonly { readonly mac: string; readonly validUntil: number | undefined }[];
  readonly role: 'caller' | 'approver' | 'admin';
  readonly execute: boolean;
  readonly team: string | undefined;
  readonly customer: string | undefined;
  readonly environment: string | undefined;
  readonly tools: readonly string[];
  readonly deny: readonly string[];
  readonly prompts: readonly string[] | undefined;
  readonly resources: readonly string[] | undefined;
  /** Selector → mode, in order. */
  readonly modes: readonly { readonly tools: string; readonly mode: 'auto' | 'ask' | 'review' }[];
  readonly enabled: boolean;
  readonly notes: string;
  /** Epoch milliseconds, as all times here. */
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  readonly lastUsedAt: number | undefined;
}

export interface KeyStore {
  load(): Promise<readonly StoredKey[]>;
  save(key: StoredKey): Promise<void>;
  remove(id: string): Promise<void>;
  touch(uses: ReadonlyMap<string, number>): Promise<void>;
}

export type ApprovalStatus =
  | 'pending'
  | 'approved'
  | 'denied'
  | 'expired'
  | 'claimed'
  | 'done'
  | 'failed'
  | 'unknown';

/** A call that waits for a yes, or had one (DESIGN §6). */
export interface StoredApproval {
  readonly id: string;
  readonly status: ApprovalStatus;
  /** Who called. */
  readonly principal: string;
  readonly principalName: string;
  readonly team: string | undefined;
  readonly customer: string | undefined;
  readonly server: string;
  readonly tool: string;
  /** The name under which the caller knows it. */
  readonly exposed: string;
  readonly mode: 'ask' | 'review';
  readonly definitionHash: string;
  /** SHA-256 of the canonical arguments, hex. */
  readonly argumentsDigest: string;
  /** SHA-256 of the rules that decide this principal and tool, hex. */
  readonly rulesHash: string;
  /** Canonical arguments, sealed. */
  readonly arguments: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly decidedBy: string | undefined;
  readonly decidedAt: number | undefined;
  readonly claimedAt: number | undefined;
  readonly finishedAt: number | undefined;
  /** A result that its caller has not heard, sealed. */
  readonly result: string | undefined;
}

export interface ApprovalFilter {
  readonly status?: ApprovalStatus;
  readonly principal?: string;
  readonly limit?: number;
}

export interface ApprovalStore {
  /** Durable when it settles, as every write here. */
  create(approval: StoredApproval): Promise<void>;
  get(id: string): Promise<StoredApproval | undefined>;
  list(filter: ApprovalFilter): Promise<readonly StoredApproval[]>;
  /** Moves from one status to another and changes the fields, if it still has that status. */
  move(
    id: string,
    from: ApprovalStatus,
    to: ApprovalStatus,
    fields: Partial<StoredApproval>,
  ): Promise<boolean>;
}

/** A standing yes, bound to the definition that was approved. */
export interface StoredGrant {
  readonly id: string;
  readonly principal: string;
  readonly server: string;
  readonly tool: string;
  readonly definitionHash: string;
  readonly grantedBy: string;
  readonly createdAt: number;
  /** Undefined: until revoked. */
  readonly expiresAt: number | undefined;
}

export interface GrantStore {
  create(grant: StoredGrant): Promise<void>;
  list(): Promise<readonly StoredGrant[]>;
  remove(id: string): Promise<boolean>;
}

/** One call that was made or refused. */
export interface StoredCall {
  readonly id: string;
  readonly at: number;
  readonly principal: string;
  readonly door: string;
  readonly era: string;
  readonly method: string;
  readonly server: string;
  readonly name: string;
  /** auto, ask, review, denied, … */
  readonly decision: string;
  readonly rule: string;
  readonly approval: string | undefined;
  /** result, error, or an error code of the table. */
  readonly outcome: string;
  readonly ms: number;
}

export interface CallStore {
  /** Never throws; a call is not held up by its record. */
  record(call: StoredCall): void;
  list(limit: number): Promise<readonly StoredCall[]>;
  flush(): Promise<void>;
}

/** The definition of a tool that was accepted. */
export interface StoredPin {
  readonly server: string;
  readonly tool: string;
  readonly definitionHash: string;
  /** Raw JSON of the accepted definition. */
  readonly definition: string;
  readonly acceptedAt: number;
  readonly acceptedBy: string;
}

export interface PinStore {
  load(): Promise<readonly StoredPin[]>;
  save(pins: readonly StoredPin[]): Promise<void>;
  remove(server: string): Promise<void>;
}
