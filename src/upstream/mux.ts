// Many requests over one channel (stdio, HTTP+SSE): ids, answers in order, cancellation.
import type { Message } from '../core/call.ts';
import { isGatewayError, reasonOf } from '../core/errors.ts';
import type { GatewayError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { sliceOf, splice, valueOf } from '../wire/json.ts';
import {
  errorMessage,
  idOf,
  notificationMessage,
  readMessage,
  readParams,
  resultMessage,
} from '../wire/message.ts';
import type { ConnectionEvents, Outgoing } from './connection.ts';
import { invalid, tooLarge } from './failure.ts';

interface Pending {
  readonly out: Outgoing;
  readonly settle: (outcome: Message | Error) => void;
}

export interface MuxOptions {
  readonly server: string;
  readonly maxBytes: number;
  readonly send: (message: Buffer) => void;
  readonly events: ConnectionEvents;
  readonly log: Log;
}

/** An id at the very start or end of a message, where no content of a result can be mistaken for it. */
function anchoredId(head: Buffer, tail: Buffer): string | undefined {
  const first = /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d+)\s*[,}]/.exec(
    head.toString('latin1'),
  );
  const last = /,\s*"id"\s*:\s*(\d+)\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/.exec(
    tail.toString('latin1'),
  );
  return first?.[1] ?? last?.[1];
}

export class Mux {
  readonly #options: MuxOptions;
  readonly #pending = new Map<string, Pending>();
  #nextId = 1;
  #failure: GatewayError | undefined;
  #invalid = 0;

  constructor(options: MuxOptions) {
    this.#options = options;
  }

  request(out: Outgoing): Promise<Message> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (out.signal.aborted) return Promise.reject(out.signal.reason);
    const id = String(this.#nextId++);
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#cancel(id);
        settle(out.signal.reason as Error);
      };
      const settle = (outcome: Message | Error) => {
        this.#pending.delete(id);
        out.signal.removeEventListener('abort', onAbort);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      this.#pending.set(id, { out, settle });
      out.signal.addEventListener('abort', onAbort, { once: true });
      try {
        this.#options.send(out.build(id));
      } catch (error) {
        settle(error as Error);
      }
    });
  }

  #cancel(id: string): void {
    // initialize must not be cancelled (2025-11-25, basic/utilities/cancellation).
    if (this.#failure || this.#pending.get(id)?.out.method === 'initialize') return;
    const params = { requestId: Number(id), reason: 'cancelled' };
    this.#trySend(notificationMessage('notifications/cancelled', params));
  }

  /** Never throws: what a server sends can cost its own calls, not the gateway. */
  receive(bytes: Buffer): void {
    try {
      this.#take(readMessage(bytes));
    } catch (error) {
      this.#malformed(bytes, error);
    }
  }

  #take(message: Message): void {
    if (message.kind === 'response') this.#answer(message);
    else if (message.kind === 'request') this.#asked(message);
    else this.#notified(message);
  }

  /** A message over the cap was skipped; its call ends at once, the others go on. */
  oversize(head: Buffer, tail: Buffer): void {
    const id = anchoredId(head, tail);
    const pending = id === undefined ? this.#onlyOne() : this.#pending.get(id);
    this.#fail(pending, tooLarge(this.#options.server, this.#options.maxBytes));
  }

  #malformed(bytes: Buffer, error: unknown): void {
    const what = isGatewayError(error) ? error.message : reasonOf(error);
    const id = anchoredId(bytes.subarray(0, 4096), bytes.subarray(-256));
    // A line without an id may be anything, such as a debug print: the answer may still come.
    const pending = id === undefined ? undefined : this.#pending.get(id);
    this.#fail(pending, invalid(this.#options.server, what, error));
  }

  #fail(pending: Pending | undefined, error: GatewayError): void {
    // A flood of junk must not become a flood of log lines: 1, 10, 100, … are told.
    this.#invalid++;
    if (/^10*$/.test(String(this.#invalid))) {
      this.#options.log.warn({ count: this.#invalid, error: error.message }, 'invalid message');
    }
    pending?.settle(error);
  }

  /** The one call in flight, when there is exactly one. */
  #onlyOne(): Pending | undefined {
    let found: Pending | undefined;
    for (const pending of this.#pending.values()) {
      if (!pending.out.onNotification) continue;
      if (found) return undefined;
      found = pending;
    }
    return found;
  }

  #answer(message: Message): void {
    const pending = this.#pending.get(idOf(message));
    if (pending) pending.settle(message);
    else this.#options.log.debug({ id: idOf(message) }, 'an answer to no request in flight');
  }

  /** No capability was declared, so only ping may come. */
  #asked(request: Message): void {
    const id = sliceOf(request.bytes, request.id!);
    this.#trySend(
      request.method === 'ping'
        ? resultMessage(id, '{}')
        : errorMessage(id, { code: -32601, message: `Method not found: ${request.method}` }),
    );
  }

  /** For what nobody waits for: a channel that is closing or full takes nothing. */
  #trySend(message: Buffer): void {
    try {
      this.#options.send(message);
    } catch (error) {
      this.#options.log.debug({ error: reasonOf(error) }, 'a message could not be sent');
    }
  }

  #notified(message: Message): void {
    if (message.method === 'notifications/progress') {
      const token = progressTokenOf(message);
      this.#pending.get(token)?.out.onNotification?.(message);
    } else if (message.method === 'notifications/message') {
      // The channel does not say whose log this is: with one call in flight it is that call's, else nobody's.
      this.#onlyOne()?.out.onNotification?.(message);
    } else this.#options.events.onNotification(message);
  }

  notify(message: Buffer): void {
    if (!this.#failure) this.#options.send(message);
  }

  /** The channel has ended: every request in flight does too. */
  fail(error: GatewayError): void {
    if (this.#failure) return;
    this.#failure = error;
    for (const pending of [...this.#pending.values()]) pending.settle(error);
  }
}

/** The progress token's source text, without quotes. */
export function progressTokenOf(message: Message): string {
  const token = valueOf(readParams(message).members, 'progressToken');
  return token ? message.bytes.toString('utf8', token.start, token.end).replaceAll('"', '') : '';
}

/** A progress notification under the caller's own token. */
export function withToken(notification: Message, token: Buffer): Message {
  const span = valueOf(readParams(notification).members, 'progressToken');
  return span ? readMessage(splice(notification.bytes, [{ ...span, text: token }])) : notification;
}
