// `subscriptions/listen` over the bridge. For the host the stream goes on when the gateway does not.
//
// The specification ends a subscription with the transport, and lets the client listen again. But the
// host's transport is this bridge, which has not ended: the host would have no cause to listen again, and
// an empty result would tell it that the server wants it to end. So the bridge, which is the client of the
// stream that broke, listens again with the host's own request: same id, same subscription id. A repeated
// acknowledgement is kept back, since it must be the first message; instead, as changes may have been
// missed, each kind that was acknowledged is announced once. (2026-07-28, basic/patterns/subscriptions.)
import { setTimeout as wait } from 'node:timers/promises';
import type { Message } from '../core/call.ts';
import type { HttpResponse } from '../net/http-client.ts';
import { META } from '../wire/era.ts';
import { elementsOf, membersOf, sliceOf, valueOf } from '../wire/json.ts';
import { idOf, readParams } from '../wire/message.ts';
import { messagesOf } from './answer.ts';
import { failureOf, isSuccess, tryRead } from './exchange.ts';
import type { BridgeContext, Exchange } from './exchange.ts';
import { lostError } from './link.ts';
import type { Endpoint } from './link.ts';

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
/** So often in a row listening is tried again before the host is told that it is over. */
const MAX_FAILURES = 5;
/** A stream that held so long was a good one. */
const GOOD_MS = 30_000;
const MAX_PAUSE_MS = 5_000;

type Listen = () => Promise<{ readonly endpoint: Endpoint; readonly response: HttpResponse }>;

/** Settles when the subscription is over: refused, cancelled by the host, or given up. */
export async function runSubscription(
  context: BridgeContext,
  exchange: Exchange,
  listen: Listen,
): Promise<void> {
  const stream = createStream(context, exchange);
  let failures = 0;
  while (exchange.isOpen) {
    const startedAt = Date.now();
    try {
      await stream.run(listen);
    } catch (error) {
      stream.note(error);
    }
    if (!exchange.isOpen) return;
    failures = Date.now() - startedAt >= GOOD_MS ? 1 : failures + 1;
    // Nothing has been promised before the first acknowledgement: then it is a request like any other.
    if (!stream.isAcknowledged || failures > MAX_FAILURES) return stream.giveUp();
    const pauseMs = Math.min(context.reopenMs * 2 ** failures, MAX_PAUSE_MS);
    await wait(pauseMs, undefined, { signal: exchange.signal });
  }
}

function createStream({ log, maxMessageBytes }: BridgeContext, exchange: Exchange) {
  let acknowledged: Message | undefined;
  let isAnnounced = true;
  let ending: Buffer | undefined;
  let reason: unknown = lostError('its stream ended');

  const pass = async (message: Message): Promise<void> => {
    if (message.method !== ACKNOWLEDGED) return exchange.pass(message.bytes);
    if (!acknowledged) {
      acknowledged = message;
      return exchange.pass(message.bytes);
    }
    if (isAnnounced) return undefined;
    isAnnounced = true;
    for (const change of missedChanges(acknowledged, exchange.id)) await exchange.pass(change);
    return undefined;
  };

  const run = async (listen: Listen): Promise<void> => {
    const { endpoint, response } = await listen();
    if (!isSuccess(response)) {
      const failure = await failureOf(exchange.message, endpoint, response);
      if (!acknowledged) return exchange.refuse(failure);
      throw failure.error;
    }
    for await (const { bytes } of messagesOf(response, maxMessageBytes)) {
      const message = bytes && tryRead(bytes);
      if (!message) log.warn({}, 'the gateway sent something that is no MCP message');
      else if (message.kind !== 'response') await pass(message);
      else if (idOf(message) === exchange.id) return end(message);
    }
  };
  // A gateway that stops says so with a result; another one may be there in a moment.
  const end = async ({ bytes, error }: Message): Promise<void> => {
    if (error || !acknowledged) return exchange.answer(bytes);
    ending = bytes;
    return undefined;
  };

  return {
    get isAcknowledged() {
      return acknowledged !== undefined;
    },
    async run(listen: Listen) {
      isAnnounced = acknowledged === undefined;
      await run(listen);
    },
    note(error: unknown) {
      reason = error;
    },
    giveUp: () => (ending ? exchange.answer(ending) : exchange.fail(reason)),
  };
}

const LIST_CHANGES: readonly (readonly [filter: string, method: string])[] = [
  ['toolsListChanged', 'notifications/tools/list_changed'],
  ['promptsListChanged', 'notifications/prompts/list_changed'],
  ['resourcesListChanged', 'notifications/resources/list_changed'],
];

/** A notification for every kind of change, and every resource, that the subscription is about. */
function missedChanges(acknowledged: Message, id: string): Buffer[] {
  const { bytes } = acknowledged;
  const filter = valueOf(readParams(acknowledged).members, 'notifications');
  const members = filter ? membersOf(bytes, filter) : [];
  const meta = `"_meta":{"${META.subscriptionId}":${id}}`;
  const changes = LIST_CHANGES.filter(([key]) => {
    const span = valueOf(members, key);
    return span !== undefined && bytes.toString('latin1', span.start, span.end) === 'true';
  }).map(([, method]) => Buffer.from(`{"jsonrpc":"2.0","method":"${method}","params":{${meta}}}`));
  const resources = valueOf(members, 'resourceSubscriptions');
  for (const uri of resources ? elementsOf(bytes, resources) : []) {
    const text = sliceOf(bytes, uri).toString();
    changes.push(
      Buffer.from(
        `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{${meta},"uri":${text}}}`,
      ),
    );
  }
  return changes;
}

/** What a host gets that still listens when the bridge ends. */
export const subscriptionEnd = (id: string): Buffer =>
  Buffer.from(
    `{"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","_meta":{"${META.subscriptionId}":${id}}}}`,
  );
