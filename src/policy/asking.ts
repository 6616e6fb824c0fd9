// Asks for a yes by the best channel that the caller has (DESIGN §6, Asking).
import { toAbortSignal } from '../core/cancellation.ts';
import { setTimeout as delay } from 'node:timers/promises';
import type { Call, Era, Message } from '../core/call.ts';
import { GatewayError, reasonOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Seal } from '../core/seal.ts';
import type { Target } from '../core/source.ts';
import type { StoredApproval } from '../core/store.ts';
import { membersOf, parseAt, stringAt, valueOf } from '../wire/json.ts';
import { notificationMessage, readMessage, readParams, resultAnswer } from '../wire/message.ts';
import type { Judgement } from './approval.ts';
import type { Approvals } from './approvals.ts';
import type { ApprovalAnswer } from './proposal.ts';
import { answerOf, approvalFacts, elicitation } from './question.ts';
import type { QuestionFacts } from './question.ts';
import { sealState } from './request-state.ts';
import { ownAnswer, QUESTION } from './rounds.ts';

export type Settled =
  | { readonly kind: 'approved'; readonly approval: StoredApproval }
  | { readonly kind: 'answer'; readonly message: Message };

export interface AskingOptions {
  readonly approvals: Approvals;
  readonly seal: Seal;
  readonly waitMs: () => number;
  readonly url: () => string;
  /** What whoever decides must know of a change of the tool; empty: nothing. */
  readonly notice?: (server: string, tool: string) => string;
  readonly log: Log;
}

interface Facts extends QuestionFacts {
  readonly era: Era;
}

/** While a call is held, its caller hears this often that it is. */
const PROGRESS_MS = 5_000;

export class Asking {
  readonly #options: AskingOptions;

  constructor(options: AskingOptions) {
    this.#options = options;
  }

  /** @param earlier the approval that this request's state names, when it is a later round */
  async settle(
    call: Call,
    target: Target,
    approval: StoredApproval,
    judged: Judgement,
    json: string,
    earlier: string | undefined,
  ): Promise<Settled> {
    if (approval.status === 'approved') return { kind: 'approved', approval };
    if (call.door === 'rest') throw this.#refusal(approval);
    const facts: Facts = {
      era: call.client.era,
      approval,
      arguments: json,
      description: descriptionOf(target),
      notice: this.#options.notice?.(target.source.name, target.name) ?? '',
      suggestion: judged.suggestion,
    };
    // A review is somebody else's to decide: the caller's own client is not asked.
    if (judged.mode === 'ask' && canElicit(call)) {
      if (call.client.era === 'modern') return this.#inputRequired(call, facts, earlier);
      if (call.ask) return this.#live(call, facts);
    }
    return this.#hold(call, facts);
  }

  /** REST tells by its status what a tool result tells by its text. */
  #refusal(approval: StoredApproval): GatewayError {
    const { id, status } = approval;
    const data = { approval: approvalFacts(approval, this.#options.url()) };
    switch (status) {
      case 'pending':
        return new GatewayError('APPROVAL_PENDING', `The call waits for a yes under ${id}.`, {
          data,
        });
      case 'denied':
        return new GatewayError(
          'APPROVAL_DENIED',
          `The call was denied under ${id}. Do not make it again.`,
          { data },
        );
      case 'expired':
        return new GatewayError(
          'APPROVAL_EXPIRED',
          `The approval ${id} has expired. Call again to ask anew.`,
          { data },
        );
      default:
        return new GatewayError(
          'APPROVAL_DECIDED',
          `The approval ${id} is ${status}. Call again to ask anew.`,
          { data },
        );
    }
  }

  async #inputRequired(call: Call, facts: Facts, earlier: string | undefined): Promise<Settled> {
    const { approval } = facts;
    if (earlier === approval.id) {
      const answer = answerOf(ownAnswer(call));
      if (answer) return this.#answered(call, facts, answer);
      if (ownAnswer(call) !== undefined) return this.#told(facts, approval);
    }
    const state = sealState(
      this.#options.seal,
      call,
      approval.argumentsDigest,
      { approval: approval.id },
      approval.expiresAt,
    );
    const result = {
      resultType: 'input_required',
      inputRequests: { [QUESTION]: { method: 'elicitation/create', params: elicitation(facts) } },
      requestState: state,
    };
    return { kind: 'answer', message: resultAnswer(JSON.stringify(result)) };
  }

