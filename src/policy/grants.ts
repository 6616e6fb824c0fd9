// Standing yeses: this tool, as it is defined now, for this key, until the hour is over or somebody revokes it.
import { randomBytes } from 'node:crypto';
import type { GrantStore, StoredApproval, StoredGrant } from '../core/store.ts';

const HOUR_MS = 3_600_000;

export class Grants {
  readonly #store: GrantStore;
  readonly #now: () => number;
  #all: readonly StoredGrant[] = [];

  constructor(store: GrantStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  async load(): Promise<void> {
    this.#all = await this.#store.list();
  }

  /** Those that count now. */
  get all(): readonly StoredGrant[] {
    const now = this.#now();
    return this.#all.filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now);
  }

  find(
    of: Pick<StoredGrant, 'principal' | 'server' | 'tool' | 'definitionHash'>,
  ): StoredGrant | undefined {
    return this.all.find(
      (grant) =>
        grant.principal === of.principal &&
        grant.server === of.server &&
        grant.tool === of.tool &&
        grant.definitionHash === of.definitionHash,
    );
  }

  async create(approval: StoredApproval, by: string, answer: 'hour' | 'always'): Promise<void> {
    const { principal, server, tool, definitionHash } = approval;
    const createdAt = this.#now();
    const grant: StoredGrant = {
      id: `gr_${randomBytes(12).toString('base64url')}`,
      principal,
      server,
      tool,
      definitionHash,
      grantedBy: by,
      createdAt,
      expiresAt: answer === 'hour' ? createdAt + HOUR_MS : undefined,
    };
    await this.#store.create(grant);
    this.#all = [...this.#all, grant];
  }

  /** Those of a tool as it was defined otherwise. */
  async revokeOthers(server: string, tool: string, definitionHash: string): Promise<void> {
    const over = this.#all.filter(
      (grant) =>
        grant.server === server && grant.tool === tool && grant.definitionHash !== definitionHash,
    );
    await Promise.all(over.map(({ id }) => this.revoke(id)));
  }

  async revoke(id: string): Promise<boolean> {
    // In memory first: what was revoked must not count while the disk is waited for.
    this.#all = this.#all.filter((grant) => grant.id !== id);
    return this.#store.remove(id);
  }
}
