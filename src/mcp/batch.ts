// JSON-RPC batches, which only revision 2025-03-26 has.
import type { ServerResponse } from 'node:http';
import type { Message } from '../core/call.ts';
import { GatewayError, isGatewayError } from '../core/errors.ts';
import { idOf, readMessage, readParams, salvageId, withId } from '../wire/message.ts';
import type { Params } from '../wire/message.ts';
import type { Context, Reply } from './context.ts';
import { claimsModern } from './era.ts';
import { sendAccepted } from './exchange.ts';
import { assertFreshId, handleLegacyNotification, handleLegacyRequest } from './legacy.ts';
import { renderError, toGatewayError } from './reply.ts';
import type { Asked } from './reply.ts';
import type { Session } from './session.ts';
import { EventStream } from './stream.ts';

const MAX_ELEMENTS = 100;

interface Element {
  readonly asked: Asked;
  readonly message: Message | undefined;
  readonly params: Params | undefined;
  readonly error: GatewayError | undefined;
}

const invalid = (text: string): GatewayError => new GatewayError('REQUEST_INVALID', text);

/** @throws GatewayError REQUEST_INVALID for a batch that is none at all */
export function readElements(pieces: readonly Buffer[]): Element[] {
  if (pieces.length === 0) throw invalid('The batch is empty.');
  if (pieces.length > MAX_ELEMENTS) throw invalid(`A batch may hold ${MAX_ELEMENTS} messages.`);
  const elements = pieces.map(readElement);
  if (elements.some(({ params }) => params && claimsModern(params, {}))) {
    throw invalid('A batch may not hold requests that carry their protocol version.');
  }
  return elements;
}

function readElement(bytes: Buffer): Element {
  try {
    const message = readMessage(bytes);
    const params = readParams(message);
    const id = message.kind === 'request' ? idOf(message) : '';
    const asked: Asked = { era: 'legacy', id, method: message.method, name: params.name };
    return { asked, message, params, error: undefined };
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    const id = salvageId(bytes);
    const asked: Asked = { era: 'legacy', id: id === 'null' ? '' : id, method: '', name: '' };
    return { asked, message: undefined, params: undefined, error };
  }
}

/** Answers each request of the batch as one event; 202 when there is nothing to answer. */
export function handleBatch(
  context: Context,
  session: Session,
  res: ServerResponse,
  elements: readonly Element[],
): void {
  for (const { message, params } of elements) {
    if (message?.kind === 'notification') handleLegacyNotification(session, message, params!);
    if (message?.kind === 'response') session.questions.answer(message);
  }
  const due = elements.filter(({ error, message }) => error ?? message?.kind === 'request');
  if (due.length === 0) {
    sendAccepted(res);
    return;
  }
  const stream = new EventStream(res, context.timing, context.log);
  let left = due.length;
  const onDone = () => {
    if (--left === 0) stream.end();
  };
  for (const { asked, message, params, error } of due) {
    const reply = createStreamReply(context, asked, () => stream, onDone);
    try {
      if (error) throw error;
      if (asked.method === 'initialize') throw invalid('initialize may not be part of a batch.');
      assertFreshId(session, message!);
      handleLegacyRequest(context, { session, message: message!, params: params!, reply });
    } catch (thrown) {
      reply.fail(thrown);
    }
  }
}

/** Answers one of the requests that share a stream. */
export function createStreamReply(
  context: Context,
  asked: Asked,
  stream: () => EventStream | undefined,
  onDone: () => void = () => undefined,
): Reply {
  const last = (bytes?: Buffer) => {
    if (bytes) stream()?.send(bytes);
    onDone();
  };
  return {
    era: asked.era,
    notify: ({ bytes }) => stream()?.send(bytes, { droppable: true }),
    tell(message, onGone) {
      const open = stream();
      open?.send(message);
      if (onGone) open?.onClose(onGone);
      return open !== undefined && !open.closed;
    },
    get gone() {
      return stream()?.closed ?? true;
    },
    answer: (answer) => last(withId(answer, asked.id)),
    respond: (_status, bytes) => last(bytes),
    fail(thrown) {
      const error = toGatewayError(thrown, context.log, { method: asked.method });
      last(renderError(error, asked, context.serverInfo).bytes);
    },
    drop: () => last(),
    linger: () => undefined,
  };
}