  /** Somebody else may decide while the dialog is open: whoever is first counts. */
  async #live(call: Call, facts: Facts): Promise<Settled> {
    const { approvals, log } = this.#options;
    const done = new AbortController();
    const signal = AbortSignal.any([toAbortSignal(call.signal), done.signal]);
    const elsewhere = approvals.decided(facts.approval, Infinity, signal);
    const here = call.ask!('elicitation/create', elicitation(facts), signal).then(
      (response) => (response.result ? parseAt(response.bytes, response.result) : undefined),
      (error: unknown) => {
        if (!signal.aborted) log.info({ reason: reasonOf(error) }, 'the client could not be asked');
        return undefined;
      },
    );
    const first = await Promise.race([here.then(answerOf), elsewhere]);
    done.abort(new Error('decided'));
    if (typeof first === 'string') return this.#answered(call, facts, first);
    if (first) return this.#told(facts, first);
    return this.#hold(call, facts);
  }

  /** Where somebody else was first, that counts. */
  async #answered(call: Call, facts: Facts, answer: ApprovalAnswer): Promise<Settled> {
    const by = `client of ${call.principal.id}`;
    return this.#told(
      facts,
      await this.#options.approvals.decideOrSee(facts.approval.id, by, answer),
    );
  }

  async #hold(call: Call, facts: Facts): Promise<Settled> {
    const { approvals, waitMs } = this.#options;
    const over = new AbortController();
    void this.#keepAlive(call, AbortSignal.any([toAbortSignal(call.signal), over.signal]));
    try {
      return this.#told(facts, await approvals.decided(facts.approval, waitMs(), call.signal));
    } finally {
      over.abort();
    }
  }

  /** Progress tells the host that the call is alive, and the person that it waits. */
  async #keepAlive(call: Call, signal: AbortSignal): Promise<void> {
    const { progressToken } = readParams(call.message);
    if (!progressToken) return;
    const token = parseAt(call.message.bytes, progressToken);
    try {
      // Far below what a tool reports, since values must only rise.
      for (let beat = 1; ; beat++) {
        const progress = {
          progressToken: token,
          progress: beat / 1e6,
          message: 'Waiting for approval',
        };
        call.onNotification(readMessage(notificationMessage('notifications/progress', progress)));
        await delay(PROGRESS_MS, undefined, { signal, ref: false });
      }
    } catch {
      // Aborted: it waits no longer.
    }
  }

  #told(facts: Facts, approval: StoredApproval): Settled {
    if (approval.status === 'approved') return { kind: 'approved', approval };
    return { kind: 'answer', message: waitingAnswer({ ...facts, approval }, this.#options.url()) };
  }
}

/** The tool result that says how to go on; an error result, so that no schema of the tool is expected of it. */
function waitingAnswer({ approval, suggestion, era }: Facts, url: string): Message {
  const { id, server, tool, status } = approval;
  const facts = approvalFacts(approval, url);
  const text =
    status === 'denied'
      ? `The call of "${tool}" on server "${server}" was denied. Do not call it again with these arguments.`
      : status === 'pending'
        ? `The call of "${tool}" on server "${server}" needs approval and has not run. ` +
          `Somebody entitled can approve it at ${facts.url} or with: toolgate approvals approve ${id}\n` +
          'Then call again unchanged.' +
          (suggestion ? `\nTo run this tool unasked: ${suggestion}` : '')
        : `The approval ${id} is ${status}. Call again to ask anew.`;
  const result = {
    ...(era === 'modern' ? { resultType: 'complete' } : {}),
    content: [{ type: 'text', text }],
    isError: true,
    structuredContent: { approval: facts },
  };
  return resultAnswer(JSON.stringify(result));
}

/** Whether the client declared that it can show a form. */
function canElicit({ client }: Call): boolean {
  const bytes = client.capabilities;
  const span = valueOf(membersOf(bytes, { start: 0, end: bytes.length }), 'elicitation');
  if (!span || bytes[span.start] !== 0x7b) return false;
  const modes = membersOf(bytes, span);
  // An empty object means forms (2025-11-25, client/elicitation).
  return modes.length === 0 || valueOf(modes, 'form') !== undefined;
}

function descriptionOf({ item }: Target): string {
  if (!item) return '';
  const span = valueOf(membersOf(item.raw, { start: 0, end: item.raw.length }), 'description');
  return span && item.raw[span.start] === 0x22 ? stringAt(item.raw, span) : '';
}
