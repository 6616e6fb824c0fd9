// One POST to an upstream over Streamable HTTP, whose answer is JSON or a stream of events.
import type { Cancellation } from '../core/cancellation.ts';
import type { Message } from '../core/call.ts';
import { reasonOf } from '../core/errors.ts';
import type {
  Exchange,
  HttpClient,
  HttpRequest,
  ResponseHeaders,
  ResponseSink,
} from '../net/http-client.ts';
import { idOf, readMessage } from '../wire/message.ts';
import { createEventReader } from '../wire/sse.ts';
import { connectionFailed, invalid, lost, refused, tooLarge } from './failure.ts';

/** After its answer a stream should end; one that does not is closed after this time. */
const LINGER_MS = 5_000;
/** Error bodies are read this far. */
const MAX_ERROR_BYTES = 256 * 1024;

export interface PostOptions {
  readonly server: string;
  readonly client: HttpClient;
  readonly request: HttpRequest;
  readonly maxBytes: number;
  readonly signal: Cancellation;
  /** Of the request; undefined for a message that has no answer. */
  readonly id?: string | undefined;
  /** Notifications and requests that come before the answer. */
  readonly onMessage: (message: Message) => void;
}

export interface PostAnswer {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** The response, or the error that came with an HTTP error status; undefined: there was none. */
  readonly message: Message | undefined;
}

const headerOf = (headers: ResponseHeaders, name: string): string => {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? '';
};

class Post implements ResponseSink {
  readonly #options: PostOptions;
  readonly #settle: (outcome: PostAnswer | Error) => void;
  #exchange: Exchange | undefined;
  #status = 0;
  #headers: ResponseHeaders = {};
  #events: ReturnType<typeof createEventReader> | undefined;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #answered = false;
  #linger: NodeJS.Timeout | undefined;

  constructor(options: PostOptions, settle: (outcome: PostAnswer | Error) => void) {
    this.#options = options;
    this.#settle = settle;
  }

  start(): void {
    const { client, request, signal } = this.#options;
    const onAbort = () => this.#end(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#release = () => signal.removeEventListener('abort', onAbort);
    this.#exchange = client.send(request, this);
  }

  #release: () => void = () => {};

  #end(outcome: PostAnswer | Error): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#release();
    if (outcome instanceof Error) this.#exchange?.abort(outcome);
    this.#settle(outcome);
  }

  onHead(status: number, headers: ResponseHeaders): void {
    this.#status = status;
    this.#headers = headers;
    const { server, maxBytes } = this.#options;
    if (headerOf(headers, 'content-encoding') !== '') {
      this.#end(invalid(server, 'it is compressed although that was not asked for.'));
    } else if (
      status === 200 &&
      headerOf(headers, 'content-type').startsWith('text/event-stream')
    ) {
      this.#events = createEventReader({
        maxBytes,
        onEvent: ({ event, data }) => {
          if (event === 'message' && data.length > 0) this.#receive(data);
        },
        onOversize: () => this.#end(tooLarge(server, maxBytes)),
      });
    }
  }

  onData(chunk: Buffer): void {
    if (this.#answered && !this.#events) return;
    if (this.#events) {
      this.#events.push(chunk);
      return;
    }
    this.#bytes += chunk.length;
    const { server, maxBytes } = this.#options;
    if (this.#status === 200 && this.#bytes > maxBytes) this.#end(tooLarge(server, maxBytes));
    else if (this.#status === 200 || this.#bytes <= MAX_ERROR_BYTES) this.#chunks.push(chunk);
  }

  #receive(bytes: Buffer): void {
    if (this.#answered) return;
    let message: Message;
    try {
      message = readMessage(bytes);
    } catch (error) {
      this.#end(invalid(this.#options.server, reasonOf(error), error));
      return;
    }
    if (message.kind !== 'response') {
      this.#options.onMessage(message);
      return;
    }
    // The answer to some other request is none to this one, which may still come.
    if (!this.#isOurs(message)) return;
    this.#end({ status: this.#status, headers: this.#headers, message });
    this.#linger = setTimeout(() => this.#exchange?.abort(new Error('no end')), LINGER_MS).unref();
  }

  onEnd(): void {
    clearTimeout(this.#linger);
    if (this.#answered) return;
    const { server } = this.#options;
    if (this.#events) {
      this.#events.end();
      this.#end(lost(server, 'its stream ended before the answer'));
      return;
    }
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    try {
      const message = body.length > 0 && this.#isJson() ? readMessage(body) : undefined;
      if (message && message.kind !== 'response') {
        this.#end(invalid(server, 'the answer is no response.'));
      } else if (message?.result && !this.#isOurs(message)) {
        this.#end(invalid(server, 'the answer has the id of another request, or none.'));
      } else this.#end({ status: this.#status, headers: this.#headers, message });
    } catch (error) {
      // The body of an HTTP error may be anything; of a 200 it must be a message.
      if (this.#status === 200) this.#end(invalid(server, reasonOf(error), error));
      else this.#end({ status: this.#status, headers: this.#headers, message: undefined });
    }
  }

  /** An error may have no id, or null; as a whole body it may have any (the Python SDK's is "server-error"). */
  #isOurs(message: Message): boolean {
    const { id } = this.#options;
    const got = idOf(message);
    return id === undefined || got === id || (!message.result && (got === '' || got === 'null'));
  }

  #isJson(): boolean {
    return headerOf(this.#headers, 'content-type').includes('json') || this.#status === 200;
  }

  onError(error: Error, sent: boolean): void {
    clearTimeout(this.#linger);
    this.#end(connectionFailed(this.#options.server, error, sent));
  }
}

/** @throws GatewayError UPSTREAM_…, RESULT_TOO_LARGE, or the signal's reason */
export function post(options: PostOptions): Promise<PostAnswer> {
  if (options.signal.aborted) return Promise.reject(options.signal.reason);
  return new Promise((resolve, reject) => {
    const settle = (outcome: PostAnswer | Error) =>
      outcome instanceof Error ? reject(outcome) : resolve(outcome);
    new Post(options, settle).start();
  });
}

/** The response of a request, or the refusal that an HTTP status without one means. */
export function responseOf(server: string, { status, message }: PostAnswer): Message {
  if (message && status !== 401 && status !== 403) return message;
  if (status === 200 || status === 202) throw invalid(server, 'the answer is empty.');
  throw refused(server, status);
}
