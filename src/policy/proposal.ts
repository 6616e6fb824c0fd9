// The words of the approval queue: what is asked for, what a yes is bound to, what can be answered.
import type { StoredApproval } from '../core/store.ts';

/** What a person can answer: this once; this tool for this key for an hour; until revoked; no. */
export const ANSWERS = ['once', 'hour', 'always', 'no'] as const;
export type ApprovalAnswer = (typeof ANSWERS)[number];

/** Exactly what a yes is bound to. */
export type Binding = Pick<
  StoredApproval,
  'principal' | 'server' | 'tool' | 'definitionHash' | 'argumentsDigest' | 'rulesHash'
>;

export type Proposal = Omit<
  StoredApproval,
  | 'id'
  | 'status'
  | 'createdAt'
  | 'expiresAt'
  | 'decidedBy'
  | 'decidedAt'
  | 'claimedAt'
  | 'finishedAt'
  | 'result'
>;

export interface ApprovalEvent {
  readonly kind: 'created' | 'decided' | 'finished';
  readonly approval: StoredApproval;
}

export const bindingKey = (b: Binding): string =>
  JSON.stringify([b.principal, b.server, b.tool, b.definitionHash, b.argumentsDigest, b.rulesHash]);

export const isOpen = ({ status }: StoredApproval): boolean =>
  status === 'pending' || status === 'approved';

/** Still of use to a call: waits, has its yes, runs, or has a result that nobody has heard. */
export const isLive = (approval: StoredApproval, now: number): boolean =>
  approval.status === 'claimed' ||
  (approval.expiresAt > now && (isOpen(approval) || approval.result !== undefined));

/** Of one principal: beyond it the oldest expire, so that a caller in a loop fills neither memory nor queue. */
export const MAX_PENDING = 200;
/** Node's timers cannot wait longer. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
/** Rows read at the start for each status; of those with a kept result the newest are enough. */
export const MAX_LOADED = 100_000;
