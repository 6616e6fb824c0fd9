// Announces each call that waits for a yes to one address of the configuration, signed, so that a chat or a pager can
// carry the link to a person. It tells which arguments there are, never what is in them, and holds up nobody.
import { createHmac } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { StoredApproval } from '../core/store.ts';
import type { HttpClient } from '../net/http-client.ts';
import type { Approvals } from '../policy/approvals.ts';
import { approvalFacts } from '../policy/question.ts';
import { checkJson, membersOf } from '../wire/json.ts';

export interface WebhookTarget {
  readonly url: string;
  readonly secret: string;
}

export interface WebhookOptions {
  readonly approvals: Pick<Approvals, 'events' | 'argumentsOf' | 'get'>;
  /** As the configuration has it now. */
  readonly target: () => WebhookTarget | undefined;
  /** Where people reach the gateway. */
  readonly url: () => string;
  readonly http: Pick<HttpClient, 'request'>;
  readonly log: Log;
  /** Between attempts, milliseconds. */
  readonly delaysMs?: readonly number[];
}

const DELAYS_MS = [1_000, 5_000, 25_000];
const ATTEMPT_MS = 10_000;
/** Beyond it the newest are not told: the queue itself has them all. */
const MAX_WAITING = 200;

/** `t=<seconds>,v1=<hex>`: HMAC-SHA-256 over `<seconds>.<body>`. A receiver refuses what is old. */
export function signature(secret: string, body: string, seconds: number): string {
  const mac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${mac}`;
}

function bodyOf(approval: StoredApproval, json: string | undefined, url: string): string {
  const bytes = Buffer.from(json ?? '{}');
  const { principal: id, principalName: name, team, customer } = approval;
  return JSON.stringify({
    event: 'approval.created',
    approval: {
      ...approvalFacts(approval, url),
      name: approval.exposed,
      caller: { id, name, team, customer },
      argumentNames: membersOf(bytes, checkJson(bytes)).map(({ key }) => key),
    },
  });
}

export function startWebhook(options: WebhookOptions): Disposable {
  const { approvals, log, delaysMs = DELAYS_MS } = options;
  const end = new AbortController();
  let waiting = 0;
  const announce = async (approval: StoredApproval): Promise<void> => {
    const body = bodyOf(approval, approvals.argumentsOf(approval), options.url());
    for (const pause of [0, ...delaysMs]) {
      if (pause > 0) await delay(pause, undefined, { signal: end.signal, ref: false });
      const target = options.target();
      if (!target || (await approvals.get(approval.id))?.status !== 'pending') return;
      if (await deliver(options, target, body, approval.id, end.signal)) return;
    }
    log.warn({ approval: approval.id }, 'the webhook was not told of an approval');
  };
  const heard = approvals.events.on(({ kind, approval }) => {
    if (kind !== 'created' || !options.target()) return;
    if (waiting >= MAX_WAITING) {
      log.warn(
        { approval: approval.id },
        'too many approvals wait for the webhook; this one is not told',
      );
      return;
    }
    waiting++;
    announce(approval)
      .catch((error: unknown) => {
        if (!end.signal.aborted) log.warn({ reason: reasonOf(error) }, 'the webhook failed');
      })
      .finally(() => waiting--);
  });
  return {
    [Symbol.dispose]() {
      heard[Symbol.dispose]();
      end.abort();
    },
  };
}

/** @returns whether no further attempt is of use */
async function deliver(
  { http, log }: WebhookOptions,
  { url, secret }: WebhookTarget,
  body: string,
  approval: string,
  end: AbortSignal,
): Promise<boolean> {
  try {
    const response = await http.request({
      url,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'toolgate',
        'x-toolgate-signature': signature(secret, body, Math.floor(Date.now() / 1000)),
      },
      body: Buffer.from(body),
      signal: AbortSignal.any([end, AbortSignal.timeout(ATTEMPT_MS)]),
    });
    response.body.destroy();
    const { status } = response;
    if (status >= 200 && status < 300) return true;
    log.warn({ approval, status }, 'the webhook did not take an approval');
    return status < 500 && status !== 408 && status !== 429;
  } catch (error) {
    end.throwIfAborted();
    log.warn({ approval, reason: reasonOf(error) }, 'the webhook could not be reached');
    return false;
  }
}
