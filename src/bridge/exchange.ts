// One request of the host, from its line to its one answer.
import type { Era, Message } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { HttpResponse } from '../net/http-client.ts';
import type { Oversize } from '../wire/frames.ts';
import { idOf, readMessage, salvageId } from '../wire/message.ts';
import { messagesOf, readFailureBody, tooLarge } from './answer.ts';
import type { Received, Resumption } from './answer.ts';
import { failureMessage, readHttpFailure } from './failure.ts';
import type { HttpFailure } from './failure.ts';
import type { Endpoint, Link } from './link.ts';

/** What both eras of the bridge work with. */
export interface BridgeContext {
  readonly link: Link;
  /** Writes one message to the host; settles when the host has room for more. */
  readonly write: (message: Buffer) => Promise<void>;
  readonly log: Log;
  readonly maxMessageBytes: number;
  /** The shortest pause before a stream that broke is opened again. */
  readonly reopenMs: number;
  /** The end of the bridge. */
  readonly signal: AbortSignal;
}

/** Calls have their own deadlines in the gateway, of an hour at most; this one is for a gateway that hangs. */
const DEADLINE_MS = 7_200_000;

/** A request under way. It is answered once, or cancelled by the host and then never. */
export class Exchange {
  readonly message: Message;
  readonly era: Era;
  /** The id's source text. */
  readonly id: string;
  /** The end of the exchange from outside: cancelled, too late, or the bridge is over. */
  readonly signal: AbortSignal;
  /** A byte of the request may have left. */
  sent = false;
  readonly #write: BridgeContext['write'];
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  #open = true;

