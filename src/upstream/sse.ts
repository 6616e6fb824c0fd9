// HTTP+SSE (2024-11-05): a GET stream carries all answers, POSTs carry the requests. Legacy only.
import type { Era, Message } from '../core/call.ts';
import { GatewayError, reasonOf } from '../core/errors.ts';
import type { HttpResponse } from '../net/http-client.ts';
import { notificationMessage } from '../wire/message.ts';
import { createEventReader } from '../wire/sse.ts';
import type { Connection, Outgoing } from './connection.ts';
import { connectionFailed, invalid, lost, refused } from './failure.ts';
import type { HttpOptions } from './http.ts';
import { Mux } from './mux.ts';

export class SseConnection implements Connection {
  readonly era: Era = 'legacy';
  version = '';
  readonly #options: HttpOptions;
  readonly #mux: Mux;
  readonly #closed = new AbortController();
  #endpoint: URL | undefined;

  /** Opens the stream and waits for the `endpoint` event. */
  static async open(options: HttpOptions, signal: AbortSignal): Promise<SseConnection> {
    const connection = new SseConnection(options);
    await connection.#open(signal);
    return connection;
  }

  private constructor(options: HttpOptions) {
    this.#options = options;
    this.#mux = new Mux({ ...options, send: (message) => void this.#post(message) });
  }

  async #open(signal: AbortSignal): Promise<void> {
    // The signal counts until the stream is open: it carries a deadline, which the stream outlives.
    const opening = new AbortController();
    const onAbort = () => opening.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      signal.throwIfAborted();
      const response = await this.#get(AbortSignal.any([opening.signal, this.#closed.signal]));
      await this.#untilEndpoint(response);
    } catch (error) {
      throw signal.aborted ? (signal.reason as Error) : error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #get(signal: AbortSignal): Promise<HttpResponse> {
    const { server, client, url } = this.#options;
    const headers = { ...this.#options.headers, accept: 'text/event-stream' };
    let response: HttpResponse;
    try {
      response = await client.request({ url, method: 'GET', headers, signal });
    } catch (error) {
      throw connectionFailed(server, error, false);
    }
    const type = String(response.headers['content-type'] ?? '');
    if (response.status === 200 && type.startsWith('text/event-stream')) return response;
    response.body.destroy();
    if (response.status !== 200) throw refused(server, response.status);
    throw invalid(server, 'it opened no event stream.');
  }

  /** Reads the stream from now on; settles when it has named its endpoint, or broken before. */
  #untilEndpoint(response: HttpResponse): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.#read(response, resolve).catch((error: unknown) => {
        const failure = connectionFailed(this.#options.server, error, true);
        reject(failure);
        this.#fail(failure);
      });
    });
  }

  async #read(response: HttpResponse, onEndpoint: () => void): Promise<void> {
    const { server, maxBytes } = this.#options;
    this.#closed.signal.addEventListener('abort', () => response.body.destroy(), { once: true });
    const reader = createEventReader({
      maxBytes,
      onEvent: ({ event, data }) => {
        if (event === 'endpoint') {
          this.#endpoint = this.#endpointOf(data.toString());
          onEndpoint();
        } else if (event === 'message') this.#mux.receive(data);
      },
      onOversize: ({ head, tail }) => this.#mux.oversize(head, tail),
    });
    for await (const chunk of response.body) reader.push(chunk as Buffer);
    throw lost(server, 'its event stream ended');
  }

  /** The address for POSTs must be of the same origin: the stream's credentials go there. */
  #endpointOf(text: string): URL {
    const { server, url } = this.#options;
    const endpoint = URL.canParse(text, url) ? new URL(text, url) : undefined;
    if (endpoint?.origin === new URL(url).origin) return endpoint;
    throw new GatewayError('UPSTREAM_INVALID', `Server "${server}" names a foreign endpoint.`);
  }

  async #post(message: Buffer): Promise<void> {
    const { server, client, log } = this.#options;
    const headers = { ...this.#options.headers, 'content-type': 'application/json' };
    try {
      const { signal } = this.#closed;
      const url = this.#endpoint!;
      const answer = await client.request({ url, method: 'POST', headers, body: message, signal });
      answer.body.resume();
      if (answer.status >= 400) throw refused(server, answer.status);
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      log.debug({ error: reasonOf(error) }, 'a message could not be posted');
      this.#fail(connectionFailed(server, error, true));
    }
  }

  #fail(error: GatewayError): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort(error);
    this.#mux.fail(error);
    this.#options.events.onClose(error);
  }

  request(out: Outgoing): Promise<Message> {
    return this.#mux.request(out);
  }

  notify(message: Buffer): void {
    this.#mux.notify(message);
  }

  opened(version: string): void {
    this.version = version;
    this.notify(notificationMessage('notifications/initialized'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed.signal.aborted) return;
    const error = lost(this.#options.server, 'the connection was closed');
    this.#closed.abort(error);
    this.#mux.fail(error);
    await Promise.resolve();
  }
}
