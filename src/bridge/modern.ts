// The bridge for hosts of the modern era: every request is an HTTP POST of its own, with the headers that
// stdio does not have (2026-07-28, basic/transports/streamable-http, "Request Metadata").
import type { Message } from '../core/call.ts';
import { reasonOf } from '../core/errors.ts';
import type { HttpResponse } from '../net/http-client.ts';
import { META, MODERN_VERSION } from '../wire/era.ts';
import { requestHeaders } from '../wire/headers.ts';
import { editObject, isStringAt, stringAt, valueOf } from '../wire/json.ts';
import { readMessage, readParams } from '../wire/message.ts';
import type { Params } from '../wire/message.ts';
import { discard, EVENTS_TYPE, JSON_TYPE } from './answer.ts';
import { answerIn, failureOf, isSafe, isSuccess, notMcp, relay } from './exchange.ts';
import type { BridgeContext, Exchange } from './exchange.ts';
import { createMirroredParameters } from './headers.ts';
import { lostError } from './link.ts';
import type { Endpoint } from './link.ts';
import { runSubscription } from './subscription.ts';

const HEADER_MISMATCH = -32020;
const NOTIFY_DEADLINE_MS = 10_000;
/** Pages of tools/list that are read to find out about one tool. */
const MAX_PAGES = 100;

/** An answer to a POST, and who gave it. */
interface Reply {
  readonly endpoint: Endpoint;
  readonly response: HttpResponse;
}

/** Whether a message carries the modern envelope, which alone settles its era. */
export const hasEnvelope = (params: Params): boolean =>
  valueOf(params.meta, META.protocolVersion) !== undefined;

export class ModernBridge {
  readonly #context: BridgeContext;
  readonly #mirrored = createMirroredParameters();
  /** The one that the host used last. */
  #version: string = MODERN_VERSION;

  constructor(context: BridgeContext) {
    this.#context = context;
  }

  /** Settles when the exchange is over. */
  async request(exchange: Exchange): Promise<void> {
    const params = readParams(exchange.message);
    if (!exchange.isSubscription) return this.#ask(exchange, params);
    return runSubscription(this.#context, exchange, () =>
      this.#post(exchange.message, params, exchange.signal),
    );
  }

  async notify(message: Message): Promise<void> {
    const { signal, log } = this.#context;
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(NOTIFY_DEADLINE_MS)]);
    const { response } = await this.#post(message, readParams(message), deadline);
    if (!isSuccess(response)) {
      log.warn({ status: response.status, method: message.method }, 'a notification was refused');
    }
    await discard(response);
  }

  async #ask(exchange: Exchange, params: Params, isResent = false): Promise<void> {
    const { message, signal } = exchange;
    const { log, maxMessageBytes: maxBytes } = this.#context;
    const { endpoint, response } = await this.#post(message, params, signal);
    if (isSuccess(response)) {
      const options = {
        maxBytes,
        log,
        onAnswer: (answer: Message) => this.#learn(message, answer),
      };
      return relayWhole(exchange, response, () => relay(exchange, response, options));
    }
    const failure = await failureOf(message, endpoint, response);
    // The gateway did not run it: it refused the headers, which a list tells anew. Once.
    const mayResend = failure.rpcCode === HEADER_MISMATCH && message.method === 'tools/call';
    if (mayResend && !isResent && (await this.#relearn(params, message, signal))) {
      return this.#ask(exchange, params, true);
    }
    return exchange.refuse(failure);
  }

  #post(message: Message, params: Params, signal: AbortSignal): Promise<Reply> {
    const { link } = this.#context;
    const { method, bytes: body } = message;
    const mirrored = method === 'tools/call' ? this.#mirrored.of(params.name) : [];
    const headers = {
      ...requestHeaders(message, params, this.#versionOf(message, params), mirrored),
      accept: `${JSON_TYPE}, ${EVENTS_TYPE}`,
      'content-type': JSON_TYPE,
    };
    return link.retrying({ safe: isSafe(method), signal }, async () => {
      const endpoint = await link.current(signal);
      const response = await link.send(endpoint, { method: 'POST', headers, body, signal });
      return { endpoint, response };
    });
  }

  /** A message without an envelope gets the last version: the gateway then says what is missing. */
  #versionOf({ bytes }: Message, { meta }: Params): string {
    const span = valueOf(meta, META.protocolVersion);
    if (span && isStringAt(bytes, span)) this.#version = stringAt(bytes, span);
    return this.#version;
  }

  #learn({ method }: Message, answer: Message): void {
    if (method === 'tools/list') this.#mirrored.learn(answer);
  }

  /** Lists the tools in the call's own envelope. @returns whether the call needs other headers now. */
  async #relearn(params: Params, call: Message, signal: AbortSignal): Promise<boolean> {
    const before = JSON.stringify(this.#mirrored.of(params.name));
    const envelope = editObject(call.bytes, params.meta, new Map([['progressToken', null]]));
    try {
      let cursor: Buffer | undefined;
      for (let page = 0; page < MAX_PAGES && (page === 0 || cursor); page++) {
        cursor = await this.#learnPage(listMessage(envelope, cursor), signal);
      }
    } catch (error) {
      // The call's own failure is the one to tell.
      this.#context.log.info({ reason: reasonOf(error) }, 'the tools could not be listed');
    }
    return JSON.stringify(this.#mirrored.of(params.name)) !== before;
  }

  /** @returns the cursor of the next page */
  async #learnPage(list: Message, signal: AbortSignal): Promise<Buffer | undefined> {
    const { response } = await this.#post(list, readParams(list), signal);
    if (!isSuccess(response)) {
      await discard(response);
      return undefined;
    }
    const answer = await answerIn(response, list, this.#context.maxMessageBytes);
    return answer && this.#mirrored.learn(answer);
  }
}

/** Passes an answer on and sees to it that there is one, also when the stream ends early. */
async function relayWhole(exchange: Exchange, response: HttpResponse, run: () => Promise<void>) {
  try {
    await run();
  } catch (error) {
    if (exchange.isOpen) await exchange.fail(lostError('its answer broke off', error));
    return;
  }
  if (!exchange.isOpen) return;
  const isEmpty = response.status === 202 || response.status === 204;
  await exchange.fail(isEmpty ? notMcp() : lostError('its answer ended early'));
}

function listMessage(envelope: Buffer, cursor: Buffer | undefined): Message {
  const page = cursor ? Buffer.concat([Buffer.from(',"cursor":'), cursor]) : Buffer.alloc(0);
  return readMessage(
    Buffer.concat([
      Buffer.from('{"jsonrpc":"2.0","id":"toolgate-list","method":"tools/list","params":{"_meta":'),
      envelope,
      page,
      Buffer.from('}}'),
    ]),
  );
}
