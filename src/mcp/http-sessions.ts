// Legacy sessions over Streamable HTTP: POST, GET and DELETE at the MCP endpoint.
// 2025-11-25 basic/transports, "Streamable HTTP".
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Message } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import { resultMessage } from '../wire/message.ts';
import type { Params } from '../wire/message.ts';
import { handleBatch, readElements } from './batch.ts';
import type { Context } from './context.ts';
import { isLegacyVersion, SUPPORTED_VERSIONS } from './era.ts';
import { sendAccepted, sendJson } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import {
  assertFreshId,
  handleLegacyNotification,
  handleLegacyRequest,
  initialize,
} from './legacy.ts';
import type { Session } from './session.ts';
import type { Owner, Sessions } from './sessions.ts';
import { EventStream } from './stream.ts';

/** The only revision with batches. */
const BATCH_VERSION = '2025-03-26';

export function assertAccepts(req: IncomingMessage, types: readonly string[]): void {
  const accept = req.headers.accept?.toLowerCase() ?? '';
  if (accept.includes('*/*') || types.every((type) => accept.includes(type))) return;
  const text = `The request must have an Accept header with ${types.join(' and ')}.`;
  throw new GatewayError('NOT_ACCEPTABLE', text);
}

/** @throws GatewayError REQUEST_INVALID. Absent is fine: the session knows its version. */
function assertVersionHeader(req: IncomingMessage): void {
  const version = req.headers['mcp-protocol-version'] as string | undefined;
  if (version === undefined || isLegacyVersion(version)) return;
  throw new GatewayError(
    'REQUEST_INVALID',
    `MCP-Protocol-Version ${JSON.stringify(version)} is not served. Served are: ${SUPPORTED_VERSIONS.join(', ')}.`,
    { data: { supported: SUPPORTED_VERSIONS, requested: version } },
  );
}

function findSession(sessions: Sessions, req: IncomingMessage, owner: Owner): Session {
  assertVersionHeader(req);
  return sessions.find(req.headers['mcp-session-id'] as string | undefined, owner);
}

export interface LegacyPost {
  readonly req: IncomingMessage;
  readonly exchange: Exchange;
  readonly owner: Owner;
  readonly message: Message;
  readonly params: Params;
}

/** @throws GatewayError */
export function handleLegacyPost(context: Context, sessions: Sessions, post: LegacyPost): void {
  const { req, exchange, owner, message, params } = post;
  assertAccepts(req, ['application/json', 'text/event-stream']);
  if (message.method === 'initialize' && message.kind === 'request') {
    return openSession(context, sessions, post);
  }
  const session = findSession(sessions, req, owner);
  if (message.kind === 'request') {
    assertFreshId(session, message);
    return handleLegacyRequest(context, { session, message, params, reply: exchange });
  }
  if (message.kind === 'notification') handleLegacyNotification(session, message, params);
  else session.questions.answer(message);
  sendAccepted(exchange.res);
}

function openSession(context: Context, sessions: Sessions, post: LegacyPost): void {
  const { exchange, owner, message, params } = post;
  const session = sessions.create(owner);
  try {
    const result = initialize(context, session, message, params);
    const bytes = resultMessage(exchange.asked.id, result);
    sendJson(exchange.res, 200, bytes, { 'mcp-session-id': session.id });
  } catch (error) {
    void sessions.end(session);
    throw error;
  }
}

/** @throws GatewayError */
export function handleLegacyBatch(
  context: Context,
  sessions: Sessions,
  {
    req,
    res,
    owner,
    pieces,
  }: { req: IncomingMessage; res: ServerResponse; owner: Owner; pieces: readonly Buffer[] },
): void {
  const elements = readElements(pieces);
  assertAccepts(req, ['application/json', 'text/event-stream']);
  const session = findSession(sessions, req, owner);
  if (session.client?.protocolVersion !== BATCH_VERSION) {
    throw new GatewayError('REQUEST_INVALID', `Only revision ${BATCH_VERSION} has batches.`);
  }
  handleBatch(context, session, res, elements);
}

/** Opens the session's stream of messages that belong to no request. @throws GatewayError */
export function handleLegacyGet(
  context: Context,
  sessions: Sessions,
  req: IncomingMessage,
  res: ServerResponse,
  owner: Owner,
): void {
  const session = findSession(sessions, req, owner);
  assertAccepts(req, ['text/event-stream']);
  context.calls.assertOpen();
  const stream = new EventStream(res, context.timing, context.log).open();
  session.attach(stream);
  res.on('close', () => session.detach(stream));
}

/** @throws GatewayError */
export async function handleLegacyDelete(
  sessions: Sessions,
  req: IncomingMessage,
  res: ServerResponse,
  owner: Owner,
): Promise<void> {
  await sessions.end(findSession(sessions, req, owner));
  res.writeHead(204).end();
}
