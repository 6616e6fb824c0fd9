// The bridge for hosts of the modern era: every request is an HTTP POST of its own, with the headers that
// stdio does not have (2026-07-28, basic/transports/streamable-http, "Request Metadata").
import type { Message } from '../core/call.ts';
import type { HttpResponse } from '../net/http-client.ts';
import { META, MODERN_VERSION } from '../wire/era.ts';
import { requestHeaders } from '../wire/headers.ts';
import { editObject, isStringAt, stringAt, valueOf } from '../wire/json.ts';
import { idOf, readMessage, readParams } from '../wire/message.ts';
import type { Params } from '../wire/message.ts';
import { discard, EVENTS_TYPE, JSON_TYPE, messagesOf } from './bridge-answer.ts';
import { failureOf, isSafe, isSuccess, notMcp, relay, tryRead } from './bridge-exchange.ts';
import type { BridgeContext, Exchange } from './bridge-exchange.ts';
import { createMirroredParameters } from './bridge-headers.ts';
import { lostError } from './bridge-link.ts';
import type { Endpoint } from './bridge-link.ts';
import { runSubscription } from './bridge-subscription.ts';

const HEADER_MISMATCH = -32020;
const NOTIFY_DEADLINE_MS = 10_000;
/** Pages of tools/list that are read to find out about one tool. */
const MAX_PAGES = 100;

export interface ModernBridge {
  /** Settles when the exchange is over. */
  request(exchange: Exchange): Promise<void>;
  notify(message: Message): Promise<void>;
}

/** An answer to a POST, and who gave it. */
interface Reply {
  readonly endpoint: Endpoint;
  readonly response: HttpResponse;
}

/** Whether a message carries the modern envelope, which alone settles its era. */
export const hasEnvelope = (params: Params): boolean =>
  valueOf(params.meta, META.protocolVersion) !== undefined;

export function createModernBridge(context: BridgeContext): ModernBridge {
  const { link, log, maxMessageBytes: maxBytes } = context;
  const mirrored = createMirroredParameters();
  let version: string = MODERN_VERSION;

  const post = (message: Message, params: Params, signal: AbortSignal, onSend?: () => void) =>
    link.retrying({ safe: isSafe(message.method), signal }, async (): Promise<Reply> => {
      const endpoint = await link.current(signal);
      onSend?.();
      const response = await link.send(endpoint, {
        method: 'POST',
        headers: {
          ...requestHeaders(
            message,
            params,
            versionOf(message, params),
            headersOf(message, params),
          ),
          accept: `${JSON_TYPE}, ${EVENTS_TYPE}`,
          'content-type': JSON_TYPE,
        },
        body: message.bytes,
        signal,
      });
      return { endpoint, response };
    });

  /** A message without an envelope gets the last version: the gateway then says what is missing. */
  const versionOf = ({ bytes }: Message, { meta }: Params): string => {
    const span = valueOf(meta, META.protocolVersion);
    if (span && isStringAt(bytes, span)) version = stringAt(bytes, span);
    return version;
  };
  const headersOf = ({ method }: Message, { name }: Params) =>
    method === 'tools/call' ? mirrored.of(name) : [];

  const onAnswerTo = ({ method }: Message) =>
    method === 'tools/list' ? (answer: Message) => void mirrored.learn(answer) : undefined;

  /** Lists the tools in the call's own envelope. @returns whether the call needs other headers now. */
  const relearn = async (call: Message, params: Params, signal: AbortSignal): Promise<boolean> => {
    const before = JSON.stringify(mirrored.of(params.name));
    const { bytes } = call;
    const envelope = editObject(bytes, params.meta, new Map([['progressToken', null]]));
    let cursor: Buffer | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const list = listMessage(envelope, cursor);
      const { response } = await post(list, readParams(list), signal);
      if (!isSuccess(response)) await discard(response);
      const answer = isSuccess(response) ? await answerIn(response, list, maxBytes) : undefined;
      cursor = answer && mirrored.learn(answer);
      if (!cursor) break;
    }
    return JSON.stringify(mirrored.of(params.name)) !== before;
  };

  const request = async (exchange: Exchange, params: Params, isResent = false): Promise<void> => {
    const { message, signal } = exchange;
    const { endpoint, response } = await post(message, params, signal, () => {
      exchange.sent = true;
    });
    if (isSuccess(response)) {
      return relayWhole(exchange, response, () =>
        relay(exchange, response, { maxBytes, log, onAnswer: onAnswerTo(message) }),
      );
    }
    const failure = await failureOf(message, endpoint, response);
    // The gateway did not run it: it refused the headers, which a list tells anew. Once.
    const mayResend = failure.rpcCode === HEADER_MISMATCH && message.method === 'tools/call';
    if (mayResend && !isResent && (await relearn(message, params, signal).catch(() => false))) {
      return request(exchange, params, true);
    }
    return exchange.refuse(failure);
  };

  return {
    request(exchange) {
      const params = readParams(exchange.message);
      if (!exchange.isSubscription) return request(exchange, params);
      return runSubscription(context, exchange, () =>
        post(exchange.message, params, exchange.signal),
      );
    },
    async notify(message) {
      const signal = AbortSignal.any([context.signal, AbortSignal.timeout(NOTIFY_DEADLINE_MS)]);
      const { response } = await post(message, readParams(message), signal);
      if (!isSuccess(response)) {
        log.warn({ status: response.status, method: message.method }, 'a notification was refused');
      }
      await discard(response);
    },
  };
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
