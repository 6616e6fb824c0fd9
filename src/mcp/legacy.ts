// What a message of a legacy session (2024-11-05 to 2025-11-25) asks for. How it came and where its answer
// goes, over HTTP or HTTP+SSE, is for others.
import type { Call, Client, Message, Span } from '../core/call.ts';
import { isLogLevel } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import { NEWEST_LEGACY } from '../wire/era.ts';
import { isObjectAt, isStringAt, parseAt, stringAt, valueOf } from '../wire/json.ts';
import { idOf, resultMessage } from '../wire/message.ts';
import type { Params } from '../wire/message.ts';
import { isCallMethod } from './calls.ts';
import type { Context, Reply } from './context.ts';
import { isLegacyVersion } from './era.ts';
import { canBeAsked } from './questions.ts';
import { assertNoCursor, listKind, unknownMethod } from './modern.ts';
import type { Session } from './session.ts';

const MAX_SUBSCRIPTIONS = 1000;

const paramsInvalid = (text: string): GatewayError => new GatewayError('PARAMS_INVALID', text);

/** An id as the key that tells it from others: `1` and `"1"` differ, `"a"` and `"\u0061"` do not. */
export const requestKey = (bytes: Buffer, id: Span): string =>
  isStringAt(bytes, id) ? `"${stringAt(bytes, id)}` : bytes.toString('latin1', id.start, id.end);

/** @throws GatewayError REQUEST_INVALID: another request of the session still has this id */
export function assertFreshId(session: Session, message: Message): void {
  if (!message.id || !session.isInUse(requestKey(message.bytes, message.id))) return;
  throw new GatewayError(
    'REQUEST_INVALID',
    `The id ${idOf(message)} is in use by another request of this session.`,
  );
}

/** The client as its initialize has it, and the result to answer. @throws GatewayError PARAMS_INVALID */
export function initialize(
  context: Context,
  session: Session,
  { bytes }: Message,
  { members }: Params,
): string {
  const version = valueOf(members, 'protocolVersion');
  if (!version || !isStringAt(bytes, version)) {
    throw paramsInvalid('initialize: params.protocolVersion must be a string.');
  }
  const capabilities = objectOf(bytes, valueOf(members, 'capabilities'));
  const requested = stringAt(bytes, version);
  const protocolVersion = isLegacyVersion(requested) ? requested : NEWEST_LEGACY;
  const client: Client = {
    era: 'legacy',
    protocolVersion,
    info: objectOf(bytes, valueOf(members, 'clientInfo')),
    capabilities: capabilities ?? Buffer.from('{}'),
  };
  const description = context.gateway.describe(session.view);
  session.client = client;
  const { instructions } = description;
  return JSON.stringify({
    protocolVersion,
    capabilities: description.capabilities,
    serverInfo: JSON.parse(context.serverInfo) as unknown,
    ...(instructions === '' ? {} : { instructions }),
  });
}

// Copied, since it outlives the request whose bytes it lies in; not into Node's pool, which a session that
// lives long would hold on to.
function objectOf(bytes: Buffer, span: Span | undefined): Buffer | undefined {
  if (!span || !isObjectAt(bytes, span)) return undefined;
  const own = Buffer.allocUnsafeSlow(span.end - span.start);
  bytes.copy(own, 0, span.start, span.end);
  return own;
}

export interface LegacyRequest {
  readonly session: Session;
  readonly message: Message;
  readonly params: Params;
  readonly reply: Reply;
}

/** Answers one request; failures go to its reply. */
export function handleLegacyRequest(context: Context, request: LegacyRequest): void {
  answerRequest(context, request).catch((error: unknown) => request.reply.fail(error));
}

async function answerRequest(context: Context, request: LegacyRequest): Promise<void> {
  const { session, message, params, reply } = request;
  const { method } = message;
  context.calls.assertOpen();
  const done = (result: string | Buffer = '{}') =>
    reply.respond(200, resultMessage(idOf(message), result));
  if (method === 'ping') return done();
  if (method === 'initialize') {
    if (session.client)
      throw new GatewayError('REQUEST_INVALID', 'The session is initialized already.');
    return done(initialize(context, session, message, params));
  }
  if (!session.client) {
    throw new GatewayError('REQUEST_INVALID', `Send initialize before ${JSON.stringify(method)}.`);
  }
  if (isCallMethod(method)) return startCall(context, request, session.client);
  const kind = listKind(method);
  if (kind) {
    assertNoCursor(message, params);
    return done(context.gateway.list(kind, session.view));
  }
  switch (method) {
    case 'logging/setLevel':
      await setLevel(context, session, message, params);
      return done();
    case 'resources/subscribe':
      subscribe(context, session, params);
      return done();
    case 'resources/unsubscribe':
      await session.removeSubscription(uriOf(method, params));
      return done();
    default:
      throw unknownMethod(method);
  }
}

function startCall(context: Context, request: LegacyRequest, client: Client): void {
  const { session, message, params, reply } = request;
  const { principal, scope, narrow } = session.view;
  const { door, logLevel } = session;
  const key = requestKey(message.bytes, message.id!);
  const ask: Call['ask'] = canBeAsked(client)
    ? (method, asked, signal) => session.questions.ask(client, reply, method, asked, signal)
    : undefined;
  const incoming = { principal, scope, narrow, door, client, message, params, logLevel, ask };
  session.beginCall(key);
  try {
    session.setCanceller(
      key,
      context.calls.start(incoming, reply, () => session.endCall(key)),
    );
  } catch (error) {
    session.endCall(key);
    throw error;
  }
}

async function setLevel(
  context: Context,
  session: Session,
  { bytes }: Message,
  { members }: Params,
): Promise<void> {
  const span = valueOf(members, 'level');
  const level = span && isStringAt(bytes, span) ? parseAt(bytes, span) : undefined;
  if (!isLogLevel(level)) {
    throw paramsInvalid('logging/setLevel: params.level must be a log level, such as "info".');
  }
  session.logLevel = level;
  await context.gateway.lowerLogLevel(session.view, level);
}

function uriOf(method: string, { nameSpan, name }: Params): string {
  if (!nameSpan) throw paramsInvalid(`${method}: params.uri must be a string.`);
  return name;
}

function subscribe(context: Context, session: Session, params: Params): void {
  const uri = uriOf('resources/subscribe', params);
  if (session.isSubscribed(uri)) return;
  if (session.subscriptionCount >= MAX_SUBSCRIPTIONS) {
    throw paramsInvalid(`resources/subscribe: a session may watch ${MAX_SUBSCRIPTIONS} resources.`);
  }
  const subscription = context.gateway.subscribe(session.view, uri, (update) =>
    session.tellUpdated(uri, update),
  );
  session.addSubscription(uri, subscription);
}

/** Cancellation is heard; the other notifications of clients concern nobody here. */
export function handleLegacyNotification(
  session: Session,
  { bytes, method, params }: Message,
  read: Params,
): void {
  if (method !== 'notifications/cancelled' || !params) return;
  const id = valueOf(read.members, 'requestId');
  if (id) session.cancel(requestKey(bytes, id));
}
