// A GET stream of server-sent events: the legacy channel for what belongs to no request.
import { setTimeout as delay } from 'node:timers/promises';
import type { Message } from '../core/call.ts';
import { reasonOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { HttpClient } from '../net/http-client.ts';
import { readMessage } from '../wire/message.ts';
import { createEventReader } from '../wire/sse.ts';
import { createBackoff } from './backoff.ts';

export interface EventStreamOptions {
  readonly url: URL;
  readonly headers: () => Readonly<Record<string, string>>;
  readonly client: HttpClient;
  readonly maxBytes: number;
  /** Ends the stream for good. */
  readonly signal: AbortSignal;
  readonly onMessage: (message: Message) => void;
  /** The stream is open again after a break, in which messages may have been missed. */
  readonly onReopen: () => void;
  /** The server answered 404: the session is over. */
  readonly onGone: () => void;
  readonly log: Log;
}

/** Opens the stream and opens it again when it drops. A server that has none (405) is left alone. */
export function openEventStream(options: EventStreamOptions): void {
  void keepOpen(options).catch((error: unknown) => {
    if (!options.signal.aborted) options.log.warn({ error: reasonOf(error) }, 'event stream ended');
  });
}

async function keepOpen(options: EventStreamOptions): Promise<void> {
  const { signal, log } = options;
  const backoff = createBackoff();
  let isFirst = true;
  const onOpen = () => {
    backoff.reset();
    if (!isFirst) options.onReopen();
    isFirst = false;
  };
  while (!signal.aborted) {
    try {
      const status = await readOnce(options, onOpen);
      if (status === 404) return options.onGone();
      // Anything but a stream means that the server offers none (2025-11-25: 405).
      if (status !== 200) return undefined;
    } catch (error) {
      if (signal.aborted) return undefined;
      log.debug({ error: reasonOf(error) }, 'the event stream broke; it is opened again');
    }
    await delay(backoff.next(), undefined, { signal, ref: false });
  }
  return undefined;
}

async function readOnce(options: EventStreamOptions, onOpen: () => void): Promise<number> {
  const { client, url, signal, maxBytes, log } = options;
  const headers = { ...options.headers(), accept: 'text/event-stream' };
  const response = await client.request({ url, method: 'GET', headers, signal });
  const type = String(response.headers['content-type'] ?? '');
  if (response.status !== 200 || !type.startsWith('text/event-stream')) {
    response.body.destroy();
    return response.status === 200 ? 405 : response.status;
  }
  onOpen();
  const reader = createEventReader({
    maxBytes,
    onEvent({ data }) {
      if (data.length === 0) return;
      try {
        options.onMessage(readMessage(data));
      } catch (error) {
        log.warn({ error: reasonOf(error) }, 'an invalid message on the event stream was dropped');
      }
    },
    onOversize: () => log.warn({ maxBytes }, 'a message over maxMessageBytes was dropped'),
  });
  for await (const chunk of response.body) reader.push(chunk as Buffer);
  return 200;
}
