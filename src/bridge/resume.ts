// Takes up the answer of a call where its stream broke: servers of the legacy era may close a connection
// on purpose and expect that (2025-11-25, basic/transports, "Resumability and Redelivery").
import { setTimeout as wait } from 'node:timers/promises';
import { discard, EVENTS_TYPE, isEventStream } from './answer.ts';
import type { Resumption } from './answer.ts';
import { relay } from './exchange.ts';
import type { BridgeContext, Exchange, RelayOptions } from './exchange.ts';
import { sessionHeaders } from './session.ts';
import type { Session } from './session.ts';

const DEFAULT_PAUSE_MS = 500;
const MAX_PAUSE_MS = 60_000;

/**
 * Asks for the rest of the stream as long as it can be had. The call itself is not sent again. The exchange
 * is still open afterwards when its answer is lost.
 */
export async function resume(
  { link }: BridgeContext,
  exchange: Exchange,
  session: Session,
  options: RelayOptions & { readonly resumption: Resumption },
): Promise<void> {
  const { resumption } = options;
  const { signal } = exchange;
  while (exchange.isOpen && resumption.lastEventId !== undefined) {
    const pauseMs = Math.min(resumption.retryMs ?? DEFAULT_PAUSE_MS, MAX_PAUSE_MS);
    await wait(pauseMs, undefined, { signal });
    let isTaken = false;
    try {
      const response = await link.send(session.endpoint, {
        method: 'GET',
        headers: {
          ...sessionHeaders(session),
          accept: EVENTS_TYPE,
          'last-event-id': resumption.lastEventId,
        },
        signal,
      });
      isTaken = response.status === 200 && isEventStream(response);
      if (isTaken) await relay(exchange, response, options);
      else await discard(response);
    } catch (error) {
      if (signal.aborted) throw error;
    }
    if (!isTaken) return;
  }
}