  constructor(message: Message, era: Era, { write, signal }: BridgeContext) {
    this.message = message;
    this.era = era;
    this.id = idOf(message);
    this.signal = AbortSignal.any([signal, this.#controller.signal]);
    this.#write = write;
    if (!this.isSubscription) {
      this.#timer = setTimeout(() => void this.#expire(), DEADLINE_MS);
      this.#timer.unref();
    }
  }

  /** Neither answered nor cancelled. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** It stays open until somebody ends it. */
  get isSubscription(): boolean {
    return this.message.method === 'subscriptions/listen';
  }

  /** Writes the answer, unless there has been one. */
  async answer(bytes: Buffer): Promise<void> {
    if (!this.#open) return;
    this.silence();
    await this.#write(bytes);
  }

  async fail(error: unknown): Promise<void> {
    await this.answer(failureMessage(this.message, this.era, error));
  }

  async refuse({ answer, error }: HttpFailure): Promise<void> {
    // A tool call's failure is told as a result, unless the gateway itself chose a protocol error.
    await (answer ? this.answer(answer) : this.fail(error));
  }

  /** Writes a notification or a question that belongs to the exchange; none follows the answer. */
  async pass(bytes: Buffer): Promise<void> {
    if (this.#open) await this.#write(bytes);
  }

  /** From now on nothing is written for it. */
  silence(): void {
    this.#open = false;
    clearTimeout(this.#timer);
  }

  /** The host wants no answer any more: what is under way is broken off. */
  cancel(): void {
    this.silence();
    this.#controller.abort(new GatewayError('CALL_CANCELLED', 'The host cancelled the request.'));
  }

  /** Ends it in an error from our side. */
  async abandon(error: GatewayError): Promise<void> {
    const told = this.fail(error);
    this.#controller.abort(error);
    await told;
  }

  async #expire(): Promise<void> {
    const hours = DEADLINE_MS / 3_600_000;
    await this.abandon(
      new GatewayError(
        'UPSTREAM_TIMEOUT',
        `The gateway has not answered within ${hours} hours. The call may have run.`,
      ),
    );
  }
}

export interface RelayOptions {
  readonly maxBytes: number;
  readonly log: Log;
  /** Hears the answer before the host does. */
  readonly onAnswer?: (answer: Message) => void;
  readonly resumption?: Resumption;
}

/**
 * Passes the messages of a successful HTTP answer on, up to and with the answer. The exchange is still open
 * afterwards when the stream ended without one.
 * @throws the socket's error when the stream breaks
 */
export async function relay(
  exchange: Exchange,
  response: HttpResponse,
  options: RelayOptions,
): Promise<void> {
  for await (const received of messagesOf(response, options.maxBytes, options.resumption)) {
    await relayOne(exchange, received, options);
    if (!exchange.isOpen) return;
  }
}

async function relayOne(exchange: Exchange, received: Received, options: RelayOptions) {
  const { log, maxBytes, onAnswer } = options;
  if (received.oversize) {
    const { head, bytes } = received.oversize;
    const isAnswer = oversizeId(received.oversize) === exchange.id || !head.includes('"method"');
    if (isAnswer) return exchange.fail(tooLarge(bytes, maxBytes));
    return log.warn({ bytes, maxBytes }, 'a message that is too large was left out');
  }
  const message = tryRead(received.bytes);
  if (!message) {
    const mayBeAnswer = [exchange.id, 'null'].includes(salvageId(received.bytes));
    if (mayBeAnswer) return exchange.fail(notMcp());
    return log.warn({}, 'the gateway sent something that is no MCP message');
  }
  if (message.kind !== 'response') return exchange.pass(message.bytes);
  if (!answers(message, exchange)) return log.warn({}, 'the gateway answered another request');
  onAnswer?.(message);
  return exchange.answer(withIdOf(exchange, message));
}

/** An error without an id, or with null, can only be about the one request of its stream. */
const answers = (message: Message, { id }: Exchange): boolean =>
  idOf(message) === id || (message.error !== undefined && ['', 'null'].includes(idOf(message)));

function withIdOf({ id }: Exchange, { bytes, error, id: span }: Message): Buffer {
  if (span && bytes.toString('utf8', span.start, span.end) === id) return bytes;
  return Buffer.concat([
    Buffer.from(`{"jsonrpc":"2.0","id":${id},"error":`),
    bytes.subarray(error!.start, error!.end),
    Buffer.from('}'),
  ]);
}

/**
 * The id of a message that is too large to be read: before its body or at its very end, so that an `id`
 * among the arguments is not taken for it.
 */
export function oversizeId({ head, tail }: Oversize): string {
  const body = /"(?:params|result|error)"\s*:/.exec(head.toString('latin1'));
  const before = salvageId(body ? head.subarray(0, body.index) : head);
  if (before !== 'null') return before;
  const last = /,\s*("id"\s*:\s*(?:-?\d{1,20}|"[^"\\]{0,128}")\s*\})\s*$/.exec(
    tail.toString('latin1'),
  );
  return last ? salvageId(Buffer.from(last[1]!, 'latin1')) : 'null';
}

export function tryRead(bytes: Buffer): Message | undefined {
  try {
    return readMessage(bytes);
  } catch {
    return undefined;
  }
}

export const notMcp = (): GatewayError =>
  new GatewayError(
    'UPSTREAM_INVALID',
    'The gateway answered with something that is no MCP message. Check that the address is an MCP endpoint.',
  );

/** An answer whose status is no success, read. */
export async function failureOf(
  message: Message,
  endpoint: Endpoint,
  response: HttpResponse,
): Promise<HttpFailure> {
  return readHttpFailure(message, endpoint, response, await readFailureBody(response));
}

/** The answer to a request of the bridge's own; what else the stream carries is nobody's. */
export async function answerIn(
  response: HttpResponse,
  request: Message,
  maxBytes: number,
): Promise<Message | undefined> {
  for await (const { bytes } of messagesOf(response, maxBytes)) {
    const message = bytes && tryRead(bytes);
    if (message?.kind === 'response' && idOf(message) === idOf(request)) return message;
  }
  return undefined;
}

export const isSuccess = ({ status }: HttpResponse): boolean => status >= 200 && status < 300;

/** Requests that change nothing, or to the same state however often: these may be sent again. */
const SAFE: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'server/discover',
  'tools/list',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'completion/complete',
  'logging/setLevel',
  'subscriptions/listen',
]);

export const isSafe = (method: string): boolean => SAFE.has(method);
