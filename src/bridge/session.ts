// A session of the legacy era over HTTP, and what a host has set in it, so that another gateway can be
// brought to the same state with the host's own messages.
import type { Message } from '../core/call.ts';
import type { HttpResponse } from '../net/http-client.ts';
import { isStringAt, membersOf, stringAt, valueOf } from '../wire/json.ts';
import { notificationMessage, readParams } from '../wire/message.ts';
import { discard, EVENTS_TYPE, JSON_TYPE, single } from './answer.ts';
import { answerIn, failureOf, isSuccess, notMcp } from './exchange.ts';
import type { BridgeContext } from './exchange.ts';
import type { Endpoint } from './link.ts';

export interface Session {
  readonly endpoint: Endpoint;
  /** Undefined when the server keeps no sessions, or before initialize. */
  readonly id: string | undefined;
  /** The negotiated version; undefined before initialize. */
  readonly version: string | undefined;
  /** Ends the session's stream. */
  readonly controller: AbortController;
}

export const bareSession = (endpoint: Endpoint): Session => ({
  endpoint,
  id: undefined,
  version: undefined,
  controller: new AbortController(),
});

export const sessionHeaders = ({ id, version }: Session): Record<string, string> => ({
  accept: `${JSON_TYPE}, ${EVENTS_TYPE}`,
  ...(id === undefined ? {} : { 'mcp-session-id': id }),
  ...(version === undefined ? {} : { 'mcp-protocol-version': version }),
});

export const postHeaders = (session: Session): Record<string, string> => ({
  ...sessionHeaders(session),
  'content-type': JSON_TYPE,
});

/** The session that an answer to initialize opens; undefined when it opens none. */
export function toSession(
  endpoint: Endpoint,
  { headers }: HttpResponse,
  { bytes, result }: Message,
): Session | undefined {
  if (!result) return undefined;
  const version = valueOf(membersOf(bytes, result), 'protocolVersion');
  return {
    endpoint,
    id: single(headers, 'mcp-session-id'),
    version: version && isStringAt(bytes, version) ? stringAt(bytes, version) : undefined,
    controller: new AbortController(),
  };
}

/** The host's own messages that make the state of its session. */
export interface HostRecord {
  readonly initialize: Message | undefined;
  readonly initialized: Message | undefined;
  opened(initialize: Message, answer: Message): void;
  notified(notification: Message): void;
  answered(request: Message): void;
  /** What to send after initialize, in order. */
  messages(): Message[];
  /** What a host must be told that has not seen what changed. */
  missedChanges(): Buffer[];
}

const LISTS = ['tools', 'prompts', 'resources'];

export function createHostRecord(): HostRecord {
  let initialize: Message | undefined;
  let initialized: Message | undefined;
  let logLevel: Message | undefined;
  let lists: readonly string[] = [];
  const subscriptions = new Map<string, Message>();
  return {
    get initialize() {
      return initialize;
    },
    get initialized() {
      return initialized;
    },
    opened(request, { bytes, result }) {
      initialize = request;
      initialized = logLevel = undefined;
      subscriptions.clear();
      const capabilities = result && valueOf(membersOf(bytes, result), 'capabilities');
      const declared = capabilities ? membersOf(bytes, capabilities) : [];
      lists = LISTS.filter((kind) => valueOf(declared, kind) !== undefined);
    },
    notified(notification) {
      if (notification.method === 'notifications/initialized') initialized = notification;
    },
    answered(request) {
      const { method } = request;
      if (method === 'logging/setLevel') logLevel = request;
      else if (method === 'resources/subscribe') {
        subscriptions.set(readParams(request).name, request);
      } else if (method === 'resources/unsubscribe') {
        subscriptions.delete(readParams(request).name);
      }
    },
    messages: () =>
      [initialized, logLevel, ...subscriptions.values()].filter((message) => message !== undefined),
    missedChanges: () => [
      ...lists.map((kind) => notificationMessage(`notifications/${kind}/list_changed`)),
      ...[...subscriptions.keys()].map((uri) =>
        notificationMessage('notifications/resources/updated', { uri }),
      ),
    ],
  };
}

/**
 * Opens a session with the gateway in use and brings it to the host's state.
 * @throws GatewayError when no session is opened
 */
export async function openSession(
  { link, log, maxMessageBytes }: BridgeContext,
  record: HostRecord,
  signal: AbortSignal,
): Promise<Session> {
  const endpoint = await link.current(signal);
  const post = (session: Session, body: Buffer) =>
    link.send(endpoint, { method: 'POST', headers: postHeaders(session), body, signal });

  const initialize = record.initialize!;
  const response = await post(bareSession(endpoint), initialize.bytes);
  if (!isSuccess(response)) throw (await failureOf(initialize, endpoint, response)).error;
  const answer = await answerIn(response, initialize, maxMessageBytes);
  const session = answer && toSession(endpoint, response, answer);
  if (!session) throw notMcp();
  for (const message of record.messages()) {
    const reply = await post(session, message.bytes);
    if (message.kind === 'request' && isSuccess(reply)) {
      await answerIn(reply, message, maxMessageBytes);
    } else await discard(reply);
    if (!isSuccess(reply)) {
      const { method } = message;
      log.warn({ method, status: reply.status }, 'the new session did not take over a setting');
    }
  }
  return session;
}
