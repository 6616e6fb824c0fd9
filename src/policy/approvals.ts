// The approval queue: every step is a row that is written before its effect (DESIGN §6).
//   pending → approved → claimed → done | failed | unknown,   pending | approved → expired,   pending → denied
import { randomBytes } from 'node:crypto';
import type { Cancellation } from '../core/cancellation.ts';
import { createEmitter } from '../core/emitter.ts';
import type { Emitter } from '../core/emitter.ts';
import { GatewayError } from '../core/errors.ts';
import type { Seal } from '../core/seal.ts';
import type {
  ApprovalFilter,
  ApprovalStore,
  GrantStore,
  StoredApproval,
  StoredGrant,
} from '../core/store.ts';
import { Grants } from './grants.ts';
import { bindingKey, isLive, isOpen, MAX_LOADED, MAX_PENDING, MAX_TIMER_MS } from './proposal.ts';
import type { ApprovalAnswer, ApprovalEvent, Binding, Proposal } from './proposal.ts';

export interface ApprovalsOptions {
  readonly store: ApprovalStore;
  readonly grants: GrantStore;
  readonly seal: Seal;
  readonly expiryMs: () => number;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

export class Approvals {
  readonly events: Emitter<ApprovalEvent> = createEmitter<ApprovalEvent>();
  readonly #options: ApprovalsOptions;
  readonly #now: () => number;
  readonly #grants: Grants;
  /** Those of use to a call, by id, oldest first; the store has them all. */
  readonly #live = new Map<string, StoredApproval>();
  /** Ids of the same, by what they are bound to. */
  readonly #byBinding = new Map<string, string>();
  /** Proposals being written, so that two equal calls at once become one. */
  readonly #opening = new Map<string, Promise<StoredApproval>>();

  constructor(options: ApprovalsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#grants = new Grants(options.grants, this.#now);
  }

