// Approved calls while they run: each runs once, to its end, whether its caller stays or not.
import { Canceller } from '../core/cancellation.ts';
import { randomBytes } from 'node:crypto';
import type { Call, Era, Message } from '../core/call.ts';
import { GatewayError, isGatewayError } from '../core/errors.ts';
import type { StoredApproval } from '../core/store.ts';
import { readMessage } from '../wire/message.ts';
import type { Approvals } from './approvals.ts';
import type { RequestState } from './request-state.ts';
import { questionState } from './rounds.ts';

/** Failures after which it is certain that the tool did not run, or what it did. All others leave `unknown`. */
const CERTAIN: ReadonlySet<string> = new Set([
  'UPSTREAM_DOWN',
  'UPSTREAM_BUSY',
  'UPSTREAM_REFUSED',
  'ADDRESS_REFUSED',
  'DEFINITION_CHANGED',
  'RESULT_TOO_LARGE',
]);

/** A person has this long for each question of the upstream. */
export const ROUND_MS = 3_600_000;

/** How a run, or a round of it, has ended. */
export interface Outcome {
  readonly approval: string;
  readonly response: Message;
  /** The era that the response is in. */
  readonly era: Era;
  /** Set when the response is a question of the upstream: names the round that answers it. */
  readonly round: string | undefined;
}

type Next = (call: Call) => Promise<Message>;

interface Run {
  readonly outcome: Promise<Outcome>;
  /** All who wait for it. */
  readonly callers: Call[];
}

const isAway = (call: Call): boolean => call.signal.aborted || call.isGone();

export class RunningCalls {
  readonly #approvals: Approvals;
  readonly #running = new Map<string, Run>();
  /** Questions of upstreams that nobody has answered, by approval. */
  readonly #asked = new Map<string, { readonly outcome: Outcome; readonly endsAt: number }>();

  constructor(approvals: Approvals) {
    this.#approvals = approvals;
  }

  /**
   * What the same call has come to that runs now, or ran while its caller was away; undefined: it is still to
   * be run. @throws GatewayError APPROVAL_UNKNOWN
   */
  async join(call: Call, { id }: StoredApproval): Promise<Outcome | undefined> {
    const under = this.#joinRun(call, id) ?? this.#question(id);
    if (under) return under;
    const approval = await this.#approvals.get(id);
    const kept = approval && (await this.#kept(approval));
    if (kept || approval?.status !== 'claimed') return kept;
    // It may have started while the row was read.
    const run = this.#joinRun(call, id) ?? this.#question(id);
    if (run) return run;
    if (this.#asked.delete(id)) await this.#approvals.finish(approval, 'unknown');
    throw new GatewayError(
      'APPROVAL_UNKNOWN',
      `The same call was claimed under ${id} and has not ended. It may have run, and is not run a second time.`,
      { data: { approval: id } },
    );
  }

  #joinRun(call: Call, id: string): Promise<Outcome> | undefined {
    const run = this.#running.get(id);
    run?.callers.push(call);
    return run?.outcome.then(async (outcome) => {
      // Kept for nobody, when this caller came after that was settled.
      if (!isAway(call)) await this.#approvals.takeResult(id);
      return outcome;
    });
  }

  #question(id: string): Outcome | undefined {
    const asked = this.#asked.get(id);
    return asked && asked.endsAt > Date.now() ? asked.outcome : undefined;
  }

  async #kept(approval: StoredApproval): Promise<Outcome | undefined> {
    const kept = await this.#approvals.takeResult(approval.id);
    if (kept === undefined) return undefined;
    const at = kept.indexOf('\n');
    const response = readMessage(Buffer.from(kept.slice(at + 1)));
    return { approval: approval.id, response, era: kept.slice(0, at) as Era, round: undefined };
  }

  /** Claims the yes and runs the call. Of several that try, one runs it and the others get its result. */
  run(call: Call, approval: StoredApproval, next: Next): Promise<Outcome> {
    return (
      this.#joinRun(call, approval.id) ??
      this.#track(call, approval.id, async (callers) => {
        const claimed = await this.#approvals.claim(approval);
        return this.#perform(call, claimed, callers, next);
      })
    );
  }

  /** A later round of a call whose yes was claimed by its first one. @throws GatewayError STATE_INVALID */
  async goOn(call: Call, { approval: id, round }: RequestState, next: Next): Promise<Outcome> {
    const approval = await this.#approvals.get(id);
    if (approval?.principal !== call.principal.id) throw ended();
    // The same round sent twice: its sender lost the answer, and gets that.
    const running = this.#joinRun(call, id);
    if (running) return running;
    if (approval.status === 'claimed' && this.#question(id)?.round === round) {
      this.#asked.delete(id);
      return this.#track(call, id, (callers) => this.#perform(call, approval, callers, next));
    }
    const kept = await this.#kept(approval);
    if (kept) return kept;
    throw ended();
  }

  #track(
    call: Call,
    id: string,
    start: (callers: readonly Call[]) => Promise<Outcome>,
  ): Promise<Outcome> {
    const callers = [call];
    const outcome = start(callers);
    this.#running.set(id, { outcome, callers });
    const done = () => this.#running.delete(id);
    outcome.then(done, done);
    return outcome;
  }

  async #perform(
    call: Call,
    approval: StoredApproval,
    callers: readonly Call[],
    next: Next,
  ): Promise<Outcome> {
    const { id } = approval;
    // Not the caller's signal: a yes is used by one run, so that run must come to its end.
    const detached: Call = {
      ...call,
      signal: new Canceller(),
      onNotification: (notification) => {
        if (!call.signal.aborted) call.onNotification(notification);
      },
    };
    let response: Message;
    try {
      response = await next(detached);
    } catch (error) {
      const isCertain = isGatewayError(error) && CERTAIN.has(error.code);
      await this.#approvals.finish(approval, isCertain ? 'failed' : 'unknown');
      throw error;
    }
    const outcome = { approval: id, response, era: call.client.era };
    if (questionState(response) !== undefined) {
      // No later round can come over REST.
      if (call.door === 'rest') await this.#approvals.finish(approval, 'failed');
      else return this.#ask({ ...outcome, round: randomBytes(9).toString('base64url') });
    } else {
      const unheard = callers.every(isAway)
        ? `${outcome.era}\n${response.bytes.toString()}`
        : undefined;
      await this.#approvals.finish(approval, response.error ? 'failed' : 'done', unheard);
    }
    return { ...outcome, round: undefined };
  }

  async #ask(outcome: Outcome): Promise<Outcome> {
    const now = Date.now();
    for (const [id, { endsAt }] of this.#asked) {
      if (endsAt > now) continue;
      this.#asked.delete(id);
      const approval = await this.#approvals.get(id);
      if (approval?.status === 'claimed') await this.#approvals.finish(approval, 'unknown');
    }
    this.#asked.set(outcome.approval, { outcome, endsAt: now + ROUND_MS });
    return outcome;
  }
}

const ended = (): GatewayError =>
  new GatewayError(
    'STATE_INVALID',
    'The call that this request continues has ended. Call again without it.',
  );
