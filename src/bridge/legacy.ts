// The bridge for hosts of the legacy era: one session over HTTP, kept alive across gateways
// (2025-11-25, basic/transports, "Session Management").
import type { Message } from '../core/call.ts';
import { GatewayError, isGatewayError, reasonOf } from '../core/errors.ts';
import type { HttpResponse } from '../net/http-client.ts';
import { discard } from './answer.ts';
import type { Resumption } from './answer.ts';
import { failureOf, isSafe, isSuccess, notMcp, relay } from './exchange.ts';
import type { BridgeContext, Exchange } from './exchange.ts';
import { lostError, within } from './link.ts';
import { resume } from './resume.ts';
import {
  bareSession,
  createHostRecord,
  openSession,
  postHeaders,
  sessionHeaders,
  toSession,
} from './session.ts';
import type { Session } from './session.ts';
import { keepStream } from './stream.ts';

const OPEN_DEADLINE_MS = 60_000;
const NOTIFY_DEADLINE_MS = 10_000;
const DELETE_DEADLINE_MS = 2_000;

interface Reply {
  readonly session: Session;
  readonly response: HttpResponse;
}

interface PostOptions {
  readonly safe: boolean;
  readonly signal: AbortSignal;
  readonly onSend?: () => void;
}

export class LegacyBridge {
  readonly #context: BridgeContext;
  readonly #record = createHostRecord();
  readonly #streams = new Set<Promise<void>>();
  #session: Session | undefined;
  /** A session being opened: everything else waits for it. */
  #opening: Promise<unknown> | undefined;
  /** Notifications go out in the host's order. */
  #outbox: Promise<void> = Promise.resolve();
  /** Requests wait until `notifications/initialized` has arrived. */
  #initialized: Promise<void> = Promise.resolve();

  constructor(context: BridgeContext) {
    this.#context = context;
  }

  /** The host has opened with initialize. */
  get isOpen(): boolean {
    return this.#session !== undefined || this.#opening !== undefined;
  }

