// The GET stream of a legacy session: messages that belong to no request. It is also how an idle bridge
// notices that its gateway has gone.
import { setTimeout as wait } from 'node:timers/promises';
import { reasonOf } from '../core/errors.ts';
import { discard, EVENTS_TYPE, isEventStream, messagesOf } from './answer.ts';
import { tryRead } from './exchange.ts';
import type { BridgeContext } from './exchange.ts';
import { sessionHeaders } from './session.ts';
import type { Session } from './session.ts';

const MAX_PAUSE_MS = 30_000;

/** Why a stream is not opened again. */
type Outcome = 'none' | 'ended' | 'lost';

/**
 * Keeps the stream open until the session ends.
 * @param renew gets a new session, which has a stream of its own
 */
export async function keepStream(
  context: BridgeContext,
  session: Session,
  renew: () => Promise<unknown>,
): Promise<void> {
  const signal = AbortSignal.any([context.signal, session.controller.signal]);
  const resumption = { lastEventId: undefined, retryMs: undefined };
  let failures = 0;
  while (!signal.aborted) {
    try {
      const outcome = await readStream(context, session, resumption, signal, () => {
        failures = 0;
      });
      if (outcome === 'none') return;
      if (outcome === 'lost') {
        await renew();
        return;
      }
    } catch (error) {
      if (signal.aborted) return;
      context.log.info({ reason: reasonOf(error) }, 'the stream of notifications broke');
    }
    const pauseMs = resumption.retryMs ?? Math.min(context.reopenMs * 2 ** failures, MAX_PAUSE_MS);
    failures++;
    // Half of it by chance, so that many hosts do not all come back to a new gateway at once.
    await wait(pauseMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
  }
}

async function readStream(
  { link, log, write, maxMessageBytes }: BridgeContext,
  session: Session,
  resumption: { lastEventId: string | undefined; retryMs: number | undefined },
  signal: AbortSignal,
  onMessage: () => void,
): Promise<Outcome> {
  const endpoint = await link.current(signal);
  if (endpoint !== session.endpoint) return 'lost';
  const { lastEventId } = resumption;
  const response = await link.send(endpoint, {
    method: 'GET',
    headers: {
      ...sessionHeaders(session),
      accept: EVENTS_TYPE,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
    signal,
  });
  const { status } = response;
  if (status !== 200 || !isEventStream(response)) {
    await discard(response);
    if (status === 404 && session.id !== undefined) return 'lost';
    if (status >= 500 || status === 429) return 'ended';
    // 405 says that there is none; nothing else would be answered otherwise another time.
    if (status !== 405) log.warn({ status }, 'the gateway gives no stream of notifications');
    return 'none';
  }
  for await (const { bytes } of messagesOf(response, maxMessageBytes, resumption)) {
    onMessage();
    const message = bytes && tryRead(bytes);
    // A response here would answer no request of this stream.
    if (message && message.kind !== 'response') await write(message.bytes);
    else log.warn({}, 'the stream of notifications carried something else');
  }
  return 'ended';
}
