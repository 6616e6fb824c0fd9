// HTTP+SSE, the transport of 2024-11-05: messages come by POST to /messages, all answers go on the stream.
// 2024-11-05 basic/transports, "HTTP with SSE".
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayError } from '../core/errors.ts';
import type { Message } from '../core/call.ts';
import type { Principal } from '../core/principal.ts';
import { narrowFrom } from '../policy/narrow.ts';
import type { Params } from '../wire/message.ts';
import { createStreamReply } from './batch.ts';
import type { Context } from './context.ts';
import { claimsModern } from './era.ts';
import { sendAccepted } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import { assertAccepts } from './http-sessions.ts';
import { assertFreshId, handleLegacyNotification, handleLegacyRequest } from './legacy.ts';
import type { Owner, Sessions } from './sessions.ts';
import { EventStream, MAX_BACKLOG_BYTES } from './stream.ts';

const ownerOf = ({ headers }: IncomingMessage, principal: Principal): Owner => ({
  principal,
  scope: undefined,
  narrow: narrowFrom(headers),
  door: 'sse',
});

/** Opens a session that lives as long as its stream. @throws GatewayError */
export function openSse(
  context: Context,
  sessions: Sessions,
  req: IncomingMessage,
  res: ServerResponse,
  principal: Principal,
): void {
  assertAccepts(req, ['text/event-stream']);
  const session = sessions.create(ownerOf(req, principal));
  const stream = new EventStream(res, context.timing, context.log);
  stream.sendEvent('endpoint', Buffer.from(`/messages?sessionId=${session.id}`));
  session.attach(stream);
  res.on('close', () => void sessions.end(session));
}

export interface SsePost {
  readonly req: IncomingMessage;
  readonly exchange: Exchange;
  readonly sessionId: string | undefined;
  readonly principal: Principal;
  readonly message: Message;
  readonly params: Params;
}

/** Takes one message; 202, and what it brings comes on the stream. @throws GatewayError */
export function handleSsePost(context: Context, sessions: Sessions, post: SsePost): void {
  const { req, exchange, sessionId, principal, message, params } = post;
  if (sessionId === undefined || sessionId === '') {
    throw new GatewayError(
      'SESSION_MISSING',
      'The URL needs the sessionId that the endpoint event gave.',
    );
  }
  const session = sessions.find(sessionId, ownerOf(req, principal));
  if (claimsModern(params, req.headers)) {
    throw new GatewayError(
      'REQUEST_INVALID',
      'Requests that carry their protocol version go to /mcp.',
    );
  }
  if (message.kind === 'notification') handleLegacyNotification(session, message, params);
  if (message.kind === 'response') session.questions.answer(message);
  if (message.kind === 'request') {
    assertFreshId(session, message);
    if ((session.stream?.backlogBytes ?? 0) > MAX_BACKLOG_BYTES) {
      throw new GatewayError(
        'TOO_MANY_STREAMS',
        'More than 1 MiB of answers wait on the event stream. Read them before you ask for more.',
      );
    }
  }
  sendAccepted(exchange.res);
  if (message.kind !== 'request') return;
  const reply = createStreamReply(context, exchange.asked, () => session.stream);
  handleLegacyRequest(context, { session, message, params, reply });
}