  /** Settles when the exchange is over. */
  async request(exchange: Exchange): Promise<void> {
    const { message, signal } = exchange;
    if (message.method === 'initialize') return this.#initialize(exchange);
    await within(this.#initialized, OPEN_DEADLINE_MS, signal, notOpened);
    const reply = await this.#post(message, {
      safe: isSafe(message.method),
      signal,
      onSend: () => {
        exchange.sent = true;
      },
    });
    return this.#relay(exchange, reply, (answer) => {
      if (answer.result) this.#record.answered(message);
    });
  }

  notify(message: Message): Promise<void> {
    this.#record.notified(message);
    this.#outbox = this.#outbox.then(() => this.#tell(message));
    if (message.method !== 'notifications/initialized') return this.#outbox;
    this.#initialized = this.#outbox.then(() => this.#listen());
    return this.#initialized;
  }

  /** The host's answer to a question of the server. */
  async respond(message: Message): Promise<void> {
    await this.#tell(message);
  }

  /** The host no longer waits: the gateway is told, where it knows of the request. */
  async cancel(exchange: Exchange, notification: Message): Promise<void> {
    exchange.silence();
    // A broken connection alone is no cancellation in this era, so the notification goes first.
    if (exchange.sent) await this.notify(notification);
    exchange.cancel();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const session = this.#session;
    session?.controller.abort();
    await Promise.allSettled(this.#streams);
    if (session?.id === undefined) return;
    try {
      const response = await this.#context.link.send(session.endpoint, {
        method: 'DELETE',
        headers: sessionHeaders(session),
        signal: AbortSignal.timeout(DELETE_DEADLINE_MS),
      });
      await discard(response);
    } catch (error) {
      this.#context.log.info({ reason: reasonOf(error) }, 'the session could not be ended');
    }
  }

  async #initialize(exchange: Exchange): Promise<void> {
    const opening = this.#open(exchange);
    this.#opening = opening.catch(() => {});
    const mine = this.#opening;
    try {
      await opening;
    } finally {
      if (this.#opening === mine) this.#opening = undefined;
    }
  }

  async #open(exchange: Exchange): Promise<void> {
    const { link } = this.#context;
    const { message, signal } = exchange;
    const reply = await link.retrying({ safe: true, signal }, async (): Promise<Reply> => {
      const session = bareSession(await link.current(signal));
      const response = await link.send(session.endpoint, {
        method: 'POST',
        headers: postHeaders(session),
        body: message.bytes,
        signal,
      });
      return { session, response };
    });
    await this.#relay(exchange, reply, (answer) => {
      const session = toSession(reply.session.endpoint, reply.response, answer);
      if (!session) return;
      this.#session?.controller.abort();
      this.#session = session;
      this.#record.opened(message, answer);
    });
  }

  /** Sends a message in the session. One that the session is gone for is sent once more, in a new one. */
  async #post(message: Message, { safe, signal, onSend }: PostOptions): Promise<Reply> {
    const { link } = this.#context;
    const send = () =>
      link.retrying({ safe, signal }, async (): Promise<Reply> => {
        const session = await this.#current(signal);
        onSend?.();
        const response = await link.send(session.endpoint, {
          method: 'POST',
          headers: postHeaders(session),
          body: message.bytes,
          signal,
        });
        return { session, response };
      });
    const reply = await send();
    if (reply.response.status !== 404 || reply.session.id === undefined) return reply;
    await discard(reply.response);
    await this.#renew(reply.session, signal);
    return send();
  }

  async #current(signal: AbortSignal): Promise<Session> {
    if (this.#opening) await within(this.#opening, OPEN_DEADLINE_MS, signal, notOpened);
    const endpoint = await this.#context.link.current(signal);
    const session = this.#session;
    // Without a session the gateway itself says what is missing.
    if (!session) return bareSession(endpoint);
    return session.endpoint === endpoint ? session : this.#renew(session, signal);
  }

  /** A session in place of one that is gone, the same for all who ask. */
  async #renew(stale: Session, signal: AbortSignal): Promise<Session> {
    if (this.#session !== stale && this.#session) return this.#session;
    let opening = this.#opening;
    if (!opening) {
      opening = this.#replace(stale);
      this.#opening = opening;
      const done = () => {
        if (this.#opening === opening) this.#opening = undefined;
      };
      opening.then(done, done);
    }
    await within(opening, OPEN_DEADLINE_MS, signal, notOpened);
    return this.#session!;
  }

  async #replace(stale: Session): Promise<void> {
    const { log, signal, write } = this.#context;
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(OPEN_DEADLINE_MS)]);
    try {
      this.#session = await openSession(this.#context, this.#record, deadline);
    } catch (error) {
      // The request that waits for the session was not sent, so it must not be told that it may have run.
      if (isGatewayError(error) && error.code !== 'UPSTREAM_LOST') throw error;
      throw notOpened(error);
    }
    log.info({ url: this.#session.endpoint.url }, 'the session was opened anew');
    stale.controller.abort();
    this.#listen();
    for (const change of this.#record.missedChanges()) await write(change);
  }

  #listen(): void {
    const session = this.#session;
    if (!session || !this.#record.initialized || session.controller.signal.aborted) return;
    const stream = keepStream(this.#context, session, () =>
      this.#renew(session, this.#context.signal),
    );
    this.#streams.add(stream);
    void stream.finally(() => this.#streams.delete(stream));
  }

  async #relay(exchange: Exchange, reply: Reply, onAnswer: (answer: Message) => void) {
    const { session, response } = reply;
    const { log, maxMessageBytes: maxBytes } = this.#context;
    if (!isSuccess(response)) {
      return exchange.refuse(await failureOf(exchange.message, session.endpoint, response));
    }
    const resumption: Resumption = { lastEventId: undefined, retryMs: undefined };
    const options = { maxBytes, log, onAnswer, resumption };
    let cause: unknown;
    try {
      await relay(exchange, response, options);
    } catch (error) {
      cause = error;
    }
    if (exchange.isOpen) await resume(this.#context, exchange, session, options);
    if (!exchange.isOpen) return undefined;
    const isEmpty = cause === undefined && response.status === 202;
    return exchange.fail(isEmpty ? notMcp() : lostError('its answer broke off', cause));
  }

  /** Sends what has no answer; that it failed is only logged. */
  async #tell(message: Message): Promise<void> {
    const { log, signal } = this.#context;
    try {
      const { response } = await this.#post(message, {
        safe: message.kind === 'notification',
        signal: AbortSignal.any([signal, AbortSignal.timeout(NOTIFY_DEADLINE_MS)]),
      });
      if (!isSuccess(response)) {
        log.warn({ status: response.status, method: message.method }, 'a message was refused');
      }
      await discard(response);
    } catch (error) {
      log.warn({ reason: reasonOf(error), method: message.method }, 'a message was not delivered');
    }
  }
}

const notOpened = (cause?: unknown): GatewayError =>
  new GatewayError(
    'GATEWAY_NOT_RUNNING',
    'The gateway did not open a session. The request was not sent. Call again in a moment.',
    { cause },
  );