  /** Reads the queue; a call that was running when the gateway died is `unknown` and stays so. */
  async load(): Promise<void> {
    const { store } = this.#options;
    for (const status of ['claimed', 'pending', 'approved', 'done', 'failed'] as const) {
      const rows = await store.list({ status, limit: MAX_LOADED });
      for (const approval of rows.toReversed()) {
        if (status === 'claimed')
          await store.move(approval.id, 'claimed', 'unknown', { finishedAt: this.#now() });
        else if (isLive(approval, this.#now())) this.#keep(approval);
        else if (isOpen(approval)) await store.move(approval.id, approval.status, 'expired', {});
      }
    }
    await this.#grants.load();
  }

  #keep(approval: StoredApproval): void {
    const key = bindingKey(approval);
    if (isLive(approval, this.#now())) {
      this.#live.set(approval.id, approval);
      this.#byBinding.set(key, approval.id);
    } else {
      this.#live.delete(approval.id);
      if (this.#byBinding.get(key) === approval.id) this.#byBinding.delete(key);
    }
  }

  /** The live approval of exactly this call, made if there is none. */
  async open(proposal: Proposal): Promise<StoredApproval> {
    const found = this.find(proposal);
    if (found) return found;
    const key = bindingKey(proposal);
    let opening = this.#opening.get(key);
    if (!opening) {
      opening = this.#create(proposal).finally(() => this.#opening.delete(key));
      this.#opening.set(key, opening);
    }
    return opening;
  }

  find(binding: Binding): StoredApproval | undefined {
    const id = this.#byBinding.get(bindingKey(binding));
    const approval = id === undefined ? undefined : this.#live.get(id);
    if (!approval || isLive(approval, this.#now())) return approval;
    // What cannot be written now is found expired again later.
    this.#expire(approval).catch(() => undefined);
    return undefined;
  }

  async #expire(approval: StoredApproval): Promise<StoredApproval> {
    const expired: StoredApproval = { ...approval, status: 'expired' };
    this.#keep(isOpen(approval) ? expired : approval);
    if (!isOpen(approval)) return approval;
    const moved = await this.#options.store.move(approval.id, approval.status, 'expired', {});
    if (!moved) return (await this.#options.store.get(approval.id)) ?? expired;
    this.events.emit({ kind: 'decided', approval: expired });
    return expired;
  }

  /** Lets go of what is over, and of the oldest of a principal that has too many. */
  async #sweep(principal: string): Promise<void> {
    const now = this.#now();
    const live = [...this.#live.values()];
    const own = live.filter((one) => one.principal === principal && one.status === 'pending');
    const over = live.filter((one) => !isLive(one, now));
    const tooMany = own.slice(0, Math.max(0, own.length - MAX_PENDING + 1));
    await Promise.all([...new Set([...over, ...tooMany])].map((one) => this.#expire(one)));
  }

  async #create(proposal: Proposal): Promise<StoredApproval> {
    await this.#sweep(proposal.principal);
    const createdAt = this.#now();
    const id = `ap_${randomBytes(12).toString('base64url')}`;
    const approval: StoredApproval = {
      ...proposal,
      arguments: this.#options.seal.seal(proposal.arguments, `approval|${id}|arguments`),
      id,
      status: 'pending',
      createdAt,
      expiresAt: createdAt + this.#options.expiryMs(),
      decidedBy: undefined,
      decidedAt: undefined,
      claimedAt: undefined,
      finishedAt: undefined,
      result: undefined,
    };
    await this.#options.store.create(approval);
    this.#keep(approval);
    this.events.emit({ kind: 'created', approval });
    return approval;
  }

  /** The canonical arguments of an approval; undefined when the row was altered. */
  argumentsOf({ id, arguments: sealed }: StoredApproval): string | undefined {
    return this.#options.seal.open(sealed, `approval|${id}|arguments`);
  }

  /** As it is now. */
  async get(id: string): Promise<StoredApproval | undefined> {
    const approval = this.#live.get(id) ?? (await this.#options.store.get(id));
    return approval && isOpen(approval) && approval.expiresAt <= this.#now()
      ? this.#expire(approval)
      : approval;
  }

  /** Newest first. */
  async list(filter: ApprovalFilter): Promise<readonly StoredApproval[]> {
    const now = this.#now();
    const over = [...this.#live.values()].filter((one) => !isLive(one, now));
    await Promise.all(over.map((one) => this.#expire(one)));
    return this.#options.store.list(filter);
  }

  /**
   * Gives or refuses the yes.
   * @throws GatewayError APPROVAL_NOT_FOUND, APPROVAL_EXPIRED, APPROVAL_DECIDED
   */
  async decide(id: string, by: string, answer: ApprovalAnswer): Promise<StoredApproval> {
    const approval = await this.get(id);
    if (!approval) throw new GatewayError('APPROVAL_NOT_FOUND', `There is no approval ${id}.`);
    if (approval.status === 'expired') {
      throw new GatewayError(
        'APPROVAL_EXPIRED',
        `The approval ${id} has expired. The call must be made again.`,
      );
    }
    const status = answer === 'no' ? 'denied' : 'approved';
    const fields = { decidedBy: by, decidedAt: this.#now() };
    if (!(await this.#options.store.move(id, 'pending', status, fields))) {
      const now = await this.#options.store.get(id);
      throw new GatewayError(
        'APPROVAL_DECIDED',
        `The approval ${id} is ${now?.status ?? 'gone'} already.`,
      );
    }
    const decided: StoredApproval = { ...approval, ...fields, status };
    this.#keep(decided);
    // A standing yes to a review would go round the second person.
    const stands = (answer === 'hour' || answer === 'always') && approval.mode === 'ask';
    if (stands) await this.#grants.create(decided, by, answer);
    this.events.emit({ kind: 'decided', approval: decided });
    return decided;
  }

  /** As `decide`; where somebody else was first, what became of it. */
  async decideOrSee(id: string, by: string, answer: ApprovalAnswer): Promise<StoredApproval> {
    try {
      return await this.decide(id, by, answer);
    } catch (error) {
      const now = await this.get(id);
      if (!now || now.status === 'pending') throw error;
      return now;
    }
  }

  get grants(): readonly StoredGrant[] {
    return this.#grants.all;
  }

  /** A standing yes for this tool as it is defined now. */
  granted(binding: Omit<Binding, 'argumentsDigest' | 'rulesHash'>): StoredGrant | undefined {
    return this.#grants.find(binding);
  }

  revoke(grantId: string): Promise<boolean> {
    return this.#grants.revoke(grantId);
  }

  /**
   * The definition of a tool has changed: what was asked and said about another one ends for good.
   * @param definitionHash of the definition that counts from now on
   */
  async voidTool(server: string, tool: string, definitionHash: string): Promise<void> {
    const over = [...this.#live.values()].filter(
      (one) =>
        isOpen(one) &&
        one.server === server &&
        one.tool === tool &&
        one.definitionHash !== definitionHash,
    );
    await Promise.all([
      this.#grants.revokeOthers(server, tool, definitionHash),
      ...over.map((one) => this.#expire(one)),
    ]);
  }

  /** Waits until it is decided, or the time is over, or the signal comes. @returns its state then */
  async decided(
    approval: StoredApproval,
    waitMs: number,
    signal: Cancellation,
  ): Promise<StoredApproval> {
    const { id, expiresAt } = approval;
    const { promise, resolve } = Promise.withResolvers<void>();
    const onAbort = () => resolve();
    using _heard = this.events.on((event) => {
      if (event.approval.id === id) resolve();
    });
    const now = (await this.get(id)) ?? approval;
    if (now.status !== 'pending' || waitMs <= 0 || signal.aborted) return now;
    const timer = setTimeout(resolve, Math.min(waitMs, expiresAt - this.#now(), MAX_TIMER_MS));
    signal.addEventListener('abort', onAbort, { once: true });
    await promise;
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    return (await this.get(id)) ?? approval;
  }

  /** Takes the yes for one run: of all that try, one gets it. @throws GatewayError APPROVAL_EXPIRED, APPROVAL_DECIDED */
  async claim(approval: StoredApproval): Promise<StoredApproval> {
    const { id, expiresAt } = approval;
    if (expiresAt <= this.#now()) {
      throw new GatewayError(
        'APPROVAL_EXPIRED',
        `The approval ${id} has expired. The call must be made again.`,
      );
    }
    const fields = { claimedAt: this.#now() };
    if (!(await this.#options.store.move(id, 'approved', 'claimed', fields))) {
      throw new GatewayError(
        'APPROVAL_DECIDED',
        `The approval ${id} was used already. Call again to be asked anew.`,
      );
    }
    const claimed: StoredApproval = { ...approval, ...fields, status: 'claimed' };
    this.#keep(claimed);
    return claimed;
  }

  /** @param unheard a result whose caller has gone: kept until the approval expires */
  async finish(
    approval: StoredApproval,
    status: 'done' | 'failed' | 'unknown',
    unheard?: string,
  ): Promise<void> {
    const { id } = approval;
    const result = unheard && this.#options.seal.seal(unheard, `approval|${id}|result`);
    const fields = { finishedAt: this.#now(), ...(result ? { result } : {}) };
    await this.#options.store.move(id, 'claimed', status, fields);
    const finished: StoredApproval = { ...approval, ...fields, status };
    this.#keep(finished);
    this.events.emit({ kind: 'finished', approval: finished });
  }

  /** The kept result, once. */
  async takeResult(id: string): Promise<string | undefined> {
    const approval = this.#live.get(id);
    if (approval?.result === undefined) return undefined;
    // Taking it out of memory comes first and at once: of two that ask, one finds it.
    const heard: StoredApproval = { ...approval, result: undefined };
    this.#keep(heard);
    await this.#options.store.move(id, approval.status, approval.status, { result: undefined });
    return this.#options.seal.open(approval.result, `approval|${id}|result`);
  }
}
