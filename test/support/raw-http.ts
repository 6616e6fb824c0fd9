// HTTP for tests that must see and send exact bytes: no SDK, no fetch, one request at a time.
import { type Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { type SseEvent, eventsOf } from './lines.ts';

export type Headers = Readonly<Record<string, string>>;

export interface SendOptions {
  readonly method?: string;
  readonly headers?: Headers;
  readonly body?: string | Buffer;
  readonly signal?: AbortSignal;
  readonly agent?: Agent;
}

/** Sends a request. @returns when the headers of the answer are there. */
export function send(url: string, options: SendOptions = {}): Promise<IncomingMessage> {
  const { method = 'GET', headers = {}, body, signal, agent } = options;
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method,
      headers: { ...length, ...headers },
      ...(signal === undefined ? {} : { signal }),
      ...(agent === undefined ? {} : { agent }),
    });
    outgoing.once('response', resolve).once('error', reject);
    outgoing.end(body);
  });
}

export async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const isStream = (headers: IncomingHttpHeaders): boolean =>
  headers['content-type']?.startsWith('text/event-stream') === true;

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Empty where the answer was a stream. */
  readonly body: Buffer;
  /** Every message of the answer as it was written: one for JSON, any number for a stream. */
  readonly messages: string[];
}

export const POST_HEADERS: Headers = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};

/** Posts exact bytes and reads the whole answer. Headers given here go before the usual ones. */
export async function rawPost(
  url: string,
  body: string | Buffer,
  headers: Headers = {},
  options: Pick<SendOptions, 'signal' | 'agent'> = {},
): Promise<RawAnswer> {
  const all = { ...POST_HEADERS, ...headers };
  const response = await send(url, { ...options, method: 'POST', headers: all, body });
  const { statusCode: status = 0, headers: received } = response;
  if (isStream(received)) {
    const messages: string[] = [];
    for await (const { data } of eventsOf(response)) messages.push(data);
    return { status, headers: received, body: Buffer.alloc(0), messages };
  }
  const bytes = await bodyOf(response);
  const messages = bytes.length > 0 ? [bytes.toString('utf8')] : [];
  return { status, headers: received, body: bytes, messages };
}

/** A stream of events that stays open: GET of a session, SSE, or a `subscriptions/listen`. */
export class RawStream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** All events so far. */
  readonly events: SseEvent[] = [];
  /** Resolves when the other side has ended the stream, or it broke. */
  readonly ended: Promise<void>;
  readonly #response: IncomingMessage;
  readonly #onEvent: (event: SseEvent) => void;
  readonly #waiting = new Set<() => void>();
  #gate: Promise<void> = Promise.resolve();
  #resume = (): void => {};
  #open = true;

  constructor(response: IncomingMessage, onEvent: (event: SseEvent) => void = () => {}) {
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    this.#response = response;
    this.#onEvent = onEvent;
    this.ended = this.#pump();
  }

  async #pump(): Promise<void> {
    try {
      for await (const event of eventsOf(this.#gated())) {
        this.events.push(event);
        this.#onEvent(event);
        this.#look();
      }
    } catch {
      // Broken off, by either side: the stream has ended.
    }
    this.#open = false;
    this.#look();
  }

  async *#gated(): AsyncGenerator<Buffer> {
    for await (const chunk of this.#response as AsyncIterable<Buffer>) {
      yield chunk;
      await this.#gate;
    }
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }

  get messages(): string[] {
    return this.events.map(({ data }) => data);
  }

  /** Stops reading, so that the other side's writes pile up. @returns how to go on. */
  stopReading(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    this.#resume = resolve;
    return resolve;
  }

  /** The first event that fits, waited for if it has not come. */
  async until(fits: (event: SseEvent) => boolean, deadlineMs = 10_000): Promise<SseEvent> {
    const { promise, resolve, reject } = Promise.withResolvers<SseEvent>();
    const look = (): void => {
      const found = this.events.find(fits);
      if (found !== undefined) resolve(found);
      else if (!this.#open) reject(new Error('The stream ended before such an event.'));
    };
    const late = setTimeout(
      () =>
        reject(new Error(`No such event in ${deadlineMs} ms; seen: ${this.messages.join('\n')}`)),
      deadlineMs,
    );
    this.#waiting.add(look);
    look();
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      this.#waiting.delete(look);
    }
  }

  close(): void {
    this.#response.destroy();
    // One that has stopped reading would never see its end.
    this.#resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.ended;
  }
}

export async function openStream(
  url: string,
  options: SendOptions = {},
  onEvent?: (event: SseEvent) => void,
): Promise<RawStream> {
  const posted = options.body === undefined ? {} : { method: 'POST' };
  const usual = options.body === undefined ? { accept: 'text/event-stream' } : POST_HEADERS;
  const headers = { ...usual, ...options.headers };
  return new RawStream(await send(url, { ...posted, ...options, headers }), onEvent);
}
