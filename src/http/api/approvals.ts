// The approval queue over REST. Callers see what is theirs, approvers what they may decide; a GET decides nothing.
import { z } from 'zod';
import { GatewayError } from '../../core/errors.ts';
import type { Principal } from '../../core/principal.ts';
import type { ApprovalStatus, StoredApproval } from '../../core/store.ts';
import { ANSWERS } from '../../policy/proposal.ts';
import type { Approvals } from '../../policy/approvals.ts';
import type { ApprovalAnswer } from '../../policy/proposal.ts';
import { mayDecide } from '../../policy/may-decide.ts';
import { approvalFacts, revealed, shownArguments } from '../../policy/question.ts';
import { parseBody } from '../body.ts';
import type { AskedBy, KeyRoute } from '../route.ts';

export interface ApprovalDesk {
  readonly approvals: Pick<
    Approvals,
    'get' | 'list' | 'decide' | 'argumentsOf' | 'events' | 'grants' | 'revoke'
  >;
  /** Where people reach the gateway, without a path. */
  readonly url: () => string;
  /** What the tool's server says that it does, now; empty when nothing is known. */
  readonly describe: (approval: StoredApproval, who: Principal) => string;
}

const PATH = '/v1/mcp/approvals';
const LIMIT = 1_000;
const STATUSES = [
  'pending',
  'approved',
  'denied',
  'expired',
  'claimed',
  'done',
  'failed',
  'unknown',
] as const;

const decisionSchema = z.strictObject({ answer: z.enum(['once', 'hour', 'always']).optional() });
const noSchema = z.strictObject({});

export const maySee = (who: Principal, approval: StoredApproval): boolean =>
  approval.principal === who.id || mayDecide(who, approval);

const timeOf = (at: number | undefined): string | undefined =>
  at === undefined ? undefined : new Date(at).toISOString();

/** As programs get it. Nothing in it tells an argument. */
export function shownApproval(who: Principal, approval: StoredApproval, url: string): object {
  const { principal, principalName, team, customer, decidedBy } = approval;
  return {
    ...approvalFacts(approval, url),
    name: approval.exposed,
    caller: { id: principal, name: principalName, team, customer },
    createdAt: timeOf(approval.createdAt),
    decidedBy,
    decidedAt: timeOf(approval.decidedAt),
    claimedAt: timeOf(approval.claimedAt),
    finishedAt: timeOf(approval.finishedAt),
    mayDecide: approval.status === 'pending' && mayDecide(who, approval),
  };
}

/** With what a person needs to decide. */
export function shownWhole(who: Principal, approval: StoredApproval, desk: ApprovalDesk): object {
  const json = desk.approvals.argumentsOf(approval);
  return {
    ...shownApproval(who, approval, desk.url()),
    description: revealed(desk.describe(approval, who)),
    arguments: json === undefined ? undefined : shownArguments(json),
  };
}

/** @throws GatewayError APPROVAL_NOT_FOUND: unknown and somebody else's read alike */
export async function findApproval(
  desk: ApprovalDesk,
  who: Principal,
  id: string,
): Promise<StoredApproval> {
  const approval = await desk.approvals.get(id);
  if (approval && maySee(who, approval)) return approval;
  throw new GatewayError(
    'APPROVAL_NOT_FOUND',
    `There is no approval ${JSON.stringify(id)} for this key.`,
  );
}

/**
 * Decides as this principal.
 * @throws GatewayError APPROVAL_NOT_FOUND, ROLE_MISSING, PARAMS_INVALID, APPROVAL_DECIDED, APPROVAL_EXPIRED
 */
export async function decideAs(
  desk: ApprovalDesk,
  who: Principal,
  id: string,
  answer: ApprovalAnswer,
): Promise<StoredApproval> {
  const approval = await findApproval(desk, who, id);
  if (!mayDecide(who, approval)) {
    const text = `"${who.name}" may not decide this. It needs another key, with the role approver; nobody decides their own calls.`;
    throw new GatewayError('ROLE_MISSING', text, { data: { needed: 'approver', role: who.role } });
  }
  if (approval.mode === 'review' && (answer === 'hour' || answer === 'always')) {
    throw new GatewayError(
      'PARAMS_INVALID',
      'A review can be approved once only; there is no standing yes to it.',
    );
  }
  return desk.approvals.decide(id, who.id, answer);
}

export const isAnswer = (text: string): text is ApprovalAnswer =>
  ANSWERS.some((answer) => answer === text);

function readStatus(query: URLSearchParams): ApprovalStatus | undefined {
  const text = query.get('status');
  if (text === null || text === '') return undefined;
  const status = STATUSES.find((one) => one === text);
  if (status) return status;
  throw new GatewayError(
    'PARAMS_INVALID',
    `status must be one of ${STATUSES.join(', ')}; got ${JSON.stringify(text)}.`,
  );
}

async function list(desk: ApprovalDesk, { principal, query }: AskedBy): Promise<object> {
  const status = readStatus(query);
  const own = principal.role === 'caller' ? { principal: principal.id } : {};
  const all = await desk.approvals.list({ ...(status ? { status } : {}), ...own, limit: LIMIT });
  const shown = all.filter((one) => maySee(principal, one));
  return { approvals: shown.map((one) => shownApproval(principal, one, desk.url())) };
}

export function approvalRoutes(desk: ApprovalDesk): readonly KeyRoute[] {
  const decide = (verb: 'approve' | 'deny'): KeyRoute => ({
    method: 'POST',
    path: `${PATH}/:id/${verb}`,
    access: 'approver',
    maxBodyBytes: 10_000,
    async handle({ principal, params, body }) {
      const answer =
        verb === 'deny'
          ? (parseBody(body, noSchema), 'no')
          : (parseBody(body, decisionSchema).answer ?? 'once');
      const decided = await decideAs(desk, principal, params['id']!, answer);
      return { status: 200, body: { approval: shownApproval(principal, decided, desk.url()) } };
    },
  });
  return [
    {
      method: 'GET',
      path: PATH,
      access: 'caller',
      handle: async (asked) => ({ status: 200, body: await list(desk, asked) }),
    },
    {
      method: 'GET',
      path: `${PATH}/:id`,
      access: 'caller',
      async handle({ principal, params }) {
        const approval = await findApproval(desk, principal, params['id']!);
        return { status: 200, body: { approval: shownWhole(principal, approval, desk) } };
      },
    },
    decide('approve'),
    decide('deny'),
  ];
}
