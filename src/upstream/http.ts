// Streamable HTTP towards an upstream: each request is a POST of its own, in either era.
import type { Cancellation } from '../core/cancellation.ts';
import type { Era, Message } from '../core/call.ts';
import { reasonOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { HttpClient } from '../net/http-client.ts';
import { sliceOf } from '../wire/json.ts';
import {
  errorMessage,
  idOf,
  notificationMessage,
  readMessage,
  resultMessage,
} from '../wire/message.ts';
import type { Connection, ConnectionEvents, Outgoing } from './connection.ts';
import { post, responseOf } from './exchange.ts';
import type { PostAnswer } from './exchange.ts';
import { lost } from './failure.ts';
import { openEventStream } from './event-stream.ts';
import { progressTokenOf } from './mux.ts';

/** A notification or goodbye must not hold anything up for longer. */
const NOTIFY_MS = 5_000;

export interface HttpOptions {
  readonly server: string;
  readonly url: string;
  /** Static headers of the configuration, credentials among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly maxBytes: number;
  readonly client: HttpClient;
  readonly events: ConnectionEvents;
  readonly log: Log;
}

const BASE_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};

export class HttpConnection implements Connection {
  readonly era: Era;
  readonly #options: HttpOptions;
  readonly #url: URL;
  readonly #closed = new AbortController();
  readonly #static: Readonly<Record<string, string>>;
  #version: string;
  #nextId = 1;
  /** Calls in flight that want to hear of their progress, by id. */
  readonly #listening = new Map<string, Outgoing>();
  #session: string | undefined;
  #ready = false;

  /** In the legacy era the version counts from `opened` on. */
  constructor(era: Era, version: string, options: HttpOptions) {
    this.era = era;
    this.#version = version;
    this.#options = options;
    this.#url = new URL(options.url);
    this.#static = { ...options.headers, ...BASE_HEADERS };
  }

  get version(): string {
    return this.#version;
  }

  async request(out: Outgoing): Promise<Message> {
    const id = String(this.#nextId++);
    const session = this.#session;
    let answer: PostAnswer;
    if (out.onNotification) this.#listening.set(id, out);
    try {
      const onMessage = (message: Message) => this.#received(message, out);
      answer = await this.#post(out.build(id), this.#headers(out), out.signal, onMessage, id);
    } catch (error) {
      if (out.signal.aborted) this.#cancel(id, out.method);
      throw error;
    } finally {
      this.#listening.delete(id);
    }
    if (this.era === 'legacy' && session !== undefined && answer.status === 404) {
      throw this.#sessionLost();
    }
    if (out.method === 'initialize') this.#session = sessionOf(answer);
    return underId(responseOf(this.#options.server, answer), id);
  }

  /** Whether the failure was that the server no longer knows our session: the call did not run. */
  static isSessionLost(error: unknown): boolean {
    return (error as { sessionLost?: boolean } | undefined)?.sessionLost === true;
  }

  #sessionLost(): Error {
    const error = lost(this.#options.server, 'it no longer knows our session');
    queueMicrotask(() => this.#fail(error));
    return Object.assign(error, { sessionLost: true });
  }

  #fail(error: ReturnType<typeof lost>): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort(error);
    this.#options.events.onClose(error);
  }

  #headers(out: Outgoing): Record<string, string> {
    if (this.era === 'modern') return { ...this.#static, ...out.headers() };
    return this.#legacyHeaders();
  }

  #legacyHeaders(): Record<string, string> {
    const headers: Record<string, string> = { ...this.#static };
    if (this.#session !== undefined) headers['mcp-session-id'] = this.#session;
    if (this.#ready) headers['mcp-protocol-version'] = this.#version;
    return headers;
  }

  #post(
    body: Buffer,
    headers: Record<string, string>,
    signal: Cancellation,
    onMessage: (message: Message) => void,
    id?: string,
  ): Promise<PostAnswer> {
    const { server, client, maxBytes } = this.#options;
    const request = { url: this.#url, method: 'POST' as const, headers, body };
    return post({ server, client, request, maxBytes, signal, onMessage, id });
  }

  /** Never throws: a message whose parts are wrong is dropped, and what it came with goes on. */
  #received(message: Message, out: Outgoing | undefined): void {
    try {
      this.#take(message, out);
    } catch (error) {
      this.#options.log.warn({ error: reasonOf(error) }, 'an invalid message was dropped');
    }
  }

  #take(message: Message, out: Outgoing | undefined): void {
    if (message.kind === 'request') this.#asked(message);
    else if (
      message.method === 'notifications/progress' ||
      message.method === 'notifications/message'
    ) {
      (out ?? this.#ownerOf(message))?.onNotification?.(message);
    } else if (message.kind === 'notification') this.#options.events.onNotification(message);
  }

  /**
   * The call that a message on the session's own stream is about; many legacy servers send all there. A log
   * message does not say whose it is: with one call in flight it is that call's, else nobody's.
   */
  #ownerOf(message: Message): Outgoing | undefined {
    if (message.method === 'notifications/progress') {
      return this.#listening.get(progressTokenOf(message));
    }
    const [first, second] = this.#listening.values();
    return second ? undefined : first;
  }

  /** No capability was declared, so only ping may come. */
  #asked(request: Message): void {
    const id = sliceOf(request.bytes, request.id!);
    this.notify(
      request.method === 'ping'
        ? resultMessage(id, '{}')
        : errorMessage(id, { code: -32601, message: `Method not found: ${request.method}` }),
    );
  }

  /** Modern servers see the stream close; legacy ones must be told. */
  #cancel(id: string, method: string): void {
    if (this.era === 'modern' || method === 'initialize') return;
    const params = { requestId: Number(id), reason: 'cancelled' };
    this.notify(notificationMessage('notifications/cancelled', params));
  }

  notify(message: Buffer): void {
    if (this.#closed.signal.aborted) return;
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(NOTIFY_MS)]);
    this.#post(message, this.#legacyHeaders(), signal, () => {}).catch((error: unknown) => {
      this.#options.log.debug({ error: reasonOf(error) }, 'a notification was not delivered');
    });
  }

  /** The handshake is over: legacy sessions listen for what belongs to no request. */
  opened(version: string): void {
    this.#version = version;
    this.#ready = true;
    if (this.era !== 'legacy') return;
    this.notify(notificationMessage('notifications/initialized'));
    openEventStream({
      ...this.#options,
      url: this.#url,
      headers: () => this.#legacyHeaders(),
      signal: this.#closed.signal,
      onMessage: (message) => this.#received(message, undefined),
      onReopen: () => {
        for (const kind of ['tools', 'prompts', 'resources']) {
          const method = `notifications/${kind}/list_changed`;
          this.#options.events.onNotification(readMessage(notificationMessage(method)));
        }
      },
      onGone: () => this.#fail(lost(this.#options.server, 'it no longer knows our session')),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort(lost(this.#options.server, 'the connection was closed'));
    if (this.era !== 'legacy' || this.#session === undefined) return;
    const { client, log } = this.#options;
    const { 'content-type': _, ...headers } = this.#legacyHeaders();
    try {
      const signal = AbortSignal.timeout(NOTIFY_MS);
      const answer = await client.request({ url: this.#url, method: 'DELETE', headers, signal });
      answer.body.destroy();
    } catch (error) {
      log.debug({ error: reasonOf(error) }, 'the session could not be ended');
    }
  }
}

function sessionOf({ headers }: PostAnswer): string | undefined {
  const id = headers['mcp-session-id'];
  return Array.isArray(id) ? id[0] : id;
}

/** An error told with an HTTP status may carry no id, or null. */
function underId(response: Message, id: string): Message {
  if (idOf(response) === id) return response;
  const error = sliceOf(response.bytes, response.error!);
  return readMessage(Buffer.from(`{"jsonrpc":"2.0","id":${id},"error":${error.toString()}}`));
}
