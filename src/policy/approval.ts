// Explicit execution: a call is a proposal until somebody who may say so says yes.
import { createHash } from 'node:crypto';
import type { Call, Message } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import type { Interceptor } from '../core/interceptor.ts';
import type { Log } from '../core/log.ts';
import type { Mode } from '../core/principal.ts';
import type { Seal } from '../core/seal.ts';
import type { Target } from '../core/source.ts';
import type { StoredApproval } from '../core/store.ts';
import { canonicalJson } from '../wire/canonical.ts';
import { toCaller } from '../wire/era.ts';
import { valueOf } from '../wire/json.ts';
import { readParams } from '../wire/message.ts';
import { Asking } from './asking.ts';
import type { Approvals } from './approvals.ts';
import type { Proposal } from './proposal.ts';
import { ROUND_MS, RunningCalls } from './running-calls.ts';
import type { Outcome } from './running-calls.ts';
import { mayHaveState, openState, sealState } from './request-state.ts';
import { questionState, stateOf, withoutOwnRound, withQuestionState, withState } from './rounds.ts';

/** How a call is judged by the policy in force now. @throws GatewayError when it may no longer be made */
export interface Judgement {
  readonly mode: Mode;
  readonly rule: string;
  /** SHA-256 over the rules that decide this principal and tool. */
  readonly hash: string;
  /** The configuration line that would make it run unasked, when no rule decided. */
  readonly suggestion: string | undefined;
  readonly definitionHash: string;
}

export interface ApprovalOptions {
  readonly approvals: Approvals;
  readonly judge: (call: Call, target: Target) => Judgement;
  readonly seal: Seal;
  readonly waitMs: () => number;
  /** Where people reach the gateway. */
  readonly url: () => string;
  /** What whoever decides must know of a change of the tool; empty: nothing. */
  readonly notice?: (server: string, tool: string) => string;
  readonly log: Log;
  /** Hears under which approval a call goes on or waits. */
  readonly onApproval?: (call: Call, approval: string) => void;
}

/** Canonical arguments: equal but for key order and white space means equal (DESIGN §6). */
export function canonicalArguments({ message }: Call): string {
  const span = valueOf(readParams(message).members, 'arguments');
  return span ? canonicalJson(message.bytes, span).toString() : '{}';
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

export function createApproval(options: ApprovalOptions): Interceptor {
  const { approvals, judge, seal } = options;
  const running = new RunningCalls(approvals);
  const asking = new Asking(options);
  return async (call, target, next) => {
    if (call.method !== 'tools/call') return next(call);
    const judged = judge(call, target);
    note(call, judged);
    const isAuto = judged.mode === 'auto';
    if (isAuto && !mayHaveState(call)) return next(call);
    const proposal = propose(call, target, judged);
    const isFree = isAuto || (judged.mode === 'ask' && approvals.granted(proposal) !== undefined);
    const state = call.client.era === 'modern' ? stateOf(call) : undefined;
    const round =
      state === undefined
        ? undefined
        : openState(seal, call, proposal.argumentsDigest, state, !isFree);
    const answer = (outcome: Outcome) => answerTo(call, target, outcome, seal, proposal);
    // A later round of a call that has its yes.
    if (round?.upstream !== undefined) {
      options.onApproval?.(call, round.approval);
      return answer(
        await running.goOn(call, round, (one) => next(withState(one, round.upstream!))),
      );
    }
    const own = round ? withoutOwnRound(call) : call;
    if (isFree) return next(own);
    const approval = await open(call, proposal, approvals);
    options.onApproval?.(call, approval.id);
    note(call, judged, approval.id);
    const joined = await running.join(call, approval);
    if (joined) return answer(joined);
    const settled = await asking.settle(
      call,
      target,
      approval,
      judged,
      proposal.arguments,
      round?.approval,
    );
    if (settled.kind === 'answer') return settled.message;
    // Nobody hears the answer: the yes is left for the same call, made again.
    if (call.signal.aborted)
      throw new GatewayError('CALL_CANCELLED', 'The caller cancelled the call.');
    assertSameJudgement(judge(call, target), proposal);
    return answer(await running.run(own, settled.approval, next));
  };
}

/** What the record of the call tells. */
function note({ decision }: Call, { mode, rule }: Judgement, approval?: string): void {
  if (!decision) return;
  decision.mode = mode;
  decision.rule = rule;
  decision.approval = approval;
}

function propose(call: Call, target: Target, judged: Judgement): Proposal {
  const { principal } = call;
  const json = canonicalArguments(call);
  return {
    principal: principal.id,
    principalName: principal.name,
    team: principal.team,
    customer: principal.customer,
    server: target.source.name,
    tool: target.name,
    exposed: target.exposed,
    mode: judged.mode === 'review' ? 'review' : 'ask',
    definitionHash: judged.definitionHash,
    argumentsDigest: digestOf(json),
    rulesHash: judged.hash,
    arguments: json,
  };
}

async function open(call: Call, proposal: Proposal, approvals: Approvals): Promise<StoredApproval> {
  const approval = await approvals.open(proposal);
  // POST /tool/execute with the right to execute is the yes itself.
  const isOwnYes = call.door === 'rest' && proposal.mode === 'ask' && call.principal.execute;
  if (approval.status !== 'pending' || !isOwnYes) return approval;
  return approvals.decideOrSee(approval.id, call.principal.id, 'once');
}

/** The policy may have changed while somebody thought about it: the yes was for what was asked. */
function assertSameJudgement(now: Judgement, before: Proposal): void {
  if (now.hash === before.rulesHash && now.definitionHash === before.definitionHash) return;
  throw new GatewayError(
    'APPROVAL_EXPIRED',
    'The tool or the rules for it have changed since this call was approved. Call again to be asked anew.',
  );
}

/** What a run has come to, for the caller that asks: in its era, and a question under a state of its own. */
function answerTo(
  call: Call,
  target: Target,
  outcome: Outcome,
  seal: Seal,
  { argumentsDigest }: Proposal,
): Message {
  const { approval, round, era } = outcome;
  const response = toCaller(outcome.response, call.method, era, call.client.era, target.item?.raw);
  const upstream = round === undefined ? undefined : questionState(response);
  if (round === undefined || upstream === undefined) return response;
  const state = { approval, upstream, round };
  return withQuestionState(
    response,
    sealState(seal, call, argumentsDigest, state, Date.now() + ROUND_MS),
  );
}
